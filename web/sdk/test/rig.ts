// A real server, and a proxy between it and the clients that cuts, delays and splits.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientEvents, type ClientOptions } from "../src/index.ts";

export class TestServer {
  #process: ChildProcess | null = null;
  #port = 0;
  readonly #data: string;
  readonly #args: readonly string[];

  private constructor(args: readonly string[]) {
    this.#args = args;
    this.#data = mkdtempSync(join(process.env["SDK_TEST_WORK"] ?? "/tmp", "data-"));
  }

  static async start(...args: string[]): Promise<TestServer> {
    const s = new TestServer(args);
    await s.run();
    return s;
  }

  /** Starts it, again on the same port. data: with the files of another server. */
  async run(data = this.#data): Promise<void> {
    const child = spawn(
      process.env["SDK_TEST_SERVER"]!,
      ["serve", "--data", data, "--listen", "tcp://127.0.0.1:0", "--http", "off", "--web", `http://127.0.0.1:${this.#port}`, "--log-level", "warn", "--sync", "process-safe", ...this.#args],
      { stdio: ["ignore", "pipe", "inherit"], env: {} },
    );
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let out = "";
      child.stdout!.on("data", (b: Buffer) => {
        out += String(b);
        const at = /http:\/\/127\.0\.0\.1:(\d+)/.exec(out);
        if (at) {
          this.#port = Number(at[1]);
          resolve();
        }
      });
      child.once("exit", (code) => reject(new Error(`the server has ended with ${code}: ${out}`)));
    });
  }

  get port(): number {
    return this.#port;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    await ended;
  }
}

export class Proxy {
  delayMs = 0;
  /** Bytes come in parts of at most so many; 0: as they are. */
  split = 0;
  /** Nothing passes, and nothing ends. */
  frozen = false;
  /** New connections are refused. */
  down = false;
  connections = 0;
  readonly #listener: Server;
  readonly #pairs = new Set<Socket>();
  readonly #to: () => number;
  #thaw: (() => void)[] = [];

  private constructor(to: () => number) {
    this.#to = to;
    this.#listener = createServer((c) => this.#accept(c));
  }

  static async start(to: () => number): Promise<Proxy> {
    const p = new Proxy(to);
    await new Promise<void>((resolve) => p.#listener.listen(0, "127.0.0.1", () => resolve()));
    return p;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#listener.address() as AddressInfo).port}/ws`;
  }

  /** Breaks all connections, now. */
  cut(): void {
    for (const s of this.#pairs) s.resetAndDestroy();
  }

  thaw(): void {
    this.frozen = false;
    for (const f of this.#thaw.splice(0)) f();
  }

  close(): void {
    this.cut();
    this.#listener.close();
  }

  #accept(from: Socket): void {
    if (this.down) {
      from.destroy();
      return;
    }
    this.connections++;
    const to = connect(this.#to(), "127.0.0.1");
    void this.#pipe(from, to);
    void this.#pipe(to, from);
  }

  async #pipe(from: Socket, to: Socket): Promise<void> {
    this.#pairs.add(from);
    from.setNoDelay(true);
    const end = () => {
      this.#pairs.delete(from);
      from.destroy();
      to.destroy();
    };
    from.on("error", end);
    from.on("close", end);
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (this.frozen) await new Promise<void>((resolve) => this.#thaw.push(resolve));
        if (this.delayMs) await sleep(this.delayMs);
        const most = this.split || chunk.length;
        for (let at = 0; at < chunk.length; ) {
          const n = this.split ? 1 + Math.floor(Math.random() * most) : most;
          to.write(chunk.subarray(at, at + n));
          at += n;
          if (this.split) await new Promise((resolve) => setImmediate(resolve));
        }
      }
      to.end();
    } catch {
      end();
    }
  }
}

export function client(url: string, name: string, more: Partial<ClientOptions> = {}): Client {
  return new Client({ url, name, program: "test", reconnectMinMs: 20, reconnectMaxMs: 200, ...more });
}

/** Waits for the next event of that name for which test holds. */
export function next<K extends keyof ClientEvents>(c: Client, name: K, test: (e: ClientEvents[K]) => boolean = () => true, ms = 20_000): Promise<ClientEvents[K]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      off();
      reject(new Error(`no "${name}" came in ${ms} ms`));
    }, ms);
    const off = c.on(name, (e) => {
      if (!test(e)) return;
      clearTimeout(timer);
      off();
      resolve(e);
    });
  });
}

/** Waits until test holds. */
export async function until(test: () => boolean, what: string, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!test()) {
    if (Date.now() > end) throw new Error(`in ${ms} ms it did not come to this: ${what}`);
    await sleep(5);
  }
}

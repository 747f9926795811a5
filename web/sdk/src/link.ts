// One connection after the other: WebSocket, backoff, heartbeats. It knows no packet but the ping.
import { DisconnectedError, ProtocolError } from "./errors.ts";
import { type Fields, decode } from "./wire.ts";

/** What the link needs of a WebSocket: the browser's, or Node's. */
export interface Socket {
  readonly readyState: number;
  onopen: ((e: never) => void) | null;
  onmessage: ((e: { data: unknown } & never) => void) | null;
  onclose: ((e: { code: number; reason: string } & never) => void) | null;
  onerror: ((e: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols: string) => Socket;

/** The subprotocol that this package speaks. */
export const subprotocol = "sarang.v1.json";

export interface LinkConfig {
  readonly url: string;
  readonly Socket: SocketConstructor;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly deadlineMs: number;
  readonly random: () => number;
}

export interface LinkOwner {
  /** The connection stands: log in. */
  opened(): void;
  packet(name: string, fields: Fields): void;
  /** What has to do with the connection is over. The link comes back by itself. */
  lost(err: Error, retryInMs: number): void;
}

const openState = 1;

/** A connection that has held so long begins with short waits again when it is lost. */
const stableMs = 10_000;

/** How long an answer to a ping may take. */
const pongMs = 10_000;

/** The same when something has made us doubt, such as a machine that was asleep. */
const pongDoubtMs = 4_000;

export class Link {
  readonly #config: LinkConfig;
  readonly #owner: LinkOwner;
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined; // deadline, next attempt, or heartbeat
  #attempt = 0;
  #admittedAt = 0;
  #heartbeatMs = 30_000;
  #heardAt = 0;
  #pinged = false;
  #ended = false;
  #waits = false;

  constructor(config: LinkConfig, owner: LinkOwner) {
    this.#config = config;
    this.#owner = owner;
  }

  start(): void {
    if (this.#ended || this.#socket) return;
    this.#waits = false;
    let socket: Socket;
    try {
      socket = new this.#config.Socket(this.#config.url, subprotocol);
    } catch (err) {
      this.#again(new DisconnectedError(`no connection to ${this.#config.url}: ${String(err)}`));
      return;
    }
    this.#socket = socket;
    this.#after(this.#config.deadlineMs, () => this.drop(new DisconnectedError("the server did not answer in time")));
    // What a socket says that is not ours any more is nobody's.
    socket.onopen = () => {
      if (this.#socket === socket) this.#owner.opened();
    };
    socket.onmessage = (e: { data: unknown }) => {
      if (this.#socket === socket) this.#received(e.data);
    };
    socket.onclose = (e: { code: number; reason: string }) => {
      if (this.#socket === socket) this.drop(new DisconnectedError(e.reason || "the connection was lost", e.code));
    };
    socket.onerror = () => {
      if (this.#socket === socket) this.drop(new DisconnectedError("the server can not be reached"));
    };
  }

  /** The server has let us in. */
  admitted(heartbeatSeconds: number): void {
    this.#admittedAt = this.#heardAt = Date.now();
    this.#heartbeatMs = (heartbeatSeconds || 30) * 1000;
    this.#pinged = false;
    this.#after(this.#heartbeatMs, () => this.#beat());
  }

  get open(): boolean {
    return this.#socket?.readyState === openState;
  }

  send(name: string, fields: Fields): boolean {
    if (!this.#socket || this.#socket.readyState !== openState) return false;
    this.#socket.send(JSON.stringify({ [name]: fields }));
    return true;
  }

  /** Gives the connection up and tries again: after retryMs, if the server has said so. */
  drop(err: Error, retryMs = 0): void {
    if (!this.#letGo()) return;
    this.#again(err, retryMs);
  }

  /** Ends for good. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#letGo();
  }

  /** Something has changed (the network, the machine woke up): look at once whether all is well. */
  check(): void {
    if (this.#ended) return;
    if (this.#waits) {
      clearTimeout(this.#timer);
      this.start();
    } else if (this.#admittedAt && !this.#pinged) {
      this.#ping(pongDoubtMs);
    }
  }

  #letGo(): boolean {
    const socket = this.#socket;
    if (!socket) return false;
    clearTimeout(this.#timer);
    this.#socket = null;
    try {
      socket.close(1000);
    } catch {
      // It is gone already.
    }
    return true;
  }

  #again(err: Error, retryMs = 0): void {
    if (this.#ended) return;
    if (this.#admittedAt && Date.now() - this.#admittedAt >= stableMs) this.#attempt = 0;
    this.#admittedAt = 0;
    const wait = retryMs || this.#backoff();
    this.#waits = true;
    this.#after(wait, () => this.start());
    this.#owner.lost(err, wait);
  }

  /**
   * Anything up to a bound that doubles (full jitter), so that the clients of a server that
   * fell do not come back all at once.
   */
  #backoff(): number {
    const c = this.#config;
    const bound = Math.min(c.reconnectMaxMs, c.reconnectMinMs * 2 ** Math.min(this.#attempt++, 20));
    return Math.floor(c.random() * (bound + 1));
  }

  #after(ms: number, f: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(f, ms);
  }

  #received(data: unknown): void {
    this.#heardAt = Date.now();
    try {
      if (typeof data !== "string") throw new ProtocolError("a message of the server is no text");
      const { name, fields } = decode(data);
      if (name === "S_PONG") {
        this.#pinged = false;
        this.#after(this.#heartbeatMs, () => this.#beat());
      } else if (name === "S_PING") {
        this.send("C_PONG", fields);
      } else {
        this.#owner.packet(name, fields);
      }
    } catch (err) {
      if (!(err instanceof ProtocolError)) throw err;
      this.drop(err);
    }
  }

  #beat(): void {
    const silent = Date.now() - this.#heardAt;
    if (silent < this.#heartbeatMs) this.#after(this.#heartbeatMs - silent, () => this.#beat());
    else this.#ping(pongMs);
  }

  #ping(deadlineMs: number): void {
    if (!this.send("C_PING", { value: "1" })) return;
    this.#pinged = true;
    this.#after(deadlineMs, () => this.drop(new DisconnectedError("the server does not answer any more")));
  }
}

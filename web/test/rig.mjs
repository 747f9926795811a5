// A server, a browser, and people in it.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const here = dirname(fileURLToPath(import.meta.url));
export const pictures = join(here, "../out");
mkdirSync(pictures, { recursive: true });

export const phone = { width: 360, height: 740 };
export const desktop = { width: 1280, height: 800 };

/** A server on a free port; run starts it again there, with the same data. */
export class Server {
  port = 0;
  #child = null;
  #data = mkdtempSync(join(tmpdir(), "sarang-page-"));

  /** More of its options. */
  args = [];

  async run() {
    const child = spawn(
      process.env.SARANG,
      ["serve", "--data", this.#data, "--listen", "tcp://127.0.0.1:0", "--http", "off", "--web", `http://127.0.0.1:${this.port}`, "--log-level", "warn", "--sync", "process-safe", ...this.args],
      { stdio: ["ignore", "pipe", "inherit"], env: {} },
    );
    this.#child = child;
    await new Promise((resolve, reject) => {
      let out = "";
      child.stdout.on("data", (b) => {
        out += b;
        const at = /http:\/\/127\.0\.0\.1:(\d+)/.exec(out);
        if (at) {
          this.port = Number(at[1]);
          resolve();
        }
      });
      child.once("exit", (code) => reject(new Error(`the server has ended with ${code}: ${out}`)));
    });
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async kill(signal = "SIGKILL") {
    const child = this.#child;
    this.#child = null;
    if (!child) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  async end() {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--font-render-hinting=none"],
  });
}

/** Somebody with a browser profile of his own. What goes wrong in his console fails the test. */
export class Person {
  faults = [];

  static async come(browser, server, name, options = {}) {
    const { room, ...more } = options;
    const p = new Person();
    p.server = server;
    p.context = await browser.newContext({ viewport: desktop, locale: "en-US", reducedMotion: "reduce", ...more });
    await p.#open(room);
    if (name) {
      await p.page.fill("#name", name);
      await p.page.keyboard.press("Enter");
      await p.page.waitForSelector(".shell");
    }
    return p;
  }

  /** Another tab of the same browser. */
  async tab(room) {
    const p = new Person();
    p.faults = this.faults;
    p.server = this.server;
    p.context = this.context;
    await p.#open(room);
    return p;
  }

  async #open(room) {
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(20_000);
    this.page.on("pageerror", (e) => this.faults.push(String(e)));
    this.page.on("console", (m) => {
      // Lost connections are what some tests are about.
      if ((m.type() === "error" || m.type() === "warning") && !/WebSocket connection|ERR_|Failed to load resource/.test(m.text())) this.faults.push(m.text());
    });
    await this.page.goto(`${this.server.url}/${room ? `#/${encodeURIComponent(room)}` : ""}`);
  }

  async make(room, hidden = false) {
    await this.page.click(".side .bar button");
    await this.page.fill("#room-name", room);
    if (hidden) await this.page.check("dialog input[type=checkbox]");
    await this.page.keyboard.press("Enter");
    await this.page.locator(".room h1", { hasText: room }).waitFor(); // another room's field may be there still
    await this.page.waitForSelector("#composer");
  }

  /** Goes to a room by the switcher, as somebody does who has a keyboard. */
  async goTo(room) {
    await this.page.keyboard.press("Control+k");
    await this.page.fill("dialog input", room);
    await this.page.locator("#choices li[aria-selected=true]", { hasText: room }).waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(".room h1", { hasText: room }).waitFor();
  }

  /** Something of the room's menu. */
  async choose(text) {
    await this.page.click(".menu summary");
    await this.page.locator(".menu li button", { hasText: text }).click();
  }

  async say(text) {
    await this.page.fill("#composer", text);
    await this.page.press("#composer", "Enter");
  }

  async sees(text) {
    await this.page.locator(".msg:not(.unsent) .body", { hasText: text }).last().waitFor();
  }

  texts() {
    return this.page.$$eval(".msg:not(.unsent) .body", (all) => all.map((b) => b.textContent));
  }

  /** Waits until test holds for what the browser has kept in a store: what gathers is written some time later. */
  async kept(store, test, ms = 20_000) {
    const end = Date.now() + ms;
    for (;;) {
      const all = await this.page.evaluate(
        (name) =>
          new Promise((resolve, reject) => {
            const open = indexedDB.open("sarang");
            open.onerror = () => reject(open.error);
            open.onsuccess = () => {
              const get = open.result.transaction(name).objectStore(name).getAll();
              get.onerror = () => reject(get.error);
              get.onsuccess = () => {
                open.result.close();
                resolve(get.result);
              };
            };
          }),
        store,
      );
      if (test(all)) return;
      if (Date.now() > end) throw new Error(`in ${ms} ms the browser has not kept what was wanted of ${store}: ${JSON.stringify(all).slice(0, 500)}`);
      await this.page.evaluate(() => new Promise(requestAnimationFrame));
    }
  }

  async picture(name) {
    await this.page.screenshot({ path: join(pictures, `${name}.png`) });
  }
}

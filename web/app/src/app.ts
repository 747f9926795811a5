// The page's state and what can be done with it. Views read signals and call these methods.
import { batch, computed, signal } from "@preact/signals";
import { Client, Code, type Id, type Role, RoomChangedError, type RoomEvent, type RoomInfo, ServerError } from "sarang-client";
import { t } from "./i18n.ts";
import { type Outgoing, RoomModel } from "./room.ts";
import { plain } from "./text.ts";

export type Connection =
  | { readonly is: "online" }
  | { readonly is: "connecting" }
  | { readonly is: "offline"; readonly retryAtMs: number };

interface Saved {
  name: string;
  token: string;
  user: string;
  rooms: { id: string; name: string; epoch: string; ephemeral: boolean; private: boolean; readSeq: number }[];
  last: string;
}

/** Events that are asked for when a room is opened, and at each step back. */
const pageItems = 100;

/** Rooms that a session keeps open. */
const roomsMax = 60;

export type Dialog = "none" | "switcher" | "newRoom" | "settings" | "keys" | "invite" | "moderate";

class App {
  readonly client = signal<Client | null>(null);
  readonly user = signal<Id>("0");
  readonly name = signal("");
  readonly connection = signal<Connection>({ is: "connecting" });
  readonly rooms = signal<readonly RoomModel[]>([]);
  readonly others = signal<readonly RoomInfo[]>([]);
  readonly current = signal<RoomModel | null>(null);
  readonly dialog = signal<Dialog>("none");
  readonly about = signal<{ user: Id; name: string } | null>(null); // whom "moderate" is about
  readonly people = signal(matchMedia("(min-width: 1100px)").matches);
  readonly notice = signal("");
  readonly announcement = signal("");
  readonly loginError = signal("");
  readonly entering = signal(false);
  readonly unread = computed(() => this.rooms.value.reduce((n, r) => n + r.unread.value, 0));
  #wanted = ""; // the room that the address names
  #moves = 0; // how often another room was wanted
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #said: string[] = [];
  #sayTimer: ReturnType<typeof setTimeout> | undefined;

  /** Where this page's server is. */
  get url(): string {
    return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  }

  saved(): Saved | null {
    try {
      const s = JSON.parse(localStorage.getItem("me") ?? "null") as Saved | null;
      return s && typeof s.name === "string" && typeof s.token === "string" ? s : null;
    } catch {
      return null;
    }
  }

  /** Keeps who we are, and our rooms. */
  save(): void {
    const client = this.client.value;
    if (!client) return;
    const rooms = this.rooms.value.map((r) => {
      const { id, name, epoch, ephemeral, private: hidden } = r.info.value;
      return { id, name, epoch, ephemeral, private: hidden, readSeq: r.readSeq.value };
    });
    const saved: Saved = { name: this.name.value, token: client.token, user: this.user.value, rooms, last: this.current.value?.info.value.name ?? "" };
    localStorage.setItem("me", JSON.stringify(saved));
  }

  start(): void {
    addEventListener("hashchange", () => this.#route());
    addEventListener("online", () => this.client.value?.check());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        this.client.value?.check();
        const r = this.current.value;
        if (r?.atEnd) r.read();
      }
      this.save();
    });
    addEventListener("pagehide", () => this.save());
    this.#wanted = roomOfAddress();
    const saved = this.saved();
    if (saved) void this.enter(saved.name, saved);
  }

  /** Logs in, as a guest. */
  async enter(name: string, saved?: Saved): Promise<void> {
    this.loginError.value = "";
    this.entering.value = true;
    const client = new Client({ url: this.url, name, program: "sarang page", ...(saved ? { token: saved.token } : {}) });
    this.#listen(client);
    if (saved) {
      // What was known stands there before the server has answered.
      batch(() => {
        this.name.value = saved.name;
        this.user.value = saved.user;
        this.client.value = client;
        for (const r of saved.rooms) this.#add(new RoomModel({ ...r, lastSeq: 0, members: 0 })).readSeq.value = r.readSeq;
        this.#wanted ||= saved.last;
        this.#route();
      });
      for (const r of saved.rooms.slice(0, roomsMax)) void this.#rejoin(client, r);
    }
    try {
      const self = await client.connect();
      batch(() => {
        this.client.value = client;
        this.name.value = self.name;
        this.user.value = self.user;
      });
      this.save();
      await this.refreshRooms();
      if (!saved) this.#route();
    } catch (err) {
      client.close();
      batch(() => {
        this.client.value = null;
        this.rooms.value = [];
        this.current.value = null;
        this.loginError.value = sentence(err);
      });
    } finally {
      this.entering.value = false;
    }
  }

  async forget(): Promise<void> {
    this.client.value?.close();
    localStorage.removeItem("me");
    location.hash = "";
    location.reload();
  }

  // Rooms.

  #add(r: RoomModel): RoomModel {
    this.rooms.value = [...this.rooms.value, r].sort((a, b) => a.info.value.name.localeCompare(b.info.value.name));
    this.others.value = this.others.value.filter((o) => o.id !== r.id);
    return r;
  }

  find(id: Id): RoomModel | undefined {
    return this.rooms.value.find((r) => r.id === id);
  }

  async #rejoin(client: Client, known: Saved["rooms"][number]): Promise<void> {
    try {
      const { room, after } = await client.join({ room: known.id, known, historyItems: pageItems });
      this.#joined(room, after, known.readSeq);
    } catch (err) {
      if (this.client.value !== client || !(err instanceof ServerError || err instanceof RoomChangedError)) return;
      this.#remove(known.id);
      this.tell(`${t().roomGone(`#${known.name}`)}: ${sentence(err)}`);
    }
  }

  #joined(info: RoomInfo, after: number, readSeq: number): RoomModel {
    const r = this.find(info.id) ?? this.#add(new RoomModel(info));
    batch(() => {
      r.info.value = info;
      r.present.value = info.members;
      r.readSeq.value = Math.max(r.readSeq.value, Math.min(readSeq, info.lastSeq));
      r.olderMore = after > 0 && !info.ephemeral;
      r.newLine.value = 0;
    });
    void this.refreshPeople(r);
    this.save();
    return r;
  }

  /** Opens a room by name, joining it if need be, making it if create says so. */
  async open(name: string, create?: { private: boolean }): Promise<void> {
    const client = this.client.value;
    if (!client) return;
    const there = this.rooms.value.find((r) => sameName(r.info.value.name, name));
    if (there) {
      this.show(there);
      return;
    }
    const move = ++this.#moves;
    try {
      const { room, after } = await client.join({ name, historyItems: pageItems, ...(create ? { create: true, private: create.private } : {}) });
      const r = this.#joined(room, after, room.lastSeq);
      if (move === this.#moves) this.show(r); // else somebody has gone elsewhere meanwhile
    } catch (err) {
      this.tell(sentence(err));
    }
  }

  show(r: RoomModel | null): void {
    this.#moves++;
    const before = this.current.value;
    if (before && before !== r) before.newLine.value = 0;
    batch(() => {
      this.current.value = r;
      if (r && r !== before) {
        r.newLine.value = r.unread.value > 0 ? r.readSeq.value : 0;
        r.toEnd();
        r.read();
      }
    });
    const hash = r ? `#/${encodeURIComponent(r.info.value.name)}` : "";
    if (location.hash !== hash) history.pushState(null, "", hash || location.pathname);
    document.title = this.title();
    this.save();
  }

  title(): string {
    const r = this.current.value;
    const n = this.unread.value;
    return `${n ? `(${n}) ` : ""}${r ? `#${r.info.value.name} · ` : ""}Sarang`;
  }

  #route(): void {
    const name = roomOfAddress() || this.#wanted;
    this.#wanted = "";
    if (!name) {
      this.show(null);
      return;
    }
    if (this.current.value && sameName(this.current.value.info.value.name, name)) return;
    void this.open(name);
  }

  #remove(id: Id): void {
    const r = this.find(id);
    if (!r) return;
    batch(() => {
      this.rooms.value = this.rooms.value.filter((o) => o !== r);
      if (this.current.value === r) this.show(null);
    });
    this.save();
  }

  async leave(r: RoomModel): Promise<void> {
    try {
      await this.client.value?.leave(r.id);
    } catch (err) {
      if (!(err instanceof ServerError && err.code === Code.notMember)) {
        this.tell(sentence(err));
        return;
      }
    }
    this.#remove(r.id);
    void this.refreshRooms();
  }

  /** Looks which rooms there are besides. */
  async refreshRooms(): Promise<void> {
    const client = this.client.value;
    if (!client) return;
    try {
      const all: RoomInfo[] = [];
      for await (const r of client.allRooms()) {
        all.push(r);
        if (all.length >= 500) break;
      }
      this.others.value = all.filter((r) => !this.find(r.id)).sort((a, b) => b.members - a.members || a.name.localeCompare(b.name));
    } catch {
      // The list that was there stays.
    }
  }

  async refreshPeople(r: RoomModel): Promise<void> {
    try {
      const page = await this.client.value?.memberPage(r.id, "0", 200);
      if (!page) return;
      batch(() => {
        r.people.value = [...page.members].sort((a, b) => a.name.localeCompare(b.name));
        r.present.value = page.total;
      });
    } catch {
      // Whoever is not in the room may not know.
    }
  }

  /** Reads a page of what stands before. */
  async older(r: RoomModel): Promise<void> {
    if (r.moveUp() || !r.olderMore || r.loading.value || r.info.value.ephemeral) return;
    const before = r.events[0]?.seq;
    if (!before || before <= 1) {
      r.olderMore = false;
      r.changed();
      return;
    }
    r.loading.value = true;
    try {
      const page = await this.client.value!.history(r.id, { before, itemsMax: pageItems });
      r.prepend(page.events, page.more);
    } catch (err) {
      this.tell(sentence(err));
    } finally {
      r.loading.value = false;
    }
  }

  // Messages.

  send(r: RoomModel, text: string): void {
    const client = this.client.value;
    if (!client) return;
    const o: Outgoing = { room: r.id, nonce: client.nonce(), text, atMs: Date.now(), state: "sending" };
    r.outbox.value = [...r.outbox.value, o];
    this.#publish(client, r, o);
  }

  again(r: RoomModel, o: Outgoing): void {
    const client = this.client.value;
    if (!client) return;
    const next: Outgoing = { room: o.room, nonce: o.nonce, text: o.text, atMs: o.atMs, state: "sending" };
    r.outbox.value = r.outbox.value.map((x) => (x.nonce === o.nonce ? next : x));
    this.#publish(client, r, next);
  }

  discard(r: RoomModel, o: Outgoing): void {
    r.outbox.value = r.outbox.value.filter((x) => x.nonce !== o.nonce);
  }

  #publish(client: Client, r: RoomModel, o: Outgoing): void {
    client.publish(r.id, o.text, { nonce: o.nonce }).then(
      (seq) => {
        // Its event takes it away; here it has come already, before the answer.
        if (seq <= r.last) this.discard(r, o);
      },
      (err: unknown) => {
        r.outbox.value = r.outbox.value.map((x) => (x.nonce === o.nonce ? { ...x, state: "failed", error: sentence(err) } : x));
      },
    );
  }

  // Moderation.

  async giveRole(r: RoomModel, role: Role, whom: { subject?: Id; name?: string }, forSeconds = 0): Promise<boolean> {
    try {
      await this.client.value!.giveRole(r.id, role, whom, { forSeconds });
      return true;
    } catch (err) {
      this.tell(sentence(err));
      return false;
    }
  }

  async kick(r: RoomModel, subject: Id): Promise<void> {
    try {
      await this.client.value!.kick(r.id, { subject });
    } catch (err) {
      this.tell(sentence(err));
    }
  }

  // What the server says.

  #listen(client: Client): void {
    client.on("online", () => {
      this.connection.value = { is: "online" };
    });
    client.on("offline", (e) => {
      this.connection.value = { is: "offline", retryAtMs: Date.now() + e.retryInMs };
    });
    client.on("joined", (j) => {
      const r = this.find(j.room.id);
      if (!r || !j.rejoin) return;
      r.info.value = j.room;
      void this.refreshPeople(r);
    });
    client.on("event", (e) => this.#event(e));
    client.on("gap", (g) => {
      const r = this.find(g.room);
      if (!r) return;
      if (g.epochChanged) r.reset();
      else r.gaps.set(g.to + 1, g.to - g.from + 1);
      r.changed();
    });
    client.on("left", (e) => {
      const r = this.find(e.room);
      if (!r) return;
      this.#remove(e.room);
      this.tell(`${t().sentOut(`#${r.info.value.name}`)}: ${e.error.message}`);
    });
    client.on("lost", (e) => {
      this.#remove(e.room.id);
      this.tell(`${t().roomGone(`#${e.room.name}`)}: ${sentence(e.error)}`);
    });
  }

  #event(e: RoomEvent): void {
    let r = this.find(e.room);
    if (!r) {
      // It comes right behind the answer to the join, which is told a moment later.
      const info = this.client.value?.rooms().find((x) => x.room.id === e.room)?.room;
      if (!info) return;
      r = this.#add(new RoomModel(info));
      r.readSeq.value = info.lastSeq;
    }
    const seen = r === this.current.value && r.atEnd && document.visibilityState === "visible";
    if (r === this.current.value && !seen && r.unread.value === 0 && e.user !== this.user.value && e.kind === "message") {
      r.newLine.value = r.readSeq.value;
    }
    r.take(e, this.user.value, this.name.value, seen);
    document.title = this.title();
    if (e.kind === "message" && e.user !== this.user.value && r === this.current.value) this.#announce(e);
  }

  /** Says new messages to who listens, some at a time: a flood is only counted. */
  #announce(e: RoomEvent): void {
    this.#said.push(t().announce(e.name, plain(e.text).slice(0, 300)));
    this.#sayTimer ??= setTimeout(() => {
      this.#sayTimer = undefined;
      const said = this.#said.splice(0);
      this.announcement.value = said.length > 3 ? t().announceMany(said.length) : said.join("\n");
    }, 700);
  }

  tell(text: string): void {
    clearTimeout(this.#noticeTimer);
    this.notice.value = text;
    this.#noticeTimer = setTimeout(() => (this.notice.value = ""), 6000);
  }

  // Going about.

  go(by: 1 | -1, onlyUnread = false): void {
    const all = this.rooms.value;
    const at = this.current.value ? all.indexOf(this.current.value) : -1;
    for (let i = 1; i <= all.length; i++) {
      const r = all[(at + by * i + all.length * 2) % all.length];
      if (r && (!onlyUnread || r.unread.value > 0)) {
        this.show(r);
        return;
      }
    }
  }
}

export const app = new App();

export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function roomOfAddress(): string {
  try {
    return decodeURIComponent(/^#\/(.+)$/.exec(location.hash)?.[1] ?? "");
  } catch {
    return "";
  }
}

export function sentence(err: unknown): string {
  const text = err instanceof Error ? err.message : String(err);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// One connection for all tabs of a browser: the tab that holds a lock has it, and does for the others
// what they ask. When that tab goes, the browser gives the lock to another one, which connects, and each
// tab goes on from where it stands; what had no answer is asked again. Where a browser has no locks (a
// page that did not come over TLS), each tab has a connection of its own.
import {
  Client,
  type ClientEvents,
  ClosedError,
  Code,
  type Cursor,
  DisconnectedError,
  Emitter,
  type Gap,
  type Id,
  InterruptedError,
  changedInfo,
  type Joined,
  type JoinOptions,
  type MyRoom,
  PublishError,
  RoomChangedError,
  type RoomEvent,
  type RoomInfo,
  type Self,
  ServerError,
} from "sarang-client";

/** What may be asked again when nobody knows whether it was done; with the place of its options, where a nonce goes in. */
const repeatable = {
  leave: 0,
  myRoomPage: 0,
  mark: 0,
  mute: 0,
  roomPage: 0,
  history: 0,
  mentions: 0,
  threads: 0,
  follow: 0,
  readThread: 0,
  search: 0,
  memberPage: 0,
  direct: 0,
  register: 0,
  sessions: 0,
  endSession: 0,
  report: 0,
  reportPage: 0,
  auditPage: 0,
  linkPage: 0,
  filter: 0,
  setFilter: 0,
  profile: 0,
  setProfile: 0,
  away: 0,
  block: 0,
  blockPage: 0,
  publish: 2,
  edit: 3,
  delete: 2,
  react: 3,
  pin: 2,
  topic: 2,
  set: 2,
  giveRole: 3,
  kick: 2,
} as const;

const once = ["create", "resolve", "changePassword", "eraseUser", "rename", "makeLink", "revokeLink", "joinLink"] as const;

type Call = keyof typeof repeatable | (typeof once)[number];

const told = ["online", "offline", "event", "joined", "gap", "left", "mark", "followed", "mute", "belongs", "typing", "profile", "renamed", "block", "lost", "fault"] as const;

/** A tab asks. */
interface Ask {
  readonly tab: string;
  readonly id: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

/** What the tab with the connection says: an answer, an event for all, or that it is there. */
type Said =
  | { readonly tab: string; readonly id: number; readonly value?: unknown; readonly error?: Plain }
  | { readonly event: keyof ClientEvents; readonly value: unknown }
  | { readonly hub: string };

/** An error as it goes from tab to tab: a copy would not know what it is. */
interface Plain {
  readonly is: string;
  readonly message: string;
  readonly code: number;
  readonly retryAfterMs: number;
  readonly known: string;
  readonly got: string;
  readonly nonce: string;
  readonly sent: boolean;
}

function plainOf(err: unknown): Plain {
  const e = (err instanceof Error ? err : new Error(String(err))) as Partial<Plain> & Error;
  const { code = 0, retryAfterMs = 0, known = "", got = "", nonce = "", sent = false } = e;
  return { is: e.name, message: e.message, code, retryAfterMs, known, got, nonce, sent };
}

function errorOf(p: Plain): Error {
  switch (p.is) {
    case "ServerError":
      return new ServerError(p.code, p.message, p.retryAfterMs);
    case "RoomChangedError":
      return new RoomChangedError(p.known, p.got);
    case "PublishError":
      return new PublishError(p.nonce, p.sent, null);
    case "InterruptedError":
      return new InterruptedError();
    case "ClosedError":
      return new ClosedError();
  }
  return new DisconnectedError(p.message);
}

/** What a tab is told of a room that the connection has joined already: all behind where the tab stands. */
interface Caught extends Joined {
  readonly events?: readonly RoomEvent[];
  /** It stands too far back: what it has of the room is left. */
  readonly reset?: boolean;
}

/** Events of a room that are kept for tabs that come later. */
const recentMax = 300;

/** A tab that is further back begins at the end. */
const behindMax = 1000;

const pageItems = 100;

/** The connection, in the tab that has it. */
class Hub {
  readonly id = randomId();
  readonly client: Client;
  readonly #say: (m: Said) => void;
  readonly #underWay = new Map<string, Promise<unknown>>(); // by nonces: two tabs may send what one has written
  readonly #recent = new Map<Id, RoomEvent[]>(); // of each room, without a gap, up to the newest that came
  readonly #joining = new Map<string, Promise<unknown>>();
  #silent = false;

  constructor(client: Client, say: (m: Said) => void) {
    this.client = client;
    this.#say = (m) => {
      if (!this.#silent) say(m);
    };
    client.on("event", (e) => {
      const all = this.#recent.get(e.room);
      if (!all || all.at(-1)!.seq + 1 !== e.seq) this.#recent.set(e.room, [e]);
      else if (all.push(e) > 2 * recentMax) all.splice(0, recentMax);
    });
    client.on("gap", (g) => void this.#recent.delete(g.room));
    for (const name of told) {
      client.on(name, (value) => {
        const error = (value as { error?: unknown }).error;
        this.#say({ event: name, value: error ? { ...value, error: plainOf(error) } : name === "fault" ? plainOf(value) : value });
      });
    }
  }

  start(): void {
    this.#say({ hub: this.id });
    this.client.connect().catch(() => {}); // "offline" tells
  }

  /** Another tab has taken over. */
  end(): void {
    this.#silent = true;
    this.client.close();
  }

  async serve(a: Ask): Promise<void> {
    try {
      const known = a.call === "join" && this.client.rooms().map((r) => r.room.id);
      const value = await this.#do(a);
      this.#say({ tab: a.tab, id: a.id, value });
      // The server tells other connections of what one has done; the other tabs have none.
      const room = a.args[0] as Id;
      if (a.call === "mark") this.#say({ event: "mark", value: { room, seq: value } });
      else if (a.call === "mute") this.#say({ event: "mute", value: { room, muted: a.args[1] } });
      else if (a.call === "setProfile") this.#say({ event: "profile", value });
      else if (a.call === "rename") this.#say({ event: "renamed", value: { name: value } });
      else if (a.call === "block") this.#say({ event: "block", value: { user: value, removed: (a.args[1] as { remove?: boolean } | undefined)?.remove ?? false } });
      else if (a.call === "leave") this.#say({ event: "left", value: { room, error: plainOf(new ServerError(Code.left, "left")), seq: 0, untilMs: 0 } });
      else if (known && !known.includes((value as Joined).room.id)) this.#say({ event: "belongs", value: { room: (value as Joined).room.id } });
    } catch (err) {
      this.#say({ tab: a.tab, id: a.id, error: plainOf(err) });
    }
  }

  #do(a: Ask): Promise<unknown> {
    const { client } = this;
    switch (a.call) {
      case "hello":
        return Promise.resolve({ hub: this.id, self: client.online ? { ...client.self, token: client.token } : null });
      case "check":
        client.check();
        return Promise.resolve();
      case "typing":
        client.typing(a.args[0] as Id);
        return Promise.resolve();
      case "join":
        return this.#join(a.args[0] as JoinOptions);
    }
    const at = repeatable[a.call as keyof typeof repeatable] as number | undefined;
    if (at === undefined && !once.includes(a.call as (typeof once)[number])) throw new TypeError(`nobody can ask for ${a.call}`);
    if (a.call === "leave") this.#recent.delete(a.args[0] as Id);
    const run = () => (client[a.call as Call] as (...args: readonly unknown[]) => Promise<unknown>)(...a.args);
    if (!at) return run();
    const { nonce } = a.args[at] as { nonce: string };
    let going = this.#underWay.get(nonce);
    if (!going) {
      going = run().finally(() => this.#underWay.delete(nonce));
      this.#underWay.set(nonce, going);
    }
    return going;
  }

  /** Joins a room for a tab: on the connection, or, where that has it already, by what came since the tab's cursor. */
  async #join(j: JoinOptions): Promise<Caught> {
    const key = j.room ?? `#${lower(j.name)}`;
    await this.#joining.get(key)?.catch(() => {});
    const there = () => this.client.rooms().find((r) => (j.room ? r.room.id === j.room : lower(r.room.name) === lower(j.name)));
    if (!there()) {
      const going = this.client.join(j);
      this.#joining.set(key, going);
      try {
        return await going;
      } catch (err) {
        if (!there()) throw err; // else it was joined by its name and its number at once
      } finally {
        this.#joining.delete(key);
      }
    }
    const { room, cursor } = there()!;
    const { known } = j;
    if (known && (room.ephemeral ? known.name !== room.name : known.epoch !== room.epoch)) throw new RoomChangedError(known.name, room.name);
    const joined = { room, cursorVoid: false, rejoin: false };
    const from = j.cursor?.epoch === room.epoch ? j.cursor.seq : -1;
    if (from >= cursor.seq) return { ...joined, after: from, events: [] };
    const older = from >= 0 ? await this.#between(room.id, from) : null;
    if (older) return { ...joined, after: from, events: this.#upToNow(room.id, older) };
    const last = await this.#before(room, cursor.seq, j.cursor ? pageItems : (j.historyItems ?? 0));
    return { ...joined, after: (last[0]?.seq ?? cursor.seq + 1) - 1, events: this.#upToNow(room.id, last, cursor.seq), reset: j.cursor !== undefined };
  }

  /** All behind from that is not in #recent; null: that is too much. */
  async #between(room: Id, from: number): Promise<RoomEvent[] | null> {
    const until = () => this.#recent.get(room)?.[0]?.seq ?? (this.client.rooms().find((r) => r.room.id === room)?.cursor.seq ?? 0) + 1;
    const all: RoomEvent[] = [];
    const texts = new Map<number, string>();
    for (let after = from; after < until() - 1; ) {
      if (until() - after > behindMax) return null;
      const page = await this.client.history(room, { after, itemsMax: pageItems }).catch(() => null);
      if (page?.events[0]?.seq !== after + 1) return null; // something is not kept any more, or the room keeps nothing
      for (const e of page.events) {
        if (e.seq >= until()) break;
        // A page has edits without their text: what holds in the end is the newest one.
        if (e.kind === "edit" && !texts.has(e.target)) {
          const told = await this.client.history(room, { after: e.target - 1, itemsMax: 1 });
          texts.set(e.target, told.events[0]?.seq === e.target ? told.events[0].text : "");
        }
        all.push(e.kind === "edit" ? { ...e, text: texts.get(e.target)! } : e);
      }
      after = page.events.at(-1)!.seq;
    }
    return all;
  }

  /** The last events up to one. */
  async #before(room: RoomInfo, seq: number, itemsMax: number): Promise<readonly RoomEvent[]> {
    if (itemsMax === 0) return [];
    if (room.ephemeral) return (this.#recent.get(room.id) ?? []).filter((e) => e.seq <= seq).slice(-itemsMax);
    return (await this.client.history(room.id, { before: seq + 1, itemsMax })).events;
  }

  /** What was read, and what has come behind it. */
  #upToNow(room: Id, read: readonly RoomEvent[], from = 0): RoomEvent[] {
    const last = read.at(-1)?.seq ?? from;
    return [...read, ...(this.#recent.get(room) ?? []).filter((e) => e.seq > last)];
  }
}

function lower(s: string | undefined): string {
  return (s ?? "").toLowerCase();
}

/** A room as a tab has it. */
interface Standing {
  info: RoomInfo;
  seq: number;
  seqMs: number;
  mending: boolean;
}

interface Asked {
  readonly call: string;
  readonly args: readonly unknown[];
  readonly repeat: boolean;
  /** What belongs to one connection: it is asked by whoever begins the next. */
  readonly ofHub: boolean;
  resolve(v: unknown): void;
  reject(err: Error): void;
}

/** How long the tab with the connection may say nothing: a page that hangs is no use. */
const patienceMs = 6000;

/** A room that can not be joined for now is tried again after that. */
const rejoinMs = 1000;

/** The methods of #via. */
export interface TabClient extends Pick<Client, Call> {}

/** What the page has of a client, wherever the connection is. */
export class TabClient extends Emitter<ClientEvents> {
  readonly #make: () => Client;
  readonly #tab = randomId();
  readonly #rooms = new Map<Id, Standing>();
  readonly #early = new Map<Id, Gap>(); // told before the answer to the join
  readonly #asked = new Map<number, Asked>();
  #user: Id;
  #channel: BroadcastChannel | null = null;
  #hub: Hub | null = null; // ours
  #hubId = "";
  #greeted = false; // by the hub that there is
  #next = 1;
  #nonce = (BigInt(crypto.getRandomValues(new Uint32Array(1))[0]!) << 32n) + 1n;
  #self: Self | null = null;
  #online = false;
  #ended: Error | null = null;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #ready = gate<Self>();
  #open = gate<void>(); // rooms are joined on the connection that there is
  #opened = false;

  /** user: who one was, whose connection another tab may have; "": nobody yet. */
  constructor(make: () => Client, user: Id) {
    super();
    this.#make = make;
    this.#user = user;
    this.#ready.promise.catch(() => {});
    for (const name of Object.keys(repeatable)) this.#via(name as Call, true);
    for (const name of once) this.#via(name, false);
  }

  #via(name: Call, repeat: boolean): void {
    const at = (repeatable as Record<string, number>)[name] ?? 0;
    const f = (...given: unknown[]) => {
      const args = [...given];
      if (at) {
        while (args.length < at) args.push(undefined);
        args[at] = { nonce: this.nonce(), ...(args[at] as object | undefined) };
      }
      return this.#open.promise.then(() => this.#ask(name, args, repeat));
    };
    Object.defineProperty(this, name, { value: f });
  }

  connect(): Promise<Self> {
    if (!this.#user || !("locks" in navigator) || !("BroadcastChannel" in globalThis)) {
      this.#lead();
    } else {
      this.#listen();
      this.#queue();
      this.#hello();
    }
    return this.#ready.promise;
  }

  close(): void {
    this.#hub?.client.close();
    this.#finish(new ClosedError());
  }

  get self(): Self | null {
    return this.#self;
  }

  get online(): boolean {
    return this.#online;
  }

  get token(): string {
    return this.#self?.token ?? this.#hub?.client.token ?? "";
  }

  /** Whether the connection is this tab's. */
  get leads(): boolean {
    return this.#hub !== null;
  }

  rooms(): { room: RoomInfo; cursor: Cursor }[] {
    return [...this.#rooms.values()].map((r) => ({ room: r.info, cursor: cursorOf(r) }));
  }

  nonce(): string {
    return String(this.#nonce++ & 0xffff_ffff_ffff_ffffn);
  }

  /** Looks at once whether the connection holds, and whether somebody has it. */
  check(): void {
    if (this.#hub) this.#hub.client.check();
    else if (this.#channel && !this.#ended) {
      void this.#ask("check", [], false, true).catch(() => {});
      this.#hello();
    }
  }

  typing(room: Id): void {
    if (this.#online) void this.#ask("typing", [room], false, true).catch(() => {});
  }

  async join(j: JoinOptions): Promise<Joined> {
    await this.#open.promise;
    return this.#join(j, false);
  }

  async *myRooms(): AsyncGenerator<MyRoom> {
    for (let after = "0"; ; ) {
      const page = await this.myRoomPage(after);
      yield* page.rooms;
      const last = page.rooms.at(-1);
      if (!page.more || !last) return;
      after = last.room.id;
    }
  }

  async *allRooms(): AsyncGenerator<RoomInfo> {
    for (let after = "0"; ; ) {
      const page = await this.roomPage(after);
      yield* page.rooms;
      const last = page.rooms.at(-1);
      if (!page.more || !last) return;
      after = last.id;
    }
  }

  // Who has the connection.

  #listen(): void {
    this.#channel = new BroadcastChannel(`sarang ${this.#user}`);
    this.#channel.onmessage = (e: MessageEvent<Said | Ask>) => {
      const m = e.data;
      if (!("call" in m)) this.#hear(m);
      else if (this.#hub) void this.#hub.serve(m);
    };
  }

  /** Stands in the queue for the connection: the tab that has it may go at any time. */
  #queue(how: LockOptions = {}): void {
    navigator.locks
      .request(`sarang ${this.#user}`, how, (lock) => {
        if (!lock) return undefined; // ifAvailable, and it is not
        if (!this.#channel) this.#listen();
        this.#lead();
        return new Promise<void>(() => {}); // as long as the tab is there
      })
      .catch(() => {
        // Somebody has taken it, for we did not answer.
        this.#hub?.end();
        this.#hub = null;
        if (!this.#ended) this.#queue();
      });
  }

  #lead(): void {
    if (this.#ended) return;
    if (this.#hub) {
      this.#say({ hub: this.#hub.id }); // it was there before there was a channel
      return;
    }
    const hub = new Hub(this.#make(), (m) => this.#say(m));
    this.#hub = hub;
    hub.start();
  }

  #say(m: Said): void {
    this.#channel?.postMessage(m);
    this.#hear(m);
  }

  /** Asks who has the connection; if nobody answers in time, it is taken. */
  #hello(): void {
    if (this.#hub) return;
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      if (!this.#hub && !this.#ended) this.#queue({ steal: true });
    }, patienceMs);
    void this.#ask("hello", [], false, true).then(
      (v) => {
        clearTimeout(this.#patience);
        this.#patience = undefined;
        const { hub, self } = v as { hub: string; self: Self | null };
        if (hub !== this.#hubId) this.#met(hub);
        else if (self && !this.#greeted) this.#welcome(self);
      },
      () => {},
    );
  }

  /** There is another connection than before, or a first one. */
  #met(hub: string): void {
    if (hub === this.#hubId) return;
    this.#hubId = hub;
    this.#greeted = false;
    if (this.#opened) this.#open = gate<void>();
    this.#opened = false;
    for (const [id, a] of this.#asked) {
      if (!a.ofHub) continue;
      this.#asked.delete(id);
      a.reject(new InterruptedError());
    }
    if (this.#online) {
      this.#online = false;
      this.emit("offline", { error: new DisconnectedError("another tab connects"), retryInMs: 0, final: false });
    }
    this.#hello();
  }

  /** The connection is there, for the first time for us: rooms are joined on it from where we stand. */
  #welcome(self: Self): void {
    this.#greeted = true;
    this.#came(self);
    const hub = this.#hubId;
    const before = [...this.#asked].filter(([, a]) => !a.ofHub).map(([id]) => id);
    const first = this.#user === "";
    if (first) {
      this.#user = self.user;
      if ("locks" in navigator && "BroadcastChannel" in globalThis) this.#queue({ ifAvailable: true });
    }
    void Promise.all([...this.#rooms.values()].map((r) => this.#rejoin(r, hub))).then(() => {
      if (hub !== this.#hubId) return;
      this.#opened = true;
      this.#open.resolve();
      for (const id of before) {
        const a = this.#asked.get(id);
        if (!a) continue;
        if (a.repeat) this.#send(id, a);
        else {
          this.#asked.delete(id);
          a.reject(new InterruptedError());
        }
      }
    });
  }

  #came(self: Self): void {
    this.#self = self;
    this.#online = true;
    this.#ready.resolve(self);
    this.emit("online", self);
  }

  #finish(err: Error): void {
    if (this.#ended) return;
    this.#ended = err;
    this.#online = false;
    clearTimeout(this.#patience);
    for (const a of this.#asked.values()) a.reject(err);
    this.#asked.clear();
    this.#rooms.clear();
    this.#ready.reject(err);
    this.#channel?.close();
    this.#channel = null;
    this.emit("offline", { error: err, retryInMs: 0, final: true });
  }

  // What is asked, and answered.

  #ask(call: string, args: readonly unknown[], repeat: boolean, ofHub = false): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      const a: Asked = { call, args, repeat, ofHub, resolve, reject };
      this.#asked.set(id, a);
      this.#send(id, a);
    });
  }

  #send(id: number, a: Asked): void {
    const ask: Ask = { tab: this.#tab, id, call: a.call, args: a.args };
    if (this.#hub) void this.#hub.serve(ask);
    else this.#channel?.postMessage(ask);
  }

  #hear(m: Said): void {
    if (this.#ended) return;
    if ("hub" in m) return this.#met(m.hub);
    if ("event" in m) return this.#event(m.event, m.value);
    const a = m.tab === this.#tab ? this.#asked.get(m.id) : undefined;
    if (!a) return;
    this.#asked.delete(m.id);
    if (m.error) return a.reject(errorOf(m.error));
    if (a.call === "join") this.#stands(m.value as Caught);
    if (a.call === "register" && this.#self) this.#self = { ...this.#self, account: true };
    a.resolve(m.value);
  }

  #event(name: keyof ClientEvents, value: unknown): void {
    switch (name) {
      case "event":
        return this.#take(value as RoomEvent);
      case "gap":
        return this.#gap(value as Gap);
      case "online":
        return this.#greeted ? this.#came(value as Self) : this.#welcome(value as Self);
      case "offline": {
        const e = value as { error: Plain; retryInMs: number; final: boolean };
        if (e.final) return this.#finish(errorOf(e.error));
        this.#online = false;
        return this.emit("offline", { ...e, error: errorOf(e.error) });
      }
      case "joined": {
        const j = value as Joined;
        const r = this.#rooms.get(j.room.id);
        if (!r || !j.rejoin) return; // other tabs' joins are not ours
        r.info = j.room;
        return this.emit("joined", j);
      }
      case "left": {
        const e = value as { room: Id; error: Plain; seq: number; untilMs: number };
        this.#rooms.delete(e.room);
        return this.emit("left", { ...e, error: errorOf(e.error) as ServerError });
      }
      case "lost": {
        const e = value as { room: RoomInfo; error: Plain };
        this.#rooms.delete(e.room.id);
        return this.emit("lost", { ...e, error: errorOf(e.error) });
      }
      case "fault":
        return; // the connection begins anew, and says so
    }
    this.emit(name, value as never);
  }

  // Rooms. What a tab has not seen of a room that the connection has joined comes with the answer.

  async #join(j: JoinOptions, ofHub: boolean): Promise<Joined> {
    return (await this.#ask("join", [j], !ofHub, ofHub)) as Joined;
  }

  /** The answer to a join is there; what comes next is behind it. */
  #stands(j: Caught): void {
    const r = this.#rooms.get(j.room.id);
    if (r && r.info.epoch === j.room.epoch && !j.cursorVoid && !j.reset) {
      r.info = j.room;
      r.seq = Math.max(r.seq, j.after); // it may have gone on meanwhile
    } else {
      this.#rooms.set(j.room.id, { info: j.room, seq: j.after, seqMs: 0, mending: false });
    }
    const gap = this.#early.get(j.room.id);
    this.#early.delete(j.room.id);
    if (gap) this.emit("gap", gap);
    if (j.reset) this.emit("gap", { room: j.room.id, epoch: j.room.epoch, from: 1, to: j.after, epochChanged: true });
    for (const e of j.events ?? []) this.#take(e);
  }

  async #rejoin(r: Standing, hub: string): Promise<void> {
    while (hub === this.#hubId && this.#rooms.get(r.info.id) === r) {
      try {
        const j = await this.#join({ room: r.info.id, known: r.info, cursor: cursorOf(r) }, true);
        this.emit("joined", { ...j, rejoin: true });
        return;
      } catch (err) {
        if (err instanceof InterruptedError || err instanceof ClosedError) return;
        if (!(err instanceof ServerError && err.temporary)) {
          this.#rooms.delete(r.info.id);
          this.emit("lost", { room: r.info, error: err as Error });
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, err.retryAfterMs || rejoinMs));
      }
    }
  }

  #take(e: RoomEvent): void {
    const r = this.#rooms.get(e.room);
    if (!r || e.seq <= r.seq) return;
    if (e.seq > r.seq + 1) {
      // Something has passed by: from here on it is delivered again.
      if (r.mending) return;
      r.mending = true;
      void this.#rejoin(r, this.#hubId).finally(() => (r.mending = false));
      return;
    }
    r.seq = e.seq;
    r.seqMs = e.timeMs;
    r.info = changedInfo(r.info, e);
    this.emit("event", e);
  }

  #gap(g: Gap): void {
    const r = this.#rooms.get(g.room);
    if (!r) {
      if ([...this.#asked.values()].some((a) => a.call === "join")) this.#early.set(g.room, g);
      return;
    }
    if (g.epochChanged) r.info = { ...r.info, epoch: g.epoch };
    else if (g.to <= r.seq) return; // another tab's, that stood further back
    const from = g.epochChanged ? g.from : Math.max(g.from, r.seq + 1);
    r.seq = g.to;
    r.seqMs = 0;
    this.emit("gap", { ...g, from });
  }
}

function cursorOf(r: Standing): Cursor {
  return { epoch: r.info.epoch, seq: r.seq, timeMs: r.seqMs };
}

function randomId(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join("-");
}

interface Gate<T> {
  readonly promise: Promise<T>;
  resolve(v: T): void;
  reject(err: unknown): void;
}

function gate<T>(): Gate<T> {
  let resolve!: (v: T) => void;
  let reject!: (err: unknown) => void;
  const promise = new Promise<T>((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
}

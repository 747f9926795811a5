import { Emitter } from "./emitter.ts";
import {
  ClosedError,
  Code,
  InterruptedError,
  ProtocolError,
  PublishError,
  RoomChangedError,
  ServerError,
} from "./errors.ts";
import { Files } from "./files.ts";
import { Link, type SocketConstructor } from "./link.ts";
import { type KnownRoom, Nonces, type Pending, Room, sameRoom } from "./room.ts";
import * as wire from "./wire.ts";
import { type AuditEntry, type AuditMark, type ClientPacket, type Cursor, type DeviceSession, type Fields, type Followed, type Hit, type Id, type Member, type MentionPlace, type MyRoom, type Outcome, type Profile, type Report, type Role, type RoomEvent, type RoomFilter, type RoomInfo, type RoomLink, type RoomSetting, type Self, type Thread, packetId } from "./wire.ts";

export interface ClientOptions {
  /** ws://HOST:PORT/ws or wss://… */
  url: string | URL;
  /** The name wanted. */
  name: string;
  /** The token of an earlier login by that name (`Self.token`); without it one is made. */
  token?: string;
  /** The password of the account that has the name; or, with register, of the one that is made. */
  password?: string;
  register?: boolean;
  /** A token of a program that embeds the chat: it says who the user is. */
  jwt?: string;
  /** With register, where the server wants a code. */
  invitation?: string;
  /** What the user calls where he is, for the list of his sessions. */
  device?: string;
  /** Program and version, for the server's log. */
  program?: string;
  /** Where there is no global one. */
  WebSocket?: SocketConstructor;
  /** Bounds of the wait before the next attempt to connect. Defaults 250 and 15 000. */
  reconnectMinMs?: number;
  reconnectMaxMs?: number;
  /** How long a connection and a login may take. Default 10 000. */
  deadlineMs?: number;
  /** For tests. */
  random?: () => number;
}

export interface JoinOptions {
  /** By number, or */
  room?: Id;
  /** by name. */
  name?: string;
  /** By name: make it if there is none. */
  create?: boolean;
  /** With create: it is not stored. */
  ephemeral?: boolean;
  /** With create: for those who are invited. */
  private?: boolean;
  /** Delivery begins behind it. */
  cursor?: Cursor;
  /** Without a cursor: delivery begins so many events before the end. */
  historyItems?: number;
  /** What the caller knows of the room with that number; another one is left at once: RoomChangedError. */
  known?: KnownRoom;
}

export interface Joined {
  readonly room: RoomInfo;
  /** Delivery begins with the next one. */
  readonly after: number;
  /** What the cursor stood for is not in this log: forget the room's events and numbers. */
  readonly cursorVoid: boolean;
  /** The client has joined again by itself, after a reconnect. */
  readonly rejoin: boolean;
}

export interface HistoryPage {
  /** All that the log had up to here is in the page's messages. */
  readonly asOf: number;
  readonly room: Id;
  readonly epoch: string;
  readonly events: readonly RoomEvent[];
  /** There is more in the direction asked for. */
  readonly more: boolean;
}

export interface MemberPage {
  readonly members: readonly Member[];
  /** Present in all. */
  readonly total: number;
  readonly more: boolean;
}

export interface ReportPage {
  readonly reports: readonly Report[];
  readonly more: boolean;
}

export interface AuditPage {
  /** The newest first. */
  readonly entries: readonly AuditEntry[];
  readonly more: boolean;
}

/** Threads of a room, the one that was answered last first. */
export interface ThreadPage {
  readonly room: Id;
  readonly threads: readonly Thread[];
  readonly more: boolean;
}

export interface MentionPage {
  /** Messages, as a page of history has them; the newest first. There may be none, and more. */
  readonly messages: readonly RoomEvent[];
  readonly more: boolean;
  /** With more: before of the next page. */
  readonly next: MentionPlace;
}

/** What is looked for: one of text, user, name, links and files is given. */
export interface SearchOptions {
  /** A room, joined or not; without it all that the user belongs to. */
  room?: Id;
  /** Words, "phrases" and beginnings*; all of them are to be there. */
  text?: string;
  /** Only what this user has said, by id or by the name that he has now. */
  user?: Id;
  name?: string;
  /** Dated then or later, and before that. */
  afterMs?: number;
  beforeMs?: number;
  /** Only with an address of the web. */
  links?: boolean;
  /** Only with files. */
  files?: boolean;
  /** next of the page before, with all else as it was there. */
  from?: string;
  itemsMax?: number;
}

export interface SearchPage {
  /** The newest first. There may be none, and a next. */
  readonly hits: readonly Hit[];
  /** Where to go on; "": that was all. */
  readonly next: string;
  /** The server has not come to all old messages yet. */
  readonly partial: boolean;
}

export interface Gap {
  readonly room: Id;
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
  /** The log is another one: forget all numbers. */
  readonly epochChanged: boolean;
}

export interface Left {
  readonly room: Id;
  readonly error: ServerError;
  /** The event that did it. */
  readonly seq: number;
  /** Of a ban for a time. */
  readonly untilMs: number;
}

/** What a client tells, by name. */
export interface ClientEvents {
  /** The server has let us in, at first or again. */
  online: Self;
  /** The connection is lost. final: it is over, and nothing is tried any more. */
  offline: { readonly error: Error; readonly retryInMs: number; readonly final: boolean };
  /** The next event of a joined room, each once and in order. */
  event: RoomEvent;
  joined: Joined;
  /** Events that can not be delivered any more. */
  gap: Gap;
  /** Somebody has sent us out of a room. */
  left: Left;
  /** Another session of the user has read up to it. */
  mark: { readonly room: Id; readonly seq: number };
  /** Another session of the user has said what he has to do with a thread. */
  followed: Followed;
  /** Another session of the user has said whether he wants to be told of what happens there. */
  mute: { readonly room: Id; readonly muted: boolean };
  /** The user belongs to a room without having asked for it: somebody talks to him in a direct room. */
  belongs: { readonly room: Id };
  /** Somebody types in a joined room: show it for 6 s (typingShownMs), or until an event of his comes. */
  typing: { readonly room: Id; readonly user: Id; readonly name: string };
  /** Another session of the user has said something of him, has given him another name, blocks somebody or does not any more. */
  profile: Profile;
  renamed: { readonly name: string };
  block: { readonly user: Id; readonly removed: boolean };
  /** A room could not be joined again; it is joined no more. RoomChangedError: it is another one. */
  lost: { readonly room: RoomInfo; readonly error: Error };
  /** The server does not keep to the protocol; the client connects again. */
  fault: ProtocolError;
}

interface Request {
  readonly packet: ClientPacket;
  readonly fields: Fields;
  /** May be said again when its answer was lost. */
  readonly repeat: boolean;
  /** The error that means, the second time, that the first has done it. */
  readonly doneCode: number;
  readonly room: Room | null; // of a rejoin
  readonly join: JoinOptions | null;
  readonly undo: Id; // of a leave that nobody has asked for
  tries: number;
  refusals: number;
  resolve(f: Fields): void;
  reject(err: unknown): void;
}

/** Requests of a session without an answer; the server refuses from 8 on. */
const requestsMax = 6;

/** Messages without an answer, per room: more than the server has nonces of would be void. */
const publishesPendingMax = 256;

/** The server takes no more often that somebody types; the others show it for typingShownMs. */
const typingEveryMs = 2000;
export const typingShownMs = 6000;

/** How often a request is said again that the server has refused for now. */
const refusalsMax = 5;

/** How long to wait when the server refuses for now and does not say for how long. */
const retryDefaultMs = 1000;

const answers: Readonly<Record<string, ClientPacket>> = {
  S_JOIN: "C_JOIN",
  S_LEAVE: "C_LEAVE",
  S_CREATE: "C_CREATE",
  S_LIST: "C_LIST",
  S_HISTORY: "C_HISTORY",
  S_MEMBERS: "C_MEMBERS",
  S_MARK: "C_MARK",
  S_MUTE: "C_MUTE",
  S_ROOMS: "C_ROOMS",
  S_DIRECT: "C_DIRECT",
  S_SESSIONS: "C_SESSIONS",
  S_REPORTS: "C_REPORTS",
  S_AUDIT: "C_AUDIT",
  S_FILTER: "C_FILTER",
  S_MAKE_LINK: "C_MAKE_LINK",
  S_LINKS: "C_LINKS",
  S_JOIN_LINK: "C_JOIN_LINK",
  S_PROFILE: "C_PROFILE",
  S_SET_PROFILE: "C_SET_PROFILE",
  S_RENAME: "C_RENAME",
  S_BLOCK: "C_BLOCK",
  S_BLOCKS: "C_BLOCKS",
  S_SEEN_BY: "C_SEEN_BY",
  S_SEARCH: "C_SEARCH",
  S_MENTIONS: "C_MENTIONS",
  S_THREADS: "C_THREADS",
  S_FOLLOW: "C_FOLLOW",
  S_READ_THREAD: "C_READ_THREAD",
};

/** Answers that only their request tells apart. */
const shared: Readonly<Record<string, ReadonlySet<ClientPacket>>> = {
  S_DONE: new Set(["C_REGISTER", "C_PASSWORD", "C_END_SESSION", "C_ERASE", "C_AWAY", "C_REVOKE_LINK"]),
  S_REPORT: new Set(["C_REPORT", "C_RESOLVE"]),
};

/**
 * One user of a server. It stays connected until close, or until the server refuses the login
 * for good; it joins its rooms again from where it stood, and sends what was not acknowledged.
 */
export class Client extends Emitter<ClientEvents> {
  readonly #options: ClientOptions;
  readonly #link: Link;
  readonly #nonces = new Nonces((into) => void crypto.getRandomValues(into));
  readonly #rooms = new Map<Id, Room>();
  readonly #undoing = new Set<Id>();
  readonly #removed = new Set<Id>(); // on this connection
  readonly #requests = new Map<number, Request>();
  #queue: Request[] = [];
  #request = 0;
  #name: string;
  #token: string;
  #self: Self | null = null;
  #online = false;
  #ended: Error | null = null;
  #slow = false; // the server said: too fast
  #slowTill = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = 0;
  readonly #waits = new Set<ReturnType<typeof setTimeout>>();
  readonly #refusedFor = new Set<Request>(); // they are asked again later
  #ready: { promise: Promise<Self>; resolve(s: Self): void; reject(err: unknown): void } | null = null;

  constructor(options: ClientOptions) {
    super();
    this.#options = options;
    this.#name = options.name;
    this.#token = options.token || newToken();
    const Socket = options.WebSocket ?? (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
    if (!Socket) throw new TypeError("there is no WebSocket here: give one in the options (Node 20: --experimental-websocket)");
    this.#link = new Link(
      {
        url: String(options.url),
        Socket,
        reconnectMinMs: options.reconnectMinMs ?? 250,
        reconnectMaxMs: options.reconnectMaxMs ?? 15_000,
        deadlineMs: options.deadlineMs ?? 10_000,
        random: options.random ?? Math.random,
      },
      {
        opened: () => this.#login(),
        packet: (name, fields) => this.#packet(name, fields),
        lost: (err, retryInMs) => this.#lost(err, retryInMs),
      },
    );
  }

  /**
   * Connects and logs in. It goes on trying while the server can not be reached; it fails when
   * the server refuses the login for good, and after close.
   */
  connect(): Promise<Self> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (!this.#ready) {
      this.#ready = withResolvers<Self>();
      this.#ready.promise.catch(() => {}); // "offline" tells of it as well
      this.#link.start();
    }
    return this.#ready.promise;
  }

  /** Ends the connection and everything that belongs to the client. */
  close(): void {
    this.#finish(new ClosedError());
  }

  /** What the server said at the last login. */
  get self(): Self | null {
    return this.#self;
  }

  get online(): boolean {
    return this.#online;
  }

  /** Sends and fetches files; origin is where the server's web address is, if not that of the connection. */
  files(origin = originOf(this.#options.url)): Files {
    return new Files(origin, () => ({ user: this.#self?.user ?? "0", token: this.#token }));
  }

  /** Base64. It shows who one is at the next login; keep it from before the first one on. */
  get token(): string {
    return this.#token;
  }

  /** Call it when the network or the machine came back: it connects, or looks, at once. */
  check(): void {
    this.#link.check();
  }

  /** The rooms that are joined, or are joined again when the connection is back. */
  rooms(): { room: RoomInfo; cursor: Cursor; joined: boolean; pending: number }[] {
    return [...this.#rooms.values()].map((r) => ({
      room: r.info,
      cursor: r.cursor,
      joined: r.joined,
      pending: r.pending.length,
    }));
  }

  /** Joins a room. It is joined again after a reconnect, from where it stood, until leave. */
  async join(j: JoinOptions): Promise<Joined> {
    let joined: Joined | undefined;
    await this.#ask("C_JOIN", joinFields(j), true, {
      join: j,
      took: (f) => {
        joined = joinedOf(f, false);
      },
    });
    return joined!;
  }

  /**
   * Leaves a room: this session is not present there any more. What was published there and has
   * no answer fails. forGood: the user does not belong to it any more, on none of his devices.
   */
  async leave(room: Id, how: { forGood?: boolean } = {}): Promise<void> {
    const r = this.#rooms.get(room);
    if (!r && !how.forGood) throw new ServerError(Code.notMember, "the room is not joined");
    if (r) r.leaving = true;
    try {
      await this.#ask("C_LEAVE", how.forGood ? { room, forGood: true } : { room }, true, { doneCode: Code.notMember });
    } catch (err) {
      if (r) r.leaving = false;
      if (!(err instanceof ServerError && err.code === Code.notMember)) throw err;
    }
    if (r) this.#forget(r, new ServerError(Code.notMember, "the room was left"));
  }

  /** A page of the rooms that the user belongs to, in the order of their numbers, above after. */
  async myRoomPage(after: Id = "0", itemsMax = 0): Promise<{ rooms: MyRoom[]; more: boolean }> {
    const f = await this.#ask("C_ROOMS", { after, itemsMax }, true);
    return { rooms: wire.list(f, "rooms", wire.myRoom), more: wire.bool(f, "more") };
  }

  /** All of them, page by page. */
  async *myRooms(): AsyncGenerator<MyRoom> {
    for (let after = "0"; ; ) {
      const page = await this.myRoomPage(after);
      yield* page.rooms;
      const last = page.rooms.at(-1);
      if (!page.more || !last) return;
      after = last.room.id;
    }
  }

  /** Says that the user has read everything up to seq; returns the mark that holds, which never goes back. */
  async mark(room: Id, seq: number): Promise<number> {
    return wire.num(await this.#ask("C_MARK", { room, seq }, true), "seq");
  }

  /** Says whether the user wants to be told of what happens in a room. */
  async mute(room: Id, muted: boolean): Promise<void> {
    await this.#ask("C_MUTE", { room, muted }, true);
  }

  /** Makes a room, without joining it. InterruptedError: it may be there or not. */
  async create(name: string, how: { ephemeral?: boolean; private?: boolean } = {}): Promise<RoomInfo> {
    const f = await this.#ask("C_CREATE", { name, ...how }, false);
    return wire.roomInfo(wire.sub(f, "room"));
  }

  /** A page of the rooms that one may see, in the order of their numbers, above after. */
  async roomPage(after: Id = "0", itemsMax = 0): Promise<{ rooms: RoomInfo[]; more: boolean }> {
    const f = await this.#ask("C_LIST", { after, itemsMax }, true);
    return { rooms: wire.list(f, "rooms", wire.roomInfo), more: wire.bool(f, "more") };
  }

  /** All of them, page by page. */
  async *allRooms(): AsyncGenerator<RoomInfo> {
    for (let after = "0"; ; ) {
      const page = await this.roomPage(after);
      yield* page.rooms;
      const last = page.rooms.at(-1);
      if (!page.more || !last) return;
      after = last.id;
    }
  }

  /** A page of a room's log: the events above after, or the last ones below before. */
  async history(room: Id, at: { after?: number; before?: number; itemsMax?: number }): Promise<HistoryPage> {
    const f = await this.#ask("C_HISTORY", { room, after: at.after ?? 0, before: at.before ?? 0, itemsMax: at.itemsMax ?? 0 }, true);
    return {
      asOf: wire.num(f, "asOf"),
      room: wire.id(f, "room"),
      epoch: wire.id(f, "epoch"),
      events: wire.list(f, "events", wire.roomEvent),
      more: wire.bool(f, "more"),
    };
  }

  /** A page of what mentions the user by his id, in all rooms that he may read; before is next of the page before. */
  async mentions(before?: MentionPlace, itemsMax = 0): Promise<MentionPage> {
    const f = await this.#ask("C_MENTIONS", { ...(before ? { before: { timeMs: before.timeMs, room: before.room, seq: before.seq } } : {}), itemsMax }, true);
    return { messages: wire.list(f, "events", wire.roomEvent), more: wire.bool(f, "more"), next: wire.mentionPlace(wire.sub(f, "next")) };
  }

  /** A page of the threads of a room; before is last of the last one of the page before. unread: those that the user follows, and in which is something that he has not read. */
  async threads(room: Id, at: { before?: number; itemsMax?: number; unread?: boolean } = {}): Promise<ThreadPage> {
    const f = await this.#ask("C_THREADS", { room, before: at.before ?? 0, itemsMax: at.itemsMax ?? 0, unread: at.unread ?? false }, true);
    return { room: wire.id(f, "room"), threads: wire.list(f, "threads", wire.thread), more: wire.bool(f, "more") };
  }

  /** Follows the thread of a message, or, with remove, does not any more. Who starts a thread, writes in it or is mentioned there follows it without asking. */
  async follow(room: Id, root: number, how: { remove?: boolean } = {}): Promise<Followed> {
    return wire.followed(await this.#ask("C_FOLLOW", { room, root, remove: how.remove ?? false }, true));
  }

  /** Says that a thread was read up to seq, which is kept if the user follows it; 0 only asks whether he does. */
  async readThread(room: Id, root: number, seq: number): Promise<Followed> {
    return wire.followed(await this.#ask("C_READ_THREAD", { room, root, seq }, true));
  }

  /** A page of the messages that say something. noSearch: the server does not search. */
  async search(what: SearchOptions): Promise<SearchPage> {
    const f = await this.#ask("C_SEARCH", { ...what }, true);
    return { hits: wire.list(f, "hits", wire.hit), next: wire.str(f, "next"), partial: wire.bool(f, "partial") };
  }

  /** A page of who is present, in the order of ids, above after. */
  async memberPage(room: Id, after: Id = "0", itemsMax = 0): Promise<MemberPage> {
    const f = await this.#ask("C_MEMBERS", { room, after, itemsMax }, true);
    return { members: wire.list(f, "members", wire.member), total: wire.num(f, "total"), more: wire.bool(f, "more") };
  }

  /** Who somebody is: by id, by the name that he has now, or, with neither, oneself. */
  async profile(whom: { user?: Id; name?: string } = {}): Promise<Profile> {
    return wire.profile(await this.#ask("C_PROFILE", whom, true));
  }

  /** Says something of oneself: what is given takes the place of what was said. */
  async setProfile(p: { displayName?: string; about?: string; status?: string; hidden?: boolean }): Promise<Profile> {
    return wire.profile(await this.#ask("C_SET_PROFILE", p, true));
  }

  /** Another name, as the server writes it; the old one is kept for a while. InterruptedError: it may be so or not. */
  async rename(name: string): Promise<string> {
    this.#name = wire.str(await this.#ask("C_RENAME", { name }, false), "name");
    if (this.#self) this.#self = { ...this.#self, name: this.#name };
    return this.#name;
  }

  /** Nobody sits at this program any more, or somebody does again. */
  async away(away: boolean): Promise<void> {
    await this.#ask("C_AWAY", { away }, true);
  }

  /** One does not want to see somebody, or does again. He is told nothing of it. */
  async block(whom: { user?: Id; name?: string }, how: { remove?: boolean } = {}): Promise<Id> {
    return wire.id(await this.#ask("C_BLOCK", { ...whom, remove: how.remove ?? false }, true), "user");
  }

  /** A page of whom one blocks, in the order of ids, above after. */
  async blockPage(after: Id = "0", itemsMax = 0): Promise<{ users: Member[]; more: boolean }> {
    const f = await this.#ask("C_BLOCKS", { after, itemsMax }, true);
    return { users: wire.list(f, "users", wire.member), more: wire.bool(f, "more") };
  }

  /** Makes the user nobody, for good; an account shows its password. Then the client is told that its session has ended. */
  async eraseUser(password = ""): Promise<void> {
    await this.#ask("C_ERASE", { password }, false);
  }

  /** The direct room of the user and others (by ids, or the names that they have now), made if there is none. Join it by its number. */
  async direct(whom: { users?: readonly Id[]; names?: readonly string[] }): Promise<RoomInfo> {
    const f = await this.#ask("C_DIRECT", { users: whom.users ?? [], names: whom.names ?? [] }, true);
    return wire.roomInfo(wire.sub(f, "room"));
  }

  /** Makes an account of a guest, who stays who he is. */
  async register(password: string, invitation = ""): Promise<void> {
    await this.#ask("C_REGISTER", { password, invitation }, true);
    if (this.#self) this.#self = { ...this.#self, account: true };
  }

  /** Another password; all other sessions of the user end, if they are not kept. */
  async changePassword(oldPassword: string, newPassword: string, how: { keepSessions?: boolean } = {}): Promise<void> {
    await this.#ask("C_PASSWORD", { oldPassword, newPassword, keepSessions: how.keepSessions ?? false }, false);
  }

  /** Where the user has logged in. */
  async sessions(): Promise<DeviceSession[]> {
    return wire.list(await this.#ask("C_SESSIONS", {}, true), "sessions", wire.deviceSession);
  }

  /** Ends a session of the user, or all but this one. */
  async endSession(which: { session: Id } | { others: true }): Promise<void> {
    await this.#ask("C_END_SESSION", which, true);
  }

  /** A nonce for publish, so that the caller can keep it before anything is sent. */
  nonce(): string {
    return this.#nonces.next();
  }

  /**
   * Publishes a text to a joined room; the promise is its number, once it is stored. It outlasts
   * lost connections: the message is sent again, and stored once. With a nonce of the caller's
   * what was interrupted by a reload can be published again.
   */
  publish(room: Id, text: string, how: { nonce?: string; signal?: AbortSignal; target?: number; root?: number; files?: readonly Id[] } = {}): Promise<number> {
    const files = how.files?.length ? { files: how.files } : {};
    const answer = how.target ? { target: how.target, root: how.root ?? 0 } : {};
    return this.#author(room, "C_CHAT", { text, ...answer, ...files }, how);
  }

  /** Says something else in the place of a message of ours. */
  edit(room: Id, target: number, text: string, how: { nonce?: string } = {}): Promise<number> {
    return this.#author(room, "C_EDIT", { target, text }, how);
  }

  /** Has a message erased: ours or, of moderators, anybody's. */
  delete(room: Id, target: number, how: { nonce?: string } = {}): Promise<number> {
    return this.#author(room, "C_DELETE", { target }, how);
  }

  /** Puts an emoji on a message, or takes ours back. */
  react(room: Id, target: number, emoji: string, how: { remove?: boolean; nonce?: string } = {}): Promise<number> {
    return this.#author(room, "C_REACT", { target, emoji, remove: how.remove ?? false }, how);
  }

  /** Pins a message, or unpins it. */
  pin(room: Id, target: number, how: { remove?: boolean; nonce?: string } = {}): Promise<number> {
    return this.#author(room, "C_PIN", { target, remove: how.remove ?? false }, how);
  }

  /** Says what a room is about; nothing takes the topic away. */
  topic(room: Id, text: string, how: { nonce?: string } = {}): Promise<number> {
    return this.#author(room, "C_TOPIC", { text }, how);
  }

  /** Changes a setting of a room: owners may, and moderators may slow it down. */
  set(room: Id, setting: RoomSetting, how: { nonce?: string } = {}): Promise<number> {
    return this.#author(room, "C_SET", wire.settingFields(setting), how);
  }

  /** Tells the others that the user types. Call it at each key: it is sent each 2 s at most, and nothing answers. */
  typing(room: Id): void {
    const r = this.#rooms.get(room);
    if (!this.#online || !r?.joined || r.leaving || Date.now() - r.typedAt < typingEveryMs) return;
    if (this.#link.send("C_TYPING", { room })) r.typedAt = Date.now();
  }

  /** Tells the moderators of a room of a message of somebody else. A second report of it is the first. */
  async report(room: Id, seq: number, reason = ""): Promise<Report> {
    return wire.report(wire.sub(await this.#ask("C_REPORT", { room, seq, reason }, true), "report"));
  }

  /** For moderators: a page of the reports of a room, in the order of their ids, above after. all: those that were resolved, too. */
  async reportPage(room: Id, how: { after?: Id; itemsMax?: number; all?: boolean } = {}): Promise<ReportPage> {
    const f = await this.#ask("C_REPORTS", { room, after: how.after ?? "0", itemsMax: how.itemsMax ?? 0, all: how.all ?? false }, true);
    return { reports: wire.list(f, "reports", wire.report), more: wire.bool(f, "more") };
  }

  /** For moderators: says what became of a report, once. InterruptedError: it may be so or not. */
  async resolve(room: Id, report: Id, outcome: Exclude<Outcome, "open">, note = ""): Promise<Report> {
    const f = await this.#ask("C_RESOLVE", { room, report, outcome: wire.outcomeNumber(outcome), note }, false);
    return wire.report(wire.sub(f, "report"));
  }

  /** For moderators: a page of the room's part of the audit log; before is the last entry of the page before. */
  async auditPage(room: Id, how: { before?: AuditMark; itemsMax?: number } = {}): Promise<AuditPage> {
    const b = how.before;
    const before = b ? { before: { timeMs: b.timeMs, seq: b.seq, id: b.id } } : {};
    const f = await this.#ask("C_AUDIT", { room, ...before, itemsMax: how.itemsMax ?? 0 }, true);
    return { entries: wire.list(f, "entries", wire.auditEntry), more: wire.bool(f, "more") };
  }

  /** For moderators: what the room does not take from its members, who are refused with Code.filtered. */
  async filter(room: Id): Promise<RoomFilter> {
    return wire.roomFilter(wire.sub(await this.#ask("C_FILTER", { room }, true), "filter"));
  }

  /** For moderators: changes it, and returns it as it is kept. */
  async setFilter(room: Id, filter: RoomFilter): Promise<RoomFilter> {
    return wire.roomFilter(wire.sub(await this.#ask("C_FILTER", { room, filter: { words: filter.words, links: filter.links } }, true), "filter"));
  }

  /**
   * For moderators: makes a link into a private room. forSeconds: it holds so long (0: until it is revoked);
   * usesMax: and for so many people (0: no bound). The code is told this once; it is behind roomLinkMark in an address.
   */
  async makeLink(room: Id, how: { forSeconds?: number; usesMax?: number } = {}): Promise<{ link: RoomLink; code: string }> {
    const f = await this.#ask("C_MAKE_LINK", { room, forSeconds: how.forSeconds ?? 0, usesMax: how.usesMax ?? 0 }, false);
    return { link: wire.roomLink(wire.sub(f, "link")), code: wire.str(f, "code") };
  }

  /** For moderators: a page of the links of a room, in the order of their ids, above after; those that do not hold any more may be among them. */
  async linkPage(room: Id, how: { after?: Id; itemsMax?: number } = {}): Promise<{ links: RoomLink[]; more: boolean }> {
    const f = await this.#ask("C_LINKS", { room, after: how.after ?? "0", itemsMax: how.itemsMax ?? 0 }, true);
    return { links: wire.list(f, "links", wire.roomLink), more: wire.bool(f, "more") };
  }

  /** For moderators: nobody comes by the link any more. InterruptedError: it may be so or not. */
  async revokeLink(room: Id, link: Id): Promise<void> {
    await this.#ask("C_REVOKE_LINK", { room, link }, false);
  }

  /** Makes the user a member of the room that a link leads to, by its code. Join it by its number. InterruptedError: it may be so or not. */
  async joinLink(code: string): Promise<RoomInfo> {
    const f = await this.#ask("C_JOIN_LINK", { code }, false);
    return wire.roomInfo(wire.sub(f, "room"));
  }

  /** Gives a user (by id or name) a role. forSeconds is of banned and reader only. */
  giveRole(
    room: Id,
    role: Role,
    whom: { subject?: Id; name?: string },
    how: { forSeconds?: number; reason?: string; nonce?: string } = {},
  ): Promise<number> {
    const fields = { ...whom, role: wire.roleNumber(role), forSeconds: how.forSeconds ?? 0, reason: how.reason ?? "" };
    return this.#author(room, "C_ROLE", fields, how);
  }

  /** Sends a user out of the room, who may come back. */
  kick(room: Id, whom: { subject?: Id; name?: string }, how: { reason?: string; nonce?: string } = {}): Promise<number> {
    return this.#author(room, "C_KICK", { ...whom, reason: how.reason ?? "" }, how);
  }

  // Requests.

  #ask(
    packet: ClientPacket,
    fields: Fields,
    repeat: boolean,
    more: { doneCode?: number; join?: JoinOptions; room?: Room; undo?: Id; took?: (f: Fields) => void; urgent?: boolean } = {},
  ): Promise<Fields> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise<Fields>((resolve, reject) => {
      const q: Request = {
        packet,
        fields,
        repeat,
        doneCode: more.doneCode ?? 0,
        join: more.join ?? null,
        room: more.room ?? null,
        undo: more.undo ?? "",
        tries: 0,
        refusals: 0,
        resolve: (f) => {
          more.took?.(f);
          resolve(f);
        },
        reject,
      };
      if (more.urgent) this.#queue.unshift(q);
      else this.#queue.push(q);
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#online && this.#queue.length > 0 && this.#requests.size < requestsMax) {
      const q = this.#queue.shift()!;
      const request = (this.#request = (this.#request % 0xffff_ffff) + 1);
      if (!this.#link.send(q.packet, { request, ...q.fields })) {
        this.#queue.unshift(q);
        return;
      }
      q.tries++;
      this.#requests.set(request, q);
    }
  }

  /** The request that an answer is for. */
  #answered(f: Fields, packet: ClientPacket | ReadonlySet<ClientPacket>): Request {
    const request = wire.num(f, "request");
    const q = this.#requests.get(request);
    if (!q || (typeof packet === "string" ? q.packet !== packet : !packet.has(q.packet))) throw new ProtocolError("the server answers a request that nobody has made");
    this.#requests.delete(request);
    return q;
  }

  // Authored events.

  #author(room: Id, packet: ClientPacket, fields: Fields, how: { nonce?: string; signal?: AbortSignal }): Promise<number> {
    if (this.#ended) return Promise.reject(this.#ended);
    const r = this.#rooms.get(room);
    if (!r || r.leaving) return Promise.reject(new ServerError(Code.notMember, "join the room first"));
    const nonce = how.nonce ?? this.nonce();
    if (r.pending.some((p) => p.nonce === nonce)) {
      return Promise.reject(new ServerError(Code.badRequest, "a message with this nonce is under way"));
    }
    if (r.pending.length >= publishesPendingMax) {
      return Promise.reject(new ServerError(Code.tooMany, "too many messages wait for their answer in this room"));
    }
    if (how.signal?.aborted) return Promise.reject(new PublishError(nonce, false, how.signal.reason));
    return new Promise<number>((resolve, reject) => {
      const stop = () => {
        const at = r.pending.indexOf(p);
        if (at < 0) return;
        // Its answer, if one comes, is for nobody.
        r.pending.splice(at, 1);
        if (p.step === "sent") this.#removed.add(room);
        reject(new PublishError(nonce, p.sent, how.signal?.reason));
      };
      const p: Pending = {
        nonce,
        packet,
        fields: { room, nonce, ...fields },
        step: "wanted",
        sent: false,
        retryAt: 0,
        done: (seq) => {
          how.signal?.removeEventListener("abort", stop);
          resolve(seq);
        },
        failed: (err) => {
          how.signal?.removeEventListener("abort", stop);
          reject(err);
        },
      };
      how.signal?.addEventListener("abort", stop);
      r.pending.push(p);
      this.#pumpRoom(r);
    });
  }

  /** Sends what waits for a joined room, in order, as far as the server's limit allows. */
  #pumpRoom(r: Room): void {
    if (!this.#online || !r.joined || r.leaving) return;
    let most = Math.min(publishesPendingMax, this.#self?.limits.publishesInFlightMax || publishesPendingMax);
    if (this.#slow) {
      if (Date.now() < this.#slowTill) {
        this.#later(this.#slowTill);
        return;
      }
      // What is sent all at once is refused again, and what is taken of it is in any order.
      for (const o of this.#rooms.values()) if (o.pending.some((p) => p.step === "sent")) return;
      most = 1;
    }
    let inFlight = r.pending.filter((p) => p.step === "sent").length;
    for (const p of r.pending) {
      if (p.step === "waiting") {
        if (p.retryAt > Date.now()) {
          if (this.#slow) return; // those behind it do not overtake it
          continue;
        }
        p.step = "wanted";
      }
      if (p.step !== "wanted") continue;
      if (inFlight >= most || !this.#link.send(p.packet, p.fields)) return;
      p.step = "sent";
      p.sent = true;
      inFlight++;
    }
  }

  #pump(): void {
    if (this.#slow && [...this.#rooms.values()].every((r) => r.pending.length === 0)) this.#slow = false;
    for (const r of this.#rooms.values()) {
      if (r.rejoinAt && r.rejoinAt <= Date.now()) {
        r.rejoinAt = 0;
        this.#rejoin(r);
      }
      this.#pumpRoom(r);
    }
    this.#flush();
  }

  /** Calls f later, if the client is not closed by then: nothing keeps a program running that has closed it. */
  #wait(ms: number, f: () => void): void {
    const timer = setTimeout(() => {
      this.#waits.delete(timer);
      f();
    }, ms);
    this.#waits.add(timer);
  }

  /** Has pump called at that time, or before. */
  #later(at: number): void {
    if (this.#ended) return;
    if (this.#timerAt && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = 0;
        this.#pump();
      },
      Math.max(0, at - Date.now()) + 1,
    );
  }

  #settled(room: Id, nonce: string): [Room, Pending] | null {
    const r = this.#rooms.get(room);
    const at = r ? r.pending.findIndex((p) => p.nonce === nonce && p.step === "sent") : -1;
    if (!r || at < 0) {
      if (this.#removed.has(room)) return null;
      throw new ProtocolError("the server answers a message that nobody has sent");
    }
    return [r, r.pending[at]!];
  }

  // Connection.

  /** What the first login has besides the token: it is forgotten when that is good. */
  get #secret(): Fields {
    const { password, register, invitation, device, jwt } = this.#options;
    const named = device ? { device } : {};
    if (jwt && !this.#self) return { jwt, ...named };
    if (!password || this.#self) return named;
    return { password, ...named, ...(register ? { register, invitation: invitation ?? "" } : {}) };
  }

  #login(): void {
    this.#link.send("C_LOGIN", {
      versionMin: 1,
      versionMax: 1,
      name: this.#name,
      token: this.#token,
      client: this.#options.program ?? "sarang-client",
      ...this.#secret,
    });
  }

  #loggedIn(f: Fields): void {
    const self: Self = {
      user: wire.id(f, "user"),
      name: wire.str(f, "name"),
      token: wire.str(f, "token") || this.#token,
      server: wire.str(f, "server"),
      limits: wire.limits(wire.sub(f, "limits")),
      account: wire.bool(f, "account"),
      session: wire.id(f, "session"),
    };
    this.#self = self;
    this.#name = self.name;
    this.#token = self.token;
    this.#online = true;
    this.#link.admitted(self.limits.heartbeatSeconds);
    this.#ready?.resolve(self);
    this.emit("online", self);
    for (const r of this.#rooms.values()) this.#rejoin(r);
    this.#flush();
  }

  #lost(err: Error, retryInMs: number): void {
    this.#online = false;
    this.#slow = false;
    this.#undoing.clear();
    this.#removed.clear();
    const again: Request[] = [];
    for (const q of this.#requests.values()) {
      if (q.room || q.undo) continue;
      if (q.repeat) again.push(q);
      else q.reject(new InterruptedError());
    }
    this.#requests.clear();
    this.#queue = [...again, ...this.#queue.filter((q) => !q.room && !q.undo)];
    for (const r of this.#rooms.values()) {
      r.joined = r.rejoining = false;
      r.rejoinAt = 0;
      for (const p of r.pending) p.step = "wanted";
    }
    if (err instanceof ProtocolError) this.emit("fault", err);
    this.emit("offline", { error: err, retryInMs, final: false });
  }

  #finish(err: Error): void {
    if (this.#ended) return;
    this.#ended = err;
    this.#online = false;
    clearTimeout(this.#timer);
    for (const timer of this.#waits) clearTimeout(timer);
    this.#link.end();
    for (const q of [...this.#requests.values(), ...this.#queue, ...this.#refusedFor]) q.reject(err);
    this.#requests.clear();
    this.#refusedFor.clear();
    this.#queue = [];
    for (const r of this.#rooms.values()) {
      for (const p of r.pending.splice(0)) p.failed(new PublishError(p.nonce, p.sent, err));
    }
    this.#rooms.clear();
    this.#ready?.reject(err);
    this.emit("offline", { error: err, retryInMs: 0, final: true });
  }

  // Packets.

  #packet(name: string, f: Fields): void {
    switch (name) {
      case "S_LOGIN":
        return this.#loggedIn(f);
      case "S_CHAT":
        return this.#event(wire.roomEvent(f));
      case "S_ACK":
        return this.#ack(f);
      case "S_ERROR":
        return this.#error(wire.failure(f));
      case "S_JOIN":
        return this.#joinedRoom(f);
      case "S_GAP":
        return this.#gap(f);
      case "S_GOODBYE": {
        const err = new ServerError(wire.num(f, "code"), wire.str(f, "message"), wire.num(f, "retryAfterMs"));
        // The token is good no more, or nobody wants us back.
        if (err.code === Code.sessionEnded || err.code === Code.shutOut) return this.#finish(err);
        return this.#link.drop(err, err.retryAfterMs);
      }
      case "S_LEAVE":
        if (!wire.num(f, "request")) return this.#sentOut(f);
        break;
      case "S_MARK":
        if (!wire.num(f, "request")) return this.emit("mark", { room: wire.id(f, "room"), seq: wire.num(f, "seq") });
        break;
      case "S_FOLLOW":
      case "S_READ_THREAD":
        if (!wire.num(f, "request")) return this.emit("followed", wire.followed(f));
        break;
      case "S_MUTE":
        if (!wire.num(f, "request")) return this.emit("mute", { room: wire.id(f, "room"), muted: wire.bool(f, "muted") });
        break;
      case "S_BELONGS":
        return this.emit("belongs", { room: wire.id(f, "room") });
      case "S_SET_PROFILE":
        if (!wire.num(f, "request")) return this.emit("profile", wire.profile(f));
        break;
      case "S_RENAME":
        if (!wire.num(f, "request")) {
          this.#name = wire.str(f, "name");
          if (this.#self) this.#self = { ...this.#self, name: this.#name };
          return this.emit("renamed", { name: this.#name });
        }
        break;
      case "S_BLOCK":
        if (!wire.num(f, "request")) return this.emit("block", { user: wire.id(f, "user"), removed: wire.bool(f, "removed") });
        break;
      case "S_TYPING":
        return this.emit("typing", { room: wire.id(f, "room"), user: wire.id(f, "user"), name: wire.str(f, "name") });
    }
    const asked = answers[name] ?? shared[name];
    if (!asked) return; // from a newer server
    const q = this.#answered(f, asked);
    if (q.undo) this.#undoing.delete(q.undo);
    q.resolve(f);
    this.#pump();
  }

  #event(e: RoomEvent): void {
    const r = this.#rooms.get(e.room);
    if (!r?.joined) {
      if (this.#undoing.has(e.room)) return;
      throw new ProtocolError("an event came of a room that is not joined");
    }
    if (e.seq !== r.seq + 1) {
      // The next connection begins where this one was whole.
      throw new ProtocolError(`event ${e.seq} of a room came in the place of ${r.seq + 1}`);
    }
    r.seq = e.seq;
    r.seqMs = e.timeMs;
    r.info = wire.changedInfo(r.info, e);
    this.emit("event", e);
  }

  #ack(f: Fields): void {
    const found = this.#settled(wire.id(f, "room"), wire.id(f, "nonce"));
    if (!found) return;
    const [r, p] = found;
    r.pending.splice(r.pending.indexOf(p), 1);
    p.done(wire.num(f, "seq"));
    this.#more(r);
  }

  #more(r: Room): void {
    if (this.#slow) this.#pump();
    else this.#pumpRoom(r);
  }

  #error(e: wire.Failure): void {
    const err = new ServerError(e.code, e.message, e.retryAfterMs);
    switch (e.packetId) {
      case packetId.C_LOGIN:
        return this.#loginRefused(err);
      case packetId.C_CHAT:
      case packetId.C_ROLE:
      case packetId.C_KICK:
      case packetId.C_EDIT:
      case packetId.C_DELETE:
      case packetId.C_REACT:
      case packetId.C_PIN:
      case packetId.C_TOPIC:
      case packetId.C_SET:
        return this.#refused(e, err);
    }
    const q = this.#requests.get(e.request);
    if (!q) return; // it is about nothing that we know of
    this.#requests.delete(e.request);
    if (q.undo) {
      this.#undoing.delete(q.undo);
    } else if (q.room) {
      this.#rejoinRefused(q.room, err);
    } else if (q.doneCode === err.code && q.tries > 1) {
      q.resolve({});
    } else if (err.temporary && q.refusals++ < refusalsMax) {
      const wait = err.retryAfterMs || retryDefaultMs;
      this.#refusedFor.add(q);
      this.#wait(wait, () => {
        this.#refusedFor.delete(q);
        this.#queue.unshift(q);
        this.#flush();
      });
    } else {
      q.reject(err);
    }
    this.#pump();
  }

  #loginRefused(err: ServerError): void {
    if (err.temporary) {
      if (!err.retryAfterMs || err.retryAfterMs > 5000) return this.#link.drop(err, err.retryAfterMs);
      this.#wait(err.retryAfterMs, () => {
        if (!this.#online && this.#link.open) this.#login();
      });
      return;
    }
    this.#finish(err);
  }

  #refused(e: wire.Failure, err: ServerError): void {
    const found = this.#settled(e.room, e.nonce);
    if (!found) return;
    const [r, p] = found;
    if (err.temporary && !r.leaving) {
      p.step = "waiting";
      p.retryAt = Date.now() + (err.retryAfterMs || retryDefaultMs);
      if (err.code === Code.tooFast) {
        this.#slow = true;
        this.#slowTill = Math.max(this.#slowTill, p.retryAt);
      }
      this.#later(p.retryAt);
    } else {
      r.pending.splice(r.pending.indexOf(p), 1);
      p.failed(err);
    }
    this.#more(r);
  }

  // Rooms.

  #rejoin(r: Room): void {
    if (r.joined || r.rejoining || !this.#online) return;
    r.rejoining = true;
    const fields = { room: r.info.id, cursor: { ...r.cursor } };
    this.#ask("C_JOIN", fields, true, { room: r, urgent: true }).catch(() => {}); // its outcome is told elsewhere
  }

  #rejoinRefused(r: Room, err: ServerError): void {
    r.rejoining = false;
    if (this.#rooms.get(r.info.id) !== r) return;
    if (err.temporary) {
      r.rejoinAt = Date.now() + (err.retryAfterMs || retryDefaultMs);
      this.#later(r.rejoinAt);
      return;
    }
    this.#forget(r, err);
    this.emit("lost", { room: r.info, error: err });
  }

  #joinedRoom(f: Fields): void {
    const q = this.#answered(f, "C_JOIN");
    const j = joinedOf(f, q.room !== null);
    const asked = q.fields["room"];
    if (j.room.id === "0" || (asked && asked !== "0" && asked !== j.room.id)) {
      throw new ProtocolError("the server has joined another room than it was asked for");
    }
    if (this.#undoing.has(j.room.id)) {
      const err = new ServerError(Code.unavailable, "the room is just being left; join it again");
      if (q.room) this.#rejoinRefused(q.room, err);
      else q.reject(err);
      return this.#pump();
    }
    const known = this.#rooms.get(j.room.id);
    const expected = known?.info ?? q.join?.known;
    if (expected && !sameRoom(expected, j.room)) {
      // What was pending was not meant for the eyes in this one.
      const err = new RoomChangedError(expected.name, j.room.name);
      if (known) {
        this.#forget(known, err);
        this.emit("lost", { room: known.info, error: err });
      }
      // A join by number asked for the room that was known; by name, for what has the name now.
      if (q.room || q.fields["room"]) {
        this.#undo(j.room.id);
        q.reject(err);
        return this.#pump();
      }
    }
    const timeMs = wire.num(f, "afterTimeMs");
    let r = this.#rooms.get(j.room.id);
    if (r) {
      r.info = j.room;
      r.seq = j.after;
      r.seqMs = timeMs;
    } else {
      this.#rooms.set(j.room.id, (r = new Room(j.room, j.after, timeMs)));
    }
    r.joined = true;
    r.rejoining = false;
    r.rejoinAt = 0;
    const cursor = q.fields["cursor"] as Cursor | undefined;
    const isVoid = cursor !== undefined && (cursor.epoch !== j.room.epoch || j.cursorVoid || j.after < cursor.seq);
    q.resolve(f);
    this.emit("joined", { ...j, cursorVoid: isVoid });
    if (isVoid) {
      this.emit("gap", { room: j.room.id, epoch: j.room.epoch, from: 1, to: j.after, epochChanged: true });
    } else if (cursor && j.after > cursor.seq) {
      this.emit("gap", { room: j.room.id, epoch: j.room.epoch, from: cursor.seq + 1, to: j.after, epochChanged: false });
    }
    this.#pump();
  }

  /** Leaves a room that the client has joined by itself. */
  #undo(room: Id): void {
    this.#undoing.add(room);
    this.#ask("C_LEAVE", { room }, false, { undo: room, urgent: true }).catch(() => {});
  }

  #gap(f: Fields): void {
    const g = { room: wire.id(f, "room"), epoch: wire.id(f, "epoch"), from: wire.num(f, "from"), to: wire.num(f, "to") };
    const r = this.#rooms.get(g.room);
    if (!r?.joined) {
      if (this.#undoing.has(g.room)) return;
      throw new ProtocolError("a gap came of a room that is not joined");
    }
    if (g.from === 0) return; // told with the join
    const epochChanged = g.epoch !== r.info.epoch;
    r.info = { ...r.info, epoch: g.epoch };
    if (g.to > r.seq || epochChanged) {
      r.seq = g.to;
      r.seqMs = 0;
      this.emit("gap", { ...g, epochChanged });
    }
  }

  #sentOut(f: Fields): void {
    const room = wire.id(f, "room");
    if (this.#undoing.has(room)) return;
    const r = this.#rooms.get(room);
    if (!r) throw new ProtocolError("the server sends us out of a room that is not joined");
    const error = new ServerError(wire.num(f, "code"), wire.str(f, "message"));
    this.#removed.add(room);
    this.#forget(r, error);
    this.emit("left", { room, error, seq: wire.num(f, "seq"), untilMs: wire.num(f, "untilMs") });
    this.#pump();
  }

  #forget(r: Room, cause: Error): void {
    if (this.#rooms.get(r.info.id) === r) this.#rooms.delete(r.info.id);
    if (r.pending.some((p) => p.step === "sent")) this.#removed.add(r.info.id);
    for (const p of r.pending.splice(0)) p.failed(cause);
  }
}

function joinFields(j: JoinOptions): Fields {
  const fields: Record<string, unknown> = {};
  if (j.room) fields["room"] = j.room;
  if (j.name && !j.room) fields["name"] = j.name;
  if (j.create) fields["create"] = true;
  if (j.ephemeral) fields["ephemeral"] = true;
  if (j.private) fields["private"] = true;
  if (j.cursor) fields["cursor"] = { epoch: j.cursor.epoch, seq: j.cursor.seq, timeMs: j.cursor.timeMs };
  else if (j.historyItems) fields["historyItems"] = j.historyItems;
  return fields;
}

function joinedOf(f: Fields, rejoin: boolean): Joined {
  return {
    room: wire.roomInfo(wire.sub(f, "room")),
    after: wire.num(f, "after"),
    cursorVoid: wire.bool(f, "cursorVoid"),
    rejoin,
  };
}

function originOf(url: string | URL): string {
  const { protocol, host } = new URL(url);
  return `${protocol === "wss:" ? "https" : "http"}://${host}`;
}

function newToken(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}

function withResolvers<T>(): { promise: Promise<T>; resolve(v: T): void; reject(err: unknown): void } {
  let resolve!: (v: T) => void;
  let reject!: (err: unknown) => void;
  const promise = new Promise<T>((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
}

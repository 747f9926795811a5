// The packets as JSON: names of fields, and what becomes of 64 bits.
//
// Identifiers (rooms, users), epochs and nonces are strings of decimal digits, as on the
// wire: all 64 bits matter, they are compared and never counted with, and a string is a key
// of maps and databases. Numbers of events and times are numbers: they count from 1, and 2^53
// of them is more than there will be; one that is beyond is refused, not rounded.
import { ProtocolError } from "./errors.ts";

export type Id = string;

export type EventKind =
  | "message"
  | "join"
  | "leave"
  | "role"
  | "kick"
  | "topic"
  | "edit"
  | "delete"
  | "react"
  | "unreact"
  | "pin"
  | "unpin"
  | "name"
  | "describe"
  | "archive"
  | "slow"
  | "retain"
  | "expire"
  | "other";

export type Role = "none" | "banned" | "reader" | "member" | "moderator" | "owner";

const roles: readonly Role[] = ["none", "banned", "reader", "member", "moderator", "owner"];

const kinds: Readonly<Record<string, EventKind>> = {
  EVENT_KIND_MESSAGE: "message",
  EVENT_KIND_JOIN: "join",
  EVENT_KIND_LEAVE: "leave",
  EVENT_KIND_ROLE: "role",
  EVENT_KIND_KICK: "kick",
  EVENT_KIND_TOPIC: "topic",
  EVENT_KIND_EDIT: "edit",
  EVENT_KIND_DELETE: "delete",
  EVENT_KIND_REACT: "react",
  EVENT_KIND_UNREACT: "unreact",
  EVENT_KIND_PIN: "pin",
  EVENT_KIND_UNPIN: "unpin",
  EVENT_KIND_NAME: "name",
  EVENT_KIND_DESCRIBE: "describe",
  EVENT_KIND_ARCHIVE: "archive",
  EVENT_KIND_SLOW: "slow",
  EVENT_KIND_EXPIRE: "expire",
  EVENT_KIND_RETAIN: "retain",
};

/** An entry of a room's log. */
export interface RoomEvent {
  readonly room: Id;
  readonly seq: number;
  readonly kind: EventKind;
  /** Who did it. */
  readonly user: Id;
  /** His name at that time. */
  readonly name: string;
  /** The author's; "0": none. */
  readonly nonce: string;
  readonly timeMs: number;
  /** Of messages and edits, and if there is none it was erased; of reactions the emoji; of roles and kicks the reason; of topics the topic. */
  readonly text: string;
  /** An earlier event that this one is about, or answers; 0: none. Of expire: all up to it are erased. */
  readonly target: number;
  /** Of messages: the first one of the thread; 0: none, or target. */
  readonly root: number;
  /** Of messages of history that were changed: what became of them. The text is the newest one. */
  readonly state: MessageState | null;
  /** Of roles and kicks: whom it is about; "0": nobody. */
  readonly subject: Id;
  /** Of roles. */
  readonly role: Role;
  /** Of roles: it ends then; 0: it does not. */
  readonly untilMs: number;
  /** Of archive: 1 or 0; of slow: seconds. */
  readonly value: number;
  /** Of messages: what they name. */
  readonly files: readonly FileInfo[];
}

/** A file that a message names. */
export interface FileInfo {
  readonly id: Id;
  readonly name: string;
  /** What the content is, not what somebody says. */
  readonly type: string;
  readonly bytes: number;
  /** Of pictures. */
  readonly width: number;
  readonly height: number;
  /** There is a smaller picture. */
  readonly thumbnail: boolean;
}

export interface MessageState {
  /** The newest event that is in here: those behind it come on top. */
  readonly changed: number;
  /** The newest edit; 0: it was not edited. */
  readonly edited: number;
  /** The event that deleted it; 0: it was not. */
  readonly deleted: number;
  /** The event that pinned it; 0: it is not. */
  readonly pinned: number;
  /** In the order in which they were first put on it. */
  readonly reactions: readonly Reaction[];
}

export interface Reaction {
  readonly emoji: string;
  /** Users. */
  readonly count: number;
  /** The event by which we have put it there; 0: we have not. */
  readonly mine: number;
}

export interface RoomInfo {
  readonly id: Id;
  readonly name: string;
  readonly epoch: string;
  readonly ephemeral: boolean;
  readonly private: boolean;
  readonly lastSeq: number;
  /** Users present. */
  readonly members: number;
  /** Of a direct room: the users whose it is. */
  readonly direct: readonly Id[];
  /** What it is about. */
  readonly topic: string;
  /** The same at length; lists leave it out. */
  readonly description: string;
  /** It takes nothing new. */
  readonly archived: boolean;
  /** So long members wait after a message of theirs; 0: not at all. */
  readonly slowSeconds: number;
  /** So long what is said is kept; 0: for as long as the server does. */
  readonly retainSeconds: number;
}

/** One of the settings of a room. */
export type RoomSetting = Pick<RoomInfo, "name"> | Pick<RoomInfo, "description"> | Pick<RoomInfo, "archived"> | Pick<RoomInfo, "slowSeconds"> | Pick<RoomInfo, "retainSeconds">;

/** Where a reader stands: it has everything up to seq. */
export interface Cursor {
  readonly epoch: string;
  readonly seq: number;
  /** That of the event seq; 0: not known. */
  readonly timeMs: number;
}

export interface Member {
  readonly user: Id;
  readonly name: string;
  /** How he wants to be called; "": by his name. */
  readonly displayName: string;
  readonly presence: Presence;
}

/** unknown: it is not told. */
export type Presence = "unknown" | "offline" | "away" | "online";

const presences: readonly Presence[] = ["unknown", "offline", "away", "online"];

/** What somebody says of himself. */
export interface Profile {
  readonly user: Id;
  readonly name: string;
  readonly account: boolean;
  /** It need not be his alone: show the name, too. */
  readonly displayName: string;
  readonly about: string;
  /** What he is at. */
  readonly status: string;
  readonly presence: Presence;
  /** Of who is offline; 0: it is not told. */
  readonly seenMs: number;
  readonly createdMs: number;
  /** Of oneself: one's presence is not told. */
  readonly hidden: boolean;
  /** One blocks him. */
  readonly blocked: boolean;
}

/** A room that the user belongs to, present or not. */
export interface MyRoom {
  /** lastSeq is that up to which unread counts. */
  readonly room: RoomInfo;
  readonly role: Role;
  /** He has read everything up to it. */
  readonly mark: number;
  /** Messages behind the mark, his own too; exact. */
  readonly unread: number;
  /** Of these, those that speak to him, as far as the server counts them. */
  readonly mentions: number;
  /** He does not want to be told of what happens there. */
  readonly muted: boolean;
  /** The newest message; seq 0: there is none. text is its beginning. */
  readonly last: { readonly seq: number; readonly user: Id; readonly name: string; readonly timeMs: number; readonly text: string };
}

export interface Limits {
  readonly textBytesMax: number;
  readonly roomsJoinedMax: number;
  readonly publishesInFlightMax: number;
  readonly idleSecondsMax: number;
  readonly heartbeatSeconds: number;
  readonly historyItemsMax: number;
  /** Code points of a password, at least. */
  readonly passwordRunesMin: number;
  /** How long after it a message may be edited; 0: always. */
  readonly editSecondsMax: number;
  /** Of one file; 0: the server takes none. */
  readonly fileBytesMax: number;
  readonly filesPerMessageMax: number;
}

/** Who the server says we are. */
export interface Self {
  readonly user: Id;
  readonly name: string;
  /** Base64. It shows who one is at the next login: keep it, and keep it secret. */
  readonly token: string;
  readonly server: string;
  readonly limits: Limits;
  /** The user has a password. */
  readonly account: boolean;
  /** Of the user's sessions this one. */
  readonly session: Id;
}

/** What a token stands for: a session of a user on one of his devices, over connections. */
export interface DeviceSession {
  readonly id: Id;
  readonly device: string;
  readonly address: string;
  readonly createdMs: number;
  readonly seenMs: number;
  readonly connections: number;
  readonly current: boolean;
}

/** What became of a report. */
export type Outcome = "open" | "acted" | "rejected";

const outcomes: readonly Outcome[] = ["open", "acted", "rejected"];

/** A message of which somebody has told the moderators of its room. */
export interface Report {
  readonly id: Id;
  readonly room: Id;
  /** The message. */
  readonly seq: number;
  /** Who has said it. */
  readonly author: Id;
  readonly reporter: Id;
  /** The names of today; in pages only. */
  readonly authorName: string;
  readonly reporterName: string;
  readonly timeMs: number;
  readonly reason: string;
  readonly outcome: Outcome;
  /** "0": whoever operates the server. */
  readonly resolvedBy: Id;
  readonly resolvedMs: number;
  readonly note: string;
}

/** What a room does not take from its members. */
export interface RoomFilter {
  readonly words: readonly string[];
  /** Addresses of the web are not taken. */
  readonly links: boolean;
}

/** A link by which people come into a private room, who have its code. */
export interface RoomLink {
  readonly id: Id;
  readonly room: Id;
  /** Who made it, and his name of today. */
  readonly by: Id;
  readonly byName: string;
  /** How often somebody came by it. */
  readonly uses: number;
  /** 0: no bound. */
  readonly usesMax: number;
  /** 0: never. */
  readonly expiresMs: number;
  readonly createdMs: number;
}

/** A place in the audit log of a room. */
export interface AuditMark {
  readonly timeMs: number;
  readonly seq: number;
  readonly id: Id;
}

/** Something that was done in a room, or to it, by whoever has the right. */
export interface AuditEntry extends AuditMark {
  /** By number, for others may come: 1 a role, 2 a kick, 9 a report was resolved. */
  readonly act: number;
  /** "0": whoever operates the server. */
  readonly by: Id;
  readonly byName: string;
  /** Whom it is about; "0": nobody. */
  readonly subject: Id;
  readonly subjectName: string;
  /** Of act 1. */
  readonly role: Role;
  readonly untilMs: number;
  readonly what: string;
  readonly reason: string;
}

/** A message that was answered. */
export interface Thread {
  /** Its first message, as it is now. */
  readonly root: RoomEvent;
  /** Messages that belong to it and were not deleted; root is not one of them. */
  readonly replies: number;
  /** The newest of them. */
  readonly last: number;
  /** The user follows it, and has read it up to mark. */
  readonly followed: boolean;
  readonly mark: number;
  /** If he follows it: messages behind the mark that were not deleted; threadUnreadMax stands for as many or more. */
  readonly unread: number;
}

/** Up to where Thread.unread counts. */
export const threadUnreadMax = 1000;

/** What the user has to do with a thread. */
export interface Followed {
  readonly room: Id;
  /** Its first message. */
  readonly root: number;
  readonly followed: boolean;
  /** He has read it up to here; it never goes back. */
  readonly mark: number;
}

/** A place in the list of what mentions one. */
export interface MentionPlace {
  readonly timeMs: number;
  readonly room: Id;
  readonly seq: number;
}

/** A message that was found. */
export interface Hit {
  /** With the text that it has now. */
  readonly event: RoomEvent;
  readonly roomName: string;
  /** What was found in the text: from and to, as strings count (not in bytes), in order. */
  readonly where: readonly (readonly [number, number])[];
}

export interface Failure {
  readonly code: number;
  readonly message: string;
  readonly retryAfterMs: number;
  readonly packetId: number;
  readonly request: number;
  readonly room: Id;
  readonly nonce: string;
}

/** The value of a packet, fields as they came. */
export type Fields = Readonly<Record<string, unknown>>;

/** Numbers of the packets that clients send, as S_ERROR names them. */
export const packetId = {
  C_LOGIN: 4,
  C_CHAT: 6,
  C_PING: 12,
  C_PONG: 14,
  C_JOIN: 16,
  C_LEAVE: 18,
  C_CREATE: 20,
  C_LIST: 22,
  C_HISTORY: 24,
  C_MEMBERS: 26,
  C_ROLE: 28,
  C_KICK: 30,
  C_REGISTER: 32,
  C_PASSWORD: 34,
  C_SESSIONS: 36,
  C_END_SESSION: 38,
  C_ERASE: 40,
  C_MARK: 48,
  C_MUTE: 50,
  C_ROOMS: 52,
  C_DIRECT: 54,
  C_TOPIC: 56,
  C_TYPING: 64,
  C_REPORT: 72,
  C_REPORTS: 74,
  C_RESOLVE: 76,
  C_AUDIT: 78,
  C_PROFILE: 100,
  C_SET_PROFILE: 102,
  C_RENAME: 104,
  C_AWAY: 106,
  C_BLOCK: 108,
  C_BLOCKS: 110,
  C_SEEN_BY: 112,
  C_SET: 114,
  C_MAKE_LINK: 118,
  C_LINKS: 120,
  C_REVOKE_LINK: 122,
  C_JOIN_LINK: 124,
  C_FILTER: 154,
  C_SEARCH: 128,
  C_MENTIONS: 132,
  C_THREADS: 134,
  C_FOLLOW: 150,
  C_READ_THREAD: 152,
  C_EDIT: 88,
  C_DELETE: 90,
  C_REACT: 92,
  C_PIN: 94,
} as const;

export type ClientPacket = keyof typeof packetId;

/** Reads an object. */
export function decodeObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("a message of the server is not JSON");
  }
  if (!isFields(value)) throw new ProtocolError("a message of the server is no object");
  return value;
}

/** Reads a text message: the packet's name and its value. */
export function decode(text: string): { name: string; fields: Fields } {
  const value = decodeObject(text);
  const names = Object.keys(value);
  const name = names[0];
  if (name === undefined || names.length !== 1) throw new ProtocolError("a message of the server is not one packet");
  const fields = value[name];
  if (!isFields(fields)) throw new ProtocolError(`${name} has no fields`);
  return { name, fields };
}

function isFields(v: unknown): v is Fields {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

const digits = /^\d{1,20}$/;

/** An identifier, "0" if it is left out. */
export function id(f: Fields, name: string): Id {
  const v = f[name];
  if (v === undefined) return "0";
  if (typeof v === "string" && digits.test(v)) return v;
  if (typeof v === "number" && Number.isSafeInteger(v) && v >= 0) return String(v);
  throw wrong(name);
}

/** A number, 0 if it is left out. */
export function num(f: Fields, name: string): number {
  const v = f[name];
  if (v === undefined) return 0;
  const n = typeof v === "string" && digits.test(v) ? Number(v) : v;
  if (typeof n === "number" && Number.isSafeInteger(n) && n >= 0) return n;
  throw wrong(name);
}

export function str(f: Fields, name: string): string {
  const v = f[name];
  if (v === undefined) return "";
  if (typeof v === "string") return v;
  throw wrong(name);
}

export function bool(f: Fields, name: string): boolean {
  const v = f[name];
  if (v === undefined) return false;
  if (typeof v === "boolean") return v;
  throw wrong(name);
}

export function ids(f: Fields, name: string): Id[] {
  const v = f[name];
  if (v === undefined) return [];
  if (!Array.isArray(v)) throw wrong(name);
  return v.map((item: unknown) => id({ [name]: item }, name));
}

export function sub(f: Fields, name: string): Fields {
  const v = f[name];
  if (v === undefined) return {};
  if (isFields(v)) return v;
  throw wrong(name);
}

export function list<T>(f: Fields, name: string, read: (f: Fields) => T): T[] {
  const v = f[name];
  if (v === undefined) return [];
  if (!Array.isArray(v)) throw wrong(name);
  return v.map((item: unknown) => {
    if (!isFields(item)) throw wrong(name);
    return read(item);
  });
}

function wrong(field: string): ProtocolError {
  return new ProtocolError(`the field ${field} has a value that is not allowed`);
}

export function roleOf(n: number): Role {
  return roles[n] ?? "none";
}

export function roleNumber(r: Role): number {
  return roles.indexOf(r);
}

export function roomEvent(f: Fields): RoomEvent {
  const kind = f["kind"];
  return {
    room: id(f, "room"),
    seq: num(f, "seq"),
    kind: (typeof kind === "string" && kinds[kind]) || "other",
    user: id(f, "user"),
    name: str(f, "name"),
    nonce: id(f, "nonce"),
    timeMs: num(f, "timeMs"),
    text: str(f, "text"),
    target: num(f, "target"),
    root: num(f, "root"),
    state: f["state"] === undefined ? null : messageState(sub(f, "state")),
    subject: id(f, "subject"),
    role: roleOf(num(f, "role")),
    untilMs: num(f, "untilMs"),
    value: num(f, "value"),
    files: list(f, "files", fileInfo),
  };
}

export function fileInfo(f: Fields): FileInfo {
  return {
    id: id(f, "id"),
    name: str(f, "name"),
    type: str(f, "type"),
    bytes: num(f, "bytes"),
    width: num(f, "width"),
    height: num(f, "height"),
    thumbnail: bool(f, "thumbnail"),
  };
}

/** What a room is from an event on. */
export function changedInfo(r: RoomInfo, e: RoomEvent): RoomInfo {
  switch (e.kind) {
    case "topic":
      return { ...r, topic: e.text };
    case "name":
      return { ...r, name: e.text };
    case "describe":
      return { ...r, description: e.text };
    case "archive":
      return { ...r, archived: e.value === 1 };
    case "slow":
      return { ...r, slowSeconds: e.value };
    case "retain":
      return { ...r, retainSeconds: e.value };
  }
  return r;
}

/** A setting as C_SET has it. */
export function settingFields(s: RoomSetting): Fields {
  if ("name" in s) return { kind: "EVENT_KIND_NAME", text: s.name };
  if ("description" in s) return { kind: "EVENT_KIND_DESCRIBE", text: s.description };
  if ("archived" in s) return { kind: "EVENT_KIND_ARCHIVE", value: s.archived ? 1 : 0 };
  if ("retainSeconds" in s) return { kind: "EVENT_KIND_RETAIN", value: s.retainSeconds };
  return { kind: "EVENT_KIND_SLOW", value: s.slowSeconds };
}

function messageState(f: Fields): MessageState {
  return {
    changed: num(f, "changed"),
    edited: num(f, "edited"),
    deleted: num(f, "deleted"),
    pinned: num(f, "pinned"),
    reactions: list(f, "reactions", (r) => ({ emoji: str(r, "emoji"), count: num(r, "count"), mine: num(r, "mine") })),
  };
}

export function deviceSession(f: Fields): DeviceSession {
  return {
    id: id(f, "id"),
    device: str(f, "device"),
    address: str(f, "address"),
    createdMs: num(f, "createdMs"),
    seenMs: num(f, "seenMs"),
    connections: num(f, "connections"),
    current: bool(f, "current"),
  };
}

export function report(f: Fields): Report {
  return {
    id: id(f, "id"),
    room: id(f, "room"),
    seq: num(f, "seq"),
    author: id(f, "author"),
    reporter: id(f, "reporter"),
    authorName: str(f, "authorName"),
    reporterName: str(f, "reporterName"),
    timeMs: num(f, "timeMs"),
    reason: str(f, "reason"),
    outcome: outcomes[num(f, "outcome")] ?? "rejected",
    resolvedBy: id(f, "resolvedBy"),
    resolvedMs: num(f, "resolvedMs"),
    note: str(f, "note"),
  };
}

export function roomFilter(f: Fields): RoomFilter {
  return { words: strs(f, "words"), links: bool(f, "links") };
}

function strs(f: Fields, name: string): string[] {
  const v = f[name];
  if (v === undefined) return [];
  if (!Array.isArray(v)) throw wrong(name);
  return v.map((item: unknown) => str({ [name]: item }, name));
}

export function roomLink(f: Fields): RoomLink {
  return {
    id: id(f, "id"),
    room: id(f, "room"),
    by: id(f, "by"),
    byName: str(f, "byName"),
    uses: num(f, "uses"),
    usesMax: num(f, "usesMax"),
    expiresMs: num(f, "expiresMs"),
    createdMs: num(f, "createdMs"),
  };
}

export function outcomeNumber(o: Outcome): number {
  return outcomes.indexOf(o);
}

export function auditEntry(f: Fields): AuditEntry {
  return {
    id: id(f, "id"),
    timeMs: num(f, "timeMs"),
    act: num(f, "act"),
    by: id(f, "by"),
    byName: str(f, "byName"),
    subject: id(f, "subject"),
    subjectName: str(f, "subjectName"),
    seq: num(f, "seq"),
    role: roleOf(num(f, "role")),
    untilMs: num(f, "untilMs"),
    what: str(f, "what"),
    reason: str(f, "reason"),
  };
}

export function thread(f: Fields): Thread {
  return {
    root: roomEvent(sub(f, "root")), replies: num(f, "replies"), last: num(f, "last"),
    followed: bool(f, "followed"), mark: num(f, "mark"), unread: num(f, "unread"),
  };
}

export function followed(f: Fields): Followed {
  return { room: id(f, "room"), root: num(f, "root"), followed: bool(f, "followed"), mark: num(f, "mark") };
}

export function mentionPlace(f: Fields): MentionPlace {
  return { timeMs: num(f, "timeMs"), room: id(f, "room"), seq: num(f, "seq") };
}

export function hit(f: Fields): Hit {
  const event = roomEvent(sub(f, "event"));
  return { event, roomName: str(f, "roomName"), where: ranges(event.text, nums(f, "where")) };
}

function nums(f: Fields, name: string): number[] {
  const v = f[name];
  if (v === undefined) return [];
  if (!Array.isArray(v)) throw wrong(name);
  return v.map((item: unknown) => num({ [name]: item }, name));
}

/** Pairs of places in the UTF-8 of a text, as places in the string; what is no place in it is left out. */
function ranges(text: string, bytes: readonly number[]): [number, number][] {
  const out: [number, number][] = [];
  let at = 0; // in the string
  let byte = 0;
  const to = (wanted: number) => {
    while (byte < wanted && at < text.length) {
      const c = text.codePointAt(at)!;
      byte += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x1_0000 ? 3 : 4;
      at += c < 0x1_0000 ? 1 : 2;
    }
    return at;
  };
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    const from = to(bytes[i]!);
    const end = to(bytes[i + 1]!);
    if (end > from) out.push([from, end]);
  }
  return out;
}

export function roomInfo(f: Fields): RoomInfo {
  return {
    id: id(f, "id"),
    name: str(f, "name"),
    epoch: id(f, "epoch"),
    ephemeral: bool(f, "ephemeral"),
    private: bool(f, "private"),
    lastSeq: num(f, "lastSeq"),
    members: num(f, "members"),
    direct: ids(f, "direct"),
    topic: str(f, "topic"),
    description: str(f, "description"),
    archived: bool(f, "archived"),
    slowSeconds: num(f, "slowSeconds"),
    retainSeconds: num(f, "retainSeconds"),
  };
}

export function member(f: Fields): Member {
  return { user: id(f, "user"), name: str(f, "name"), displayName: str(f, "displayName"), presence: presence(f) };
}

function presence(f: Fields): Presence {
  return presences[num(f, "presence")] ?? "unknown";
}

export function profile(f: Fields): Profile {
  return {
    user: id(f, "user"),
    name: str(f, "name"),
    account: bool(f, "account"),
    displayName: str(f, "displayName"),
    about: str(f, "about"),
    status: str(f, "status"),
    presence: presence(f),
    seenMs: num(f, "seenMs"),
    createdMs: num(f, "createdMs"),
    hidden: bool(f, "hidden"),
    blocked: bool(f, "blocked"),
  };
}

export function myRoom(f: Fields): MyRoom {
  return {
    room: roomInfo(sub(f, "room")),
    role: roleOf(num(f, "role")),
    mark: num(f, "mark"),
    unread: num(f, "unread"),
    mentions: num(f, "mentions"),
    muted: bool(f, "muted"),
    last: { seq: num(f, "lastSeq"), user: id(f, "lastUser"), name: str(f, "lastName"), timeMs: num(f, "lastTimeMs"), text: str(f, "lastText") },
  };
}

export function limits(f: Fields): Limits {
  return {
    textBytesMax: num(f, "textBytesMax"),
    roomsJoinedMax: num(f, "roomsJoinedMax"),
    publishesInFlightMax: num(f, "publishesInFlightMax"),
    idleSecondsMax: num(f, "idleSecondsMax"),
    heartbeatSeconds: num(f, "heartbeatSeconds"),
    historyItemsMax: num(f, "historyItemsMax"),
    passwordRunesMin: num(f, "passwordRunesMin"),
    editSecondsMax: num(f, "editSecondsMax"),
    fileBytesMax: num(f, "fileBytesMax"),
    filesPerMessageMax: num(f, "filesPerMessageMax"),
  };
}

export function failure(f: Fields): Failure {
  return {
    code: num(f, "code"),
    message: str(f, "message"),
    retryAfterMs: num(f, "retryAfterMs"),
    packetId: num(f, "packetId"),
    request: num(f, "request"),
    room: id(f, "room"),
    nonce: id(f, "nonce"),
  };
}

// A room as the page has it: a stretch of its log, of which a window is in the document.
import { batch, signal } from "@preact/signals";
import { type FileInfo, type Id, type Member, type MessageView, type Role, type RoomEvent, type RoomInfo, View, changedInfo, speaksTo } from "sarang-client";

/** Something of ours that the server has not shown us yet. */
export interface Outgoing {
  readonly room: Id;
  readonly nonce: string;
  readonly text: string;
  /** The message that it answers, and the first of the thread. */
  readonly target?: number;
  readonly root?: number;
  readonly files?: readonly FileInfo[];
  readonly atMs: number;
  readonly state: "sending" | "failed";
  readonly error?: string;
}

/** Messages in the document, at most: enough to read on, few enough for a screen reader. */
export const windowMax = 300;

/** By so many the window moves. */
export const windowStep = 100;

/** Events of a room that are kept in memory while nobody scrolls in them. */
const keptMax = 2000;

/** What stands behind the @ that means all who are in the room. */
export const everybody = "room";

export class RoomModel {
  readonly info = signal<RoomInfo>(undefined as never);
  /** A stretch of the log without gaps but those that gaps tells of, in order: the one of which something is shown. */
  events: RoomEvent[] = [];
  /** The newest stretch, to which is added what comes, while another one is shown. */
  #tail: RoomEvent[] | null = null;
  /** The window: events[start..end). */
  start = 0;
  end = 0;
  /** Grows whenever something of these changes. */
  readonly version = signal(0);
  /** Before events there is more to be had. */
  olderMore = true;
  /** What is older is read by itself until the log is higher than its frame. */
  fills = true;
  readonly loading = signal(false);
  /** Everything up to it was read. */
  readonly readSeq = signal(0);
  /** Where the line stands over what was new when the room was opened; 0: nowhere. */
  readonly newLine = signal(0);
  readonly unread = signal(0);
  /** Up to it unread is counted; it is the server's count, where that was told. */
  counted = 0;
  /** Our role, as far as the server has told. */
  readonly role = signal<Role>("none");
  readonly muted = signal(false);
  /** The mark that the server knows of. */
  marked = 0;
  /** Of what is unread, what speaks to us; the server counts up to 100. */
  readonly mentions = signal(0);
  /** What people are called, as far as the log and the list of who is here tell. */
  readonly #names = new Map<Id, string>();
  /** Whom the names mean that were chosen for what is written now. */
  readonly meant = new Map<string, Id | "all">();
  readonly outbox = signal<readonly Outgoing[]>([]);
  readonly people = signal<readonly Member[]>([]);
  readonly present = signal(0);
  /** Roles that the log told of. */
  readonly roles = signal<ReadonlyMap<Id, Role>>(new Map());
  /** Messages as they are now. */
  readonly view: View;
  /** What the next message answers, or which one it replaces. */
  readonly replying = signal<MessageView | null>(null);
  readonly editing = signal<MessageView | null>(null);
  /** What was typed and not sent. */
  draft = "";
  /** Numbers before which something is missing for good, and how much. */
  readonly gaps = new Map<number, number>();
  /** What the reader looks at: whether it is the end, and else what stands on top. */
  atEnd = true;
  anchor: { seq: number; offset: number } | null = null;
  /** The message that somebody was led to. */
  readonly lit = signal(0);
  /** The focus goes there once. */
  focus = 0;
  /** Who types. */
  readonly typers = signal<ReadonlyMap<Id, string>>(new Map());
  readonly #typing = new Map<Id, ReturnType<typeof setTimeout>>();

  constructor(info: RoomInfo, self: Id) {
    this.view = new View(self);
    this.info.value = info;
    this.present.value = info.members;
  }

  get id(): Id {
    return this.info.value.id;
  }

  /** Of a direct room: the others whose it is. */
  others(self: Id): { user: Id; name: string }[] {
    const { direct, name } = this.info.value;
    const names = name.replace(/^@/, "").split(",");
    return direct.map((user, i) => ({ user, name: names[i] ?? "?" })).filter((o) => o.user !== self);
  }

  get isDirect(): boolean {
    return this.info.value.direct.length > 0;
  }

  /** The stretch at the log's end. */
  get newest(): readonly RoomEvent[] {
    return this.#tail ?? this.events;
  }

  /** What is shown is not the log's end. */
  get detached(): boolean {
    return this.#tail !== null;
  }

  /** The window reaches to the log's end. */
  get atTail(): boolean {
    return !this.#tail && this.end === this.events.length;
  }

  get last(): number {
    return this.newest.at(-1)?.seq ?? 0;
  }

  changed(): void {
    this.version.value++;
  }

  /** An event that was delivered. seen: somebody looks at it right now. */
  take(e: RoomEvent, self: Id, seen: boolean): void {
    batch(() => {
      this.#know(e);
      if (e.kind === "expire") this.#expired(e.target, self);
      const atTail = this.atTail;
      if (e.seq > this.last && this.#tail) {
        this.#tail.push(e);
        if (this.#tail.length > keptMax) this.#tail = this.#tail.slice(keptMax / 2);
      } else if (e.seq > this.last) {
        this.events.push(e);
        if (atTail) this.end = this.events.length;
        if (this.end - this.start > windowMax + windowStep && this.atEnd) this.start = this.end - windowMax;
        if (this.events.length > keptMax && this.atEnd) this.#forget(this.events.length - keptMax / 2);
      }
      if (e.user === self && e.nonce !== "0") this.outbox.value = this.outbox.value.filter((o) => o.nonce !== e.nonce);
      if (e.kind === "message" && e.seq > this.readSeq.value && !seen) {
        if (e.user !== self && e.seq > this.counted) {
          this.unread.value++;
          if (speaksTo(e.text, self)) this.mentions.value++;
        }
      }
      this.counted = Math.max(this.counted, e.seq);
      if (e.kind === "role" && e.subject === self) this.role.value = e.role;
      this.info.value = changedInfo(this.info.value, e);
      this.#stopTyping(e.user);
      if (seen || (e.user === self && this.unread.value === 0)) this.readSeq.value = e.seq;
      this.changed();
    });
  }

  /** Somebody types: for so long, or until something of his comes. */
  types(user: Id, name: string, forMs: number): void {
    clearTimeout(this.#typing.get(user));
    this.#typing.set(user, setTimeout(() => this.#stopTyping(user), forMs));
    if (!this.typers.value.has(user)) this.typers.value = new Map(this.typers.value).set(user, name);
  }

  #stopTyping(user: Id): void {
    if (!this.#typing.has(user)) return;
    clearTimeout(this.#typing.get(user));
    this.#typing.delete(user);
    const rest = new Map(this.typers.value);
    rest.delete(user);
    this.typers.value = rest;
  }

  /** The messages of a thread that are known, the first one included. */
  thread(root: number): MessageView[] {
    return this.view.messages().filter((m) => m.event.seq === root || m.root === root);
  }

  /** What every event tells, wherever it stands. */
  #know(e: RoomEvent): void {
    this.view.apply(e);
    if (e.name) this.#names.set(e.user, e.name);
    if (e.kind === "role") {
      this.roles.value = new Map(this.roles.value).set(e.subject, e.role);
    } else if (e.kind === "join") {
      if (!this.people.value.some((p) => p.user === e.user)) {
        this.people.value = [...this.people.value, { user: e.user, name: e.name, displayName: "", presence: "online" as const }].sort(byName);
        this.present.value++;
      }
    } else if (e.kind === "leave") {
      const people = this.people.value.filter((p) => p.user !== e.user);
      if (people.length < this.people.value.length) this.present.value--;
      this.people.value = people;
    }
  }

  /** All up to an event are erased for their age. */
  #expired(upTo: number, self: Id): void {
    const known = (this.newest[0]?.seq ?? Infinity) <= upTo + 1;
    this.#drop(upTo);
    if (!known || this.counted === 0) return; // of what stands between nobody knows how much is left
    const rest = this.newest.filter((e) => e.kind === "message" && e.seq > this.readSeq.value && e.user !== self);
    this.unread.value = Math.min(this.unread.value, rest.length);
    this.mentions.value = Math.min(this.mentions.value, rest.filter((e) => speaksTo(e.text, self)).length);
  }

  /** Forgets all up to an event. */
  #drop(upTo: number): void {
    const gone = this.events.filter((e) => e.seq <= upTo).length;
    this.events = this.events.slice(gone);
    this.start = Math.max(0, this.start - gone);
    this.end = Math.max(0, this.end - gone);
    if (this.#tail) this.#tail = this.#tail.filter((e) => e.seq > upTo);
    if (this.#tail && this.events.length === 0) {
      this.events = this.#tail;
      this.#tail = null;
      this.toEnd();
    }
    if ((this.events[0]?.seq ?? 0) <= upTo + 1) this.olderMore = false;
    for (const seq of this.gaps.keys()) if (seq <= upTo + 1) this.gaps.delete(seq);
    for (const of of [this.replying, this.editing]) if (of.value && of.value.event.seq <= upTo) of.value = null;
  }

  /** What a page tells of messages, and of names that nothing newer has told. */
  #read(page: readonly RoomEvent[]): void {
    for (const e of page) this.view.apply(e);
    for (const e of page) if (e.kind === "expire") this.#drop(e.target);
    for (let i = page.length - 1; i >= 0; i--) {
      const { user, name } = page[i]!;
      if (name && !this.#names.has(user)) this.#names.set(user, name);
    }
  }

  /** Who is here now. */
  arePresent(people: readonly Member[], total: number): void {
    for (const p of people) this.#names.set(p.user, p.name);
    batch(() => {
      this.people.value = [...people].sort(byName);
      this.present.value = total;
    });
  }

  /** What somebody is called; "": that is not known. */
  nameOf(user: Id | "all"): string {
    return this.#names.get(user) ?? this.info.value.direct.map((id, i) => (id === user ? (this.info.value.name.replace(/^@/, "").split(",")[i] ?? "") : "")).join("");
  }

  /** Whom a name means here. all: it may be everybody. */
  called(name: string, all: boolean): Id | "all" | null {
    const wanted = name.toLowerCase();
    const meant = this.meant.get(wanted);
    if (meant) return meant;
    if (all && wanted === everybody) return "all";
    const present = this.people.value.find((p) => p.name.toLowerCase() === wanted);
    if (present) return present.user;
    for (const [user, known] of this.#names) if (known.toLowerCase() === wanted) return user;
    return null;
  }

  /** What was kept from before a reload. */
  restore(events: readonly RoomEvent[]): void {
    if (this.events.length > 0) return;
    for (const e of events) this.#know(e);
    this.people.value = [];
    this.events = [...events];
    this.counted = this.last;
    this.toEnd();
  }

  /** What the server counts as unread: up to its end, behind our mark. */
  count(unread: number, mentions: number, mark: number, upTo: number, self: Id): void {
    batch(() => {
      this.marked = Math.max(this.marked, mark);
      if (mark < this.readSeq.value) return; // we have read on, and it was not told yet
      this.readSeq.value = mark;
      const since = this.newest.filter((e) => e.kind === "message" && e.seq > upTo && e.user !== self);
      this.unread.value = unread + since.length;
      this.mentions.value = mentions + since.filter((e) => speaksTo(e.text, self)).length;
      this.counted = Math.max(upTo, this.last);
    });
  }

  /** Another device has read up to seq. */
  readTo(seq: number, self: Id): void {
    batch(() => {
      this.marked = Math.max(this.marked, seq);
      if (seq <= this.readSeq.value) return;
      this.readSeq.value = seq;
      const rest = this.newest.filter((e) => e.kind === "message" && e.seq > seq && e.user !== self);
      this.unread.value = Math.min(this.unread.value, rest.length);
      this.mentions.value = Math.min(this.mentions.value, rest.filter((e) => speaksTo(e.text, self)).length);
    });
  }

  /** A page of what stands before. */
  prepend(page: readonly RoomEvent[], more: boolean): void {
    this.#read(page);
    const first = this.events[0]?.seq ?? Infinity;
    const older = page.filter((e) => e.seq < first && e.seq > this.view.expired);
    const roles = new Map(this.roles.value);
    for (const e of older) if (e.kind === "role" && !this.roles.value.has(e.subject)) roles.set(e.subject, e.role);
    this.roles.value = roles;
    this.events = [...older, ...this.events];
    this.olderMore = more && older.length > 0;
    this.start = Math.max(0, older.length + this.start - windowStep);
    this.end = Math.min(this.events.length, Math.max(this.start + windowMax, Math.min(this.end + older.length, this.start + windowMax)));
    this.changed();
  }

  /** A page of what stands behind, while that is not the log's end. */
  append(page: readonly RoomEvent[], more: boolean): void {
    if (!this.#tail) return;
    this.#read(page);
    const last = this.events.at(-1)?.seq ?? 0;
    this.events = [...this.events, ...page.filter((e) => e.seq > last)];
    this.#mend(more);
    this.moveDown();
    this.changed();
  }

  /** Shows another stretch of the log than its end. */
  showStretch(page: readonly RoomEvent[]): void {
    this.#read(page);
    const left = page.filter((e) => e.seq > this.view.expired);
    const first = left[0];
    if (!first) return;
    this.#tail ??= this.events;
    this.events = left;
    this.olderMore = first.seq > 1;
    this.start = 0;
    this.end = this.events.length;
    this.#mend(true);
    this.changed();
  }

  /** Where what is shown has come to the newest stretch, they are one. more: the log goes on behind it. */
  #mend(more: boolean): void {
    const tail = this.#tail;
    const last = this.events.at(-1)?.seq ?? 0;
    if (!tail || (more && tail[0] && tail[0].seq > last + 1)) return;
    this.events = [...this.events, ...tail.filter((e) => e.seq > last)];
    this.#tail = null;
  }

  /** Whether there is something above or below the window that is known already. */
  moveUp(): boolean {
    if (this.start === 0) return false;
    this.start = Math.max(0, this.start - windowStep);
    this.end = Math.min(this.end, this.start + windowMax);
    this.changed();
    return true;
  }

  moveDown(): boolean {
    if (this.end === this.events.length) return false;
    this.end = Math.min(this.events.length, this.end + windowStep);
    this.start = Math.max(this.start, this.end - windowMax);
    this.changed();
    return true;
  }

  toEnd(): void {
    if (this.#tail) {
      this.events = this.#tail;
      this.#tail = null;
      this.olderMore = (this.events[0]?.seq ?? 0) > 1;
    }
    this.lit.value = 0;
    this.end = this.events.length;
    this.start = Math.max(0, this.end - windowMax);
    this.atEnd = true;
    this.changed();
  }

  /** Everything up to the end was read. */
  read(): void {
    batch(() => {
      this.readSeq.value = Math.max(this.readSeq.value, this.last);
      this.unread.value = 0;
      this.mentions.value = 0;
    });
  }

  /** The room's events and numbers are void. */
  reset(): void {
    this.view.reset();
    this.#tail = null;
    this.events = [];
    this.start = this.end = 0;
    this.olderMore = true;
    this.gaps.clear();
    this.newLine.value = 0;
    this.readSeq.value = 0;
    this.unread.value = this.mentions.value = 0;
    this.counted = this.marked = 0;
    this.changed();
  }

  /** What was deleted is not kept: returns the events that have lost their text. */
  erase(target: number): RoomEvent[] {
    const erased: RoomEvent[] = [];
    const without = (all: RoomEvent[]) =>
      all.map((e) => {
        if ((e.text === "" && e.files.length === 0) || (e.seq !== target && (e.kind !== "edit" || e.target !== target))) return e;
        const gone = { ...e, text: "", files: [] };
        erased.push(gone);
        return gone;
      });
    this.events = without(this.events);
    if (this.#tail) this.#tail = without(this.#tail);
    return erased;
  }

  /** Shows the message with that number, if it is known. */
  toMessage(seq: number): boolean {
    const known = (e: RoomEvent) => e.seq === seq;
    if (this.#tail && !this.events.some(known) && this.#tail.some(known)) this.toEnd();
    const at = this.events.findIndex(known);
    if (at < 0) return false;
    this.start = Math.max(0, at - windowMax / 2);
    this.end = Math.min(this.events.length, this.start + windowMax);
    this.atEnd = false;
    this.anchor = { seq, offset: 120 };
    this.lit.value = this.focus = seq;
    this.changed();
    return true;
  }

  #forget(n: number): void {
    this.events = this.events.slice(n);
    this.view.forgetBelow(this.events[0]?.seq ?? 0);
    this.start = Math.max(0, this.start - n);
    this.end -= n;
    this.olderMore = true;
  }
}

function byName(a: Member, b: Member): number {
  return a.name.localeCompare(b.name);
}

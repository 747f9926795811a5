// The page's state and what can be done with it. Views read signals and call these methods.
import { batch, computed, signal } from "@preact/signals";
import { Client, Code, type FileInfo, type Followed, type Hit, type HistoryPage, type Id, type MentionPlace, type MessageView, type MyRoom, type Profile, PublishError, type Role, RoomChangedError, type RoomEvent, type RoomInfo, ServerError, type Thread as ThreadInfo, roomLinkCode, roomLinkMark, typingShownMs } from "sarang-client";
import type { SearchOptions } from "sarang-client";
import { type Visitor, framed, subjectOf, visitor } from "./framed.ts";
import { t } from "./i18n.ts";
import * as past from "./past.ts";
import { type Outgoing, RoomModel } from "./room.ts";
import { TabClient } from "./share.ts";
import * as store from "./store.ts";
import { mentioning, plain } from "./text.ts";

export type Connection =
  | { readonly is: "online" }
  | { readonly is: "connecting" }
  | { readonly is: "offline"; readonly retryAtMs: number };

/** Who we are, in localStorage: all else is in IndexedDB. */
interface Saved {
  readonly name: string;
  readonly token: string;
  readonly user: string;
  /** The room that was shown. */
  readonly last: string;
  /** Whom the page around this one has said, if one has. */
  readonly subject?: string;
}

/** Who has missed more than that of a room reads on at its end. */
const resumeMax = 1000;

/** A browser that takes so long to keep a message does not keep it from being sent. */
const keepPatienceMs = 500;

/** A mark is told so long after something was read. */
const markMs = 1000;

/** Events that are asked for when a room is opened, and at each step. */
const pageItems = past.pageItems;

/** How often, and after how long, it is asked what a room is to us that we have just joined. */
const learnTries = 8;
const learnMs = 250;

/** Hits of a page. */
const foundItems = 20;

/** Rooms that a session keeps open. */
const roomsMax = 60;

export type Dialog = "none" | "message" | "switcher" | "newRoom" | "settings" | "keys" | "invite" | "moderate" | "talk" | "report" | "reports" | "audit" | "room" | "pins" | "date" | "picture" | "search" | "mentions" | "threads";

class App {
  readonly client = signal<TabClient | null>(null);
  readonly user = signal<Id>("0");
  readonly name = signal("");
  readonly account = signal(false); // the user has a password
  readonly connection = signal<Connection>({ is: "connecting" });
  readonly rooms = signal<readonly RoomModel[]>([]);
  readonly others = signal<readonly RoomInfo[]>([]);
  readonly current = signal<RoomModel | null>(null);
  readonly dialog = signal<Dialog>("none");
  readonly about = signal<{ user: Id; name: string } | null>(null); // whom "moderate" is about
  readonly message = signal<MessageView | null>(null); // which "message" is about
  readonly profile = signal<Profile | null>(null); // ours
  readonly blocked = signal<ReadonlySet<Id>>(new Set());
  readonly thread = signal<{ room: RoomModel; root: number } | null>(null); // that is shown beside
  readonly followed = signal<Followed | null>(null); // what another session has said of a thread last
  readonly people = signal(matchMedia("(min-width: 1100px)").matches);
  readonly notice = signal("");
  readonly announcement = signal("");
  readonly loginError = signal("");
  readonly loginCode = signal(0); // of that error
  readonly entering = signal(false);
  readonly unread = computed(() => this.rooms.value.reduce((n, r) => n + (r.muted.value ? r.mentions.value : r.unread.value), 0));
  #wanted = ""; // the room that the address names
  #wantedSeq = 0; // and the message
  readonly byLink = signal(""); // the code of a link by which somebody wants to come
  #subject = "";
  #moves = 0; // how often another room was wanted
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> = Promise.resolve();
  readonly #marking = new Map<RoomModel, ReturnType<typeof setTimeout>>(); // marks that are told soon
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

  /** Keeps who we are. */
  save(): void {
    const client = this.client.value;
    if (!client) return;
    const saved: Saved = { name: this.name.value, token: client.token, user: this.user.value, last: this.current.value?.info.value.name ?? "", ...(this.#subject ? { subject: this.#subject } : {}) };
    localStorage.setItem("me", JSON.stringify(saved));
  }

  /** Keeps where we stand in a room. */
  keep(r: RoomModel): void {
    store.keepRoom({ id: r.id, info: r.info.value, readSeq: r.readSeq.value, draft: r.draft });
  }

  start(): void {
    addEventListener("hashchange", () => this.#route());
    addEventListener("storage", (e) => {
      // In another tab somebody has gone, or somebody else has come.
      if (e.key === "me" && this.client.value && this.saved()?.user !== this.user.value) location.reload();
    });
    addEventListener("online", () => this.client.value?.check());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        this.client.value?.check();
        const r = this.current.value;
        if (r?.atEnd) this.read(r);
      } else {
        this.#leaving();
      }
    });
    addEventListener("pagehide", () => this.#leaving());
    this.#takeLink();
    [this.#wanted, this.#wantedSeq] = ofAddress();
    if (framed) return visitor((v) => void this.#come(v));
    const saved = this.saved();
    if (saved) void this.enter(saved.name, saved);
  }

  /** The page around this one says who is there. His own token is enough, where he was here before. */
  async #come(v: Visitor): Promise<void> {
    const saved = this.saved();
    this.#subject = v.jwt ? subjectOf(v.jwt) : "";
    const same = saved && (saved.subject ?? "") === this.#subject;
    if (same) await this.enter(saved.name, saved);
    if (v.jwt && !this.client.value) await this.enter(v.name, undefined, { jwt: v.jwt });
    else if (!same && v.name) await this.enter(v.name);
  }

  #leaving(): void {
    for (const r of [...this.#marking.keys()]) this.#tellMark(r);
    this.save();
    for (const r of this.rooms.value) this.keep(r);
    void store.flush();
  }

  /** Logs in: as a guest, by a password, or as who one was. */
  async enter(name: string, saved?: Saved, secret: { password?: string; register?: boolean; invitation?: string; jwt?: string } = {}): Promise<void> {
    this.loginError.value = "";
    this.loginCode.value = 0;
    this.entering.value = true;
    const client = new TabClient(() => {
      const token = (saved && this.saved()?.token) || saved?.token; // another tab may have a newer one
      return new Client({ url: this.url, name, program: "sarang page", device: device(), ...secret, ...(token ? { token } : {}) });
    }, saved?.user ?? "");
    this.#listen(client);
    if (saved) {
      // What was kept stands there before the server has answered.
      const kept = await store.load();
      batch(() => {
        this.name.value = saved.name;
        this.user.value = saved.user;
        this.client.value = client;
        for (const k of kept.rooms) {
          const r = this.#add(new RoomModel(k.info, saved.user));
          r.readSeq.value = k.readSeq;
          r.draft = k.draft;
        }
        for (const o of kept.outbox) {
          const r = this.find(o.room);
          if (r) r.outbox.value = [...r.outbox.value, o];
          else store.dropOutgoing(o.nonce);
        }
        this.#wanted ||= saved.last;
      });
      await Promise.all(this.rooms.value.map(async (r) => r.restore(await store.loadEvents(r.id))));
      const wanted = this.rooms.value.find((r) => sameName(r.info.value.name, this.#wanted));
      if (wanted) this.show(wanted);
    } else {
      await store.forgetAll(); // of who was here before
    }
    const moves = this.#moves;
    try {
      const self = await client.connect();
      batch(() => {
        this.client.value = client;
        this.name.value = self.name;
        this.user.value = self.user;
      });
      this.save();
      await this.#people(client);
      await this.#ours(client);
      void this.refreshRooms();
      if (this.byLink.value || moves === this.#moves) this.#route(); // else somebody has gone elsewhere meanwhile
    } catch (err) {
      client.close();
      batch(() => {
        this.client.value = null;
        this.rooms.value = [];
        this.current.value = null;
        this.loginError.value = sentence(err);
        this.loginCode.value = err instanceof ServerError ? err.code : 0;
      });
    } finally {
      this.entering.value = false;
    }
  }

  /** Joins all rooms that are ours, from where we stand in them. */
  async #ours(client: TabClient): Promise<void> {
    const mine = new Map<Id, MyRoom>();
    for await (const m of client.myRooms()) mine.set(m.room.id, m);
    for (const r of this.rooms.value) {
      // Left on another device. Of rooms that are not stored the server keeps no list.
      if (!mine.has(r.id) && !r.info.value.ephemeral) this.#remove(r.id);
    }
    for (const m of mine.values()) {
      if (!this.find(m.room.id)) this.#add(new RoomModel(m.room, this.user.value));
    }
    await Promise.all(this.rooms.value.slice(0, roomsMax).map((r) => this.#resume(client, r, mine.get(r.id))));
  }

  async #resume(client: TabClient, r: RoomModel, mine: MyRoom | undefined): Promise<void> {
    const known = r.info.value;
    const last = r.events.at(-1);
    const far = mine !== undefined && last !== undefined && mine.room.lastSeq - last.seq > resumeMax;
    if (far) {
      r.reset();
      store.dropEvents(r.id);
    }
    const from = last && !far ? { cursor: { epoch: known.epoch, seq: last.seq, timeMs: last.timeMs } } : { historyItems: pageItems };
    if (mine) {
      r.role.value = mine.role;
      r.muted.value = mine.muted;
      if (r === this.current.value && r.atEnd && document.visibilityState === "visible") r.marked = mine.mark;
      else r.count(mine.unread, mine.mentions, mine.mark, mine.room.lastSeq, this.user.value);
    }
    try {
      const { room, after } = await client.join({ room: r.id, known, ...from });
      this.#joined(room, after, 0);
      for (const o of r.outbox.value) if (o.state === "sending") this.#publish(client, r, o);
    } catch (err) {
      if (this.client.value !== client || !(err instanceof ServerError || err instanceof RoomChangedError)) return;
      this.#remove(r.id);
      this.tell(`${t().roomGone(`#${known.name}`)}: ${sentence(err)}`);
    }
  }

  /** Who we say that we are, and whom we do not want to see. */
  async #people(client: TabClient): Promise<void> {
    try {
      this.profile.value = await client.profile();
      const blocked = new Set<Id>();
      for (let after = "0"; ; ) {
        const page = await client.blockPage(after);
        for (const u of page.users) blocked.add(u.user);
        after = page.users.at(-1)?.user ?? "0";
        if (!page.more || after === "0") break;
      }
      this.blocked.value = blocked;
    } catch {
      // It is not known, then.
    }
  }

  /** The server has ended the session: whoever sits here is nobody. */
  async #out(err: ServerError): Promise<void> {
    localStorage.removeItem("me");
    await store.forgetAll();
    batch(() => {
      this.client.value = null;
      this.rooms.value = [];
      this.current.value = null;
      this.dialog.value = "none";
      this.loginError.value = err.code === Code.sessionEnded ? t().sessionEnded : sentence(err);
    });
  }

  /** Ends the session, and takes away what is kept here. */
  async forget(): Promise<void> {
    const client = this.client.value;
    this.client.value = null;
    if (client?.online && client.self?.account) {
      const patience = new Promise((resolve) => setTimeout(resolve, 2000));
      await Promise.race([client.endSession({ session: client.self.session }).catch(() => {}), patience]);
    }
    client?.close();
    localStorage.removeItem("me");
    await store.forgetAll();
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

  #joined(info: RoomInfo, after: number, readSeq: number): RoomModel {
    const r = this.find(info.id) ?? this.#add(new RoomModel(info, this.user.value));
    batch(() => {
      r.info.value = info;
      r.present.value = info.members;
      r.readSeq.value = Math.max(r.readSeq.value, Math.min(readSeq, info.lastSeq));
      if (info.ephemeral) r.olderMore = false;
      else if (r.events.length === 0) r.olderMore = after > 0;
      r.fills = true;
    });
    void this.refreshPeople(r);
    this.keep(r);
    return r;
  }

  /** Everything in a room up to its end was seen. */
  read(r: RoomModel): void {
    r.read();
    if (r.info.value.ephemeral || r.readSeq.value <= r.marked || this.#marking.has(r)) return;
    this.#marking.set(r, setTimeout(() => this.#tellMark(r), markMs));
  }

  /** Tells how far a room was read, if that is to be told, without waiting for more. */
  #tellMark(r: RoomModel): void {
    const timer = this.#marking.get(r);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#marking.delete(r);
    const seq = r.readSeq.value;
    if (seq <= r.marked) return;
    r.marked = seq;
    this.client.value?.mark(r.id, seq).catch(() => {
      r.marked = 0; // the next one says it again
    });
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
      void this.#learn(client, r);
      if (move === this.#moves) this.show(r); // else somebody has gone elsewhere meanwhile
    } catch (err) {
      this.tell(sentence(err));
    }
  }

  /** Asks what a room is to us: our role, our mark. */
  async #learn(client: TabClient, r: RoomModel): Promise<void> {
    if (r.info.value.ephemeral) return;
    try {
      for (let i = 0; i < learnTries; i++) {
        const { rooms } = await client.myRoomPage(String(BigInt(r.id) - 1n), 1);
        const mine = rooms.find((m) => m.room.id === r.id);
        if (mine) {
          r.role.value = mine.role;
          r.muted.value = mine.muted;
          r.marked = Math.max(r.marked, mine.mark);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, learnMs)); // it is stored a moment after the answer to the join
      }
    } catch {
      // It is not known, then.
    }
  }

  async mute(r: RoomModel, muted: boolean): Promise<void> {
    try {
      await this.client.value!.mute(r.id, muted);
      r.muted.value = muted;
    } catch (err) {
      this.tell(sentence(err));
    }
  }

  /** Opens the direct room with people. */
  async talkTo(whom: { users?: readonly Id[]; names?: readonly string[] }): Promise<boolean> {
    const move = ++this.#moves;
    return this.try(async (client) => {
      const info = await client.direct(whom);
      const there = this.find(info.id);
      if (there) return this.show(there);
      const { room, after } = await client.join({ room: info.id, historyItems: pageItems });
      const r = this.#joined(room, after, room.lastSeq);
      void this.#learn(client, r);
      if (move === this.#moves) this.show(r);
    });
  }

  /** Joins a room that has become ours on another device, or by somebody who talks to us. */
  async #adopt(client: TabClient, id: Id): Promise<void> {
    if (this.find(id)) return;
    try {
      const { rooms } = await client.myRoomPage(String(BigInt(id) - 1n), 1);
      const mine = rooms.find((m) => m.room.id === id);
      if (!mine || this.find(id)) return;
      await this.#resume(client, this.#add(new RoomModel(mine.room, this.user.value)), mine);
    } catch (err) {
      this.tell(sentence(err));
    }
  }

  label(r: RoomModel): string {
    if (!r.isDirect) return `#${r.info.value.name}`;
    return r.others(this.user.value).map((o) => o.name).join(", ") || this.name.value;
  }

  show(r: RoomModel | null): void {
    this.#moves++;
    const before = this.current.value;
    if (before && before !== r) {
      before.newLine.value = 0;
      this.#tellMark(before);
    }
    batch(() => {
      this.current.value = r;
      if (this.thread.value?.room !== r) this.thread.value = null;
      if (r && r !== before) {
        r.newLine.value = r.unread.value > 0 ? r.readSeq.value : 0;
        r.toEnd();
        this.read(r);
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
    return `${n ? `(${n}) ` : ""}${r ? `${this.label(r)} · ` : ""}Sarang`;
  }

  /** Takes the code of a link out of the address: it is not for the history of the browser. */
  #takeLink(): void {
    const code = location.hash.startsWith(roomLinkMark) ? roomLinkCode(location.hash) : "";
    if (!code) return;
    this.byLink.value = code;
    history.replaceState(null, "", location.pathname + location.search);
  }

  /** Comes into the room that a link leads to. */
  async #comeBy(client: TabClient, code: string): Promise<void> {
    const move = ++this.#moves;
    try {
      const info = await client.joinLink(code);
      const there = this.find(info.id);
      if (there) {
        if (move === this.#moves) this.show(there);
        return;
      }
      const { room, after } = await client.join({ room: info.id, historyItems: pageItems });
      const r = this.#joined(room, after, room.lastSeq);
      void this.#learn(client, r);
      if (move === this.#moves) this.show(r);
    } catch (err) {
      this.tell(err instanceof ServerError && err.code === Code.noRoom ? t().linkDead : sentence(err));
      if (move === this.#moves) this.#route();
    }
  }

  #route(): void {
    this.#takeLink();
    const client = this.client.value;
    if (this.byLink.value && client?.self) {
      const code = this.byLink.value;
      this.byLink.value = "";
      void this.#comeBy(client, code);
      return;
    }
    let [name, seq] = ofAddress();
    if (!name) [name, seq] = [this.#wanted, this.#wantedSeq];
    this.#wanted = "";
    if (!name) {
      this.show(null);
      return;
    }
    const here = this.current.value && sameName(this.current.value.info.value.name, name);
    void (here ? Promise.resolve() : this.open(name)).then(() => {
      const r = this.current.value;
      if (seq && r && sameName(r.info.value.name, name)) void this.jump(r, seq);
    });
  }

  /** The address of a link, for those who are to come by it. */
  inviteAddress(code: string): string {
    return `${location.origin}${location.pathname}${roomLinkMark}${code}`;
  }

  /** An address of a message, for others. */
  link(r: RoomModel, seq: number): string {
    return `${location.origin}${location.pathname}#/${encodeURIComponent(r.info.value.name)}/${seq}`;
  }

  #remove(id: Id): void {
    const r = this.find(id);
    if (!r) return;
    batch(() => {
      this.rooms.value = this.rooms.value.filter((o) => o !== r);
      if (this.current.value === r) this.show(null);
    });
    store.dropRoom(id);
    for (const o of r.outbox.value) store.dropOutgoing(o.nonce);
    this.save();
  }

  async leave(r: RoomModel): Promise<void> {
    try {
      await this.client.value?.leave(r.id, { forGood: !r.info.value.ephemeral });
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
      r.arePresent(page.members, page.total);
    } catch {
      // Whoever is not in the room may not know.
    }
  }

  /** Reads a page of what stands before. */
  async older(r: RoomModel): Promise<void> {
    if (r.moveUp() || !r.olderMore || r.loading.value || r.info.value.ephemeral) return;
    const before = r.events[0]?.seq;
    if (!before) return; // the first ones are on their way
    if (before <= 1) {
      r.olderMore = false;
      r.changed();
      return;
    }
    await this.#page(r, { before }, (page) => r.prepend(page.events, page.more));
  }

  /** Reads a page of what stands behind, where that is not the log's end. */
  async newer(r: RoomModel): Promise<void> {
    if (r.moveDown() || !r.detached || r.loading.value) return;
    await this.#page(r, { after: r.events.at(-1)?.seq ?? 0 }, (page) => r.append(page.events, page.more));
  }

  async #page(r: RoomModel, at: { before?: number; after?: number }, take: (page: HistoryPage) => void): Promise<void> {
    r.loading.value = true;
    try {
      take(await this.client.value!.history(r.id, { ...at, itemsMax: pageItems }));
    } catch (err) {
      r.fills = false; // else it is asked without an end
      this.tell(sentence(err));
    } finally {
      r.loading.value = false;
    }
  }

  // Messages.

  /** Says something in a room; in a thread, by the number of its first message, or as the answer to what is chosen. */
  send(r: RoomModel, text: string, thread = 0, files: readonly FileInfo[] = []): void {
    const client = this.client.value;
    if (!client) return;
    const to = thread ? null : r.replying.value;
    if (to) r.replying.value = null;
    const answer = thread ? { target: thread } : to ? { target: to.event.seq, root: to.root } : {};
    const o: Outgoing = { room: r.id, nonce: client.nonce(), text, ...answer, ...(files.length > 0 ? { files } : {}), atMs: Date.now(), state: "sending" };
    r.outbox.value = [...r.outbox.value, o];
    // It is kept before it is sent: a reload sends it again, with its nonce.
    const patience = new Promise<void>((resolve) => setTimeout(resolve, keepPatienceMs));
    const kept = this.#sending.then(() => Promise.race([store.keepOutgoing(o), patience]));
    this.#sending = kept.then(() => this.#publish(client, r, o));
  }

  again(r: RoomModel, o: Outgoing): void {
    const client = this.client.value;
    if (!client) return;
    const { error: _, ...rest } = o;
    const next: Outgoing = { ...rest, state: "sending" };
    r.outbox.value = r.outbox.value.map((x) => (x.nonce === o.nonce ? next : x));
    this.#publish(client, r, next);
  }

  discard(r: RoomModel, o: Outgoing): void {
    store.dropOutgoing(o.nonce);
    r.outbox.value = r.outbox.value.filter((x) => x.nonce !== o.nonce);
  }

  #publish(client: TabClient, r: RoomModel, o: Outgoing): void {
    if (!client.rooms().some((x) => x.room.id === r.id)) return; // the join sends it
    const answer = o.target ? { target: o.target, root: o.root ?? 0 } : {};
    const files = o.files?.map((f) => f.id) ?? [];
    client.publish(r.id, o.text, { nonce: o.nonce, ...answer, files }).then(
      (seq) => {
        store.dropOutgoing(o.nonce);
        // Its event takes it away; here it has come already, before the answer.
        if (seq <= r.last) this.discard(r, o);
      },
      (err: unknown) => {
        if (err instanceof PublishError) return; // the page is closing: the next one sends it
        r.outbox.value = r.outbox.value.map((x) => (x.nonce === o.nonce ? { ...x, state: "failed", error: sentence(err) } : x));
      },
    );
  }

  // Messages that change.

  /** Does something, and tells why if it can not be done. */
  async try(f: (client: TabClient) => Promise<unknown>): Promise<boolean> {
    try {
      await f(this.client.value!);
      return true;
    } catch (err) {
      this.tell(sentence(err));
      return false;
    }
  }

  async edit(r: RoomModel, seq: number, text: string): Promise<void> {
    const before = r.view.get(seq);
    if (before?.text === text) return;
    if (await this.try((c) => c.edit(r.id, seq, text))) return;
    // What was written is not lost.
    if (before && !r.editing.value && !r.draft) {
      r.editing.value = before;
      r.draft = text;
    }
  }

  delete(r: RoomModel, seq: number): Promise<boolean> {
    return this.try((c) => c.delete(r.id, seq));
  }

  react(r: RoomModel, m: MessageView, emoji: string): Promise<boolean> {
    const remove = m.reactions.some((x) => x.emoji === emoji && x.mine > 0);
    return this.try((c) => c.react(r.id, m.event.seq, emoji, { remove }));
  }

  pin(r: RoomModel, m: MessageView): Promise<boolean> {
    return this.try((c) => c.pin(r.id, m.event.seq, { remove: m.pinned > 0 }));
  }

  // What was said before.

  /** Goes to a message, wherever it stands. */
  jump(r: RoomModel, seq: number): Promise<boolean> {
    return this.try(async (c) => {
      if (!(await past.jump(c, r, seq))) this.tell(t().notFound);
    });
  }

  /** Goes to what was said first from a time on; false: nothing was. */
  async jumpToTime(r: RoomModel, ms: number): Promise<boolean> {
    let seq = 0;
    if (!(await this.try(async (c) => void (seq = await past.firstSince(c, r, ms))))) return true;
    if (seq) await this.jump(r, seq);
    return seq > 0;
  }

  /** Reads for what is pinned; whether that is all. */
  async loadPins(r: RoomModel): Promise<boolean> {
    let whole = true;
    await this.try(async (c) => void (whole = await past.readPins(c, r)));
    return whole;
  }

  /** Threads of a room: all, or those that one follows and in which something is unread. */
  async threadPage(r: RoomModel, unread: boolean, before = 0): Promise<{ threads: readonly ThreadInfo[]; more: boolean }> {
    return this.client.value!.threads(r.id, { before, unread, itemsMax: foundItems });
  }

  /** A thread was read up to seq; whether one follows it. null: it is not known. */
  async readThread(r: RoomModel, root: number, seq: number): Promise<boolean | null> {
    try {
      return (await this.client.value!.readThread(r.id, root, seq)).followed;
    } catch {
      return null;
    }
  }

  /** Follows a thread, or does not any more; whether one does then. */
  async follow(r: RoomModel, root: number, remove: boolean): Promise<boolean> {
    let followed = remove;
    await this.try(async (c) => void (followed = (await c.follow(r.id, root, { remove })).followed));
    return followed;
  }

  openThread(r: RoomModel, root: number): void {
    this.thread.value = { room: r, root };
  }

  async loadThread(r: RoomModel, root: number): Promise<boolean> {
    let whole = true;
    await this.try(async (c) => void (whole = await past.readThread(c, r, root)));
    return whole;
  }

  async textOf(r: RoomModel, seq: number): Promise<string> {
    try {
      return (await past.textOf(this.client.value!, r, seq)) || t().deleted;
    } catch {
      return "…";
    }
  }

  // Mentions and search.

  /** What somebody is called in a room. */
  nameOf(r: RoomModel | undefined, user: Id | "all"): string {
    return user === this.user.value ? this.name.value : (r?.nameOf(user) ?? "");
  }

  /** What was written as the server gets it. */
  mentioning(r: RoomModel, text: string): string {
    return mentioning(text, (name) => r.called(name, mayMentionAll(r)));
  }

  async mentionPage(before?: MentionPlace): Promise<{ messages: readonly RoomEvent[]; next: MentionPlace | null }> {
    const page = await this.client.value!.mentions(before, foundItems);
    return { messages: page.messages.filter((e) => e.text !== ""), next: page.more ? page.next : null };
  }

  async searchPage(what: SearchOptions): Promise<{ hits: readonly Hit[]; next: string; partial: boolean }> {
    return this.client.value!.search({ ...what, itemsMax: foundItems });
  }

  /** Goes to a message of any room. */
  async goToMessage(room: Id, seq: number): Promise<void> {
    let r = this.find(room);
    if (!r) {
      const other = this.others.value.find((o) => o.id === room);
      if (other) await this.open(other.name);
      r = this.find(room);
    }
    if (!r) return this.tell(t().notFound);
    if (this.current.value !== r) this.show(r);
    await this.jump(r, seq);
  }

  /** Somebody types into a field of a room, which says that by now. */
  typing(r: RoomModel, text: string): void {
    if (text.trim()) this.client.value?.typing(r.id);
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

  #listen(client: TabClient): void {
    client.on("online", (self) => {
      this.connection.value = { is: "online" };
      this.account.value = self.account;
      this.save(); // the token may be another one
    });
    client.on("offline", (e) => {
      this.connection.value = { is: "offline", retryAtMs: Date.now() + e.retryInMs };
      if (e.final && e.error instanceof ServerError && this.client.value === client) void this.#out(e.error);
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
      if (g.epochChanged) {
        r.reset();
        store.dropEvents(r.id);
      } else r.gaps.set(g.to + 1, g.to - g.from + 1);
      r.changed();
    });
    client.on("left", (e) => {
      const r = this.find(e.room);
      if (!r) return;
      this.#remove(e.room);
      if (e.error.code !== Code.left) this.tell(`${t().sentOut(this.label(r))}: ${e.error.message}`);
    });
    client.on("typing", (e) => {
      if (e.user !== this.user.value && !this.blocked.value.has(e.user)) this.find(e.room)?.types(e.user, e.name, typingShownMs);
    });
    client.on("profile", (p) => (this.profile.value = p));
    client.on("renamed", (e) => {
      this.name.value = e.name;
      this.save();
    });
    client.on("block", (e) => {
      const blocked = new Set(this.blocked.value);
      if (e.removed) blocked.delete(e.user);
      else blocked.add(e.user);
      this.blocked.value = blocked;
    });
    client.on("belongs", (e) => void this.#adopt(client, e.room));
    client.on("followed", (e) => (this.followed.value = e));
    client.on("mark", (e) => this.find(e.room)?.readTo(e.seq, this.user.value));
    client.on("mute", (e) => {
      const r = this.find(e.room);
      if (r) r.muted.value = e.muted;
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
      r = this.#add(new RoomModel(info, this.user.value));
      r.readSeq.value = r.counted = info.lastSeq;
    }
    const seen = r === this.current.value && r.atEnd && document.visibilityState === "visible";
    if (r === this.current.value && !seen && r.unread.value === 0 && e.user !== this.user.value && e.kind === "message") {
      r.newLine.value = r.readSeq.value;
    }
    r.take(e, this.user.value, seen);
    if (seen) this.read(r);
    store.keepEvent(e);
    if (e.kind === "delete") for (const erased of r.erase(e.target)) store.keepEvent(erased);
    document.title = this.title();
    if (e.kind === "message" && e.user !== this.user.value && r === this.current.value && !this.blocked.value.has(e.user)) this.#announce(r, e);
  }

  /** Says new messages to who listens, some at a time: a flood is only counted. */
  #announce(r: RoomModel, e: RoomEvent): void {
    this.#said.push(t().announce(e.name, plain(e.text, (u) => this.nameOf(r, u)).slice(0, 300)));
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

/** Whether we may speak to all who are in a room at once. */
export function mayMentionAll(r: RoomModel): boolean {
  return r.role.value === "owner" || r.role.value === "moderator";
}

export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** What a user reads in the list of his sessions: the browser and the system. */
function device(): string {
  const ua = navigator.userAgent;
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)/.exec(ua)?.[1] ?? "";
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux)/.exec(ua)?.[1] ?? "";
  return [browser.replace("Edg", "Edge").replace("OPR", "Opera"), system.replace("Mac OS X", "macOS")].filter(Boolean).join(", ");
}

/** The room that the address names, and the number of a message: #/room or #/room/12. */
function ofAddress(): [string, number] {
  const found = /^#\/([^/]+)(?:\/(\d{1,15}))?$/.exec(location.hash);
  try {
    return [decodeURIComponent(found?.[1] ?? ""), Number(found?.[2] ?? 0)];
  } catch {
    return ["", 0];
  }
}

export function sentence(err: unknown): string {
  const text = err instanceof Error ? err.message : String(err);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Client, Code, ClosedError, PublishError, type RoomEvent, RoomChangedError, ServerError, View, roomLinkCode, roomLinkMark } from "../src/index.ts";
import { Proxy, TestServer, client, next, until } from "./rig.ts";

let server: TestServer;
let proxy: Proxy;
const clients: Client[] = [];

function enter(name: string, more = {}): Client {
  const c = client(proxy.url, name, more);
  clients.push(c);
  return c;
}

before(async () => {
  server = await TestServer.start();
  proxy = await Proxy.start(() => server.port);
});

after(async () => {
  for (const c of clients) c.close();
  proxy.close();
  await server.kill();
});

describe("a conversation", () => {
  test("two people talk", async () => {
    const ann = enter("Ann");
    const bob = enter("Bob");
    const self = await ann.connect();
    assert.equal(self.name, "Ann");
    assert.match(self.token, /^[A-Za-z0-9+/]+=*$/);
    assert.ok(self.limits.textBytesMax > 0);
    await bob.connect();
    const joined = await ann.join({ name: "lobby", create: true });
    assert.equal(joined.room.name, "lobby");
    await bob.join({ name: "lobby" });
    const heard = next(bob, "event", (e) => e.kind === "message");
    const own = next(ann, "event", (e) => e.kind === "message");
    const seq = await ann.publish(joined.room.id, "hi 안녕! \u{1f375}");
    const e = await heard;
    assert.equal(e.seq, seq);
    assert.equal(e.text, "hi 안녕! \u{1f375}");
    assert.equal(e.name, "Ann");
    assert.equal(e.user, self.user);
    assert.ok(Math.abs(e.timeMs - Date.now()) < 60_000);
    assert.deepEqual(await own, e);

    const members = await bob.memberPage(joined.room.id);
    assert.deepEqual(members.members.map((m) => m.name), ["Ann", "Bob"]);
    assert.equal(members.total, 2);
    const page = await bob.history(joined.room.id, { before: e.seq + 1, itemsMax: 1 });
    assert.deepEqual(page.events, [e]);
    assert.equal(page.more, true);

    await ann.leave(joined.room.id);
    assert.deepEqual(ann.rooms(), []);
    await assert.rejects(ann.publish(joined.room.id, "gone"), (err) => err instanceof ServerError && err.code === Code.notMember);
  });

  test("rooms are made, and listed page by page", async () => {
    const c = enter("Carol");
    await c.connect();
    const names = Array.from({ length: 5 }, (_, i) => `list-${i}`);
    for (const name of names) await c.create(name);
    await c.create("hidden", { private: true });
    await assert.rejects(c.create("list-0"), (err) => err instanceof ServerError && err.code === Code.roomExists);
    const all = [];
    for await (const r of c.allRooms()) all.push(r);
    for (const name of names) assert.ok(all.some((r) => r.name === name));
    assert.equal(all.find((r) => r.name === "hidden")?.private, true);
    const page = await c.roomPage("0", 2);
    assert.equal(page.rooms.length, 2);
    assert.equal(page.more, true);
  });

  test("roles: mute, kick, ban", async () => {
    const dan = enter("Dan");
    const eve = enter("Eve");
    await dan.connect();
    const { user } = await eve.connect();
    const { room } = await dan.join({ name: "court", create: true });
    await eve.join({ name: "court" });
    await assert.rejects(eve.kick(room.id, { name: "Dan" }), (err) => err instanceof ServerError && err.code === Code.forbidden);
    const muted = next(eve, "event", (e) => e.kind === "role");
    await dan.giveRole(room.id, "reader", { subject: user }, { forSeconds: 3600, reason: "calm down" });
    const e = await muted;
    assert.deepEqual([e.role, e.subject, e.text], ["reader", user, "calm down"]);
    assert.equal(e.untilMs, e.timeMs + 3_600_000);
    await assert.rejects(eve.publish(room.id, "no!"), (err) => err instanceof ServerError && err.code === Code.forbidden);
    const out = next(eve, "left");
    await dan.kick(room.id, { subject: user }, { reason: "out" });
    assert.equal((await out).error.code, Code.kicked);
    assert.deepEqual(eve.rooms(), []);
    await eve.join({ room: room.id });
    const banned = next(eve, "left");
    await dan.giveRole(room.id, "banned", { name: "Eve" });
    assert.equal((await banned).error.code, Code.banned);
    await assert.rejects(eve.join({ room: room.id }), (err) => err instanceof ServerError && err.code === Code.forbidden);
  });

  test("one's rooms, read marks, on two devices", async () => {
    const ann = enter("Rosa");
    const { user } = await ann.connect();
    const other = enter("Rosa", { token: ann.token });
    await other.connect();
    const bob = enter("Sam");
    await bob.connect();
    const { room } = await bob.join({ name: "marks", create: true });
    await ann.join({ room: room.id });
    const read = await bob.publish(room.id, "one");
    await bob.publish(room.id, "two");
    const last = await bob.publish(room.id, "three");
    const told = next(other, "mark");
    assert.equal(await ann.mark(room.id, read), read);
    assert.deepEqual(await told, { room: room.id, seq: read });
    assert.equal(await ann.mark(room.id, 1), read, "a mark does not go back");
    const muted = next(other, "mute");
    await ann.mute(room.id, true);
    assert.deepEqual(await muted, { room: room.id, muted: true });
    const mine = [];
    for await (const r of other.myRooms()) mine.push(r);
    assert.equal(mine.length, 1);
    const m = mine[0]!;
    assert.deepEqual([m.room.name, m.role, m.mark, m.unread, m.muted], ["marks", "member", read, 2, true]);
    assert.deepEqual([m.last.seq, m.last.name, m.last.text], [last, "Sam", "three"]);
    assert.notEqual(m.last.user, user);
    // Left on one device, left on all.
    await other.join({ room: room.id });
    const left = next(other, "left");
    await ann.leave(room.id, { forGood: true });
    assert.equal((await left).error.code, Code.left);
    assert.deepEqual((await ann.myRoomPage()).rooms, []);
  });

  test("accounts: by a password, from several devices", async () => {
    const first = enter("Tina", { password: "correct horse", register: true, device: "phone" });
    const self = await first.connect();
    assert.equal(self.account, true);
    await assert.rejects(enter("Tina", { password: "wrong horse" }).connect(), (err) => err instanceof ServerError && err.code === Code.badPassword);
    const second = enter("Tina", { password: "correct horse", device: "laptop" });
    assert.equal((await second.connect()).user, self.user);
    const sessions = await second.sessions();
    assert.deepEqual(sessions.map((s) => [s.device, s.current]).sort(), [["laptop", true], ["phone", false]]);
    // A lost connection needs the password no more.
    const back = next(second, "online");
    proxy.cut();
    assert.equal((await back).user, self.user);
    if (!first.online) await next(first, "online");
    const out = next(first, "offline", (e) => e.final);
    await second.changePassword("correct horse", "battery staple");
    assert.equal(((await out).error as ServerError).code, Code.sessionEnded);

    const guest = enter("Gast");
    const { user } = await guest.connect();
    await guest.register("quite a long sentence");
    const elsewhere = enter("Gast", { password: "quite a long sentence" });
    assert.equal((await elsewhere.connect()).user, user);
    const ended = next(guest, "offline", (e) => e.final);
    await elsewhere.endSession({ others: true });
    await ended;

    await assert.rejects(elsewhere.eraseUser("wrong"), (err) => err instanceof ServerError && err.code === Code.badPassword);
    const erased = next(elsewhere, "offline", (e) => e.final);
    await elsewhere.eraseUser("quite a long sentence");
    assert.equal(((await erased).error as ServerError).code, Code.sessionEnded);
  });

  test("two people alone", async () => {
    const ann = enter("Ulla");
    const bob = enter("Viktor");
    const a = await ann.connect();
    const b = await bob.connect();
    const told = next(bob, "belongs");
    const info = await ann.direct({ names: ["Viktor"] });
    assert.deepEqual([...info.direct].sort(), [a.user, b.user].sort());
    await ann.join({ room: info.id });
    await ann.publish(info.id, "psst");
    assert.equal((await told).room, info.id);
    const heard = next(bob, "event", (e) => e.kind === "message");
    await bob.join({ room: info.id, historyItems: 10 });
    assert.equal((await heard).text, "psst");
  });

  test("messages that change: live and by pages the same", async () => {
    const ann = enter("Wilma");
    const bob = enter("Xaver");
    const { user } = await ann.connect();
    const b = await bob.connect();
    const { room } = await ann.join({ name: "changes", create: true });
    await bob.join({ room: room.id });
    const live = new View(b.user);
    bob.on("event", (e) => void live.apply(e));
    const one = await ann.publish(room.id, "one");
    const two = await ann.publish(room.id, "two");
    const answer = await bob.publish(room.id, "why?", { target: one });
    await ann.edit(room.id, one, "first");
    await assert.rejects(bob.edit(room.id, one, "mine"), (err) => err instanceof ServerError && err.code === Code.forbidden);
    await bob.react(room.id, one, "👍");
    await ann.react(room.id, one, "👍");
    await ann.react(room.id, answer, "🍵");
    await ann.react(room.id, answer, "🍵", { remove: true });
    await ann.pin(room.id, answer);
    await ann.edit(room.id, two, "secret");
    const last = await ann.delete(room.id, two);
    await assert.rejects(ann.edit(room.id, two, "back"), (err) => err instanceof ServerError && err.code === Code.erased);
    await until(() => (live.get(two)?.deleted ?? 0) === last, "bob has seen all");
    const paged = new View(b.user);
    for (let before = last + 1; before > 1; ) {
      const page = await bob.history(room.id, { before, itemsMax: 2 });
      assert.ok(page.asOf >= last);
      for (const e of page.events) paged.apply(e);
      before = page.events[0]!.seq;
    }
    for (const v of [live, paged]) {
      const first = v.get(one)!;
      assert.deepEqual([first.text, first.event.user, first.reactions.map((r) => [r.emoji, r.count, r.mine > 0])], ["first", user, [["👍", 2, true]]]);
      assert.ok(first.edited > one);
      const a = v.get(answer)!;
      assert.deepEqual([a.event.target, a.pinned > 0, a.reactions], [one, true, []]);
      assert.deepEqual([v.get(two)!.text, v.get(two)!.deleted], ["", last]);
    }
  });

  test("topics, and who types", async () => {
    const ann = enter("Yara");
    const bob = enter("Zeno");
    const a = await ann.connect();
    await bob.connect();
    const { room } = await ann.join({ name: "topics", create: true });
    await bob.join({ room: room.id });
    const told = next(bob, "event", (e) => e.kind === "topic");
    await ann.topic(room.id, "tea, mostly");
    assert.equal((await told).text, "tea, mostly");
    assert.equal(bob.rooms()[0]!.room.topic, "tea, mostly");
    await assert.rejects(bob.topic(room.id, "coffee"), (err) => err instanceof ServerError && err.code === Code.forbidden);
    const typing: { user: string; name: string }[] = [];
    bob.on("typing", (e) => typing.push(e));
    for (let i = 0; i < 5; i++) ann.typing(room.id);
    await until(() => typing.length > 0, "bob is told");
    // What she says comes behind all that was told of her typing.
    const said = next(bob, "event", (e) => e.kind === "message");
    await ann.publish(room.id, "there");
    await said;
    assert.deepEqual(typing.map((e) => [e.user, e.name]), [[a.user, "Yara"]]);
  });

  test("settings of a room", async () => {
    const ann = enter("Yuri");
    const bob = enter("Yves");
    await ann.connect();
    await bob.connect();
    const { room } = await ann.join({ name: "settings", create: true });
    await bob.join({ room: room.id });
    const told = next(bob, "event", (e) => e.kind === "archive");
    await ann.set(room.id, { description: "All about tea." });
    await ann.set(room.id, { slowSeconds: 30 });
    await assert.rejects(bob.set(room.id, { slowSeconds: 0 }), (err) => err instanceof ServerError && err.code === Code.forbidden);
    await ann.set(room.id, { name: "renamed" });
    await until(() => bob.rooms()[0]!.room.name === "renamed", "bob knows the new name");
    // Who was away meanwhile comes back to the room, whatever its name.
    const gone = await bob.join({ name: "other-room", create: true });
    assert.equal(gone.room.name, "other-room");
    const again = enter("Yorick");
    await again.connect();
    assert.equal((await again.join({ room: room.id, known: room })).room.name, "renamed");
    await ann.set(room.id, { archived: true });
    assert.equal((await told).value, 1);
    const info = bob.rooms().find((r) => r.room.id === room.id)!.room;
    assert.deepEqual([info.description, info.slowSeconds, info.archived], ["All about tea.", 30, true]);
    await assert.rejects(ann.publish(room.id, "late"), (err) => err instanceof ServerError && err.code === Code.archived);
    await ann.set(room.id, { archived: false });
    await ann.publish(room.id, "open again");
  });

  test("profiles, other names, and blocking", async () => {
    const ann = enter("Zara");
    const other = enter("Zara", { token: ann.token });
    const bob = enter("Zeb");
    const a = await ann.connect();
    await other.connect();
    const b = await bob.connect();
    const told = next(other, "profile");
    await ann.setProfile({ displayName: "Zara Z.", status: "in the garden" });
    assert.equal((await told).status, "in the garden");
    const p = await bob.profile({ name: "Zara" });
    assert.deepEqual([p.user, p.displayName, p.status, p.presence, p.account], [a.user, "Zara Z.", "in the garden", "online", false]);
    await ann.setProfile({ status: "" });
    assert.deepEqual([(await bob.profile({ user: a.user })).status, (await bob.profile()).user], ["", b.user]);
    await assert.rejects(bob.profile({ name: "nobody-there" }), (err) => err instanceof ServerError && err.code === Code.noUser);
    const blocks = next(other, "block");
    assert.equal(await ann.block({ name: "Zeb" }), b.user);
    assert.deepEqual(await blocks, { user: b.user, removed: false });
    assert.deepEqual((await ann.blockPage()).users.map((u) => u.name), ["Zeb"]);
    await ann.block({ user: b.user }, { remove: true });
    assert.deepEqual((await ann.blockPage()).users, []);
    const renamed = next(other, "renamed");
    assert.equal(await ann.rename("Zahra"), "Zahra");
    assert.equal((await renamed).name, "Zahra");
    // Whoever comes back does so by the new name.
    const back = next(ann, "online");
    proxy.cut();
    assert.equal((await back).name, "Zahra");
  });

  test("files go by HTTP, and messages name them", async () => {
    const ann = enter("Filip");
    const bob = enter("Fay");
    await ann.connect();
    await bob.connect();
    const { room } = await ann.join({ name: "with-files", create: true });
    await bob.join({ room: room.id });
    const origin = `http://127.0.0.1:${server.port}`;
    const bytes = new Uint8Array(2_500_000).map((_, i) => i * 7);
    const sent: number[] = [];
    const file = await ann.files(origin).upload(new Blob([bytes]), { name: "seven.bin", progress: (n) => sent.push(n) });
    assert.deepEqual([file.name, file.bytes, sent.at(-1), sent.length], ["seven.bin", bytes.length, bytes.length, 3]);
    const told = next(bob, "event", (e) => e.kind === "message");
    const seq = await ann.publish(room.id, "", { files: [file.id] });
    assert.deepEqual((await told).files, [file]);
    const v = new View(bob.self!.user);
    v.apply(await told);
    assert.equal(v.get(seq)!.gone, false, "a message with a file alone is there");
    const got = await bob.files(origin).get(room.id, seq, file.id);
    assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
    await assert.rejects(bob.files(origin).get(room.id, seq, "1"), (err) => err instanceof ServerError && err.code === Code.noFile);
    const erased = next(bob, "event", (e) => e.kind === "delete");
    await ann.delete(room.id, seq);
    v.apply(await erased);
    assert.deepEqual([v.get(seq)!.gone, v.get(seq)!.files], [true, []]);
    await assert.rejects(bob.files(origin).get(room.id, seq, file.id), (err) => err instanceof ServerError && err.code === Code.noFile);
  });

  test("reports, and what moderators do about them", async () => {
    const ann = enter("Abel");
    const bob = enter("Bela");
    const eve = enter("Eva");
    await ann.connect();
    const b = await bob.connect();
    const e = await eve.connect();
    const { room } = await ann.join({ name: "reported", create: true });
    await eve.join({ room: room.id });
    const seq = await eve.publish(room.id, "buy this");
    const r = await bob.report(room.id, seq, "spam");
    assert.deepEqual([r.room, r.seq, r.author, r.reporter, r.reason, r.outcome], [room.id, seq, e.user, b.user, "spam", "open"]);
    assert.equal((await bob.report(room.id, seq)).id, r.id, "the second is the first");
    await assert.rejects(eve.report(room.id, seq), (err) => err instanceof ServerError && err.code === Code.badRequest);
    await assert.rejects(bob.reportPage(room.id), (err) => err instanceof ServerError && err.code === Code.forbidden);
    const page = await ann.reportPage(room.id);
    assert.deepEqual(page.reports.map((x) => [x.id, x.authorName, x.reporterName]), [[r.id, "Eva", "Bela"]]);
    await ann.giveRole(room.id, "banned", { subject: e.user }, { reason: "spam" });
    const done = await ann.resolve(room.id, r.id, "acted", "banned");
    assert.deepEqual([done.outcome, done.note], ["acted", "banned"]);
    assert.deepEqual((await ann.reportPage(room.id)).reports, []);
    assert.equal((await ann.reportPage(room.id, { all: true })).reports.length, 1);
    await assert.rejects(ann.resolve(room.id, "999", "acted"), (err) => err instanceof ServerError && err.code === Code.noReport);
    const audit = await ann.auditPage(room.id, { itemsMax: 1 });
    assert.deepEqual(audit.entries.map((x) => x.act), [9]);
    const older = await ann.auditPage(room.id, { before: audit.entries[0]! });
    assert.deepEqual(older.entries.map((x) => [x.act, x.subjectName, x.role, x.reason]), [[1, "Eva", "banned", "spam"]]);
  });

  test("links into a private room", async () => {
    const ann = enter("Lena");
    const bob = enter("Lars");
    const cid = enter("Lutz");
    await ann.connect();
    await bob.connect();
    await cid.connect();
    const { room } = await ann.join({ name: "circle", create: true, private: true });
    const { link, code } = await ann.makeLink(room.id, { forSeconds: 3600, usesMax: 1 });
    assert.deepEqual([link.room, link.byName, link.uses, link.usesMax, link.expiresMs - link.createdMs], [room.id, "Lena", 0, 1, 3_600_000]);
    assert.equal(roomLinkCode(`http://host/page${roomLinkMark}${code}`), code);
    const dead = (err: unknown) => err instanceof ServerError && err.code === Code.noRoom;
    await assert.rejects(cid.joinLink("AAAA-BBBB-CCCC-DDDD"), dead);
    await assert.rejects(cid.makeLink(room.id), dead);
    const in_ = await bob.joinLink(code);
    assert.deepEqual([in_.id, in_.name, in_.private], [room.id, "circle", true]);
    await bob.join({ room: in_.id });
    await assert.rejects(cid.joinLink(code), dead);
    const page = await ann.linkPage(room.id);
    assert.deepEqual([page.more, page.links.map((l) => [l.id, l.uses])], [false, [[link.id, 1]]]);
    const other = await ann.makeLink(room.id);
    await ann.revokeLink(room.id, other.link.id);
    await assert.rejects(cid.joinLink(other.code), dead);
    await assert.rejects(bob.linkPage(room.id), (err) => err instanceof ServerError && err.code === Code.forbidden);
  });

  test("what a room does not take", async () => {
    const ann = enter("Freya");
    const bob = enter("Flo");
    await ann.connect();
    await bob.connect();
    const { room } = await ann.join({ name: "filtered", create: true });
    await bob.join({ room: room.id });
    assert.deepEqual(await ann.filter(room.id), { words: [], links: false });
    assert.deepEqual(await ann.setFilter(room.id, { words: ["spam", "buy now", "spam"], links: true }), { words: ["spam", "buy now"], links: true });
    for (const text of ["SPAM!", "Buy, now", "https://example.org"]) {
      await assert.rejects(bob.publish(room.id, text), (err) => err instanceof ServerError && err.code === Code.filtered);
    }
    await bob.publish(room.id, "hello");
    await ann.publish(room.id, "no spam here");
    await assert.rejects(bob.filter(room.id), (err) => err instanceof ServerError && err.code === Code.forbidden);
  });

  test("what is refused has a code", async () => {
    await assert.rejects(enter("admin").connect(), (err) => err instanceof ServerError && err.code === Code.badName);
    const first = enter("Fred");
    await first.connect();
    await assert.rejects(enter("Fred").connect(), (err) => err instanceof ServerError && err.code === Code.nameTaken || err instanceof ServerError && err.code === Code.badToken);
    const again = enter("Fred", { token: first.token });
    assert.equal((await again.connect()).user, first.self!.user);
    await assert.rejects(first.join({ name: "nowhere" }), (err) => err instanceof ServerError && err.code === Code.noRoom);
    const { room } = await first.join({ name: "fred", create: true });
    await assert.rejects(first.publish(room.id, ""), (err) => err instanceof ServerError && err.code === Code.badText);
    const nonce = first.nonce();
    const seq = await first.publish(room.id, "one", { nonce });
    assert.equal(await first.publish(room.id, "one", { nonce }), seq);
    await assert.rejects(first.publish(room.id, "two", { nonce }), (err) => err instanceof ServerError && err.code === Code.nonceUsed);
    first.close();
    await assert.rejects(first.publish(room.id, "late"), ClosedError);
    await assert.rejects(first.connect(), ClosedError);
  });

  test("too fast is no error: it takes longer", async () => {
    const strict = await TestServer.start("--trusted", "none", "--messages-per-second", "40", "--messages-burst", "5");
    const c = client(`ws://127.0.0.1:${strict.port}/ws`, "Greta");
    try {
      await c.connect();
      const { room } = await c.join({ name: "quick", create: true });
      const seen = watch(c, room.id);
      const texts = Array.from({ length: 25 }, (_, i) => `m${i}`);
      const begun = Date.now();
      const seqs = await Promise.all(texts.map((t) => c.publish(room.id, t)));
      assert.ok(Date.now() - begun > 300, "the server has slowed it down");
      await until(() => seen.filter((e) => e.kind === "message").length === texts.length, "all are seen");
      assert.equal(new Set(seqs).size, texts.length);
      assert.deepEqual(seen.filter((e) => e.kind === "message").map((e) => e.text).sort(), [...texts].sort());
    } finally {
      c.close();
      await strict.kill();
    }
  });
});

/** Watches a room: each number once, in order, and texts as they were published. */
function watch(c: Client, room: string): RoomEvent[] {
  const seen: RoomEvent[] = [];
  c.on("event", (e) => e.room === room && seen.push(e));
  return seen;
}

function whole(seen: readonly RoomEvent[]): void {
  for (let i = 1; i < seen.length; i++) assert.equal(seen[i]!.seq, seen[i - 1]!.seq + 1);
}

describe("a network that fails", () => {
  test("cut again and again: stored once, seen once, in order", async () => {
    const ann = enter("Hana");
    const bob = enter("Ian");
    await ann.connect();
    await bob.connect();
    const { room } = await ann.join({ name: "cut", create: true });
    await bob.join({ name: "cut" });
    const seen = watch(bob, room.id);
    const own = watch(ann, room.id);
    const texts = Array.from({ length: 60 }, (_, i) => `c${i}`);
    const faults: Error[] = [];
    for (const c of [ann, bob]) c.on("fault", (e) => faults.push(e));
    let cuts = 0;
    bob.on("offline", () => cuts++);
    const sent = [];
    for (const [i, text] of texts.entries()) {
      sent.push(ann.publish(room.id, text));
      // At the moment of sending, some time after it, and when the answer is there.
      if (i % 6 === 1) proxy.cut();
      if (i % 6 === 3) setTimeout(() => proxy.cut(), i / 6);
      if (i % 6 === 5) await sent[i];
    }
    await Promise.all(sent);
    assert.ok(cuts >= 5, `only ${cuts} times was the connection cut`);
    await until(() => seen.filter((e) => e.kind === "message").length >= texts.length, "bob has seen all");
    await until(() => own.filter((e) => e.kind === "message").length >= texts.length, "ann has seen all");
    for (const all of [seen, own]) {
      whole(all);
      assert.deepEqual(all.filter((e) => e.kind === "message").map((e) => e.text), texts);
    }
    assert.deepEqual(faults, []);
  });

  test("delayed and in single bytes", async () => {
    proxy.delayMs = 3;
    proxy.split = 3;
    try {
      const c = enter("Jo");
      await c.connect();
      const { room } = await c.join({ name: "slow", create: true });
      const seen = watch(c, room.id);
      const text = "긴 글 ".repeat(300);
      for (let i = 0; i < 5; i++) await c.publish(room.id, text + i);
      await until(() => seen.filter((e) => e.kind === "message").length === 5, "all are seen");
      whole(seen);
      assert.ok(seen.every((e) => e.kind !== "message" || e.text.startsWith(text)));
    } finally {
      proxy.delayMs = proxy.split = 0;
    }
  });

  test("frozen: check() finds out, and nothing is lost", async () => {
    const c = enter("Kim");
    await c.connect();
    const { room } = await c.join({ name: "frozen", create: true });
    proxy.frozen = true;
    const sent = c.publish(room.id, "under ice");
    const lost = next(c, "offline");
    c.check();
    await lost;
    proxy.thaw();
    const seq = await sent;
    const page = await c.history(room.id, { after: seq - 1 });
    assert.equal(page.events.filter((e) => e.text === "under ice").length, 1);
  });

  test("publish can be given up", async () => {
    const c = enter("Lea");
    await c.connect();
    const { room } = await c.join({ name: "withdraw", create: true });
    proxy.down = true;
    proxy.cut();
    await next(c, "offline");
    const stop = new AbortController();
    const sent = c.publish(room.id, "never", { signal: stop.signal });
    stop.abort();
    await assert.rejects(sent, (err) => err instanceof PublishError && !err.sent);
    proxy.down = false;
    c.check();
    const seq = await c.publish(room.id, "ever");
    const page = await c.history(room.id, { before: seq + 1 });
    assert.deepEqual(page.events.filter((e) => e.kind === "message").map((e) => e.text), ["ever"]);
  });

  test("the server is killed with everything in flight, and one comes back after 1,000 messages", async () => {
    const ann = enter("Mia");
    const bob = enter("Noa");
    await ann.connect();
    await bob.connect();
    const { room } = await ann.join({ name: "killed", create: true });
    await bob.join({ name: "killed" });
    const seen = watch(bob, room.id);
    await ann.publish(room.id, "before");
    await until(() => seen.some((e) => e.text === "before"), "bob sees it");
    const sent = Array.from({ length: 30 }, (_, i) => ann.publish(room.id, `k${i}`));
    await server.kill();
    await server.run();
    const seqs = await Promise.all(sent);
    assert.equal(new Set(seqs).size, seqs.length);
    await until(() => seen.filter((e) => e.text.startsWith("k")).length >= 30, "bob has seen all");
    whole(seen);

    // A cursor of any age, in a client of its own.
    const { cursor } = bob.rooms()[0]!;
    const token = bob.token;
    bob.close();
    let last = 0;
    for (let k = 0; k < 5; k++) last = (await Promise.all(Array.from({ length: 200 }, (_, i) => ann.publish(room.id, `later ${i}`)))).at(-1)!;
    const back = enter("Noa", { token });
    await back.connect();
    const later = watch(back, room.id);
    const j = await back.join({ room: room.id, cursor, known: room });
    assert.equal(j.after, cursor.seq);
    assert.equal(j.cursorVoid, false);
    await until(() => later.some((e) => e.seq === last), "all has come");
    assert.equal(later[0]!.seq, cursor.seq + 1);
    whole(later);
    assert.equal(later.filter((e) => e.text.startsWith("later")).length, 1000);
  });
});

test("who closes a client while it waits is told so, and nothing is left that keeps a program running", async () => {
  const strict = await TestServer.start("--trusted", "none", "--requests-per-second", "1", "--requests-burst", "1");
  const c = client(`ws://127.0.0.1:${strict.port}/ws`, "Zita");
  try {
    await c.connect();
    const timers = () => process.getActiveResourcesInfo().filter((r) => r === "Timeout").length;
    await c.roomPage();
    const before = timers();
    const waits = c.roomPage(); // refused for seconds
    const refused = assert.rejects(waits, ClosedError);
    await until(() => timers() > before, "it waits");
    c.close();
    await refused;
    assert.ok(timers() < before, "a timer is left");
  } finally {
    c.close();
    await strict.kill();
  }
});

describe("a server with other data", () => {
  test("nothing is said in a room that only has the same number", async () => {
    const own = await TestServer.start();
    const between = await Proxy.start(() => own.port);
    const c = client(between.url, "Olga");
    const other = client(`ws://127.0.0.1:${own.port}/ws`, "Pia");
    try {
      await c.connect();
      const { room } = await c.join({ name: "secret", create: true });
      const said = await c.publish(room.id, "first");
      assert.ok(said > 0);
      between.down = true;
      await own.kill();
      const lost = next(c, "lost");
      const failed = assert.rejects(c.publish(room.id, "not for others"), RoomChangedError);
      await own.run(`${process.env["SDK_TEST_WORK"]}/other`);
      // There is somebody else's room under that number.
      await other.connect();
      const made = await other.create("public");
      assert.equal(made.id, room.id);
      between.down = false;
      c.check();
      assert.ok((await lost).error instanceof RoomChangedError);
      await failed;
      assert.deepEqual(c.rooms(), []);
      await assert.rejects(c.join({ room: room.id, known: room }), RoomChangedError);
      await until(() => c.rooms().length === 0, "it was left");
      const page = await other.history(made.id, { after: 0 });
      assert.ok(page.events.every((e) => e.kind !== "message"));
    } finally {
      // A client that is left open comes back for ever, and so the process would not end.
      other.close();
      c.close();
      between.close();
      await own.kill();
    }
  });
});

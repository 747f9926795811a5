// Mentions in texts, read as the server reads them (chat.TestMentions), and search.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, Code, ServerError, mentionText, mentionsIn, speaksTo } from "../src/index.ts";
import { TestServer, client } from "./rig.ts";

let server: TestServer;
const clients: Client[] = [];

before(async () => {
  server = await TestServer.start();
});

after(async () => {
  for (const c of clients) c.close();
  await server.kill();
});

async function enter(name: string, at = server): Promise<Client> {
  const c = client(`ws://127.0.0.1:${at.port}/ws`, name);
  clients.push(c);
  await c.connect();
  return c;
}

test("mentions in a text", () => {
  for (const [text, want] of Object.entries({
    "": "",
    "hi [@Ann](user:7)!": "7 Ann 3:17",
    "[@room](user:all)": "all room 0:17",
    "[@a](user:7)[@b](user:7)": "7 a 0:12, 7 b 12:24",
    "[@안녕 하나](user:18)": "18 안녕 하나 0:17",
    "\\[@Ann](user:7)": "",
    "[@Ann](user:0)": "",
    "[@Ann](user:07)": "",
    "[@Ann](user:7 )": "",
    "[@Ann](user:)": "",
    "[@](user:7)": "",
    "[Ann](user:7)": "",
    "[@A]n](user:7)": "",
    "[@[@Ann](user:7)": "7 Ann 2:16",
    "[@A\nn](user:7)": "",
    "[@a](user:x)[@b](user:8)": "8 b 12:24",
    "[@a](user:[@b](user:8)": "8 b 10:22",
    "[@x](user:9223372036854775807)": "9223372036854775807 x 0:30",
    "[@x](user:9223372036854775808)": "",
    "[@x](user:18446744073709551616)": "",
  })) {
    assert.equal(mentionsIn(text).map((m) => `${m.user} ${m.name} ${m.start}:${m.end}`).join(", "), want, text);
  }
  assert.equal(mentionsIn(`[@${"a".repeat(128)}](user:7)`).length, 1);
  assert.equal(mentionsIn(`[@${"a".repeat(129)}](user:7)`).length, 0);
  assert.equal(mentionText("7", "[A]n\\n\n"), "[@Ann](user:7)");
  assert.equal(mentionsIn(mentionText("7", "가".repeat(100)))[0]?.user, "7");
  assert.ok(speaksTo("[@x](user:7)", "7") && speaksTo("[@room](user:all)", "7") && !speaksTo("[@x](user:8)", "7"));
});

test("what mentions one, page by page, and counted", async () => {
  const ann = await enter("Ava");
  const ben = await enter("Bao");
  const { room } = await ann.join({ name: "mentions", create: true });
  await ben.join({ room: room.id });
  const to = mentionText(ben.self!.user, "Bao");
  const seqs = [];
  for (let i = 0; i < 5; i++) seqs.push(await ann.publish(room.id, `${to} ${i}`));
  await ann.publish(room.id, mentionText("all", "room"));
  await assert.rejects(ben.publish(room.id, mentionText("all", "room")), (err) => err instanceof ServerError && err.code === Code.forbidden);
  // A membership is stored a moment after the answer to the join.
  let counted: number | undefined;
  for (const end = Date.now() + 20_000; counted === undefined && Date.now() < end; ) {
    counted = (await ben.myRoomPage()).rooms.find((m) => m.room.id === room.id)?.mentions;
  }
  assert.equal(counted, 6);
  const first = await ben.mentions(undefined, 3);
  const rest = await ben.mentions(first.next, 3);
  assert.ok(first.more && !rest.more);
  assert.deepEqual([...first.messages, ...rest.messages].map((e) => e.seq), [...seqs].reverse());
  assert.equal(first.messages[0]?.text, `${to} 4`);
});

test("threads are followed, and what is unread in them is told", async () => {
  const ann = await enter("Ayla");
  const ben = await enter("Boaz");
  const phone = client(`ws://127.0.0.1:${server.port}/ws`, "Boaz", { token: ben.self!.token });
  clients.push(phone);
  await phone.connect();
  const { room } = await ann.join({ name: "threads", create: true });
  await ben.join({ room: room.id });
  // A membership is stored a moment after the answer to the join.
  for (const end = Date.now() + 20_000; (await ben.myRoomPage()).rooms.every((m) => m.room.id !== room.id) && Date.now() < end; );
  const root = await ann.publish(room.id, "why?");
  const first = await ben.publish(room.id, "so", { target: root });
  const second = await ann.publish(room.id, "oh", { target: root });
  const third = await ann.publish(room.id, "no", { target: root });
  await ann.delete(room.id, second);
  const page = await ben.threads(room.id);
  assert.ok(!page.more && page.room === room.id);
  assert.deepEqual(page.threads.map((x) => [x.root.seq, x.root.text, x.replies, x.last, x.followed, x.mark, x.unread]), [[root, "why?", 2, third, true, first, 1]]);
  assert.deepEqual((await ben.threads(room.id, { unread: true })).threads.length, 1);
  const told = new Promise((resolve) => phone.on("followed", resolve));
  assert.deepEqual(await ben.readThread(room.id, root, third), { room: room.id, root, followed: true, mark: third });
  assert.deepEqual(await told, { room: room.id, root, followed: true, mark: third });
  assert.deepEqual((await ben.threads(room.id, { unread: true })).threads, []);
  assert.deepEqual(await ben.follow(room.id, root, { remove: true }), { room: room.id, root, followed: false, mark: third });
  assert.deepEqual(await ben.readThread(room.id, root, 0), { room: room.id, root, followed: false, mark: third });
  await assert.rejects(ben.follow(room.id, 1 << 30), (err) => err instanceof ServerError && err.code === Code.noMessage);
});

test("what was said is found, and where it stands in the text", async () => {
  const ann = await enter("Ada");
  const { room } = await ann.join({ name: "searched", create: true });
  for (const text of ["🍵 green tea, 東京都 tea", "cake", "Tea?"]) await ann.publish(room.id, text);
  // A message is found a moment after it was said, in a room the newest last.
  for (const end = Date.now() + 20_000; (await ann.search({ text: "tea", room: room.id, itemsMax: 2 })).hits.length < 2 && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const found = await ann.search({ room: room.id, text: "tea" });
  assert.equal(found.next, "");
  assert.deepEqual(
    found.hits.map((h) => [h.roomName, ...h.where.map(([from, to]) => h.event.text.slice(from, to))]),
    [["searched", "Tea"], ["searched", "tea", "tea"]],
  );
  const one = await ann.search({ text: "tea", itemsMax: 1 });
  const two = await ann.search({ text: "tea", itemsMax: 1, from: one.next });
  assert.deepEqual([one.hits[0]?.event.text, two.hits[0]?.event.text], ["Tea?", "🍵 green tea, 東京都 tea"]);
  assert.deepEqual((await ann.search({ text: "京都", name: "Ada" })).hits[0]?.where.length, 1);
  assert.deepEqual((await ann.search({ room: room.id, files: true })).hits, []);
  await assert.rejects(ann.search({}), (err) => err instanceof ServerError && err.code === Code.badRequest);
});

test("a server that does not search", async () => {
  const other = await TestServer.start("--search", "off");
  try {
    const ann = await enter("Abe", other);
    await assert.rejects(ann.search({ text: "tea" }), (err) => err instanceof ServerError && err.code === Code.noSearch && !err.temporary);
    ann.close();
  } finally {
    await other.kill();
  }
});

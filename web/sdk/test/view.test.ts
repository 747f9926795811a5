// The picture of a room's messages is the same whichever way it came about.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Fields, list, roomEvent } from "../src/wire.ts";
import { type EventKind, type MessageView, type RoomEvent, View, mentionsIn, speaksTo } from "../src/index.ts";

const none = { room: "1", nonce: "1", timeMs: 1, target: 0, root: 0, state: null, subject: "0", role: "none", untilMs: 0, value: 0, files: [] } as const;

function event(seq: number, kind: EventKind, user: string, text = "", target = 0): RoomEvent {
  return { ...none, seq, kind, user, name: `u${user}`, text, target };
}

/** A small generator of numbers below n, from a seed. */
function dice(seed: number): (n: number) => number {
  let s = seed >>> 0;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor((s / 2 ** 32) * n);
  };
}

const emojis = ["👍", "🍵"];

/** A log as a server would have let it come about. */
function log(roll: (n: number) => number, length: number): RoomEvent[] {
  const all: RoomEvent[] = [];
  const on = new Set<string>(); // target, emoji, user
  const gone = new Set<number>();
  const pinned = new Set<number>();
  let expired = 0;
  for (let seq = 1; seq <= length; seq++) {
    const user = String(1 + roll(3));
    const messages = all.filter((e) => e.kind === "message" && !gone.has(e.seq) && e.seq > expired);
    const m = messages[roll(messages.length || 1)];
    const emoji = emojis[roll(emojis.length)]!;
    const key = m ? `${m.seq} ${emoji} ${user}` : "";
    switch (m ? roll(9) : 0) {
      case 1:
        all.push(event(seq, "edit", m!.user, `edit ${seq}`, m!.seq));
        break;
      case 2:
        gone.add(m!.seq);
        all.push(event(seq, "delete", user, "", m!.seq));
        break;
      case 3:
      case 4:
        all.push(event(seq, on.has(key) ? "unreact" : "react", user, emoji, m!.seq));
        if (!on.delete(key)) on.add(key);
        break;
      case 5:
        all.push(event(seq, pinned.has(m!.seq) ? "unpin" : "pin", user, "", m!.seq));
        if (!pinned.delete(m!.seq)) pinned.add(m!.seq);
        break;
      case 6:
        all.push(event(seq, "join", user));
        break;
      case 8:
        if (roll(3) === 0) expired = Math.max(expired, 1 + roll(seq - 1)); // or what is erased is erased again
        all.push(event(seq, "expire", "0", "", expired));
        break;
      default:
        all.push(event(seq, "message", user, `text ${seq}`));
    }
  }
  return all;
}

/** What a view says of each message, but the order of reactions that came and went. */
function picture(v: View, all: readonly RoomEvent[]): unknown[] {
  const say = (m: MessageView | undefined) =>
    m && [m.event.seq, m.text, m.edited, m.deleted, m.pinned, m.reactions.map((r) => [r.emoji, r.count, r.mine]).sort()];
  return all.filter((e) => e.kind === "message").map((e) => say(v.get(e.seq)));
}

/** A page as a server tells it: messages as they are at asOf, edits without their text. */
function page(all: readonly RoomEvent[], from: number, to: number, asOf: number, self: string): RoomEvent[] {
  const now = new View(self);
  for (const e of all.slice(0, asOf)) now.apply(e);
  return all.slice(from - 1, to).filter((e) => e.seq > now.expired).map((e) => {
    if (e.kind === "edit") return { ...e, text: "" };
    const m = now.get(e.seq);
    if (!m || m.changed === e.seq) return e;
    const { changed, edited, deleted, pinned, reactions } = m;
    return { ...e, text: m.text, state: { changed, edited, deleted, pinned, reactions } };
  });
}

test("live, by pages, and by both", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const roll = dice(seed);
    const all = log(roll, 40);
    const self = "1";
    const live = new View(self);
    for (const e of all) live.apply(e);
    const want = picture(live, all);

    // Pages from the end to the beginning, asked for at one time.
    const paged = new View(self);
    for (let to = all.length; to > 0; ) {
      const from = Math.max(1, to - roll(6));
      for (const e of page(all, from, to, all.length, self)) paged.apply(e);
      to = from - 1;
    }
    assert.deepEqual(picture(paged, all), want, `by pages, seed ${seed}`);

    // Live from some number on, with pages of what was before, which were made up some time
    // before they arrive.
    const both = new View(self);
    const begun = 1 + roll(all.length);
    let back = begun - 1;
    let coming: RoomEvent[] | null = null;
    for (let seq = begun; seq <= all.length || back > 0 || coming; seq++) {
      if (seq <= all.length) both.apply(all[seq - 1]!);
      if (roll(3) > 0) continue;
      for (const e of coming ?? []) both.apply(e);
      coming = null;
      if (back === 0) continue;
      const from = Math.max(1, back - roll(6));
      coming = page(all, from, back, Math.min(seq, all.length), self);
      back = from - 1;
    }
    assert.deepEqual(picture(both, all), want, `by both, seed ${seed}`);

    // What comes twice changes nothing, nor does a page from long ago.
    for (const e of page(all, 1, begun, begun, self)) both.apply(e);
    assert.deepEqual(picture(both, all), want, `an old page, seed ${seed}`);
    for (const e of all) both.apply(e);
    assert.deepEqual(picture(both, all), want, `again, seed ${seed}`);
  }
});

test("what was erased does not come back", () => {
  const v = new View("1");
  v.apply(event(1, "message", "2", "")); // erased before it was told
  assert.ok(v.get(1)!.gone);
  v.apply(event(2, "edit", "2", "late", 1));
  assert.equal(v.get(1)!.text, "");
  v.apply(event(3, "delete", "2", "", 1));
  v.apply(event(4, "react", "2", "👍", 1));
  assert.deepEqual([v.get(1)!.deleted, v.get(1)!.reactions], [3, []]);
  // A page that was made up after the deletion, before its event.
  v.apply(event(5, "message", "2", "hello"));
  v.apply(event(5, "message", "2", ""));
  assert.deepEqual([v.get(5)!.gone, v.get(5)!.text], [true, ""]);
  v.apply(event(5, "message", "2", "hello"));
  assert.ok(v.get(5)!.gone);
});

/** What clients are told, and what they have to make of it: the Go view has the same. */
interface Vector {
  name: string;
  me: string;
  steps: { S_CHAT?: Fields; S_HISTORY?: Fields }[];
  want: Record<string, unknown>[];
}

const vectors = fileURLToPath(new URL("../../../../client/view/testdata", import.meta.url));
for (const file of readdirSync(vectors).filter((f) => f.endsWith(".json"))) {
  for (const x of JSON.parse(readFileSync(join(vectors, file), "utf8")) as Vector[]) {
    test(`${file}: ${x.name}`, () => {
      const v = new View(x.me);
      for (const step of x.steps) {
        if (step.S_CHAT) v.apply(roomEvent(step.S_CHAT));
        else if (step.S_HISTORY) for (const e of list(step.S_HISTORY, "events", roomEvent)) v.apply(e);
        else assert.fail(`a step ${Object.keys(step).join()}`);
      }
      const digits = (n: number) => (n ? String(n) : undefined);
      const got = v.messages().map((m) => ({
        seq: digits(m.event.seq),
        user: m.event.user,
        text: m.text || undefined,
        target: digits(m.event.target),
        root: digits(m.root),
        edited: digits(m.edited),
        deleted: digits(m.deleted),
        pinned: digits(m.pinned),
        reactions: m.reactions.length > 0 ? m.reactions.map((r) => ({ emoji: r.emoji, count: r.count, mine: digits(r.mine) })) : undefined,
        toMe: speaksTo(m.text, x.me) || undefined,
        mentions: mentionsIn(m.text).length > 0 ? mentionsIn(m.text).map((n) => ({ user: n.user, name: n.name, at: m.text.slice(n.start, n.end) })) : undefined,
      }));
      // As JSON, where what is not there is left out.
      assert.deepEqual(JSON.parse(JSON.stringify(got)), x.want);
    });
  }
}

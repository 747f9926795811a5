// The page as people use it, in a real browser, on a real server.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Person, Server, launch, phone } from "./rig.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let server;
let browser;
let people = [];

before(async () => {
  server = await new Server().run();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

afterEach(async () => {
  const faults = people.flatMap((p) => p.faults);
  await Promise.all(people.map((p) => p.context.close()));
  people = [];
  assert.deepEqual(faults, [], "something was wrong in the console");
});

/** A test that takes long: it is skipped, and counted so, when SHORT says so. */
function long(name, f) {
  test(name, { skip: process.env.SHORT ? "it takes long" : false }, f);
}

async function come(name, options) {
  const p = await Person.come(browser, server, name, options);
  people.push(p);
  return p;
}

/** No view has anything that keeps somebody out. */
async function accessible(p, what) {
  if (!(await p.page.evaluate(() => "axe" in window))) await p.page.evaluate(axeSource);
  const violations = await p.page.evaluate(async () => {
    const result = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).slice(0, 3).join("; ")}`);
  });
  assert.deepEqual(violations, [], what);
}

test("two people talk, on a desk and on a phone", async () => {
  const ann = await come("Ann");
  await ann.make("lobby");
  const minji = await come("민지", { viewport: phone, room: "lobby", locale: "ko-KR", hasTouch: true });
  await minji.page.waitForSelector("#composer");
  await minji.say("안녕하세요, 앤!");
  await ann.sees("안녕하세요, 앤!");
  await ann.say("Hello @민지, **welcome** to `lobby` https://example.org/a?b=c.\nسلام");
  await minji.sees("Hello");
  assert.equal(await minji.page.locator(".to-me strong").textContent(), "welcome");
  const link = minji.page.locator(".msg a");
  assert.equal(await link.getAttribute("href"), "https://example.org/a?b=c");
  assert.match(await link.getAttribute("rel"), /noopener/);
  assert.equal(await ann.page.title(), "#lobby · Sarang");
  assert.equal(await minji.page.evaluate(() => document.documentElement.lang), "ko");
  // Nothing is wider than the phone.
  assert.equal(await minji.page.evaluate(() => document.documentElement.scrollWidth), phone.width);
});

test("what is said is text, whatever it is", async () => {
  const ann = await come("Eve");
  await ann.make("nasty");
  const nasty = ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "javascript:alert(1)", "https://user:pw@example.org/", "**".repeat(200), "`".repeat(99), "_*~~**".repeat(60), "> > > >", "```\nnever ends", "@", "\\*not\\*"];
  for (const text of nasty) await ann.say(text);
  await ann.sees("*not*");
  assert.equal(await ann.page.locator(".msg img, .msg script, .msg a").count(), 0);
});

long("every view is for everybody, light and dark", async () => {
  const ann = await come("Axel");
  const { page } = ann;
  const none = await come("");
  await accessible(none, "coming in");
  await ann.make("axe");
  const other = await come("Other", { room: "axe" });
  await other.page.waitForSelector("#composer");
  await other.say("@Axel a [text] with `code`\n> and a quote\n```\nand more\n```\nhttps://example.org");
  await ann.sees("a [text]");
  await ann.say("and mine");
  await ann.sees("and mine");
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await none.page.emulateMedia({ colorScheme });
    await accessible(none, `coming in, ${colorScheme}`);
    await accessible(ann, `a room, ${colorScheme}`);
    const dialogs = {
      switcher: () => page.keyboard.press("Control+k"),
      keys: () => page.keyboard.press("F1"),
      settings: () => page.click(".me .ghost:last-child"),
      "a new room": () => page.click(".side .bar button"),
      somebody: () => page.click(".people li:nth-child(2) button"),
    };
    for (const [name, open] of Object.entries(dialogs)) {
      await open();
      await page.waitForSelector("dialog[open]");
      await accessible(ann, `${name}, ${colorScheme}`);
      await page.keyboard.press("Escape");
      await page.waitForSelector("dialog", { state: "detached" });
    }
    await page.click(".menu summary");
    await accessible(ann, `the room's menu, ${colorScheme}`);
    await page.keyboard.press("Escape");
  }
  await page.setViewportSize(phone);
  await accessible(ann, "a room on a phone");
  await page.click(".people .bar button");
  await page.click(".only-phone");
  await accessible(ann, "rooms on a phone");
});

test("by keyboard alone", async () => {
  const { page } = await come("");
  await page.keyboard.type("Kay");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".shell");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("keys");
  await page.locator("#choices li", { hasText: "keys" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForSelector("#composer:focus");
  await page.keyboard.type("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  await page.keyboard.press("Enter");
  await page.locator(".msg:not(.unsent) .body", { hasText: "two" }).waitFor();
  assert.equal(await page.locator(".msg .body").last().evaluate((b) => b.innerText), "one\ntwo");
  // A dialog gives the focus back.
  await page.keyboard.press("F1");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#composer:focus");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("second");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.locator(".room h1", { hasText: "second" }).waitFor();
  await page.keyboard.press("Alt+ArrowUp");
  await page.locator(".room h1", { hasText: "keys" }).waitFor();
  await page.waitForSelector("#composer:focus");
});

test("Enter while an input method composes does not send", async () => {
  const ann = await come("Ime");
  await ann.make("ime");
  const cdp = await ann.context.newCDPSession(ann.page);
  await ann.page.focus("#composer");
  await cdp.send("Input.imeSetComposition", { text: "한", selectionStart: 1, selectionEnd: 1 });
  assert.equal(await ann.page.inputValue("#composer"), "한");
  await ann.page.evaluate(() => {
    const box = document.querySelector("#composer");
    for (const more of [{ isComposing: true }, { keyCode: 229 }]) {
      box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more }));
    }
  });
  await cdp.send("Input.insertText", { text: "한글" });
  await ann.page.keyboard.press("Enter");
  await ann.sees("한글");
  assert.deepEqual(await ann.texts(), ["한글"]);
});

/** The message on top of what is shown, where it stands, and how many are in the document. */
function topOf(page) {
  return page.evaluate(() => {
    const box = document.querySelector(".log").getBoundingClientRect();
    const first = [...document.querySelectorAll(".msg")].find((m) => m.getBoundingClientRect().bottom > box.top + 1);
    return { seq: Number(first.dataset.seq), at: first.getBoundingClientRect().top - box.top, nodes: document.querySelectorAll(".msg").length };
  });
}

test("who opens a room gets back to its beginning", async () => {
  const ann = await come("Leah");
  await ann.make("back");
  await ann.page.evaluate(async () => {
    const { client, current } = globalThis.sarang;
    for (let k = 0; k < 3; k++) await Promise.all(Array.from({ length: 100 }, (_, i) => client.value.publish(current.value.id, `line ${k * 100 + i}`)));
    // What comes last makes no line in the log: there is nothing to scroll in.
    for (let i = 0; i < 60; i++) {
      await client.value.react(current.value.id, 50, "🍵");
      await client.value.react(current.value.id, 50, "🍵", { remove: true });
    }
  });
  const bob = await come("Lew", { room: "back" });
  await bob.sees("line 299");
  await bob.page.hover(".log");
  let { seq } = await topOf(bob.page);
  for (let i = 0; i < 400 && seq > 5; i++) {
    await bob.page.mouse.wheel(0, -1500);
    await bob.page.evaluate(() => new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f))));
    ({ seq } = await topOf(bob.page));
  }
  await bob.page.locator(".beginning").waitFor();
  await bob.sees("line 0");
});

long("a long history: scrolling back keeps its place, and few nodes", async () => {
  const ann = await come("Lena");
  await ann.make("long");
  // 800 messages, by the page's own connection.
  await ann.page.evaluate(async () => {
    const { client, current } = globalThis.sarang;
    for (let k = 0; k < 8; k++) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => client.value.publish(current.value.id, `line ${k * 100 + i}${i % 7 ? "" : " and so on".repeat(30)}`)));
    }
  });
  await ann.sees("line 799");
  const bob = await come("Bob", { room: "long" });
  await bob.sees("line 799");
  const { page } = bob;
  const top = () => topOf(page);
  await page.hover(".log");
  let last = (await top()).seq;
  for (let i = 0; i < 200 && last > 20; i++) {
    await page.mouse.wheel(0, -1500);
    await page.evaluate(() => new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f))));
    const now = await top();
    assert.ok(now.nodes <= 500, `${now.nodes} messages are in the document`);
    assert.ok(now.seq <= last && last - now.seq < 90, `from ${last} the page has leapt to ${now.seq}`);
    last = now.seq;
  }
  await page.locator(".beginning").waitFor();
  // What comes meanwhile does not move what is read.
  const before = await top();
  await ann.say("a new one");
  await page.locator(".to-end.news").waitFor();
  const after = await top();
  assert.equal(after.seq, before.seq);
  assert.ok(Math.abs(after.at - before.at) < 2, `what is read has moved by ${after.at - before.at} px`);
  await page.click(".to-end");
  await bob.sees("a new one");
  await page.locator(".to-end").waitFor({ state: "detached" });
});

test("the server is killed in the middle", async () => {
  const ann = await come("Mara");
  await ann.make("killed");
  await ann.say("before");
  await ann.sees("before");
  await server.kill();
  await ann.say("meanwhile");
  await ann.page.locator(".unsent .state", { hasText: "connection is back" }).waitFor();
  await ann.page.locator(".connection.off").waitFor();
  await server.run();
  await ann.sees("meanwhile");
  await ann.page.locator(".unsent").waitFor({ state: "detached" });
  assert.deepEqual(await ann.texts(), ["before", "meanwhile"]);
  await ann.page.locator(".connection.off").waitFor({ state: "detached" });
});

test("who reloads is who he was, and finds his rooms", async () => {
  const ann = await come("Rita");
  await ann.make("first");
  await ann.make("second");
  await ann.say("here I am");
  await ann.sees("here I am");
  await ann.page.reload();
  await ann.sees("here I am");
  assert.deepEqual(await ann.page.locator(".side .item:not(.other) bdi").allTextContents(), ["first", "second"]);
  assert.equal(await ann.page.locator(".who").textContent(), "Rita");
});

test("without the network: the page, what was said, and what is written", async () => {
  const ann = await come("Nina");
  await ann.make("offline");
  await ann.say("kept");
  await ann.sees("kept");
  const bob = await come("Ned", { room: "offline" });
  await bob.page.waitForSelector("#composer");
  await ann.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await ann.kept("events", (all) => all.some((e) => e.text === "kept"));
  await server.kill();
  await ann.page.reload();
  await ann.sees("kept");
  await ann.say("written offline");
  await ann.page.locator(".unsent", { hasText: "written offline" }).waitFor();
  await ann.kept("outbox", (all) => all.some((o) => o.text === "written offline"));
  await ann.page.reload();
  await ann.page.locator(".unsent", { hasText: "written offline" }).waitFor();
  await server.run();
  await bob.sees("written offline");
  await ann.sees("written offline");
  await ann.page.locator(".unsent").waitFor({ state: "detached" });
  await ann.page.reload();
  await ann.sees("written offline");
  assert.deepEqual(await ann.texts(), ["kept", "written offline"]);
});

test("read on one device, read on all; and found there", async () => {
  const ann = await come("Tess");
  await ann.make("devices");
  await ann.make("elsewhere");
  const bob = await come("Tom", { room: "devices" });
  await bob.page.waitForSelector("#composer");
  const me = await ann.page.evaluate(() => localStorage.getItem("me"));
  const second = await come("");
  await second.page.evaluate((m) => localStorage.setItem("me", m), me);
  await second.page.goto(`${server.url}/#/elsewhere`);
  await second.page.reload();
  await second.page.locator(".side .item", { hasText: "devices" }).waitFor();
  await bob.say("one");
  await bob.say("two");
  const badge = second.page.locator(".side .item", { hasText: "devices" }).locator(".badge", { hasText: "2" });
  await badge.waitFor();
  // A third one is told the same number by the server.
  const third = await come("");
  await third.page.evaluate((m) => localStorage.setItem("me", m), me);
  await third.page.goto(`${server.url}/#/elsewhere`);
  await third.page.reload();
  await third.page.locator(".side .item", { hasText: "devices" }).locator(".badge", { hasText: "2" }).waitFor();
  await ann.goTo("devices");
  await badge.waitFor({ state: "detached" });
  await ann.page.click(".menu summary");
  await ann.page.click("text=Leave the room");
  await second.page.locator(".side .item:not(.other)", { hasText: "devices" }).waitFor({ state: "detached" });
});

test("unread while away, and a line over what is new", async () => {
  const ann = await come("Uma");
  await ann.make("quiet");
  await ann.make("busy");
  const bob = await come("Udo", { room: "busy" });
  await bob.page.waitForSelector("#composer");
  await ann.goTo("quiet");
  await bob.say("one");
  await bob.say("two, @Uma");
  const item = ann.page.locator(".side .item", { hasText: "busy" });
  await item.locator(".badge.mentioned", { hasText: "@1" }).waitFor();
  await item.locator(".badge:not(.mentioned)", { hasText: "2" }).waitFor();
  await ann.page.waitForFunction(() => document.title === "(2) #quiet · Sarang");
  await item.click();
  await ann.page.locator(".new").waitFor();
  await item.locator(".badge").waitFor({ state: "detached" });
  assert.equal(await ann.page.title(), "#busy · Sarang");
  // New ones are announced, once.
  await bob.say("three");
  await ann.page.locator("[aria-live=polite].sr", { hasText: "Udo: three" }).waitFor();
});

test("two people alone", async () => {
  const ann = await come("Vera");
  await ann.make("crowd");
  const bob = await come("Vito", { room: "crowd" });
  await bob.page.waitForSelector("#composer");
  await ann.page.locator(".people .item", { hasText: "Vito" }).click();
  await ann.page.click("text=Talk alone");
  await ann.page.locator(".room h1", { hasText: "Vito" }).waitFor();
  await ann.say("psst");
  await ann.sees("psst");
  const item = bob.page.locator(".side .item", { hasText: "Vera" });
  await item.locator(".badge", { hasText: "1" }).waitFor();
  await item.click();
  await bob.sees("psst");
  await bob.say("yes?");
  await ann.sees("yes?");
  await bob.page.reload();
  await bob.sees("yes?");
  assert.equal(await bob.page.title(), "Vera · Sarang");
});

test("messages are answered, edited, reacted to, pinned, deleted", async () => {
  const ann = await come("Wera");
  const { page } = ann;
  await ann.make("changes");
  const bob = await come("Wim", { room: "changes" });
  await bob.page.waitForSelector("#composer");
  await ann.say("frist");
  await bob.sees("frist");
  await page.keyboard.press("ArrowUp");
  await page.locator(".about", { hasText: "Edit" }).waitFor();
  assert.equal(await page.inputValue("#composer"), "frist");
  await ann.say("first");
  await bob.sees("first");
  await bob.page.locator(".marks", { hasText: "edited" }).waitFor();
  // By keyboard: from the field to the message, and an answer.
  await bob.page.focus(".log");
  await bob.page.keyboard.press("ArrowUp");
  await bob.page.keyboard.press("r");
  await bob.page.locator(".about", { hasText: "Reply to Wera" }).waitFor();
  await bob.say("an answer");
  await page.locator(".answers", { hasText: "first" }).waitFor();
  await bob.page.focus(".log");
  await bob.page.keyboard.press("ArrowUp");
  await bob.page.keyboard.press("ArrowUp");
  await bob.page.keyboard.press("Enter");
  await accessible(bob, "a message's menu");
  await bob.page.click(".emojis >> text=🍵");
  const chip = page.locator(".reactions button");
  await chip.waitFor();
  assert.equal((await chip.textContent()).replace(/\s+/g, " "), "🍵 1");
  await chip.click();
  await bob.page.locator(".reactions button", { hasText: "2" }).waitFor();
  await accessible(ann, "reactions and answers");
  const act = async (p, n, text) => {
    const msg = p.page.locator(".msg:not(.unsent)").nth(n);
    await msg.hover();
    await msg.locator(".tools button").last().click();
    await p.page.locator(".actions button", { hasText: text }).click();
    await p.page.waitForSelector("dialog", { state: "detached" });
  };
  await act(ann, 1, "Pin");
  await bob.page.locator(".pinned").waitFor();
  await bob.picture("changes");
  await act(ann, 0, "Delete");
  await bob.page.locator(".msg.deleted").waitFor();
  await bob.page.locator(".answers", { hasText: "deleted" }).waitFor();
  // What was deleted is not kept.
  await ann.kept("events", (all) => all.some((e) => e.kind === "delete") && !all.some((e) => /first|frist/.test(e.text)));
  await page.reload();
  await page.locator(".msg.deleted").waitFor();
  assert.deepEqual(await ann.texts(), ["This message was deleted.", "an answer"]);
  // Who comes later sees the same.
  const carl = await come("Wolf", { room: "changes" });
  await carl.sees("an answer");
  await carl.page.locator(".pinned").waitFor();
  assert.deepEqual(await carl.texts(), ["This message was deleted.", "an answer"]);
});

test("a guest becomes an account, and logs in elsewhere", async () => {
  const ann = await come("Petra");
  await ann.make("mine");
  await ann.page.click(".me .ghost:last-child");
  await ann.page.fill("#keep-password", "a good long sentence");
  await ann.page.click("text=Set the password");
  await ann.page.locator(".sessions li").waitFor();
  await ann.page.keyboard.press("Escape");
  const second = await come("");
  await second.page.fill("#name", "Petra");
  await second.page.click("text=I have a password");
  await second.page.fill("#password", "not this one");
  await second.page.keyboard.press("Enter");
  await second.page.locator(".hint.error").waitFor();
  await second.page.fill("#password", "a good long sentence");
  await second.page.keyboard.press("Enter");
  await second.page.locator(".side .item", { hasText: "mine" }).waitFor();
  await second.page.click(".me .ghost:last-child");
  await second.page.locator(".sessions li").nth(1).waitFor();
  await accessible(second, "the settings of an account");
  await second.picture("account");
  await second.page.click(".sessions button");
  await ann.page.locator(".hint.error", { hasText: "ended from another" }).waitFor();
});

long("private rooms, muting, sending out", async () => {
  const ann = await come("Olga");
  await ann.make("council", true);
  const bob = await come("Otto");
  await ann.page.click(".menu summary");
  await ann.page.click("text=Invite");
  await ann.page.fill("#invite-name", "Otto");
  await ann.page.keyboard.press("Enter");
  await ann.page.locator(".notice", { hasText: "Otto is invited" }).waitFor();
  await bob.goTo("council");
  await bob.page.waitForSelector("#composer");
  await bob.say("thanks");
  await ann.sees("thanks");
  const act = async (text) => {
    await ann.page.locator(".people .item", { hasText: "Otto" }).click();
    await ann.page.locator(".actions button", { hasText: text }).first().click();
    await ann.page.waitForSelector("dialog", { state: "detached" });
  };
  await act("Mute");
  await bob.page.locator(".note", { hasText: "Olga made Otto a reader" }).waitFor();
  await bob.say("may I?");
  await bob.page.locator(".failed .state", { hasText: "Not sent" }).waitFor();
  await act("Let speak");
  await bob.page.locator(".note", { hasText: "a member" }).nth(1).waitFor();
  await bob.page.click(".failed .state button");
  await ann.sees("may I?");
  await act("Send out");
  await bob.page.locator(".notice", { hasText: "not in #council" }).waitFor();
});

long("a new language, a dark room", async () => {
  const { page } = await come("Ling");
  await page.click(".me .ghost:last-child");
  await page.click("dialog label[lang=ko]");
  await page.locator("dialog h2", { hasText: "설정" }).waitFor();
  await page.click("dialog label:has-text('어둡게')");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(27, 26, 23)");
  await page.reload();
  await page.locator(".goto", { hasText: "찾기" }).waitFor();
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(27, 26, 23)");
});

test("topics, and who types", async () => {
  const ann = await come("Zoe");
  await ann.make("topical");
  const bob = await come("Zack", { room: "topical" });
  await bob.page.waitForSelector("#composer");
  await ann.choose("Settings of the room");
  await ann.page.fill("#topic", "Tea, and what goes with it");
  await accessible(ann, "the topic");
  await ann.page.keyboard.press("Enter");
  await ann.page.waitForSelector("dialog", { state: "detached" });
  await bob.page.locator(".topic", { hasText: "Tea, and" }).waitFor();
  await bob.page.locator(".note", { hasText: "Zoe set the topic" }).waitFor();
  assert.equal(await bob.page.locator(".menu li", { hasText: "Settings" }).count(), 0);
  await bob.page.reload();
  await bob.page.locator(".topic", { hasText: "Tea, and" }).waitFor();
  await ann.page.locator("#composer").pressSequentially("wait");
  await bob.page.locator(".typing", { hasText: "Zoe is typing" }).waitFor();
  await ann.page.keyboard.press("Enter");
  await bob.sees("wait");
  assert.equal(await bob.page.locator(".typing").textContent(), "");
  // Other settings.
  await ann.choose("Settings of the room");
  await ann.page.fill("#name", "teahouse");
  await ann.page.fill("#description", "Green, black, and barley.");
  await ann.page.selectOption("#slow", "30");
  await ann.page.check("#archived");
  await ann.page.click("dialog .primary");
  await bob.page.locator(".room h1", { hasText: "teahouse" }).waitFor();
  await bob.page.locator(".archived", { hasText: "takes nothing new" }).waitFor();
  await bob.page.locator(".note", { hasText: "one message each 30 seconds" }).waitFor();
  await accessible(bob, "an archived room");
  await bob.picture("archived");
  await ann.choose("Settings of the room");
  await ann.page.uncheck("#archived");
  await ann.page.click("dialog .primary");
  await bob.page.locator(".composer .hint", { hasText: "Slow mode" }).waitFor();
});

test("a link into a private room: made, passed on, opened before the login and after it, revoked", async () => {
  const ann = await come("Lea");
  await ann.make("salon", true);
  await ann.choose("Invite");
  await ann.page.selectOption("#link-uses", "5");
  await ann.page.locator("dialog button", { hasText: "Make a link" }).click();
  const address = await ann.page.locator("#made-link").inputValue();
  assert.match(address, new RegExp(`^${server.url}/#/join/[A-Z1-9]{4}(-[A-Z1-9]{4}){3}$`));
  await ann.page.locator(".cases .soft", { hasText: "used 0 of 5 times" }).waitFor();
  await accessible(ann, "the links");
  // Before the login: the page says so, and the code is in no history.
  const bob = await come("", { room: "nowhere" });
  await bob.page.goto("about:blank");
  await bob.page.goto(address);
  await bob.page.locator(".tagline", { hasText: "You were invited" }).waitFor();
  assert.equal(await bob.page.evaluate(() => location.hash), "");
  await bob.page.fill("#name", "Levi");
  await bob.page.keyboard.press("Enter");
  await bob.page.locator(".room h1", { hasText: "salon" }).waitFor();
  await bob.page.locator(".note", { hasText: "Levi came by an invitation" }).waitFor();
  await ann.page.keyboard.press("Escape");
  await ann.page.locator(".note", { hasText: "Levi came by an invitation" }).waitFor();
  // And by who is logged in.
  const cid = await come("Liv");
  await cid.page.evaluate((a) => void (location.hash = new URL(a).hash), address);
  await cid.page.locator(".room h1", { hasText: "salon" }).waitFor();
  await ann.choose("Invite");
  const one = ann.page.locator(".cases li", { hasText: "used 2 of 5 times" });
  await one.locator("button", { hasText: "Revoke" }).click();
  await one.waitFor({ state: "detached" });
  const dan = await come("Lou");
  await dan.page.evaluate((a) => void (location.hash = new URL(a).hash), address);
  await dan.page.locator(".notice", { hasText: "does not work" }).waitFor();
});

test("words and links that a room does not take", async () => {
  const ann = await come("Fina");
  await ann.make("strict");
  const bob = await come("Fritz", { room: "strict" });
  await bob.page.waitForSelector("#composer");
  await ann.choose("Settings of the room");
  await ann.page.fill("#filter", "spam\nbuy now");
  await ann.page.check("#filter-links");
  await accessible(ann, "a filter");
  await ann.page.locator("dialog button[type=submit]").click();
  await ann.page.locator("dialog").waitFor({ state: "detached" });
  await bob.say("Buy, now!");
  await bob.page.locator(".msg.unsent", { hasText: "Buy, now!" }).locator("text=does not take").waitFor();
  await bob.say("hello");
  await ann.sees("hello");
  assert.equal(await ann.page.locator(".msg", { hasText: "Buy, now!" }).count(), 0);
  await ann.choose("Settings of the room");
  await ann.page.waitForFunction(() => document.querySelector("#filter")?.value === "spam\nbuy now");
});

test("a report, and what becomes of it", async () => {
  const ann = await come("Rolf");
  await ann.make("court");
  const bob = await come("Ruth", { room: "court" });
  const eve = await come("Rex", { room: "court" });
  for (const p of [bob, eve]) await p.page.waitForSelector("#composer");
  await eve.say("buy this now");
  await bob.sees("buy this now");
  await bob.page.focus(".log");
  await bob.page.keyboard.press("ArrowUp");
  await bob.page.keyboard.press("Enter");
  await bob.page.locator(".actions button", { hasText: "Report" }).click();
  await bob.page.fill("#reason", "spam");
  await accessible(bob, "a report");
  await bob.page.keyboard.press("Enter");
  await bob.page.locator(".notice", { hasText: "The moderators are told" }).waitFor();
  await ann.choose("Reports");
  const one = ann.page.locator(".cases li", { hasText: "buy this now" });
  await one.locator(".soft", { hasText: "Ruth reports it: spam" }).waitFor();
  await accessible(ann, "the reports");
  await ann.picture("reports");
  await one.locator(".primary").click();
  await ann.page.locator("dialog .none", { hasText: "Nothing is reported" }).waitFor();
  await ann.page.check("dialog input[type=checkbox]");
  await ann.page.locator(".cases .soft", { hasText: "Something was done" }).waitFor();
  await ann.page.keyboard.press("Escape");
  await ann.choose("What moderators did");
  await ann.page.locator(".cases li", { hasText: "Rolf resolved a report about Rex" }).waitFor();
  await accessible(ann, "the audit log");
});

test("people are talked to by their names", async () => {
  const ann = await come("Tara");
  await ann.make("yard");
  const bob = await come("Theo");
  const carl = await come("Till");
  await ann.page.click(".side .bar button:nth-of-type(2)");
  await ann.page.fill("#talk-names", "Theo Till");
  await accessible(ann, "whom to talk to");
  await ann.page.keyboard.press("Enter");
  await ann.page.locator(".room h1", { hasText: "Theo, Till" }).waitFor();
  await ann.say("just us three");
  for (const p of [bob, carl]) {
    await p.page.locator(".side .item .badge").first().waitFor();
    await p.page.locator(".side .item", { hasText: "Tara" }).click();
    await p.sees("just us three");
  }
});

test("a thread beside the room", async () => {
  const ann = await come("Sara");
  await ann.make("threads");
  const bob = await come("Sven", { room: "threads" });
  await bob.page.waitForSelector("#composer");
  await ann.say("who brings the tea?");
  await ann.say("something else");
  await bob.sees("something else");
  const { page } = bob;
  await page.focus(".log");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("t");
  await page.waitForSelector("#thread-composer:focus");
  await page.keyboard.type("I do");
  await page.keyboard.press("Enter");
  await page.locator(".thread .body", { hasText: "I do" }).waitFor();
  assert.deepEqual(await page.locator(".thread .body").allTextContents(), ["who brings the tea?", "I do"]);
  await ann.page.locator(".msg", { hasText: "I do" }).locator(".answers", { hasText: "who brings" }).waitFor();
  // Sara has started it, and has something to read; Sven follows what he has answered.
  await page.locator(".thread button", { hasText: "Unfollow" }).waitFor();
  await ann.choose("Threads");
  const list = ann.page.locator(".cases .case");
  await list.locator("strong", { hasText: "1 unread" }).waitFor();
  await accessible(ann, "the list of threads");
  await ann.page.locator(".check input").check();
  await list.click();
  await ann.page.locator(".thread .body", { hasText: "I do" }).waitFor();
  await ann.page.locator(".thread button", { hasText: "Unfollow" }).click();
  await ann.page.locator(".thread button", { hasText: /^Follow$/ }).waitFor();
  await ann.page.focus("#thread-composer");
  await ann.page.keyboard.press("Escape");
  await ann.choose("Threads");
  await list.locator(".hint", { hasText: /^1 answer$/ }).waitFor();
  await ann.page.locator(".check input").check();
  await ann.page.locator(".none", { hasText: "read all threads" }).waitFor();
  await ann.page.keyboard.press("Escape");
  await accessible(bob, "a thread");
  await bob.picture("thread");
  await page.setViewportSize(phone);
  await accessible(bob, "a thread on a phone");
  await bob.picture("thread-phone");
  await page.focus("#thread-composer");
  await page.keyboard.press("Escape");
  await page.locator(".thread").waitFor({ state: "detached" });
});

long("to a day, to a message by its address, and to what is pinned", async () => {
  const ann = await come("Jana");
  await ann.make("past");
  const said = await ann.page.evaluate(async () => {
    const { client, current } = globalThis.sarang;
    const id = current.value.id;
    const seqs = [];
    for (let k = 0; k < 10; k++) seqs.push(...(await Promise.all(Array.from({ length: 100 }, (_, i) => client.value.publish(id, `line ${k * 100 + i}`)))));
    const old = (await client.value.history(id, { after: 0, itemsMax: 60 })).events.find((e) => e.text === "line 40");
    await client.value.pin(id, old.seq);
    return seqs.sort((a, b) => a - b);
  });
  await ann.sees("line 999");
  const bob = await come("Jens", { room: "past" });
  const { page } = bob;
  await bob.sees("line 999");
  await bob.choose("Pinned messages");
  await page.locator(".cases .excerpt", { hasText: "line 40" }).waitFor();
  await accessible(bob, "what is pinned");
  await page.click(".case");
  await page.locator(".msg.lit:focus", { hasText: "line 40" }).waitFor();
  // From there on in both directions, to the log's end without a hole.
  await ann.say("what comes meanwhile");
  await page.locator(".to-end").waitFor();
  const places = () => page.$$eval(".msg:not(.unsent)", (all) => all.map((m) => Number(m.dataset.seq))).then((all) => all.filter((n) => n <= said.at(-1)).map((n) => said.indexOf(n)));
  await page.hover(".log");
  for (let i = 0; i < 300 && !(await bob.texts()).includes("what comes meanwhile"); i++) {
    await page.mouse.wheel(0, 3000);
    await page.evaluate(() => new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f))));
    const now = await places();
    assert.ok(now.every((n, k) => k === 0 || n === now[k - 1] + 1), `a hole in ${now}`);
  }
  await bob.sees("what comes meanwhile");
  // An address of a message.
  const link = await page.evaluate(() => {
    const { sarang } = globalThis;
    return sarang.link(sarang.current.value, sarang.current.value.view.messages().find((m) => m.text === "line 500").event.seq);
  });
  const carl = await come("", {});
  await carl.page.fill("#name", "Jorg");
  await carl.page.keyboard.press("Enter");
  await carl.page.waitForSelector(".shell");
  await carl.page.evaluate((to) => (location.href = to), link);
  await carl.page.locator(".msg.lit", { hasText: "line 500" }).waitFor();
  await carl.page.click(".to-end");
  await carl.sees("what comes meanwhile");
  // A day: everything was said today.
  await carl.choose("Go to a day");
  await accessible(carl, "a day");
  await carl.page.keyboard.press("Enter");
  await carl.page.locator(".msg.lit", { hasText: /^.*line 0$/ }).waitFor();
});

test("tabs share one connection, and outlive each other", async () => {
  const ann = await come("Gina");
  await ann.make("tabs");
  const bob = await come("Gero", { room: "tabs" });
  await bob.page.waitForSelector("#composer");
  const second = await ann.tab("tabs");
  const third = await ann.tab("tabs");
  for (const p of [second, third]) await p.page.waitForSelector("#composer");
  const connections = (p) => p.page.evaluate(async () => (await globalThis.sarang.client.value.sessions()).map((s) => s.connections));
  assert.deepEqual(await connections(third), [1]);
  await second.say("from the second");
  for (const p of [ann, third, bob]) await p.sees("from the second");
  await bob.say("seen by all");
  for (const p of [ann, second, third]) await p.sees("seen by all");
  // A room of one tab is there in all, and what is left in one is left in all.
  await second.make("further");
  const item = third.page.locator(".side .item:not(.other)", { hasText: "further" });
  await item.waitFor();
  await second.choose("Leave the room");
  await item.waitFor({ state: "detached" });
  // The one that has the connection goes, in the middle of what another one says.
  await second.goTo("tabs");
  const leads = (p) => p.page.evaluate(() => globalThis.sarang.client.value.leads);
  assert.deepEqual([await leads(ann), await leads(second), await leads(third)], [true, false, false]);
  await second.page.evaluate(() => {
    const { sarang } = globalThis;
    for (let i = 0; i < 20; i++) sarang.send(sarang.current.value, `burst ${i}`);
  });
  await ann.page.close();
  await bob.sees("burst 19");
  await second.sees("burst 19");
  await third.sees("burst 19");
  await second.page.locator(".unsent").waitFor({ state: "detached" });
  const want = ["from the second", "seen by all", ...Array.from({ length: 20 }, (_, i) => `burst ${i}`)];
  for (const p of [bob, second, third]) assert.deepEqual((await p.texts()).sort(), [...want].sort());
  await bob.say("afterwards");
  for (const p of [second, third]) await p.sees("afterwards");
  assert.deepEqual(await connections(third), [1]);
  // The server is killed, and the page is reloaded that had the connection by then.
  const leader = (await leads(second)) ? second : third;
  const other = leader === second ? third : second;
  await server.kill();
  await other.say("into the dark");
  await server.run();
  await leader.page.reload();
  for (const p of [bob, leader, other]) await p.sees("into the dark");
  assert.equal((await bob.texts()).filter((x) => x === "into the dark").length, 1);
  // Read in one tab, read in all.
  await other.make("aside");
  await bob.say("news");
  await leader.sees("news");
  await other.page.locator(".side .item", { hasText: "tabs" }).locator(".badge").waitFor({ state: "detached" });
});

test("within another page, which says who is there", async () => {
  const work = mkdtempSync(join(tmpdir(), "sarang-embed-"));
  const secret = "a secret of thirty-two bytes or more";
  writeFileSync(join(work, "key"), secret, { mode: 0o600 });
  const base = (x) => Buffer.from(JSON.stringify(x)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const head = `${base({ alg: "HS256", typ: "JWT" })}.${base({ iss: "shop", aud: "chat", sub: "customer-12", name: "Carla", exp: now + 600, iat: now })}`;
  const jwt = `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
  const chat = new Server();
  const shop = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end(`<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1><script src="${chat.url}/embed.js" data-room="help" data-jwt="${jwt}"></script>`);
  });
  await new Promise((resolve) => shop.listen(0, "127.0.0.1", resolve));
  const own = `http://127.0.0.1:${shop.address().port}`;
  chat.args = ["--web-frames", own, "--jwt-issuer", "shop", "--jwt-audience", "chat", "--jwt-key", join(work, "key")];
  try {
    await chat.run();
    const ann = await Person.come(browser, chat, "Anton");
    people.push(ann);
    await ann.make("help");
    const visitor = await Person.come(browser, { url: own }, "");
    people.push(visitor);
    const frame = visitor.page.frameLocator("iframe");
    await frame.locator("#composer").fill("where is my parcel?");
    await frame.locator("#composer").press("Enter");
    await ann.sees("where is my parcel?");
    assert.equal(await ann.page.locator(".msg .name").last().textContent(), "Carla");
    await ann.say("on its way");
    await frame.locator(".msg .body", { hasText: "on its way" }).waitFor();
    await visitor.picture("embedded");
    // Who comes again is who he was, on the session that he had.
    await visitor.page.reload();
    await frame.locator(".msg .body", { hasText: "on its way" }).waitFor();
    const frames = visitor.page.frames();
    const sessions = await frames.at(-1).evaluate(async () => (await globalThis.sarang.client.value.sessions()).length);
    assert.equal(sessions, 1);
    // Another page has it not.
    const thief = await Person.come(browser, { url: own.replace("127.0.0.1", "localhost") }, "");
    people.push(thief);
    await thief.page.waitForSelector("iframe", { state: "attached" });
    await assert.rejects(thief.page.frameLocator("iframe").locator("#composer").waitFor({ timeout: 1500 }));
    thief.faults.length = 0; // the browser says why
  } finally {
    shop.close();
    await chat.end();
    rmSync(work, { recursive: true, force: true });
  }
});

test("files: dropped, pasted, chosen; seen by others", async () => {
  const ann = await come("Fenja");
  await ann.make("files");
  const bob = await come("Falk", { room: "files" });
  await bob.page.waitForSelector("#composer");
  const { page } = ann;
  // A picture is pasted.
  await page.focus("#composer");
  await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 400;
    const c = canvas.getContext("2d");
    c.fillStyle = "#1f6b57";
    c.fillRect(0, 0, 640, 400);
    c.fillStyle = "#fdf1cc";
    c.arc(320, 200, 90, 0, 7);
    c.fill();
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const data = new DataTransfer();
    data.items.add(new File([blob], "moon.png", { type: "image/png" }));
    document.querySelector("#composer").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await page.locator(".attachments li", { hasText: "moon.png" }).waitFor();
  // A file is chosen, and one is dropped.
  await page.setInputFiles(".attach input", { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("barley tea") });
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(3_000_000)], "large.bin"));
    document.querySelector("main").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await page.waitForFunction(() => document.querySelectorAll(".attachments li").length === 3 && !document.querySelector(".attachments progress"));
  await accessible(ann, "files on their way");
  await page.locator(".attachments li", { hasText: "large.bin" }).locator("button").click();
  await ann.say("what I have");
  const theirs = bob.page.locator(".msg", { hasText: "what I have" });
  await theirs.locator("img[alt='moon.png']").waitFor();
  await bob.page.waitForFunction(() => document.querySelector(".picture img")?.naturalWidth > 0);
  await accessible(bob, "a message with files");
  await bob.picture("files");
  await theirs.locator(".picture").click();
  await bob.page.waitForFunction(() => document.querySelector("dialog img")?.naturalWidth === 640);
  await accessible(bob, "a picture");
  await bob.page.keyboard.press("Escape");
  const saved = bob.page.waitForEvent("download");
  await theirs.locator(".download", { hasText: "notes.txt" }).click();
  assert.equal(readFileSync(await (await saved).path(), "utf8"), "barley tea");
  // Only a picture, without a word.
  await page.setInputFiles(".attach input", { name: "alone.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await page.waitForFunction(() => document.querySelectorAll(".attachments li").length === 1 && !document.querySelector(".attachments progress"));
  await page.click(".send");
  await bob.page.locator(".download", { hasText: "alone.txt" }).waitFor();
  // Messages with files are found by that.
  await bob.page.evaluate(async () => {
    for (const end = Date.now() + 20_000; (await globalThis.sarang.client.value.search({ files: true })).hits.length < 2 && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
  await bob.page.keyboard.press("Control+Shift+f");
  await bob.page.locator("dialog .filters summary").click();
  await bob.page.check("#search-files");
  await bob.page.locator("dialog [type=submit]").click();
  await bob.page.locator(".cases .case", { hasText: "alone.txt" }).waitFor();
  await bob.page.locator(".cases .case", { hasText: "notes.txt" }).waitFor();
  assert.equal(await bob.page.locator(".cases .case").count(), 2);
});

test("profiles, and whom one does not want to see", async () => {
  const ann = await come("Hedi");
  await ann.make("profiles");
  const bob = await come("Hugo", { room: "profiles" });
  await bob.page.waitForSelector("#composer");
  await ann.page.click(".me .ghost:last-child");
  await ann.page.fill("#display-name", "Hedi H.");
  await ann.page.fill("#status", "in the garden");
  await accessible(ann, "settings with a profile");
  await ann.page.press("#status", "Enter");
  await ann.page.locator(".notice", { hasText: "Saved" }).waitFor();
  await ann.page.keyboard.press("Escape");
  const about = async (p, name) => {
    await p.page.locator(".people .item", { hasText: name }).click();
    await p.page.waitForSelector("dialog[open]");
  };
  await about(bob, "Hedi");
  await bob.page.locator(".profile", { hasText: "in the garden" }).waitFor();
  await bob.page.locator(".profile", { hasText: "online" }).waitFor();
  await accessible(bob, "somebody's profile");
  await bob.page.keyboard.press("Escape");
  await bob.say("a loud word");
  await ann.sees("a loud word");
  await about(ann, "Hugo");
  await ann.page.locator(".actions button", { hasText: "Block" }).click();
  await ann.page.locator(".note", { hasText: "whom you block" }).waitFor();
  assert.deepEqual(await ann.texts(), []);
  await ann.page.reload();
  await ann.page.locator(".note", { hasText: "whom you block" }).waitFor();
  await about(ann, "Hugo");
  await ann.page.locator(".actions button", { hasText: "Show me again" }).click();
  await ann.sees("a loud word");
});

test("people are mentioned by their ids, by keyboard and mouse, and find where", async () => {
  const ann = await come("Iris");
  await ann.make("calling");
  const bob = await come("Igor", { room: "calling" });
  const minji = await come("미나", { room: "calling", locale: "ko-KR" });
  await minji.page.waitForSelector("#composer");
  const { page } = ann;
  await ann.page.locator(".people .item", { hasText: "미나" }).waitFor();
  // By keyboard: who begins so, then the second of all.
  await page.focus("#composer");
  await page.keyboard.type("hi @ig");
  const list = page.locator(".complete li");
  await list.filter({ hasText: "Igor" }).waitFor();
  assert.equal(await list.count(), 1);
  await accessible(ann, "names behind an @");
  await page.keyboard.press("Enter");
  await list.waitFor({ state: "detached" });
  assert.equal(await page.inputValue("#composer"), "hi @Igor ");
  await page.keyboard.type("and @");
  await list.first().waitFor();
  assert.deepEqual(await page.locator(".complete bdi").allTextContents(), ["Igor", "미나", "room"]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  assert.equal(await page.inputValue("#composer"), "hi @Igor and @미나 ");
  // Escape puts the list away, and what is no name is sent as it is.
  await page.keyboard.type("@");
  await list.first().waitFor();
  await page.keyboard.press("Escape");
  await list.first().waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await bob.sees("hi @Igor and @미나 @");
  const stored = await page.evaluate(() => globalThis.sarang.current.value.view.messages().at(-1).text);
  assert.match(stored, /^hi \[@Igor\]\(user:\d+\) and \[@미나\]\(user:\d+\) @$/);
  assert.deepEqual(await bob.page.locator(".to-me .mention").allTextContents(), ["@Igor", "@미나"]);
  assert.deepEqual(await bob.page.locator(".mention.mine").allTextContents(), ["@Igor"]);
  assert.deepEqual(await minji.page.locator(".mention.mine").allTextContents(), ["@미나"]);
  // By mouse, and everybody.
  await page.focus("#composer");
  await page.keyboard.type("@");
  await list.filter({ hasText: "room" }).click();
  assert.equal(await page.inputValue("#composer"), "@room ");
  await page.keyboard.type("tea");
  await page.keyboard.press("Enter");
  await minji.page.locator(".to-me", { hasText: "@room tea" }).waitFor();
  // An edit has the names that people write, and keeps whom they mean.
  await page.keyboard.press("ArrowUp");
  await page.locator(".about", { hasText: "Edit" }).waitFor();
  assert.equal(await page.inputValue("#composer"), "@room tea");
  await ann.say("@room green tea");
  await minji.page.locator(".to-me", { hasText: "@room green tea" }).waitFor();
  // Away, it is counted; and found in the list, also by who was not there.
  await minji.make("else");
  await ann.say("@미나님, 안녕?");
  await minji.page.locator(".side .item", { hasText: "calling" }).locator(".badge.mentioned", { hasText: "@1" }).waitFor();
  await minji.page.reload();
  await minji.page.locator(".side .item", { hasText: "calling" }).locator(".badge.mentioned", { hasText: "@1" }).waitFor();
  await minji.page.locator(".side .bar button[title='나를 부른 글']").click();
  const cases = minji.page.locator(".cases .case");
  await cases.nth(1).waitFor();
  assert.equal(await cases.count(), 2); // what speaks to everybody is not in it
  await accessible(minji, "what speaks to one");
  await minji.picture("mentions");
  await cases.nth(1).click();
  await minji.page.locator(".room h1", { hasText: "calling" }).waitFor();
  await minji.page.locator(".msg.lit", { hasText: "hi @Igor" }).waitFor();
  // In a thread, too.
  await bob.page.focus(".log");
  await bob.page.keyboard.press("ArrowUp");
  await bob.page.keyboard.press("t");
  await bob.page.locator("#thread-composer").pressSequentially("@iri");
  await bob.page.locator(".thread .complete li", { hasText: "Iris" }).click();
  assert.equal(await bob.page.inputValue("#thread-composer"), "@Iris ");
  await bob.page.keyboard.press("Escape");
});

test("what was said is found, and shown in its place", async () => {
  const ann = await come("Sina");
  await ann.make("kitchen");
  await ann.page.evaluate(async () => {
    const { client, current } = globalThis.sarang;
    const say = (text) => client.value.publish(current.value.id, text);
    await say("green tea, please");
    await Promise.all(Array.from({ length: 250 }, (_, i) => say(`talk ${i}${i % 10 ? "" : " of cake"}`)));
    await say("<b>black tea</b> 東京都 tea");
  });
  await ann.sees("black tea");
  await ann.make("garden");
  await ann.say("tea in the garden");
  await ann.sees("tea in the garden");
  const { page } = ann;
  // A message is found a moment after it was said, in a room the newest last.
  await page.evaluate(async () => {
    for (const text of ["garden", "black"]) {
      for (const end = Date.now() + 20_000; (await globalThis.sarang.client.value.search({ text })).hits.length === 0 && Date.now() < end; ) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  });
  await page.keyboard.press("Control+Shift+f");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.type("tea");
  await page.keyboard.press("Enter");
  const cases = page.locator(".cases .case");
  await cases.first().waitFor();
  assert.equal(await cases.count(), 1); // in this room
  await page.uncheck("dialog input[type=checkbox]");
  await page.focus("#search");
  await page.keyboard.press("Enter");
  await cases.nth(2).waitFor();
  assert.deepEqual(await page.locator(".cases mark").allTextContents(), ["tea", "tea", "tea", "tea"]);
  assert.equal(await page.locator(".cases b b").count(), 0);
  await accessible(ann, "what was found");
  await page.locator("dialog", { hasText: "#kitchen" }).waitFor();
  await ann.picture("search");
  await cases.nth(2).click();
  await page.locator(".room h1", { hasText: "kitchen" }).waitFor();
  await page.locator(".msg.lit", { hasText: "green tea" }).waitFor();
  // More than a page.
  await ann.choose("Search in this room");
  await page.fill("#search", "cake");
  await page.keyboard.press("Enter");
  await cases.nth(19).waitFor();
  await page.locator("dialog .wide", { hasText: "More" }).click();
  await cases.nth(24).waitFor();
  await page.locator("dialog .wide").waitFor({ state: "detached" });
  assert.equal(await cases.count(), 25);
  await page.fill("#search", "nobody-has-said-this");
  await page.keyboard.press("Enter");
  await page.locator("dialog .none", { hasText: "Nothing was found" }).waitFor();
  // What narrows it.
  await page.locator("dialog .filters summary").click();
  await accessible(ann, "filters of a search");
  await page.fill("#search", "");
  await page.uncheck("dialog .check.first input");
  assert.equal(await page.isDisabled("dialog [type=submit]"), true);
  await page.fill("#search-who", "@Sina");
  await page.fill("#search", "tea");
  await page.fill("#search-until", "2020-01-01");
  await page.keyboard.press("Enter");
  await page.locator("dialog .none", { hasText: "Nothing was found" }).waitFor();
  await page.fill("#search-until", "");
  await page.fill("#search-since", "2020-01-01");
  await page.keyboard.press("Enter");
  await cases.nth(2).waitFor();
  await page.fill("#search", "");
  await page.check("#search-links");
  await page.locator("dialog [type=submit]").click();
  await page.locator("dialog .none", { hasText: "Nothing was found" }).waitFor();
});

test("a server that does not search says so", async () => {
  const other = new Server();
  other.args = ["--search", "off"];
  try {
    await other.run();
    const ann = await Person.come(browser, other, "Sven");
    people.push(ann);
    await ann.make("mute");
    await ann.choose("Search in this room");
    await ann.page.fill("#search", "tea");
    await ann.page.keyboard.press("Enter");
    await ann.page.locator("dialog [role=alert]", { hasText: "does not search" }).waitFor();
  } finally {
    await other.end();
  }
});

long("10,000 messages in a room while one scrolls", async () => {
  const ann = await come("Lara");
  await ann.make("ten-thousand");
  await ann.page.evaluate(async () => {
    const { client, current } = globalThis.sarang;
    for (let k = 0; k < 100; k++) await Promise.all(Array.from({ length: 100 }, (_, i) => client.value.publish(current.value.id, `message ${k * 100 + i}${i % 9 ? "" : " with more to say".repeat(20)}`)));
  });
  const bob = await come("Leif", { room: "ten-thousand" });
  const { page } = bob;
  await bob.page.locator(".msg").nth(50).waitFor();
  await page.hover(".log");
  await page.evaluate(() => {
    globalThis.frames = [];
    let last = performance.now();
    const tick = (now) => {
      globalThis.frames.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  // Back through a third of it, while somebody else goes on talking.
  let nodes = 0;
  const begun = (await topOf(page)).seq;
  let now = begun;
  for (let i = 0; i < 1000 && now > begun - 3300; i++) {
    await page.mouse.wheel(0, -1500);
    await page.evaluate(() => new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f))));
    const top = await topOf(page);
    nodes = Math.max(nodes, top.nodes);
    assert.ok(top.seq <= now && now - top.seq < 120, `from ${now} the page has leapt to ${top.seq}`);
    now = top.seq;
    if (i % 10 === 0) await ann.say(`meanwhile ${i}`);
  }
  assert.ok(now <= begun - 3300, `from ${begun} one gets back to ${now} only`);
  const frames = (await page.evaluate(() => globalThis.frames)).sort((a, b) => a - b);
  const at = (q) => Math.round(frames[Math.floor(q * (frames.length - 1))]);
  console.log(`${frames.length} frames: median ${at(0.5)} ms, 99 of 100 below ${at(0.99)} ms, the longest ${at(1)} ms; ${frames.filter((f) => f > 50).length} longer than 50 ms; ${nodes} messages in the document at most`);
  assert.ok(nodes <= 500, `${nodes} messages are in the document`);
  // Generous: other programs run beside the test.
  assert.ok(at(0.5) < 100, `half of the frames take more than ${at(0.5)} ms`);
});

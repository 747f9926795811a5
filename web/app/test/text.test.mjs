// The grammar of messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const source = fileURLToPath(new URL("../src/text.ts", import.meta.url));
const [built] = buildSync({ entryPoints: [source], bundle: true, write: false, format: "esm" }).outputFiles;
const { mentions, parse, plain, safeLink } = await import(`data:text/javascript,${encodeURIComponent(built.text)}`);

const text = (s) => ({ is: "text", text: s });
const lines = (...of) => [{ is: "lines", of }];

test("spans", () => {
  assert.deepEqual(parse("a **b *c*** d"), lines(text("a "), { is: "strong", of: [text("b "), { is: "em", of: [text("c")] }] }, text(" d")));
  assert.deepEqual(parse("~~x~~ _y_ `*z*`"), lines({ is: "del", of: [text("x")] }, text(" "), { is: "em", of: [text("y")] }, text(" "), { is: "code", text: "*z*" }));
  for (const same of ["2 * 3 * 4", "snake_case_name", "**", "a ** b ** c", "_", "``", "`x", "*x", "**x*", "5*"]) {
    assert.deepEqual(parse(same), lines(text(same)), same);
  }
  assert.deepEqual(parse("\\*a\\* \\@b"), lines(text("*a* @b")));
});

test("blocks", () => {
  assert.deepEqual(parse("> a\n> b\nc"), [{ is: "quote", of: [text("a\nb")] }, { is: "lines", of: [text("c")] }]);
  assert.deepEqual(parse("x\n```go\na < b\n**c**\n```\ny"), [...lines(text("x")), { is: "pre", text: "a < b\n**c**" }, ...lines(text("y"))]);
  assert.deepEqual(parse("```\nopen"), lines(text("```\nopen")));
});

test("links: the web's, and nothing else", () => {
  const link = (href, t = href) => ({ is: "link", href, text: t });
  assert.deepEqual(parse("see https://a.example/x_(y)."), lines(text("see "), link("https://a.example/x_(y)"), text(".")));
  assert.deepEqual(parse("(http://a.example/b)"), lines(text("("), link("http://a.example/b"), text(")")));
  assert.deepEqual(parse("https://한국.example/가"), lines(link("https://xn--3e0b707e.example/%EA%B0%80", "https://한국.example/가")));
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "https://a:b@c.example/"]) assert.equal(safeLink(bad), "", bad);
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "https://a:b@c.example/", "https:///", "xhttps://a.example"]) {
    assert.ok(!parse(bad)[0].of.some((i) => i.is === "link"), bad);
  }
});

test("mentions", () => {
  assert.ok(mentions("hi @ann!", "Ann"));
  assert.ok(mentions("**@민지** 안녕", "민지"));
  for (const not of ["@anna", "a@ann", "`@ann`", "\\@ann", "```\n@ann\n```", "ann"]) assert.ok(!mentions(not, "ann"), not);
  assert.ok(mentions("thanks @ann.", "ann"));
});

test("as one line", () => {
  assert.equal(plain("**a**\n> b `c`\n```\nd\n```"), "a b c d");
});

test("a long text of marks takes no long time", () => {
  for (const s of ["*", "**", "_", "~~", "`", "@", "> ", "```\n", "*a", "**a _b ", "https://", "\\*", "*_~~**"]) {
    const begun = performance.now();
    parse(s.repeat(16_384 / s.length));
    const ms = performance.now() - begun;
    assert.ok(ms < 1000, `${s}: ${ms} ms`);
  }
});

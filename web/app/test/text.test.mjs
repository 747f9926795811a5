// The grammar of messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const source = fileURLToPath(new URL("../src/text.ts", import.meta.url));
const sdk = fileURLToPath(new URL("../../sdk/src/index.ts", import.meta.url));
const [built] = buildSync({ entryPoints: [source], bundle: true, write: false, format: "esm", alias: { "sarang-client": sdk } }).outputFiles;
const { begun, excerpt, mentioning, parse, plain, safeLink, unmentioned } = await import(`data:text/javascript,${encodeURIComponent(built.text)}`);

const text = (s) => ({ is: "text", text: s });
const lines = (...of) => [{ is: "lines", of }];

test("spans", () => {
  assert.deepEqual(parse("a **b *c*** d"), lines(text("a "), { is: "strong", of: [text("b "), { is: "em", of: [text("c")] }] }, text(" d")));
  assert.deepEqual(parse("~~x~~ _y_ `*z*`"), lines({ is: "del", of: [text("x")] }, text(" "), { is: "em", of: [text("y")] }, text(" "), { is: "code", text: "*z*" }));
  for (const same of ["2 * 3 * 4", "snake_case_name", "**", "a ** b ** c", "_", "``", "`x", "*x", "**x*", "5*"]) {
    assert.deepEqual(parse(same), lines(text(same)), same);
  }
  assert.deepEqual(parse("\\*a\\* \\@b"), lines(text("*a* @b")));
  assert.deepEqual(parse("[x](y) [@z]"), lines(text("[x](y) [@z]")));
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

const names = (user) => ({ 7: "Ann", 8: "민지" })[user] ?? "";
const called = (name) => ({ ann: "7", 민지: "8", room: "all" })[name.toLowerCase()] ?? null;

test("mentions are shown", () => {
  const mention = (user, name) => ({ is: "mention", user, name });
  assert.deepEqual(parse("hi [@Ann](user:7)!"), lines(text("hi "), mention("7", "Ann"), text("!")));
  assert.deepEqual(parse("**[@a_b_c](user:7)**[@room](user:all)"), lines({ is: "strong", of: [mention("7", "a_b_c")] }, mention("all", "room")));
  for (const not of ["@ann", "`[@Ann](user:7)`", "[@](user:7)", "[@Ann](user:07)"]) assert.ok(parse(not).every((b) => b.of.every((i) => i.is !== "mention")), not);
  assert.deepEqual(parse("\\[@Ann](user:7)"), lines(text("[@Ann](user:7)")));
});

test("mentions are written", () => {
  for (const [said, sent] of Object.entries({
    "hi @ann!": "hi [@ann](user:7)!",
    "thanks @Ann.": "thanks [@Ann](user:7).",
    "@민지님 안녕, @민지": "[@민지](user:8)님 안녕, [@민지](user:8)",
    "@room": "[@room](user:all)",
    "(@ann)\n@ann": "([@ann](user:7))\n[@ann](user:7)",
    "@@ann": "@[@ann](user:7)",
  })) {
    assert.equal(mentioning(said, called), sent);
    assert.equal(unmentioned(sent, () => "").text, said);
  }
  for (const same of ["@anna", "@annx", "a@ann", "`@ann`", "```\n@ann\n```", "\\@ann", "https://a.example/@ann", "[@Ann](user:9)", "[@ann]", "@", "@.ann", "ann"]) assert.equal(mentioning(same, called), same);
});

test("mentions are edited: the names of today, and who else is called so", () => {
  const { text: said, meant } = unmentioned("[@Old](user:7) [@Gone](user:9) [@two words](user:10)", names);
  assert.equal(said, "@Ann @Gone [@two words](user:10)");
  assert.deepEqual([...meant], [["ann", "7"], ["gone", "9"]]);
  assert.equal(unmentioned("[@x](user:5)[@x](user:6)", names).text, "@x[@x](user:6)");
});

test("a name that is begun", () => {
  assert.deepEqual(begun("hi @mi"), { at: 3, prefix: "mi" });
  assert.deepEqual(begun("@"), { at: 0, prefix: "" });
  for (const not of ["a@mi", "\\@mi", "@mi ", "", "@mi, ", "[@mi"]) assert.equal(begun(not), null, not);
});

test("what was found is marked in a part of the text", () => {
  const of = (s, where) => excerpt(s, where, names).map((p) => (p.hit ? `<${p.text}>` : p.text)).join("");
  assert.equal(of("green tea, tea", [[6, 9], [11, 14]]), "green <tea>, <tea>");
  assert.equal(of("[@Old](user:7) has tea", [[2, 5], [19, 22]]), "<@Ann> has <tea>");
  assert.equal(of("tea", []), "tea");
  assert.equal(of("", [[0, 3]]), "");
  const long = of(`${"before ".repeat(100)}tea${" behind".repeat(100)}`, [[700, 703]]);
  assert.match(long, /^…before .*before <tea> behind.*…$/);
  assert.ok(long.length < 310, `${long.length}`);
  const faces = of("😀".repeat(400), [[400, 402]]);
  assert.ok(faces.isWellFormed?.() ?? true);
  assert.ok(faces.includes("<😀>"));
});

test("as one line", () => {
  assert.equal(plain("**a**\n> b `c`\n```\nd\n```"), "a b c d");
  assert.equal(plain("[@Old](user:7) [@Else](user:9)", names), "@Ann @Else");
});

test("a long text of marks takes no long time", () => {
  for (const s of ["*", "**", "_", "~~", "`", "@", "> ", "```\n", "*a", "**a _b ", "https://", "\\*", "*_~~**", "[@", "](user:7)", "[@a](user:7)", "@ann", "@안", "[@a", "x", "가"]) {
    const begun = performance.now();
    const whole = s.repeat(16_384 / s.length);
    parse(whole);
    mentioning(whole, called);
    mentioning(`@${whole}`, called);
    excerpt(whole, [], names);
    const ms = performance.now() - begun;
    assert.ok(ms < 1000, `${s}: ${ms} ms`);
  }
});

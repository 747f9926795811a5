// A small grammar for messages, read into a tree; how it looks is somewhere else. Nothing of
// it is ever HTML. docs/typescript.md has it for people.

export type Inline =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "code"; readonly text: string }
  | { readonly is: "strong" | "em" | "del"; readonly of: readonly Inline[] }
  | { readonly is: "link"; readonly href: string; readonly text: string }
  | { readonly is: "mention"; readonly name: string };

export type Block =
  | { readonly is: "lines"; readonly of: readonly Inline[] }
  | { readonly is: "quote"; readonly of: readonly Inline[] }
  | { readonly is: "pre"; readonly text: string };

const fence = /^```[\w+-]*\s*$/;

/** Reads a message. */
export function parse(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let run: string[] = [];
  let quoted = false;
  const flush = () => {
    if (run.length > 0) blocks.push({ is: quoted ? "quote" : "lines", of: inline(run.join("\n"), 0) });
    run = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (fence.test(line)) {
      const end = lines.indexOf("```", i + 1);
      if (end > 0) {
        flush();
        blocks.push({ is: "pre", text: lines.slice(i + 1, end).join("\n") });
        i = end;
        continue;
      }
    }
    const quote = /^> ?(.*)$/.exec(line);
    if ((quote !== null) !== quoted) {
      flush();
      quoted = quote !== null;
    }
    run.push(quote ? quote[1]! : line);
  }
  flush();
  return blocks;
}

/** Emphasis within emphasis goes so deep; what is below is text. */
const depthMax = 4;

const spans = [
  ["**", "strong"],
  ["~~", "del"],
  ["*", "em"],
  ["_", "em"],
] as const;

const word = /[\p{L}\p{N}_]/u;
const linkStart = /^https?:\/\/[^\s<>"'`]+/i;
const mentionStart = /^@([\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}\-_.]{0,31})/u;

function inline(s: string, depth: number): Inline[] {
  const out: Inline[] = [];
  let plain = "";
  const flush = () => {
    if (plain) out.push({ is: "text", text: plain });
    plain = "";
  };
  // Where a span was looked for and not found, it is not looked for again: a text of
  // asterisks alone is read in one pass.
  const missing = new Set<string>();
  for (let i = 0; i < s.length; ) {
    const c = s[i]!;
    const before = s[i - 1] ?? " ";
    if (c === "\\" && /[\\*_~`>@]/.test(s[i + 1] ?? "")) {
      plain += s[i + 1]!;
      i += 2;
      continue;
    }
    if (c === "`" && !missing.has(c)) {
      const end = s.indexOf("`", i + 1);
      if (end > i + 1) {
        flush();
        out.push({ is: "code", text: s.slice(i + 1, end) });
        i = end + 1;
        continue;
      }
      if (end < 0) missing.add(c);
    }
    if ((c === "h" || c === "H") && !word.test(before)) {
      const found = linkStart.exec(s.slice(i, i + 2048));
      const text = found && trimLink(found[0]);
      const href = text && safeLink(text);
      if (text && href) {
        flush();
        out.push({ is: "link", href, text });
        i += text.length;
        continue;
      }
    }
    if (c === "@" && !word.test(before)) {
      const found = mentionStart.exec(s.slice(i, i + 40));
      if (found) {
        flush();
        const name = found[1]!.replace(/[.-]+$/, "");
        out.push({ is: "mention", name });
        i += 1 + name.length;
        continue;
      }
    }
    const span = depth < depthMax ? spans.find(([mark]) => s.startsWith(mark, i) && !missing.has(mark)) : undefined;
    if (span) {
      const [mark, is] = span;
      const end = closing(s, i, mark);
      if (end > 0) {
        flush();
        out.push({ is, of: inline(s.slice(i + mark.length, end), depth + 1) });
        i = end + mark.length;
        continue;
      }
      if (end < 0) missing.add(mark);
      plain += mark;
      i += mark.length;
      continue;
    }
    plain += c;
    i++;
  }
  flush();
  return out;
}

/** Where the span that begins at i ends; 0: it does not begin here; -1: it does not end. */
function closing(s: string, i: number, mark: string): number {
  const from = i + mark.length;
  if (/\s/.test(s[from] ?? " ")) return 0;
  if (mark === "_" && word.test(s[i - 1] ?? " ")) return 0; // snake_case
  for (let at = s.indexOf(mark, from + 1); at > 0; at = s.indexOf(mark, at + 1)) {
    if (/\s/.test(s[at - 1]!)) continue;
    if (mark === "*" && (s[at + 1] === "*" || s[at - 1] === "*")) continue;
    if (mark === "_" && word.test(s[at + 1] ?? " ")) continue;
    if (mark === "**" && s[at + 2] === "*") continue; // the last two of three
    return at;
  }
  return -1;
}

/** A dot or a bracket behind a link is the sentence's, as a rule. */
function trimLink(s: string): string {
  for (;;) {
    const last = s.at(-1)!;
    if (/[.,;:!?*_~]/.test(last)) s = s.slice(0, -1);
    else if (last === ")" && s.split("(").length < s.split(")").length) s = s.slice(0, -1);
    else return s;
  }
}

/** The address of a link that may be followed; nothing but the web. */
export function safeLink(s: string): string {
  try {
    const url = new URL(s);
    return (url.protocol === "https:" || url.protocol === "http:") && url.hostname !== "" && url.username === "" ? url.href : "";
  } catch {
    return "";
  }
}

/** Whether a text speaks to somebody. */
export function mentions(text: string, name: string): boolean {
  if (!text.includes("@")) return false;
  const wanted = name.toLowerCase();
  const within = (all: readonly Inline[]): boolean =>
    all.some((i) => (i.is === "mention" && i.name.toLowerCase() === wanted) || ("of" in i && within(i.of)));
  return parse(text).some((b) => b.is !== "pre" && within(b.of));
}

/** The text as one line without marks, for announcements. */
export function plain(text: string): string {
  const of = (all: readonly Inline[]): string =>
    all.map((i) => ("of" in i ? of(i.of) : i.is === "mention" ? `@${i.name}` : i.text)).join("");
  return parse(text)
    .map((b) => (b.is === "pre" ? b.text : of(b.of)))
    .join(" ")
    .replace(/\s+/g, " ");
}

// A small grammar for messages, read into a tree; how it looks is somewhere else. Nothing of
// it is ever HTML. docs/typescript.md has it for people.
import { type Id, type Mention, mentionText, mentionsIn } from "sarang-client";

export type Inline =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "code"; readonly text: string }
  | { readonly is: "strong" | "em" | "del"; readonly of: readonly Inline[] }
  | { readonly is: "link"; readonly href: string; readonly text: string }
  | { readonly is: "mention"; readonly user: Id | "all"; readonly name: string };

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
  const mentions = new Map(mentionsIn(s).map((m) => [m.start, m]));
  for (let i = 0; i < s.length; ) {
    const c = s[i]!;
    const before = s[i - 1] ?? " ";
    if (c === "\\" && /[\\*_~`>@[]/.test(s[i + 1] ?? "")) {
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
    const m = c === "[" && mentions.get(i);
    if (m) {
      flush();
      out.push({ is: "mention", user: m.user, name: m.name });
      i = m.end;
      continue;
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

/** What a user is called now; "": that is not known. */
export type Names = (user: Id | "all") => string;

/** Whom a name means; null: nobody who is known. */
export type Called = (name: string) => Id | "all" | null;

/** The text as one line without marks, for announcements. */
export function plain(text: string, names?: Names): string {
  const of = (all: readonly Inline[]): string =>
    all.map((i) => ("of" in i ? of(i.of) : i.is === "mention" ? `@${names?.(i.user) || i.name}` : i.text)).join("");
  return parse(text)
    .map((b) => (b.is === "pre" ? b.text : of(b.of)))
    .join(" ")
    .replace(/\s+/g, " ");
}

/** What stands before an @ that begins a name: no letter, and no backslash. */
const speaks = /(^|[^\p{L}\p{M}\p{N}_@/\\[])@([\p{L}\p{M}\p{N}\-_.]*)$/u;

/** The beginning of a name that is written at the end of a text, and where its @ stands; null: none is. */
export function begun(text: string): { at: number; prefix: string } | null {
  const found = speaks.exec(text.slice(-80));
  return found ? { at: text.length - found[2]!.length - 1, prefix: found[2]! } : null;
}

const named = /```[\s\S]*?(?:```|$)|`[^`\n]*`|https?:\/\/\S+|\\[\s\S]|\[@[^[\]\\\n]+\]\(user:\w+\)|[\p{L}\p{M}\p{N}_[]@|@([\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}\-_.]*)/gu;

/** No name is longer. */
const nameMax = 64;

/** The text as the server gets it: @name, where that means somebody, is a mention of him. Code and addresses stay as they are. */
export function mentioning(text: string, called: Called): string {
  return text.replace(named, (all, word?: string) => {
    // What stands behind a name may be a full stop, or, in Korean, a particle.
    for (let name = word?.slice(0, nameMax) ?? ""; name; name = name.slice(0, -1)) {
      const rest = word!.slice(name.length);
      const user = /^[.\-_]*$|^\p{Script=Hangul}+\.*$/u.test(rest) && called(name);
      if (user) return mentionText(user, name) + rest;
    }
    return all;
  });
}

/** The text as people write it, and whom its names mean. A name that is no single word stays a link. */
export function unmentioned(text: string, names: Names): { text: string; meant: Map<string, Id | "all"> } {
  const meant = new Map<string, Id | "all">();
  const said = replaced(text, (m) => {
    const name = names(m.user) || m.name;
    if (!/^[\p{L}\p{M}\p{N}_][\p{L}\p{M}\p{N}\-_.]*$/u.test(name) || (meant.get(name.toLowerCase()) ?? m.user) !== m.user) return null;
    meant.set(name.toLowerCase(), m.user);
    return `@${name}`;
  });
  return { text: said, meant };
}

function replaced(text: string, by: (m: Mention) => string | null): string {
  let out = "";
  let end = 0;
  for (const m of mentionsIn(text)) {
    out += text.slice(end, m.start) + (by(m) ?? text.slice(m.start, m.end));
    end = m.end;
  }
  return out + text.slice(end);
}

/** So much stands before what was found, and so much is shown in all. */
const beforeMax = 60;
const shownMax = 300;

/** A part of a text around what was found in it, which is marked. */
export function excerpt(text: string, where: readonly (readonly [number, number])[], names: Names): { text: string; hit: boolean }[] {
  const out: { text: string; hit: boolean }[] = [];
  const add = (s: string, hit: boolean) => {
    const last = out.at(-1);
    if (last && last.hit === hit) out[out.length - 1] = { text: last.text + s, hit };
    else if (s) out.push({ text: s, hit });
  };
  const marked = (from: number, to: number) => {
    for (const [a, b] of where) {
      if (b <= from || a >= to) continue;
      add(text.slice(from, Math.max(from, a)), false);
      add(text.slice(Math.max(from, a), Math.min(to, b)), true);
      from = Math.min(to, b);
    }
    add(text.slice(from, to), false);
  };
  const first = where[0]?.[0] ?? 0;
  let end = Math.max(0, first - beforeMax);
  if (end > 0) end = Math.max(text.lastIndexOf(" ", end) + 1, end - 30); // no half words, where there are words
  if (end > 0 && /[\udc00-\udfff]/.test(text[end] ?? "")) end++;
  if (end > 0) add("…", false);
  let stop = Math.min(text.length, end + shownMax);
  if (/[\udc00-\udfff]/.test(text[stop] ?? "")) stop--;
  for (const m of mentionsIn(text)) {
    if (m.end <= end || m.start >= stop) continue;
    marked(end, Math.max(end, m.start));
    add(`@${names(m.user) || m.name}`, where.some(([a, b]) => a < m.end && b > m.start));
    end = m.end;
  }
  marked(end, Math.max(end, stop));
  if (stop < text.length) add("…", false);
  return out;
}

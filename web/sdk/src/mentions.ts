// Mentions stand in the text, as links to a user's id: [@Ann](user:7), [@room](user:all).
import type { Id } from "./wire.ts";

export interface Mention {
  /** "all": everybody in the room. */
  readonly user: Id | "all";
  /** As it stands there; nobody has checked it. Show the name that you know. */
  readonly name: string;
  /** It is text.slice(start, end). */
  readonly start: number;
  readonly end: number;
}

/** Bytes of the name in a mention. */
const nameBytesMax = 128;

/** The highest number of a user. */
const userMax = 2n ** 63n - 1n;

const link = /\]\(user:(all|[1-9]\d{0,18})\)/g;

const encoder = new TextEncoder();

/** The mentions in a text, in order, as the server reads them. The work is in proportion to the text's length. */
export function mentionsIn(text: string): Mention[] {
  const out: Mention[] = [];
  let from = 0;
  for (const m of text.matchAll(link)) {
    const user = m[1]!;
    const end = m.index + m[0].length;
    const least = Math.max(from, m.index - nameBytesMax - 2);
    const near = text.slice(least, m.index);
    const start = near.lastIndexOf("[@");
    const name = near.slice(start + 2);
    if (start >= 0 && name && text[least + start - 1] !== "\\" && !/[[\]\\\n]/.test(name) && encoder.encode(name).length <= nameBytesMax && (user === "all" || BigInt(user) <= userMax)) {
      out.push({ user, name, start: least + start, end });
    }
    from = end;
  }
  return out;
}

/** A mention of a user, or of "all", for a text. What may not stand in its name is left out. */
export function mentionText(user: Id | "all", name: string): string {
  const said = [...name.replace(/[[\]\\\u0000-\u001f]/g, "")];
  while (encoder.encode(said.join("")).length > nameBytesMax) said.pop();
  return `[@${said.join("") || user}](user:${user})`;
}

/** Whether a text mentions a user, or everybody. */
export function speaksTo(text: string, user: Id): boolean {
  return text.includes("](user:") && mentionsIn(text).some((m) => m.user === user || m.user === "all");
}

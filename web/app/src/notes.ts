// What stands in a conversation besides messages: days, who came and went, roles.
import type { MessageView, RoomEvent } from "sarang-client";
import { day, span, t, time } from "./i18n.ts";
import type { RoomModel } from "./room.ts";

export type Row =
  | { readonly is: "message"; readonly key: string; readonly m: MessageView; readonly answers: MessageView | null; readonly first: boolean }
  | { readonly is: "day" | "note"; readonly key: string; readonly text: string; readonly seq: number }
  | { readonly is: "new"; readonly key: string };

/** Messages of one person so close together stand under one name. */
const togetherMs = 5 * 60_000;

/** So many names are said; the others are counted. */
const namesMax = 3;

const settings: ReadonlySet<string> = new Set(["name", "topic", "describe", "archive", "slow", "retain"]);

/** The rows of the room's window. */
export function rows(r: RoomModel, blocked: ReadonlySet<string>): Row[] {
  const out: Row[] = [];
  let lastDay = "";
  let author = "";
  let authorMs = 0;
  let presence: RoomEvent[] = [];
  const flush = () => {
    if (presence.length > 0) out.push({ is: "note", key: `p${presence[0]!.seq}`, text: presenceText(presence), seq: presence[0]!.seq });
    presence = [];
  };
  const newLine = r.newLine.value;
  let lined = newLine === 0;
  for (let i = r.start; i < r.end; i++) {
    const e = r.events[i]!;
    const date = new Date(e.timeMs);
    const thatDay = `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
    if (thatDay !== lastDay) {
      flush();
      out.push({ is: "day", key: `d${e.seq}`, text: day(e.timeMs), seq: e.seq });
      lastDay = thatDay;
      author = "";
    }
    const missing = r.gaps.get(e.seq);
    if (missing) {
      flush();
      out.push({ is: "note", key: `g${e.seq}`, text: t().gap(missing), seq: e.seq });
      author = "";
    }
    if (e.kind === "join" || e.kind === "leave") {
      presence.push(e);
      continue;
    }
    if (e.kind !== "message" && e.kind !== "role" && e.kind !== "kick" && !settings.has(e.kind)) continue; // it has changed a message, which shows it
    flush();
    if (!lined && e.seq > newLine && e.kind === "message") {
      out.push({ is: "new", key: "new" });
      lined = true;
      author = "";
    }
    if (e.kind === "message" && blocked.has(e.user)) {
      if (author !== e.user) out.push({ is: "note", key: `b${e.seq}`, text: t().saidByBlocked, seq: e.seq });
      author = e.user;
      continue;
    }
    if (e.kind === "message") {
      const first = author !== e.user || e.target > 0 || e.timeMs - authorMs > togetherMs;
      const m = r.view.get(e.seq);
      if (!m) continue;
      out.push({ is: "message", key: `m${e.seq}`, m, answers: e.target ? (r.view.get(e.target) ?? null) : null, first });
      author = e.user;
      authorMs = e.timeMs;
      continue;
    }
    const text = noteText(r, e);
    author = "";
    out.push({ is: "note", key: `n${e.seq}`, text, seq: e.seq });
  }
  flush();
  return out;
}

function presenceText(all: readonly RoomEvent[]): string {
  const came = new Map<string, string>();
  const went = new Map<string, string>();
  for (const e of all) (e.kind === "join" ? came : went).set(e.user, e.name);
  const both = [...came.keys()].filter((u) => went.has(u));
  const say = (names: string[], f: (names: string, more: number) => string) =>
    names.length === 0 ? "" : f(names.slice(0, namesMax).join(", "), Math.max(0, names.length - namesMax));
  return [
    say(both.map((u) => came.get(u)!), t().cameAndWent),
    say([...came].filter(([u]) => !went.has(u)).map(([, n]) => n), t().came),
    say([...went].filter(([u]) => !came.has(u)).map(([, n]) => n), t().went),
  ]
    .filter(Boolean)
    .join(" · ");
}

function noteText(r: RoomModel, e: RoomEvent): string {
  const by = e.name || t().theOperator;
  if (e.kind === "topic") return e.text ? t().topicIs(by, e.text) : t().topicGone(by);
  if (e.kind === "name") return t().didRename(by, e.text);
  if (e.kind === "describe") return t().described(by);
  if (e.kind === "archive") return e.value ? t().didArchive(by) : t().didReopen(by);
  if (e.kind === "slow") return e.value ? t().didSlow(by, span(e.value)) : t().didSlowNot(by);
  if (e.kind === "retain") return e.value ? t().didRetain(by, span(e.value)) : t().didRetainNot(by);
  const whom = nameOf(r, e.subject);
  let text = "";
  if (e.kind === "kick") text = t().kicked(by, whom);
  else if (e.kind !== "role") return "";
  else if (e.role === "banned") text = t().banned(by, whom);
  else if (e.role === "member" && e.user === e.subject) text = t().cameByInvitation(by);
  else if (e.role === "none") text = t().roleTaken(by, whom);
  else text = t().gaveRole(by, whom, roleName(e.role));
  if (e.untilMs) text += ` (${t().until(time(e.untilMs))})`;
  return e.text ? `${text}: ${e.text}` : text;
}

export function roleName(role: string): string {
  switch (role) {
    case "banned":
      return t().roleBanned;
    case "reader":
      return t().roleReader;
    case "member":
      return t().roleMember;
    case "moderator":
      return t().roleModerator;
    case "owner":
      return t().roleOwner;
  }
  return t().roleNone;
}

/** The name of somebody whom the room knows. */
function nameOf(r: RoomModel, user: string): string {
  const present = r.people.peek().find((p) => p.user === user);
  if (present) return present.name;
  for (let i = r.events.length - 1; i >= 0; i--) if (r.events[i]!.user === user) return r.events[i]!.name;
  return t().somebody;
}

import { type Id, type MessageView, speaksTo } from "sarang-client";
import { FilesOf } from "./attach.tsx";
import { app } from "./app.ts";
import { fullTime, t, time } from "./i18n.ts";
import { Pin, Reply, Smile } from "./icons.tsx";
import type { Outgoing, RoomModel } from "./room.ts";
import { type Block, type Inline, parse, plain } from "./text.ts";

/** It is drawn again when names become known. */
function Mentioned({ room, user, name }: { room: RoomModel; user: Id | "all"; name: string }) {
  void room.people.value;
  return <span class={user === app.user.value || user === "all" ? "mention mine" : "mention"}>@<bdi>{app.nameOf(room, user) || name}</bdi></span>;
}

function Inlines({ of, room }: { of: readonly Inline[]; room: RoomModel }) {
  return (
    <>
      {of.map((i) => {
        switch (i.is) {
          case "text":
            return i.text;
          case "code":
            return <code>{i.text}</code>;
          case "strong":
            return <strong><Inlines of={i.of} room={room} /></strong>;
          case "em":
            return <em><Inlines of={i.of} room={room} /></em>;
          case "del":
            return <del><Inlines of={i.of} room={room} /></del>;
          case "link":
            return <a href={i.href} target="_blank" rel="noopener noreferrer nofollow ugc">{i.text}</a>;
          case "mention":
            return <Mentioned room={room} user={i.user} name={i.name} />;
        }
      })}
    </>
  );
}

function BlockOf({ block, room }: { block: Block; room: RoomModel }) {
  switch (block.is) {
    case "pre":
      return <pre dir="auto" tabIndex={0}><code>{block.text}</code></pre>;
    case "quote":
      return <blockquote dir="auto"><Inlines of={block.of} room={room} /></blockquote>;
    case "lines":
      return <p dir="auto"><Inlines of={block.of} room={room} /></p>;
  }
}

export function Text({ text, room }: { text: string; room: RoomModel }) {
  return <>{parse(text).map((b, i) => <BlockOf key={i} block={b} room={room} />)}</>;
}

/** One of twelve colours, the same for a user everywhere. */
export function hue(user: string): string {
  let h = 7;
  for (let i = 0; i < user.length; i++) h = (h * 31 + user.charCodeAt(i)) % 9973;
  return `h${h % 12}`;
}

export function initial(name: string): string {
  return [...name][0]?.toUpperCase() ?? "?";
}

export function Avatar({ user, name }: { user: string; name: string }) {
  return <span class={`avatar ${hue(user)}`} aria-hidden="true">{initial(name)}</span>;
}

interface MessageProps {
  m: MessageView;
  room: RoomModel;
  /** The message that it answers. */
  answers: MessageView | null;
  /** It stands under a name of its own. */
  first: boolean;
  self: boolean;
  /** Somebody was led to it. */
  lit?: boolean;
  /** It stands in a thread, beside the room. */
  beside?: boolean;
}

/** It reads signals (the language), so it is drawn again only when one of its properties changes. */
export function Message({ m, room, answers, first, self, lit, beside }: MessageProps) {
  const e = m.event;
  const to = !self && !m.gone && speaksTo(m.text, app.user.value);
  const when = new Date(e.timeMs).toISOString();
  return (
    <li class={`msg${first ? " first" : ""}${to ? " to-me" : ""}${m.gone ? " deleted" : ""}${lit ? " lit" : ""}`} data-seq={e.seq} tabIndex={-1}>
      {first && <Avatar user={e.user} name={e.name} />}
      {e.target > 0 && !beside && <Answers room={room} seq={e.target} to={answers} />}
      {first ? (
        <div class="head">
          <button type="button" class={`name ${hue(e.user)}`} disabled={self} onClick={() => about(room, e.user, e.name)}>
            <bdi>{e.name}</bdi>
          </button>
          <time dateTime={when} title={fullTime(e.timeMs)}>{time(e.timeMs)}</time>
        </div>
      ) : (
        <time class="aside" dateTime={when} title={fullTime(e.timeMs)}>{time(e.timeMs)}</time>
      )}
      {!first && <span class="sr"><bdi>{e.name}</bdi>: </span>}
      <div class="body">{m.gone ? <p>{t().deleted}</p> : <Text text={m.text} room={room} />}</div>
      {m.files.length > 0 && <FilesOf room={room} seq={e.seq} files={m.files} />}
      {(m.edited > 0 || m.pinned > 0) && !m.gone && (
        <span class="marks">
          {m.pinned > 0 && <span class="pinned"><Pin />{t().pinned}</span>}
          {m.edited > 0 && <span>{t().edited}</span>}
        </span>
      )}
      {m.reactions.length > 0 && (
        <div class="reactions">
          {m.reactions.map((r) => (
            <button key={r.emoji} type="button" aria-pressed={r.mine > 0} aria-label={t().reaction(r.emoji, r.count)} onClick={() => void app.react(room, m, r.emoji)}>
              <span aria-hidden="true">{r.emoji}</span> <span aria-hidden="true">{r.count}</span>
            </button>
          ))}
        </div>
      )}
      {!m.gone && !room.info.value.ephemeral && (
        <div class="tools">
          {!beside && <button type="button" tabIndex={-1} class="reply" aria-label={t().reply} title={t().reply} onClick={() => reply(room, m)}><Reply /></button>}
          <button type="button" tabIndex={-1} aria-label={t().messageMenu} title={t().messageMenu} onClick={() => menu(m)}><Smile /></button>
        </div>
      )}
    </li>
  );
}

/** The line over an answer: whom, and the beginning of what was said. */
function Answers({ room, seq, to }: { room: RoomModel; seq: number; to: MessageView | null }) {
  return (
    <button type="button" class="answers" tabIndex={-1} onClick={() => void app.jump(room, seq)}>
      <Reply />
      {to ? (
        <>
          <b class={`by ${hue(to.event.user)}`}><bdi>{to.event.name}</bdi></b>
          <span dir="auto">{to.gone ? t().deleted : plain(to.text, (u) => app.nameOf(room, u)).slice(0, 120)}</span>
        </>
      ) : (
        <span>{t().earlierMessage}</span>
      )}
    </button>
  );
}

export function menu(m: MessageView): void {
  app.message.value = m;
  app.dialog.value = "message";
}

export function reply(room: RoomModel, m: MessageView): void {
  room.editing.value = null;
  room.replying.value = m;
  document.querySelector<HTMLElement>("#composer")?.focus();
}

export function edit(room: RoomModel, m: MessageView): void {
  room.replying.value = null;
  room.editing.value = m;
  document.querySelector<HTMLElement>("#composer")?.focus();
}

function about(room: RoomModel, user: string, name: string): void {
  if (room !== app.current.peek()) return;
  app.about.value = { user, name };
  app.dialog.value = "moderate";
}

export function Unsent({ o, room, first }: { o: Outgoing; room: RoomModel; first: boolean }) {
  const failed = o.state === "failed";
  const waits = app.connection.value.is !== "online";
  return (
    <li class={`msg unsent${first ? " first" : ""}${failed ? " failed" : ""}`}>
      {first && <Avatar user={app.user.value} name={app.name.value} />}
      {first && <div class="head"><span class={`name ${hue(app.user.value)}`}><bdi>{app.name.value}</bdi></span></div>}
      <div class="body"><Text text={o.text} room={room} />{o.files?.map((f) => <p key={f.id}>📎 <bdi>{f.name}</bdi></p>)}</div>
      <div class="state">
        {failed ? (
          <>
            <span>{t().notSent}{o.error ? `: ${o.error}` : ""}</span>
            <button type="button" onClick={() => app.again(room, o)}>{t().tryAgain}</button>
            <button type="button" onClick={() => app.discard(room, o)}>{t().discard}</button>
          </>
        ) : waits ? t().waiting : <span class="sr">{t().sending}</span>}
      </div>
    </li>
  );
}

import type { RoomEvent } from "sarang-client";
import { app } from "./app.ts";
import { fullTime, t, time } from "./i18n.ts";
import type { Outgoing, RoomModel } from "./room.ts";
import { type Block, type Inline, mentions, parse } from "./text.ts";

function Inlines({ of }: { of: readonly Inline[] }) {
  return (
    <>
      {of.map((i) => {
        switch (i.is) {
          case "text":
            return i.text;
          case "code":
            return <code>{i.text}</code>;
          case "strong":
            return <strong><Inlines of={i.of} /></strong>;
          case "em":
            return <em><Inlines of={i.of} /></em>;
          case "del":
            return <del><Inlines of={i.of} /></del>;
          case "link":
            return <a href={i.href} target="_blank" rel="noopener noreferrer nofollow ugc">{i.text}</a>;
          case "mention":
            return <span class={i.name.toLowerCase() === app.name.peek().toLowerCase() ? "mention mine" : "mention"}>@{i.name}</span>;
        }
      })}
    </>
  );
}

function BlockOf({ block }: { block: Block }) {
  switch (block.is) {
    case "pre":
      return <pre dir="auto" tabIndex={0}><code>{block.text}</code></pre>;
    case "quote":
      return <blockquote dir="auto"><Inlines of={block.of} /></blockquote>;
    case "lines":
      return <p dir="auto"><Inlines of={block.of} /></p>;
  }
}

export function Text({ text }: { text: string }) {
  return <>{parse(text).map((b, i) => <BlockOf key={i} block={b} />)}</>;
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

/** It reads signals (the language), so it is drawn again only when one of its properties changes. */
export function Message({ e, room, first, self }: { e: RoomEvent; room: RoomModel; first: boolean; self: boolean }) {
  const me = app.name.peek();
  const to = !self && mentions(e.text, me);
  return (
    <li class={`msg${first ? " first" : ""}${to ? " to-me" : ""}`} data-seq={e.seq}>
      {first && <Avatar user={e.user} name={e.name} />}
      {first ? (
        <div class="head">
          <button type="button" class={`name ${hue(e.user)}`} disabled={self} onClick={() => about(room, e.user, e.name)}>
            <bdi>{e.name}</bdi>
          </button>
          <time dateTime={new Date(e.timeMs).toISOString()} title={fullTime(e.timeMs)}>{time(e.timeMs)}</time>
        </div>
      ) : (
        <time class="aside" dateTime={new Date(e.timeMs).toISOString()} title={fullTime(e.timeMs)}>{time(e.timeMs)}</time>
      )}
      {!first && <span class="sr"><bdi>{e.name}</bdi>: </span>}
      <div class="body"><Text text={e.text} /></div>
    </li>
  );
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
      <div class="body"><Text text={o.text} /></div>
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

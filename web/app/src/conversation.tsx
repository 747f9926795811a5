import { useLayoutEffect, useRef } from "preact/hooks";
import { attach } from "./attach.tsx";
import { app } from "./app.ts";
import { Composer } from "./composer.tsx";
import { t } from "./i18n.ts";
import { Back, Down, Hash, Lock, More, People } from "./icons.tsx";
import { Avatar, Message, Unsent, edit, menu, reply } from "./message.tsx";
import { rows } from "./notes.ts";
import type { RoomModel } from "./room.ts";
import { openSearch } from "./search.tsx";

/** Near enough to the end to be taken for it, and to the window's edges to move it. */
const endPx = 48;
const edgePx = 900;

/** Scrolling so soon after somebody has touched the log is his. */
const touchedMs = 1000;

/** Whether we may give roles in a room. */
export function moderates(r: RoomModel): boolean {
  return r.role.value === "owner" || r.role.value === "moderator";
}

export function roomLabel(r: RoomModel): string {
  return app.label(r);
}

export function Conversation({ room }: { room: RoomModel }) {
  return (
    <main
      class="room"
      aria-label={t().conversation(roomLabel(room))}
      id="main"
      onDragOver={(e) => {
        if (e.dataTransfer?.types.includes("Files")) e.preventDefault();
      }}
      onDrop={(e) => {
        if (!e.dataTransfer?.files.length) return;
        e.preventDefault();
        attach(room, e.dataTransfer.files);
      }}
    >
      <Header room={room} />
      <Log room={room} key={room.id} />
      <Typing room={room} />
      <Composer room={room} key={`c${room.id}`} />
    </main>
  );
}

/** So many names of who types are said. */
const typersMax = 2;

function Typing({ room }: { room: RoomModel }) {
  const names = [...room.typers.value.values()];
  const said = names.length === 0 ? "" : names.length > typersMax ? t().manyType : t().types(names.join(", "), names.length);
  return <p class="typing" dir="auto">{said}</p>;
}

function Header({ room }: { room: RoomModel }) {
  const { name, private: hidden, topic, description, archived } = room.info.value;
  const other = room.others(app.user.value)[0];
  return (
    <header class="bar">
      <button type="button" class="ghost only-phone" aria-label={t().back} onClick={() => app.show(null)}><Back /></button>
      {other ? <Avatar user={other.user} name={other.name} /> : <span class="kind">{hidden ? <Lock /> : <Hash />}</span>}
      <div class="title">
        <h1><bdi>{other ? app.label(room) : name}</bdi>{archived && <span class="tag"> {t().isArchived}</span>}</h1>
        {topic && <p class="topic" title={description || topic} dir="auto">{topic}</p>}
      </div>
      <button
        type="button"
        class={`ghost count${app.people.value ? " on" : ""}`}
        aria-pressed={app.people.value}
        aria-label={`${app.people.value ? t().hidePeople : t().showPeople}, ${t().peopleCount(room.present.value)}`}
        onClick={() => (app.people.value = !app.people.value)}
      >
        <People />
        <span aria-hidden="true">{room.present.value}</span>
      </button>
      <RoomMenu room={room} />
    </header>
  );
}

function RoomMenu({ room }: { room: RoomModel }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (menu.current) menu.current.open = false;
  };
  const item = (text: string, act: () => void, danger = false) => (
    <li>
      <button type="button" class={danger ? "danger" : ""} onClick={() => (close(), act())}>{text}</button>
    </li>
  );
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(e) => {
        if (e.key !== "Escape" || !menu.current?.open) return;
        e.stopPropagation();
        close();
        menu.current.querySelector("summary")?.focus();
      }}
      onFocusOut={(e) => {
        if (!menu.current?.contains(e.relatedTarget as Node | null)) close();
      }}
    >
      <summary class="ghost" aria-label={t().menu} role="button"><More /></summary>
      <ul>
        {moderates(room) && !room.isDirect && item(t().invite, () => (app.dialog.value = "invite"))}
        {!room.info.value.ephemeral && item(t().searchHere, () => openSearch(true))}
        {!room.info.value.ephemeral && item(t().threads, () => (app.dialog.value = "threads"))}
        {!room.info.value.ephemeral && item(t().pins, () => (app.dialog.value = "pins"))}
        {!room.info.value.ephemeral && item(t().goToDate, () => (app.dialog.value = "date"))}
        {moderates(room) && !room.isDirect && item(t().roomSettings, () => (app.dialog.value = "room"))}
        {moderates(room) && !room.isDirect && item(t().reports, () => (app.dialog.value = "reports"))}
        {moderates(room) && !room.isDirect && item(t().audit, () => (app.dialog.value = "audit"))}
        {!room.isDirect && item(t().copyLink, () => {
          void navigator.clipboard?.writeText(location.href).then(() => app.tell(t().copied));
        })}
        {!room.info.value.ephemeral && item(room.muted.value ? t().unmuteRoom : t().muteRoom, () => void app.mute(room, !room.muted.value))}
        {moderates(room) && !room.isDirect && item(t().banByName, () => {
          app.about.value = null;
          app.dialog.value = "moderate";
        })}
        {item(t().leave, () => void app.leave(room), true)}
      </ul>
    </details>
  );
}

function Log({ room }: { room: RoomModel }) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const sizes = useRef("");
  const touched = useRef(0);
  const touch = () => {
    touched.current = Date.now();
  };

  // Where the reader stands is kept over every change: at the end, or at what is on top.
  const settle = () => {
    const b = box.current;
    if (!b) return;
    if (room.atEnd) {
      b.scrollTop = b.scrollHeight;
      return;
    }
    const a = room.anchor;
    const item = a && list.current?.querySelector<HTMLElement>(`[data-seq="${a.seq}"]`);
    if (!a || !item) return;
    if (room.focus === a.seq) item.focus({ preventScroll: true });
    room.focus = 0;
    const moved = item.getBoundingClientRect().top - b.getBoundingClientRect().top - a.offset;
    if (Math.abs(moved) >= 1) b.scrollTop += moved;
  };

  const look = () => {
    const b = box.current;
    if (!b) return;
    // What is shown at the end, or its frame, has grown or shrunk: that is nobody's scrolling.
    const now = `${b.scrollHeight} ${b.clientHeight}`;
    if (room.atEnd && now !== sizes.current && Date.now() - touched.current > touchedMs) settle();
    sizes.current = now;
    const rest = b.scrollHeight - b.clientHeight - b.scrollTop;
    const atTail = room.atTail;
    const was = room.atEnd;
    room.atEnd = atTail && rest < endPx;
    room.anchor = room.atEnd ? null : topmost(b, list.current!);
    if (room.atEnd && document.visibilityState === "visible" && (room.unread.value > 0 || room.readSeq.value < room.last)) app.read(room);
    if (was !== room.atEnd) room.changed();
    if (b.scrollTop < edgePx) void app.older(room);
    if (!atTail && rest < edgePx) void app.newer(room);
  };

  useLayoutEffect(() => {
    settle();
    // Nobody can scroll in what is not higher than its frame.
    const b = box.current!;
    if (room.fills && room.olderMore && b.scrollHeight <= b.clientHeight) void app.older(room);
  });
  useLayoutEffect(() => {
    const b = box.current!;
    // Heights become known only when something is shown (content-visibility).
    const resizes = new ResizeObserver(() => {
      if (room.atEnd) settle();
    });
    resizes.observe(inner.current!);
    resizes.observe(b);
    look();
    return () => resizes.disconnect();
  }, []);

  void room.version.value;
  const all = rows(room, app.blocked.value);
  const self = app.user.value;
  const outbox = room.outbox.value;
  const lastRow = all.at(-1);
  const lastMine = lastRow?.is === "message" && lastRow.m.event.user === self;
  const tail = room.atTail;
  const lit = room.lit.value;
  return (
    <div class="log-frame">
      <div class="log" ref={box} onScroll={look} onWheel={touch} onTouchMove={touch} onPointerDown={touch} onKeyDown={(e) => (touch(), keys(e, room))} tabIndex={0} role="region" aria-label={t().conversation(roomLabel(room))}>
        <div class="inner" ref={inner}>
        <div class="push" />
        {room.start === 0 && !room.olderMore && (
          <p class="beginning">
            <span class="seal">{room.info.value.private ? <Lock /> : <Hash />}</span>
            {t().beginning(roomLabel(room))}
            {room.info.value.description && <span class="description" dir="auto">{room.info.value.description}</span>}
            {room.info.value.ephemeral ? ` ${t().forgotten}` : ""}
          </p>
        )}
        {room.loading.value && <p class="loading">{t().loading}</p>}
        <ol ref={list}>
          {all.map((row) => {
            switch (row.is) {
              case "message":
                return <Message key={row.key} m={row.m} answers={row.answers} room={room} first={row.first} self={row.m.event.user === self} lit={row.m.event.seq === lit} />;
              case "new":
                return <li key={row.key} class="new"><span>{t().newMessages}</span></li>;
              default:
                return <li key={row.key} class={row.is} data-seq={row.is === "note" ? row.seq : undefined}><span dir="auto">{row.text}</span></li>;
            }
          })}
          {tail && outbox.map((o, i) => <Unsent key={o.nonce} o={o} room={room} first={i === 0 && !lastMine} />)}
        </ol>
        </div>
      </div>
      {(!tail || !room.atEnd) && (
        <button type="button" class={`to-end${room.unread.value ? " news" : ""}`} onClick={() => room.toEnd()}>
          <Down />
          <span>{room.unread.value ? t().newBelow(room.unread.value) : t().toNewest}</span>
        </button>
      )}
    </div>
  );
}

/** Keys in the log: arrows go from message to message, letters do something with one. */
function keys(e: KeyboardEvent, room: RoomModel): void {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
  const box = e.currentTarget as HTMLElement;
  const at = (e.target as HTMLElement).closest<HTMLElement>(".msg");
  if (e.key === "ArrowUp" || e.key === "ArrowDown") {
    const all = [...box.querySelectorAll<HTMLElement>(".msg:not(.unsent)")];
    const i = at ? all.indexOf(at) : all.length;
    const next = all[i + (e.key === "ArrowUp" ? -1 : 1)];
    if (next) next.focus();
    else if (e.key === "ArrowDown") document.querySelector<HTMLElement>("#composer")?.focus();
    e.preventDefault();
    return;
  }
  const m = at && at === e.target ? room.view.get(Number(at.dataset["seq"])) : undefined;
  if (!m || m.gone || room.info.value.ephemeral) return;
  if (e.key === "Enter" || e.key === "+") menu(m);
  else if (e.key === "r") reply(room, m);
  else if (e.key === "t") app.openThread(room, m.root || m.event.seq);
  else if (e.key === "e" && m.event.user === app.user.value) edit(room, m);
  else return;
  e.preventDefault();
}

/** The message on top of what is shown, and where it stands. */
function topmost(box: HTMLElement, list: HTMLElement): { seq: number; offset: number } | null {
  const top = box.getBoundingClientRect().top;
  const items = list.children;
  let low = 0;
  let high = items.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (items[mid]!.getBoundingClientRect().bottom <= top) low = mid + 1;
    else high = mid;
  }
  for (; low < items.length; low++) {
    const item = items[low] as HTMLElement;
    const seq = Number(item.dataset["seq"]);
    if (seq) return { seq, offset: item.getBoundingClientRect().top - top };
  }
  return null;
}

import { useEffect, useState } from "preact/hooks";
import type { RoomInfo } from "sarang-client";
import { app } from "./app.ts";
import { count, t } from "./i18n.ts";
import { At, Gear, Glass, Hash, House, Keys, Lock, Plus, Search, Talk } from "./icons.tsx";
import { Avatar } from "./message.tsx";
import { openSearch } from "./search.tsx";
import type { RoomModel } from "./room.ts";

/** Rooms besides ours that are shown; the switcher finds the others. */
const othersMax = 12;

export function Sidebar({ alone }: { alone: boolean }) {
  const others = app.others.value;
  const direct = app.rooms.value.filter((r) => r.isDirect);
  return (
    <nav class="side" aria-label={t().rooms}>
      <header class="bar">
        {alone ? <h1 class="brand"><House />Sarang</h1> : <span class="brand"><House />Sarang</span>}
        <span class="grow" />
        <button type="button" class="ghost" aria-label={t().newRoom} title={t().newRoom} onClick={() => (app.dialog.value = "newRoom")}><Plus /></button>
        <button type="button" class="ghost" aria-label={t().talkTo} title={t().talkTo} onClick={() => (app.dialog.value = "talk")}><Talk /></button>
        <button type="button" class="ghost" aria-label={t().mentionsOfMe} title={t().mentionsOfMe} onClick={() => (app.dialog.value = "mentions")}><At /></button>
        <button type="button" class="ghost" aria-label={t().search} title={t().search} onClick={() => openSearch(false)}><Glass /></button>
      </header>
      <button type="button" class="goto" onClick={() => (app.dialog.value = "switcher")}>
        <Search />
        <span>{t().goTo}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div class="scroll" tabIndex={-1}>
        <h2>{t().rooms}</h2>
        {app.rooms.value.length === 0 && <p class="none">{t().noRooms}</p>}
        <ul>{app.rooms.value.filter((r) => !r.isDirect).map((r) => <RoomItem key={r.id} room={r} />)}</ul>
        {direct.length > 0 && <h2>{t().direct}</h2>}
        <ul>{direct.map((r) => <RoomItem key={r.id} room={r} />)}</ul>
        {others.length > 0 && <h2>{t().openRooms}</h2>}
        <ul>{others.slice(0, othersMax).map((o) => <OtherItem key={o.id} room={o} />)}</ul>
        {others.length > othersMax && (
          <button type="button" class="more" onClick={() => (app.dialog.value = "switcher")}>{t().andMore(others.length - othersMax)}</button>
        )}
      </div>
      <Connection />
      <footer class="me">
        <Avatar user={app.user.value} name={app.name.value} />
        <span class="who"><bdi>{app.name.value}</bdi></span>
        <button type="button" class="ghost not-phone" aria-label={t().shortcuts} title={t().shortcuts} onClick={() => (app.dialog.value = "keys")}><Keys /></button>
        <button type="button" class="ghost" aria-label={t().settings} title={t().settings} onClick={() => (app.dialog.value = "settings")}><Gear /></button>
      </footer>
    </nav>
  );
}

function RoomItem({ room }: { room: RoomModel }) {
  const { name, private: hidden } = room.info.value;
  const other = room.others(app.user.value)[0];
  const here = app.current.value === room;
  const n = room.unread.value;
  const mentions = room.mentions.value;
  const muted = room.muted.value;
  return (
    <li>
      <button
        type="button"
        class={`item${here ? " here" : ""}${n && !muted ? " unread" : ""}${muted ? " muted" : ""}`}
        aria-current={here ? "page" : undefined}
        onClick={() => app.show(room)}
      >
        {other ? <Avatar user={other.user} name={other.name} /> : hidden ? <Lock /> : <Hash />}
        <bdi>{other ? app.label(room) : name}</bdi>
        {mentions > 0 && (
          <span class="badge mentioned">
            <span aria-hidden="true">@{mentions > 99 ? "99+" : count(mentions)}</span>
            <span class="sr">{t().mentionsYou(mentions)}</span>
          </span>
        )}
        {n > 0 && (
          <span class="badge">
            <span aria-hidden="true">{n > 999 ? "999+" : count(n)}</span>
            <span class="sr">{t().unread(n)}</span>
          </span>
        )}
      </button>
    </li>
  );
}

function OtherItem({ room }: { room: RoomInfo }) {
  return (
    <li>
      <button type="button" class="item other" onClick={() => void app.open(room.name)}>
        {room.private ? <Lock /> : <Hash />}
        <bdi>{room.name}</bdi>
        {room.members > 0 && (
          <span class="few">
            <span aria-hidden="true">{count(room.members)}</span>
            <span class="sr">{t().peopleCount(room.members)}</span>
          </span>
        )}
      </button>
    </li>
  );
}

/** Says that there is no connection, after a moment: a short loss is nobody's business. */
export function Connection() {
  const c = app.connection.value;
  const [, tick] = useState(0);
  const [since, setSince] = useState(0);
  useEffect(() => {
    if (c.is === "online") {
      setSince(0);
      return;
    }
    setSince((s) => s || Date.now());
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [c]);
  if (c.is === "online" || !since || Date.now() - since < 1500) return <div class="connection" role="status" />;
  const seconds = c.is === "offline" ? Math.max(0, Math.ceil((c.retryAtMs - Date.now()) / 1000)) : 0;
  return (
    <div class="connection off" role="status">
      <span aria-live="off">{seconds > 0 ? t().offlineRetry(seconds) : t().connecting}</span>
      {seconds > 0 && <button type="button" onClick={() => app.client.value?.check()}>{t().retryNow}</button>}
    </div>
  );
}

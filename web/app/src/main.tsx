import { effect, signal } from "@preact/signals";
import { render } from "preact";
import { app } from "./app.ts";
import { Conversation } from "./conversation.tsx";
import { Dialogs } from "./dialogs.tsx";
import { language, t } from "./i18n.ts";
import { House } from "./icons.tsx";
import { listenToKeys } from "./keys.ts";
import { Login } from "./login.tsx";
import { People } from "./people.tsx";
import { Thread } from "./thread.tsx";
import { Sidebar } from "./sidebar.tsx";

function Page() {
  return (
    <>
      {app.client.value && app.name.value ? <Shell /> : <Login />}
      <div class={`notice${app.notice.value ? " shown" : ""}`} role="status">{app.notice.value}</div>
      <div class="sr" aria-live="polite">{app.announcement.value}</div>
    </>
  );
}

function Shell() {
  const room = app.current.value;
  const thread = app.thread.value;
  const beside = thread ? " with-thread" : room && app.people.value ? " with-people" : "";
  return (
    <div class={`shell${room ? " in-room" : ""}${beside}`}>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.querySelector<HTMLElement>("#composer")?.focus())}>{t().skip}</a>
      {!room && narrow.value ? <main id="main"><Sidebar alone /></main> : <Sidebar alone={false} />}
      {room ? <Conversation room={room} /> : !narrow.value && <Nowhere />}
      {thread ? <Thread room={thread.room} root={thread.root} key={`${thread.room.id} ${thread.root}`} /> : room && app.people.value && <People room={room} />}
      <Dialogs />
    </div>
  );
}

/** Rooms that are shown to who has chosen none. */
const offeredMax = 6;

function Nowhere() {
  const offered = [...app.others.value].slice(0, offeredMax);
  return (
    <main class="room nowhere" id="main">
      <House />
      <h1>{t().pickRoom}</h1>
      <p>{t().pickRoomHint}</p>
      <ul class="offered">
        {offered.map((r) => (
          <li key={r.id}>
            <button type="button" onClick={() => void app.open(r.name)}>
              <b><bdi>#{r.name}</bdi></b>
              <span>{t().peopleCount(r.members)}</span>
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}

/** A phone, where there is one column. */
const phone = matchMedia("(max-width: 719px)");
const narrow = signal(phone.matches);
phone.addEventListener("change", () => (narrow.value = phone.matches));

effect(() => {
  document.documentElement.lang = language.value;
});
effect(() => {
  void app.unread.value;
  document.title = app.title();
});
listenToKeys();
// For whoever looks at the page with his browser's tools, and for its tests.
Object.assign(globalThis, { sarang: app });
app.start();
render(<Page />, document.getElementById("app")!);

// The worker's address is the only one that may become code (trusted types).
interface Policies {
  createPolicy(name: string, rules: { createScriptURL(s: string): string }): { createScriptURL(s: string): string };
}
const worker = "/sw.js";
if ("serviceWorker" in navigator) {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  const rules = { createScriptURL: () => worker };
  const policy = policies ? policies.createPolicy("sarang", rules) : rules;
  addEventListener("load", () => void navigator.serviceWorker.register(policy.createScriptURL(worker)).catch(() => {}));
}

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { DeviceSession, MessageView, Profile } from "sarang-client";
import { app, sameName, sentence } from "./app.ts";
import { moderates } from "./conversation.tsx";
import { type Language, fullTime, language, languages, setLanguage, t } from "./i18n.ts";
import { Hash, Lock, Plus, Search } from "./icons.tsx";
import { OpenPicture } from "./attach.tsx";
import { GoToDate, Pins } from "./find.tsx";
import { Threads } from "./threads.tsx";
import { edit, reply } from "./message.tsx";
import { Mentions, SearchMessages } from "./search.tsx";
import { Modal, Title, close } from "./modal.tsx";
import { Links } from "./links.tsx";
import { Audit, ReportMessage, Reports, RoomSettings } from "./moderation.tsx";
import type { RoomModel } from "./room.ts";
import { plain } from "./text.ts";
import { type Theme, setTheme, theme } from "./theme.ts";

export function Dialogs() {
  switch (app.dialog.value) {
    case "switcher":
      return <Switcher />;
    case "newRoom":
      return <NewRoom />;
    case "settings":
      return <Settings />;
    case "keys":
      return <KeyHelp />;
    case "message":
      return app.current.value && app.message.value ? <About room={app.current.value} m={app.message.value} /> : null;
    case "invite":
      return app.current.value ? <Invite /> : null;
    case "moderate":
      return app.current.value ? <Moderate /> : null;
    case "talk":
      return <Talk />;
    case "report":
      return app.current.value && app.message.value ? <ReportMessage room={app.current.value} m={app.message.value} /> : null;
    case "room":
      return app.current.value ? <RoomSettings room={app.current.value} /> : null;
    case "reports":
      return app.current.value ? <Reports room={app.current.value} /> : null;
    case "audit":
      return app.current.value ? <Audit room={app.current.value} /> : null;
    case "pins":
      return app.current.value ? <Pins room={app.current.value} /> : null;
    case "threads":
      return app.current.value ? <Threads room={app.current.value} /> : null;
    case "search":
      return <SearchMessages />;
    case "mentions":
      return <Mentions />;
    case "picture":
      return <OpenPicture />;
    case "date":
      return app.current.value ? <GoToDate room={app.current.value} /> : null;
  }
  return null;
}

interface Choice {
  key: string;
  name: string;
  hidden: boolean;
  unread: number;
  go: () => void;
  make?: boolean;
}

function Switcher() {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void app.refreshRooms(), []);

  const wanted = text.trim().replace(/^#/, "");
  const fits = (name: string) => name.toLowerCase().includes(wanted.toLowerCase());
  const all: Choice[] = [
    ...app.rooms.value.map((r) => ({ key: r.id, name: r.isDirect ? app.label(r) : r.info.value.name, hidden: r.info.value.private, unread: r.unread.value, go: () => app.show(r) })),
    ...app.others.value.map((r) => ({ key: r.id, name: r.name, hidden: r.private, unread: 0, go: () => void app.open(r.name) })),
  ];
  const found = all.filter((c) => fits(c.name));
  const begins = (c: Choice) => Number(c.name.toLowerCase().startsWith(wanted.toLowerCase()));
  found.sort((a, b) => begins(b) - begins(a) || Math.sign(b.unread) - Math.sign(a.unread));
  const choices = found.slice(0, 30);
  if (wanted && !all.some((c) => sameName(c.name, wanted))) {
    choices.push({ key: "make", name: wanted, hidden: false, unread: 0, make: true, go: () => void app.open(wanted, { private: false }) });
  }
  const chosen = Math.min(at, choices.length - 1);
  const take = (c: Choice | undefined) => {
    if (!c) return;
    close();
    c.go();
  };
  useLayoutEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: "nearest" }), [chosen]);
  return (
    <Modal label={t().goTo} className="switcher">
      <div class="find">
        <Search />
        <input
          dir="auto"
          autofocus
          role="combobox"
          aria-expanded="true"
          aria-controls="choices"
          aria-activedescendant={chosen >= 0 ? `choice-${chosen}` : undefined}
          aria-label={t().goTo}
          placeholder={t().goToHint}
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(e) => (setText(e.currentTarget.value), setAt(0))}
          onKeyDown={(e) => {
            if (e.isComposing || e.keyCode === 229) return;
            const n = choices.length;
            if (e.key === "ArrowDown" && n) setAt((chosen + 1) % n);
            else if (e.key === "ArrowUp" && n) setAt((chosen + n - 1) % n);
            else if (e.key === "Enter") take(choices[chosen]);
            else return;
            e.preventDefault();
          }}
        />
      </div>
      <ul id="choices" role="listbox" aria-label={t().rooms} ref={list}>
        {choices.map((c, i) => (
          <li key={c.key} id={`choice-${i}`} role="option" aria-selected={i === chosen} onClick={() => take(c)} onMouseMove={() => i !== chosen && setAt(i)}>
            {c.make ? <Plus /> : c.hidden ? <Lock /> : <Hash />}
            <span dir="auto">{c.make ? t().makeRoomNamed(c.name) : c.name}</span>
            {c.unread > 0 && <span class="badge">{c.unread}</span>}
          </li>
        ))}
      </ul>
      {choices.length === 0 && <p class="none">{t().nothingFound}</p>}
    </Modal>
  );
}

function NewRoom() {
  const [name, setName] = useState("");
  const [hidden, setHidden] = useState(false);
  return (
    <Modal label={t().newRoom}>
      <Title text={t().newRoom} />
      <form
        class="sheet"
        onSubmit={(e) => {
          e.preventDefault();
          close();
          void app.open(name.trim().replace(/^#/, ""), { private: hidden });
        }}
      >
        <label for="room-name">{t().roomName}</label>
        <input id="room-name" dir="auto" autofocus autocomplete="off" spellcheck={false} maxLength={64} value={name} aria-describedby="room-hint" onInput={(e) => setName(e.currentTarget.value)} />
        <p class="hint" id="room-hint">{t().roomNameHint}</p>
        <label class="check">
          <input type="checkbox" checked={hidden} onChange={(e) => setHidden(e.currentTarget.checked)} />
          <span>
            <b>{t().privateRoom}</b>
            <small>{t().privateHint}</small>
          </span>
        </label>
        <div class="row">
          <button type="button" onClick={close}>{t().cancel}</button>
          <button type="submit" class="primary" disabled={!name.trim()}>{t().make}</button>
        </div>
      </form>
    </Modal>
  );
}

/** Emojis that are at hand. */
const emojis = ["👍", "❤️", "😂", "🎉", "🙏", "👏", "🔥", "💯", "😮", "😢", "🤔", "👀", "✅", "❌", "🍵", "🌸", "😊", "😅", "🙌", "💪", "👋", "🤝", "⭐", "🚀"];

function About({ room, m }: { room: RoomModel; m: MessageView }) {
  const own = m.event.user === app.user.value;
  const act = (f: () => unknown) => () => {
    close();
    f();
  };
  // The dialog gives the focus back to where it was; these want it elsewhere, afterwards.
  const then = (f: () => void) => act(() => setTimeout(f));
  return (
    <Modal label={t().messageMenu}>
      <Title text={t().messageMenu} />
      <div class="sheet">
        <p class="excerpt" dir="auto">{plain(m.text).slice(0, 200)}</p>
        <div class="emojis" role="group" aria-label={t().react}>
          {emojis.map((emoji) => (
            <button key={emoji} type="button" aria-pressed={m.reactions.some((r) => r.emoji === emoji && r.mine > 0)} onClick={act(() => app.react(room, m, emoji))}>{emoji}</button>
          ))}
        </div>
        <ul class="actions">
          <li><button type="button" onClick={then(() => reply(room, m))}>{t().reply}</button></li>
          {own && <li><button type="button" onClick={then(() => edit(room, m))}>{t().edit}</button></li>}
          {!room.info.value.ephemeral && <li><button type="button" onClick={then(() => app.openThread(room, m.root || m.event.seq))}>{t().showThread}</button></li>}
          <li><button type="button" onClick={act(() => copy(m.text))}>{t().copyText}</button></li>
          {!room.isDirect && <li><button type="button" onClick={act(() => copy(app.link(room, m.event.seq)))}>{t().copyMessageLink}</button></li>}
          {moderates(room) && <li><button type="button" onClick={act(() => app.pin(room, m))}>{m.pinned ? t().unpin : t().pin}</button></li>}
          {!own && <li><button type="button" onClick={() => (app.dialog.value = "report")}>{t().report}</button></li>}
          {(own || moderates(room)) && <li><button type="button" class="danger" onClick={act(() => app.delete(room, m.event.seq))}>{t().delete}</button></li>}
        </ul>
      </div>
    </Modal>
  );
}

export function copy(text: string): void {
  void navigator.clipboard?.writeText(text).then(() => app.tell(t().copied));
}

/** Opens the direct room with people, by their names. */
function Talk() {
  const [names, setNames] = useState("");
  const all = names.split(/[,\s]+/).map((n) => n.replace(/^@/, "")).filter(Boolean);
  return (
    <Modal label={t().talkTo}>
      <Title text={t().talkTo} />
      <form
        class="sheet"
        onSubmit={async (e) => {
          e.preventDefault();
          if (all.length > 0 && (await app.talkTo({ names: all }))) close();
        }}
      >
        <label for="talk-names">{t().talkNames}</label>
        <input id="talk-names" dir="auto" autofocus autocomplete="off" spellcheck={false} maxLength={400} value={names} aria-describedby="talk-hint" onInput={(e) => setNames(e.currentTarget.value)} />
        <p class="hint" id="talk-hint">{t().talkHint}</p>
        <div class="row">
          <button type="button" onClick={close}>{t().cancel}</button>
          <button type="submit" class="primary" disabled={all.length === 0}>{t().talk}</button>
        </div>
      </form>
    </Modal>
  );
}

function Invite() {
  const room = app.current.value!;
  const [name, setName] = useState("");
  return (
    <Modal label={t().invite}>
      <Title text={`${t().invite} · #${room.info.value.name}`} />
      <form
        class="sheet"
        onSubmit={async (e) => {
          e.preventDefault();
          if (await app.giveRole(room, "member", { name: name.trim() })) {
            app.tell(t().invited(name.trim()));
            close();
          }
        }}
      >
        <label for="invite-name">{t().inviteName}</label>
        <input id="invite-name" dir="auto" autofocus autocomplete="off" spellcheck={false} maxLength={64} value={name} onInput={(e) => setName(e.currentTarget.value)} />
        <div class="row">
          <button type="button" onClick={close}>{t().cancel}</button>
          <button type="submit" class="primary" disabled={!name.trim()}>{t().invite}</button>
        </div>
      </form>
      {room.info.value.private && <Links room={room} />}
    </Modal>
  );
}

function Moderate() {
  const room = app.current.value!;
  const about = app.about.value;
  const [name, setName] = useState(about?.name ?? "");
  const whom = about ? { subject: about.user } : { name: name.trim() };
  const act = (f: () => Promise<unknown>) => async () => {
    if (!about && !name.trim()) return;
    if ((await f()) !== false) close();
  };
  const blocks = app.blocked.value.has(about?.user ?? "");
  const role = room.roles.value.get(about?.user ?? "");
  const owner = room.role.value === "owner" && !room.isDirect;
  const may = moderates(room) && !room.isDirect;
  const button = (text: string, f: () => Promise<unknown>, danger = false) => (
    <li><button type="button" class={danger ? "danger" : ""} disabled={!about && !name.trim()} onClick={act(f)}>{text}</button></li>
  );
  return (
    <Modal label={about ? t().actionsFor(about.name) : t().banByName}>
      <Title text={about ? about.name : t().banByName} />
      <div class="sheet">
        {about && <ProfileOf user={about.user} />}
        {!about && (
          <>
            <label for="about-name">{t().theirName}</label>
            <input id="about-name" dir="auto" autofocus autocomplete="off" spellcheck={false} maxLength={64} value={name} onInput={(e) => setName(e.currentTarget.value)} />
          </>
        )}
        <ul class="actions">
          {about && button(t().talkAlone, async () => void app.talkTo({ users: [about.user] }))}
          {about && button(t().mention, async () => mention(room, about.name, about.user))}
          {about && button(blocks ? t().unblock : t().block, () => app.try((c) => c.block({ user: about.user }, { remove: blocks })))}
          {owner && about && button(t().makeModerator, () => app.giveRole(room, "moderator", whom))}
          {owner && about && button(t().makeOwner, () => app.giveRole(room, "owner", whom))}
          {may && about && role === "reader" && button(t().unmute, () => app.giveRole(room, "member", whom))}
          {may && about && (role === "moderator" || role === "owner") && button(t().makeMember, () => app.giveRole(room, "member", whom))}
          {may && about && button(t().mute10, () => app.giveRole(room, "reader", whom, 600))}
          {may && about && button(t().kick, () => app.kick(room, about.user), true)}
          {may && button(t().banDay, () => app.giveRole(room, "banned", whom, 86_400), true)}
          {may && button(t().ban, () => app.giveRole(room, "banned", whom), true)}
          {!about && button(t().unban, () => app.giveRole(room, "member", whom))}
        </ul>
      </div>
    </Modal>
  );
}

/** What somebody says of himself. */
function ProfileOf({ user }: { user: string }) {
  const [p, setP] = useState<Profile | null>(null);
  useEffect(() => void app.client.value?.profile({ user }).then(setP, () => {}), [user]);
  if (!p) return null;
  const presence = { online: t().isOnline, away: t().isAway, offline: p.seenMs ? t().seen(fullTime(p.seenMs)) : t().isOffline, unknown: "" }[p.presence];
  return (
    <div class="profile">
      {p.displayName && <p><b dir="auto">{p.displayName}</b></p>}
      {p.status && <p dir="auto">{p.status}</p>}
      {p.about && <p class="description" dir="auto">{p.about}</p>}
      {presence && <p class="soft">{presence}</p>}
    </div>
  );
}

/** What we say of ourselves. */
function OwnProfile() {
  const own = app.profile.value;
  const [displayName, setDisplayName] = useState(own?.displayName ?? "");
  const [status, setStatus] = useState(own?.status ?? "");
  const [about, setAbout] = useState(own?.about ?? "");
  const [hidden, setHidden] = useState(own?.hidden ?? false);
  if (!own) return null;
  return (
    <form
      class="section"
      onSubmit={async (e) => {
        e.preventDefault();
        if (await app.try(async (c) => (app.profile.value = await c.setProfile({ displayName: displayName.trim(), status: status.trim(), about: about.trim(), hidden })))) app.tell(t().saved);
      }}
    >
      <h3>{t().profile}</h3>
      <label for="display-name">{t().displayName}</label>
      <input id="display-name" dir="auto" class="text" maxLength={64} autocomplete="nickname" value={displayName} onInput={(e) => setDisplayName(e.currentTarget.value)} />
      <label for="status" class="next">{t().status}</label>
      <input id="status" dir="auto" class="text" maxLength={100} autocomplete="off" value={status} onInput={(e) => setStatus(e.currentTarget.value)} />
      <label for="about" class="next">{t().aboutYou}</label>
      <textarea id="about" dir="auto" rows={2} maxLength={1000} value={about} onInput={(e) => setAbout(e.currentTarget.value)} />
      <label class="check">
        <input type="checkbox" checked={hidden} onChange={(e) => setHidden(e.currentTarget.checked)} />
        <span>{t().hidePresence}</span>
      </label>
      <div class="row"><button type="submit" class="primary">{t().save}</button></div>
    </form>
  );
}

/** Writes somebody's name into the composer. */
function mention(room: RoomModel, name: string, user: string): void {
  const box = document.querySelector<HTMLTextAreaElement>("textarea#composer");
  if (!box) return;
  room.meant.set(name.toLowerCase(), user);
  box.value = `${box.value}${box.value && !box.value.endsWith(" ") ? " " : ""}@${name} `;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  setTimeout(() => box.focus());
}

function Settings() {
  const [sure, setSure] = useState(false);
  const themes: [Theme, string][] = [
    ["system", t().bySystem],
    ["light", t().light],
    ["dark", t().dark],
  ];
  return (
    <Modal label={t().settings}>
      <Title text={t().settings} />
      <div class="sheet">
        <fieldset>
          <legend>{t().language}</legend>
          <div class="choices">
            {(Object.keys(languages) as Language[]).map((l) => (
              <label key={l} lang={l}>
                <input type="radio" name="language" checked={language.value === l} onChange={() => setLanguage(l)} />
                <span>{languages[l]}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>{t().appearance}</legend>
          <div class="choices">
            {themes.map(([key, text]) => (
              <label key={key}>
                <input type="radio" name="theme" checked={theme.value === key} onChange={() => setTheme(key)} />
                <span>{text}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <OwnProfile />
        {app.account.value ? <Account /> : <KeepName />}
        <div class="section">
          {app.account.value ? (
            <button type="button" class="wide" onClick={() => void app.forget()}>{t().logout}</button>
          ) : (
            <>
              <p class="hint">{t().leaveServerHint}</p>
              <button type="button" class="danger wide" onClick={() => (sure ? void app.forget() : setSure(true))}>{sure ? t().leaveServerSure : t().leaveServer}</button>
            </>
          )}
        </div>
        <Erase />
        <p class="version">{app.client.value?.self?.server}</p>
      </div>
    </Modal>
  );
}

/** A guest makes the name his. */
function KeepName() {
  const [password, setPassword] = useState("");
  const least = app.client.value?.self?.limits.passwordRunesMin || 8;
  return (
    <form
      class="section"
      onSubmit={async (e) => {
        e.preventDefault();
        try {
          await app.client.value!.register(password);
          app.account.value = true;
          app.tell(t().passwordSet);
        } catch (err) {
          app.tell(sentence(err));
        }
      }}
    >
      <h3>{t().keepName}</h3>
      <p class="hint" id="keep-hint">{t().keepNameHint} {t().passwordHint(least)}</p>
      <input class="sr" autocomplete="username" aria-hidden="true" tabIndex={-1} value={app.name.value} readOnly />
      <label for="keep-password">{t().newPassword}</label>
      <div class="beside">
        <input id="keep-password" type="password" class="text" autocomplete="new-password" aria-describedby="keep-hint" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
        <button type="submit" class="primary" disabled={[...password].length < least}>{t().setPassword}</button>
      </div>
    </form>
  );
}

/** Where an account is logged in, and its password. */
function Account() {
  const [sessions, setSessions] = useState<readonly DeviceSession[]>([]);
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const client = app.client.value;
  const least = client?.self?.limits.passwordRunesMin || 8;
  const load = () => {
    client?.sessions().then(setSessions, () => {});
  };
  useEffect(load, []);
  const end = (which: { session: string } | { others: true }) => async () => {
    try {
      await client?.endSession(which);
      load();
    } catch (err) {
      app.tell(sentence(err));
    }
  };
  return (
    <>
      <section class="section" aria-label={t().sessions}>
        <h3>{t().sessions}</h3>
        <ul class="sessions">
          {sessions.map((s) => (
            <li key={s.id}>
              <span>
                <b>{s.device || "?"}</b>
                <small>{s.current ? t().thisSession : t().seen(fullTime(s.seenMs))}{s.address ? ` · ${s.address}` : ""}</small>
              </span>
              {!s.current && <button type="button" class="danger" onClick={end({ session: s.id })}>{t().endSession}</button>}
            </li>
          ))}
        </ul>
        {sessions.length > 2 && <button type="button" class="danger quiet" onClick={end({ others: true })}>{t().endOthers}</button>}
      </section>
      <form
        class="section"
        onSubmit={async (e) => {
          e.preventDefault();
          try {
            await client?.changePassword(old, next);
            setOld("");
            setNext("");
            app.tell(t().passwordChanged);
            load();
          } catch (err) {
            app.tell(sentence(err));
          }
        }}
      >
        <h3>{t().changePassword}</h3>
        <label for="old-password">{t().oldPassword}</label>
        <input id="old-password" type="password" class="text" autocomplete="current-password" value={old} onInput={(e) => setOld(e.currentTarget.value)} />
        <label for="new-password" class="next">{t().newPassword}</label>
        <div class="beside">
          <input id="new-password" type="password" class="text" autocomplete="new-password" value={next} onInput={(e) => setNext(e.currentTarget.value)} />
          <button type="submit" class="primary" disabled={!old || [...next].length < least}>{t().changePassword}</button>
        </div>
      </form>
    </>
  );
}

/** The user is to be nobody. It is asked twice. */
function Erase() {
  const [password, setPassword] = useState("");
  const [sure, setSure] = useState(false);
  const account = app.account.value;
  return (
    <form
      class="section"
      onSubmit={async (e) => {
        e.preventDefault();
        if (!sure) return setSure(true);
        try {
          await app.client.value?.eraseUser(password);
        } catch (err) {
          app.tell(sentence(err));
        }
      }}
    >
      <h3>{t().eraseMe}</h3>
      <p class="hint">{t().eraseMeHint}</p>
      {account && (
        <>
          <label for="erase-password">{t().password}</label>
          <input id="erase-password" type="password" class="text" autocomplete="current-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
        </>
      )}
      <button type="submit" class="danger wide" disabled={account && !password}>{sure ? t().eraseMeSure : t().eraseMe}</button>
    </form>
  );
}

function KeyHelp() {
  const keys: [string, string][] = [
    ["Ctrl K", t().keySwitch],
    ["Alt ↓ / Alt ↑", t().keyNextRoom],
    ["Alt Shift ↓", t().keyUnread],
    ["Ctrl Shift F", t().keySearch],
    ["Ctrl M", t().keyPeople],
    ["Ctrl End", t().keyNewest],
    ["Esc", t().keyCompose],
    ["Enter", t().keySend],
    ["↑ ↓", t().keyMessages],
    ["↑", t().keyEditLast],
    ["F1", t().keyHelp],
  ];
  return (
    <Modal label={t().shortcuts}>
      <Title text={t().shortcuts} />
      <dl class="sheet keys">
        {keys.map(([key, what]) => (
          <div key={what}>
            <dt><kbd>{key}</kbd></dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}

// Ways to messages in any room: what speaks to us, and what has certain words.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { Code, type Hit, type MentionPlace, type RoomEvent, type SearchOptions, ServerError } from "sarang-client";
import { app, sentence } from "./app.ts";
import { isoDay, startOfDay } from "./find.tsx";
import { fullTime, t } from "./i18n.ts";
import { Modal, Title, close } from "./modal.tsx";
import type { RoomModel } from "./room.ts";
import { excerpt } from "./text.ts";

/** Whether the room that is shown is searched alone. */
const here = signal(false);

export function openSearch(onlyHere: boolean): void {
  here.value = onlyHere;
  app.dialog.value = "search";
}

/** Pages without a hit that are asked for one after another. */
const emptyPagesMax = 5;

function nameOfRoom(id: string, name: string): string {
  const r = app.find(id);
  if (r) return app.label(r);
  return name || app.others.value.find((o) => o.id === id)?.name || "";
}

function Found({ e, room, where }: { e: RoomEvent; room: string; where: Hit["where"] }) {
  const r = app.find(e.room);
  const pieces = excerpt(e.text, where, (u) => app.nameOf(r, u));
  return (
    <li>
      <button type="button" class="case" onClick={() => (close(), void app.goToMessage(e.room, e.seq))}>
        <b><bdi>{e.name}</bdi></b> <span class="soft"><bdi>{room}</bdi> · <time>{fullTime(e.timeMs)}</time></span>
        <span class="excerpt" dir="auto">{pieces.map((p) => (p.hit ? <mark>{p.text}</mark> : p.text))}</span>
        {e.files.length > 0 && <span class="soft"><bdi>{e.files.map((f) => f.name).join(", ")}</bdi></span>}
      </button>
    </li>
  );
}

/** What a search is narrowed by, as its form has it. */
const noFilters = { who: "", since: "", until: "", links: false, files: false };

/** What the form asks for; null if that is nothing in particular. */
function wanted(text: string, f: typeof noFilters, room: string): SearchOptions | null {
  const name = f.who.trim().replace(/^@/, "");
  if (!text.trim() && !name && !f.links && !f.files) return null;
  return { text: text.trim(), room, name, afterMs: startOfDay(f.since), beforeMs: startOfDay(f.until, 1), links: f.links, files: f.files };
}

function Filters({ now, set }: { now: typeof noFilters; set: (f: typeof noFilters) => void }) {
  const today = isoDay(Date.now());
  return (
    <details class="filters">
      <summary>{t().filters}</summary>
      <label for="search-who">{t().saidBy}</label>
      <input id="search-who" class="text" dir="auto" autocomplete="off" spellcheck={false} maxLength={128} value={now.who} onInput={(e) => set({ ...now, who: e.currentTarget.value })} />
      <div class="beside">
        <div>
          <label for="search-since">{t().saidSince}</label>
          <input id="search-since" type="date" class="text" max={today} value={now.since} onInput={(e) => set({ ...now, since: e.currentTarget.value })} />
        </div>
        <div>
          <label for="search-until">{t().saidUntil}</label>
          <input id="search-until" type="date" class="text" max={today} value={now.until} onInput={(e) => set({ ...now, until: e.currentTarget.value })} />
        </div>
      </div>
      <label class="check">
        <input id="search-links" type="checkbox" checked={now.links} onChange={(e) => set({ ...now, links: e.currentTarget.checked })} />
        <span>{t().withLinks}</span>
      </label>
      <label class="check">
        <input id="search-files" type="checkbox" checked={now.files} onChange={(e) => set({ ...now, files: e.currentTarget.checked })} />
        <span>{t().withFiles}</span>
      </label>
    </details>
  );
}

export function SearchMessages() {
  const room: RoomModel | null = app.current.value;
  const searchable = room !== null && !room.info.value.ephemeral;
  const [text, setText] = useState("");
  const [filters, setFilters] = useState(noFilters);
  const [hits, setHits] = useState<readonly Hit[] | null>(null);
  const [next, setNext] = useState("");
  const [partial, setPartial] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const asked = useRef<{ n: number; what: SearchOptions | null }>({ n: 0, what: null });
  const what = wanted(text, filters, here.value && searchable ? room.id : "0");

  const look = async (from: string) => {
    const n = ++asked.current.n;
    if (!from) asked.current.what = what;
    if (!asked.current.what) return;
    setBusy(true);
    setError("");
    try {
      let all = from ? (hits ?? []) : [];
      for (let i = 0, at = from; i < emptyPagesMax; i++) {
        const page = await app.searchPage({ ...asked.current.what, from: at });
        if (n !== asked.current.n) return; // something else is looked for by now
        all = [...all, ...page.hits];
        at = page.next;
        setHits(all);
        setNext(at);
        setPartial(page.partial);
        if (page.hits.length > 0 || !at) break;
      }
    } catch (err) {
      if (n === asked.current.n) setError(err instanceof ServerError && err.code === Code.noSearch ? t().noSearch : sentence(err));
    } finally {
      if (n === asked.current.n) setBusy(false);
    }
  };
  return (
    <Modal label={t().search} className="wide-dialog">
      <Title text={t().search} />
      <div class="sheet">
        <form
          role="search"
          onSubmit={(e) => {
            e.preventDefault();
            void look("");
          }}
        >
          <div class="beside">
            <input id="search" type="search" dir="auto" class="text" autofocus autocomplete="off" spellcheck={false} maxLength={256} aria-label={t().searchFor} placeholder={t().searchFor} aria-describedby="search-hint" value={text} onInput={(e) => setText(e.currentTarget.value)} />
            <button type="submit" class="primary" disabled={!what}>{t().find}</button>
          </div>
          <p class="hint" id="search-hint">{t().searchHint}</p>
          {searchable && (
            <label class="check first">
              <input type="checkbox" checked={here.value} onChange={(e) => (here.value = e.currentTarget.checked)} />
              <span>{t().onlyIn(app.label(room))}</span>
            </label>
          )}
          <Filters now={filters} set={setFilters} />
        </form>
        <p class="sr" role="status">{busy ? t().searching : hits && !error ? t().hits(hits.length) : ""}</p>
        {error && <p class="none" role="alert">{error}</p>}
        {!error && !busy && hits?.length === 0 && !next && <p class="none">{t().noHits}</p>}
        <ul class="cases" aria-busy={busy}>
          {hits?.map((h) => <Found key={`${h.event.room} ${h.event.seq}`} e={h.event} room={nameOfRoom(h.event.room, h.roomName)} where={h.where} />)}
        </ul>
        {partial && <p class="hint">{t().searchPartial}</p>}
        {next && <button type="button" class="wide" disabled={busy} onClick={() => void look(next)}>{t().more}</button>}
      </div>
    </Modal>
  );
}

export function Mentions() {
  const [all, setAll] = useState<readonly RoomEvent[] | null>(null);
  const [next, setNext] = useState<MentionPlace | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const look = async (before?: MentionPlace) => {
    setBusy(true);
    try {
      const page = await app.mentionPage(before);
      setAll((now) => [...(now ?? []), ...page.messages]);
      setNext(page.next);
    } catch (err) {
      setError(sentence(err));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => void look(), []);
  return (
    <Modal label={t().mentionsOfMe} className="wide-dialog">
      <Title text={t().mentionsOfMe} />
      <div class="sheet">
        {error && <p class="none" role="alert">{error}</p>}
        {all?.length === 0 && !next && <p class="none">{t().noMentions}</p>}
        <ul class="cases" aria-busy={busy}>
          {all?.map((e) => <Found key={`${e.room} ${e.seq}`} e={e} room={nameOfRoom(e.room, "")} where={[]} />)}
        </ul>
        {next && <button type="button" class="wide" disabled={busy} onClick={() => void look(next)}>{t().more}</button>}
      </div>
    </Modal>
  );
}

// Ways to what was said before: a day, and what is pinned.
import { useEffect, useState } from "preact/hooks";
import { app } from "./app.ts";
import { day, fullTime, t } from "./i18n.ts";
import { Modal, Title, close } from "./modal.tsx";
import type { RoomModel } from "./room.ts";
import { plain } from "./text.ts";

/** A day as the field for days writes it. */
export function isoDay(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
}

/** The beginning of a day that isoDay has written, or of one behind it; 0 if it is none. */
export function startOfDay(iso: string, later = 0): number {
  const [year, month, d] = iso.split("-").map(Number);
  return year && month && d ? new Date(year, month - 1, d + later).getTime() : 0;
}

export function GoToDate({ room }: { room: RoomModel }) {
  const [date, setDate] = useState(isoDay(Date.now()));
  const [busy, setBusy] = useState(false);
  return (
    <Modal label={t().goToDate}>
      <Title text={t().goToDate} />
      <form
        class="sheet"
        onSubmit={async (e) => {
          e.preventDefault();
          const ms = startOfDay(date);
          if (!ms) return;
          setBusy(true);
          const found = await app.jumpToTime(room, ms);
          setBusy(false);
          close();
          if (!found) app.tell(t().nothingSince(day(ms)));
        }}
      >
        <label for="date">{t().day}</label>
        <input id="date" type="date" class="text" autofocus required max={isoDay(Date.now())} value={date} onInput={(e) => setDate(e.currentTarget.value)} />
        <div class="row">
          <button type="button" onClick={close}>{t().cancel}</button>
          <button type="submit" class="primary" disabled={busy || !date}>{t().goThere}</button>
        </div>
      </form>
    </Modal>
  );
}

export function Pins({ room }: { room: RoomModel }) {
  const [all, setAll] = useState<boolean | null>(null);
  useEffect(() => void app.loadPins(room).then(setAll), []);
  void room.version.value;
  const pins = room.view
    .messages()
    .filter((m) => m.pinned > 0 && !m.gone)
    .sort((a, b) => b.pinned - a.pinned);
  return (
    <Modal label={t().pins} className="wide-dialog">
      <Title text={`${t().pins} · ${app.label(room)}`} />
      <div class="sheet">
        {pins.length === 0 && all !== null && <p class="none">{t().noPins}</p>}
        <ul class="cases" aria-busy={all === null}>
          {pins.map((m) => (
            <li key={m.event.seq}>
              <button type="button" class="case" onClick={() => (close(), void app.jump(room, m.event.seq))}>
                <b><bdi>{m.event.name}</bdi></b> <time>{fullTime(m.event.timeMs)}</time>
                <span class="excerpt" dir="auto">{plain(m.text, (u) => app.nameOf(room, u)).slice(0, 300)}</span>
              </button>
            </li>
          ))}
        </ul>
        {all === false && <p class="hint">{t().pinsSome}</p>}
      </div>
    </Modal>
  );
}

// The threads of a room: all of them, or what is unread in those that one follows.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Thread, threadUnreadMax } from "sarang-client";
import { app, sentence } from "./app.ts";
import { fullTime, t } from "./i18n.ts";
import { Modal, Title, close } from "./modal.tsx";
import type { RoomModel } from "./room.ts";
import { plain } from "./text.ts";

export function Threads({ room }: { room: RoomModel }) {
  const [unread, setUnread] = useState(false);
  const [all, setAll] = useState<readonly Thread[] | null>(null);
  const [more, setMore] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const asked = useRef(0);
  const look = async (before = 0) => {
    const mine = ++asked.current; // an answer to what was asked before is not wanted any more
    setBusy(true);
    setError("");
    try {
      const page = await app.threadPage(room, unread, before);
      if (mine !== asked.current) return;
      setAll((now) => [...((before ? now : null) ?? []), ...page.threads]);
      setMore(page.more);
    } catch (err) {
      if (mine === asked.current) setError(sentence(err));
    } finally {
      if (mine === asked.current) setBusy(false);
    }
  };
  useEffect(() => void look(), [unread]);
  return (
    <Modal label={t().threads} className="wide-dialog">
      <Title text={`${t().threads} · ${app.label(room)}`} />
      <div class="sheet">
        <label class="check">
          <input type="checkbox" checked={unread} onChange={(e) => setUnread(e.currentTarget.checked)} /> {t().threadsUnread}
        </label>
        {error && <p class="none" role="alert">{error}</p>}
        {all?.length === 0 && !busy && !error && <p class="none">{unread ? t().noThreadsUnread : t().noThreads}</p>}
        <ul class="cases" aria-busy={busy}>
          {all?.map((th) => (
            <li key={th.root.seq}>
              <button type="button" class="case" data-root={th.root.seq} onClick={() => (close(), app.openThread(room, th.root.seq))}>
                <b><bdi>{app.nameOf(room, th.root.user) || th.root.name}</bdi></b> <time>{fullTime(th.root.timeMs)}</time>
                <span class="excerpt" dir="auto">{th.root.text ? plain(th.root.text, (u) => app.nameOf(room, u)).slice(0, 300) : t().deleted}</span>
                <span class="hint">
                  {t().threadReplies(th.replies)}
                  {th.unread > 0 && <> · <strong>{t().threadUnread(th.unread, th.unread >= threadUnreadMax)}</strong></>}
                </span>
              </button>
            </li>
          ))}
        </ul>
        {more && <button type="button" class="wide" disabled={busy} onClick={() => void look(all?.at(-1)?.last ?? 0)}>{t().more}</button>}
      </div>
    </Modal>
  );
}

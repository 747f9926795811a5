// A thread beside the room: one message, and all that answers it.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { app } from "./app.ts";
import { useCompletion } from "./complete.tsx";
import { t } from "./i18n.ts";
import { Cross, Send } from "./icons.tsx";
import { Message } from "./message.tsx";
import type { RoomModel } from "./room.ts";
import { plain } from "./text.ts";

/** How long what is new has to be shown until it counts as read. */
const readAfterMs = 300;

export function Thread({ room, root }: { room: RoomModel; root: number }) {
  const [text, setText] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const [whole, setWhole] = useState(true);
  const close = () => {
    app.thread.value = null;
    document.querySelector<HTMLElement>("#composer")?.focus();
  };
  useEffect(() => {
    field.current?.focus();
    void app.loadThread(room, root).then(setWhole);
  }, [room, root]);
  void room.version.value;
  const messages = room.thread(root);
  const waiting = room.outbox.value.filter((o) => o.target === root || o.root === root);
  useLayoutEffect(() => {
    box.current!.scrollTop = box.current!.scrollHeight;
  }, [messages.length, waiting.length]);
  const [followed, setFollowed] = useState<boolean | null>(null);
  const last = messages.at(-1)?.event.seq ?? 0;
  // What is shown to somebody is read; what comes meanwhile is told together.
  useEffect(() => {
    if (room.info.value.ephemeral) return;
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      if (document.visibilityState !== "visible") return;
      document.removeEventListener("visibilitychange", tell);
      void app.readThread(room, root, last > root ? last : 0).then((f) => !over && f !== null && setFollowed(f));
    };
    document.addEventListener("visibilitychange", tell);
    timer = setTimeout(tell, last > root ? readAfterMs : 0);
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", tell);
    };
  }, [room, root, last]);
  const told = app.followed.value;
  useEffect(() => {
    if (told?.room === room.id && told.root === root) setFollowed(told.followed);
  }, [told]);
  const send = () => {
    const said = text.trim();
    if (!said) return;
    app.send(room, app.mentioning(room, said), root);
    setText("");
  };
  const names = useCompletion(room, field, setText, "thread-names");
  return (
    <aside class="people thread" aria-label={t().thread} onKeyDown={(e) => e.key === "Escape" && (e.stopPropagation(), close())}>
      <header class="bar">
        <h2>{t().thread}</h2>
        <span class="grow" />
        {followed !== null && (
          <button type="button" class="ghost text" title={t().followHint} onClick={() => void app.follow(room, root, followed).then(setFollowed)}>
            {followed ? t().unfollow : t().follow}
          </button>
        )}
        <button type="button" class="ghost" aria-label={t().close} onClick={close}><Cross /></button>
      </header>
      <div class="scroll" ref={box} tabIndex={0} role="region" aria-label={t().thread}>
        {!whole && <p class="none">{t().threadSome}</p>}
        <ol>
          {messages.map((m) => (
            <Message key={m.event.seq} m={m} answers={null} room={room} first self={m.event.user === app.user.value} beside />
          ))}
          {waiting.map((o) => <li key={o.nonce} class="msg unsent"><div class="body"><p dir="auto">{plain(o.text, (u) => app.nameOf(room, u))}</p></div></li>)}
        </ol>
      </div>
      <form
        class="composer"
        onSubmit={(e) => {
          e.preventDefault();
          send();
        }}
      >
        {names.list}
        <div class="field">
          <textarea
            ref={field}
            id="thread-composer"
            rows={1}
            dir="auto"
            value={text}
            placeholder={t().answerHere}
            aria-label={t().answerHere}
            autocomplete="off"
            enterkeyhint="send"
            {...names.attributes}
            onInput={(e) => {
              setText(e.currentTarget.value);
              names.look();
              app.typing(room, e.currentTarget.value);
            }}
            onKeyDown={(e) => {
              if (e.isComposing || e.keyCode === 229 || names.key(e) || e.key !== "Enter" || e.shiftKey) return;
              e.preventDefault();
              send();
            }}
          />
          <button type="submit" class="send" aria-label={t().send} disabled={!text.trim()}><Send /></button>
        </div>
      </form>
    </aside>
  );
}

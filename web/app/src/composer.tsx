import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { app } from "./app.ts";
import { roomLabel } from "./conversation.tsx";
import { t } from "./i18n.ts";
import { Send } from "./icons.tsx";
import type { RoomModel } from "./room.ts";

const encoder = new TextEncoder();

/** The browser makes a field as high as what is in it. */
const sizesItself = CSS.supports("field-sizing", "content");

/** A pointer that is exact, as a rule with a keyboard beside it: the focus may go there. */
const desk = matchMedia("(pointer: fine)");

export function Composer({ room }: { room: RoomModel }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(room.draft);
  const most = app.client.value?.self?.limits.textBytesMax ?? 16384;
  const tooLong = text.length * 3 > most && encoder.encode(text).length > most;

  const grow = () => {
    const b = box.current;
    if (!b || sizesItself) return;
    b.style.height = "auto";
    b.style.height = `${b.scrollHeight}px`;
  };
  useLayoutEffect(grow, [text]);
  useLayoutEffect(() => {
    if (desk.matches) box.current?.focus();
  }, []);

  const set = (v: string) => {
    room.draft = v;
    setText(v);
  };
  const send = () => {
    const said = text.replace(/\s+$/, "").replace(/^\n+/, "");
    if (!said.trim() || tooLong) return;
    room.newLine.value = 0;
    app.send(room, said);
    room.toEnd();
    set("");
    box.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      <div class={`field${tooLong ? " wrong" : ""}`}>
        <textarea
          ref={box}
          id="composer"
          rows={1}
          dir="auto"
          value={text}
          placeholder={t().message(roomLabel(room))}
          aria-label={t().message(roomLabel(room))}
          aria-invalid={tooLong}
          autocomplete="off"
          enterkeyhint="send"
          onInput={(e) => set(e.currentTarget.value)}
          onKeyDown={(e) => {
            // While an input method composes, Enter is its own (keyCode 229: some say no more).
            if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return;
            e.preventDefault();
            send();
          }}
        />
        <button type="submit" class="send" aria-label={t().send} disabled={!text.trim() || tooLong}><Send /></button>
      </div>
      <p class="hint" role={tooLong ? "alert" : undefined}>{tooLong ? t().tooLong : <span aria-hidden="true">{t().formatHint}</span>}</p>
    </form>
  );
}

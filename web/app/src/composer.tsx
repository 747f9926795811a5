import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MessageView } from "sarang-client";
import { AttachButton, Attachments, attach, attachments, takeFiles, takesFiles } from "./attach.tsx";
import { app } from "./app.ts";
import { useCompletion } from "./complete.tsx";
import { moderates, roomLabel } from "./conversation.tsx";
import { span, t } from "./i18n.ts";
import { Cross, Send } from "./icons.tsx";
import type { RoomModel } from "./room.ts";
import { plain, unmentioned } from "./text.ts";

const encoder = new TextEncoder();

/** What mentions add to a text, at most: the server takes 20 of them. */
const mentionsBytes = 20 * 30;

/** The browser makes a field as high as what is in it. */
const sizesItself = CSS.supports("field-sizing", "content");

/** A pointer that is exact, as a rule with a keyboard beside it: the focus may go there. */
const desk = matchMedia("(pointer: fine)");

export function Composer({ room }: { room: RoomModel }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(room.draft);
  const most = app.client.value?.self?.limits.textBytesMax ?? 16384;
  const { archived, slowSeconds } = room.info.value;
  const waits = slowSeconds > 0 && !moderates(room);
  const tooLong = text.length * 3 + mentionsBytes > most && encoder.encode(app.mentioning(room, text)).length > most;

  const grow = () => {
    const b = box.current;
    if (!b || sizesItself) return;
    b.style.height = "auto";
    b.style.height = `${b.scrollHeight}px`;
  };
  useLayoutEffect(grow, [text]);
  const editing = room.editing.value;
  const replying = room.replying.value;
  useLayoutEffect(() => {
    if (!editing) return;
    const { text, meant } = unmentioned(editing.text, (u) => app.nameOf(room, u));
    room.meant.clear();
    for (const [name, user] of meant) room.meant.set(name, user);
    set(text);
  }, [editing]);
  useLayoutEffect(() => {
    if (desk.matches) box.current?.focus();
  }, []);

  const set = (v: string) => {
    room.draft = v;
    if (!v) room.meant.clear();
    setText(v);
  };
  const names = useCompletion(room, box, set, "composer-names");
  const send = () => {
    const said = text.replace(/\s+$/, "").replace(/^\n+/, "");
    const waiting = attachments(room).value;
    if ((!said.trim() && waiting.length === 0) || tooLong) return;
    if (!editing && waiting.some((a) => !a.file && !a.error)) return app.tell(t().filesWait);
    if (editing) {
      if (!said.trim()) return;
      room.editing.value = null;
      const edited = app.mentioning(room, said);
      set("");
      void app.edit(room, editing.event.seq, edited);
      return;
    }
    room.newLine.value = 0;
    const files = takeFiles(room);
    if (!said.trim() && files.length === 0) return;
    app.send(room, app.mentioning(room, said), 0, files);
    room.toEnd();
    set("");
    box.current?.focus();
  };
  const cancel = () => {
    if (room.editing.value) set("");
    room.editing.value = room.replying.value = null;
    box.current?.focus();
  };
  if (archived) return <p class="archived" id="composer" tabIndex={-1}>{t().archivedHere}</p>;
  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      {(editing ?? replying) && (
        <div class="about">
          <span>{editing ? t().editingMessage : t().replyingTo(replying!.event.name)}</span>
          {replying && <span class="what" dir="auto">{plain(replying.text, (u) => app.nameOf(room, u)).slice(0, 160)}</span>}
          <span class="grow" />
          <button type="button" class="ghost" aria-label={t().cancel} onClick={cancel}><Cross /></button>
        </div>
      )}
      <Attachments room={room} />
      {names.list}
      <div class={`field${tooLong ? " wrong" : ""}`}>
        <AttachButton room={room} />
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
          {...names.attributes}
          onInput={(e) => {
            set(e.currentTarget.value);
            names.look();
            if (!editing) app.typing(room, e.currentTarget.value);
          }}
          onPaste={(e) => {
            const files = [...(e.clipboardData?.files ?? [])];
            if (files.length === 0 || !takesFiles(room)) return;
            e.preventDefault();
            attach(room, files);
          }}
          onKeyDown={(e) => {
            // While an input method composes, Enter is its own (keyCode 229: some say no more).
            if (e.isComposing || e.keyCode === 229 || names.key(e)) return;
            if (e.key === "Escape" && (editing || replying)) {
              e.preventDefault();
              cancel();
              return;
            }
            if (e.key === "ArrowUp" && !text) {
              const mine = ownLast(room);
              if (!mine) return;
              e.preventDefault();
              room.editing.value = mine;
              return;
            }
            if (e.key !== "Enter" || e.shiftKey) return;
            e.preventDefault();
            send();
          }}
        />
        <button type="submit" class="send" aria-label={t().send} disabled={(!text.trim() && attachments(room).value.length === 0) || tooLong}><Send /></button>
      </div>
      <p class="hint" role={tooLong ? "alert" : undefined}>{tooLong ? t().tooLong : waits ? t().slowHere(span(slowSeconds)) : <span aria-hidden="true">{t().formatHint}</span>}</p>
    </form>
  );
}

/** Our newest message that can be edited. */
function ownLast(room: RoomModel): MessageView | null {
  if (room.info.value.ephemeral) return null;
  for (let i = room.events.length - 1; i >= 0; i--) {
    const e = room.events[i]!;
    if (e.kind !== "message" || e.user !== app.user.value) continue;
    const m = room.view.get(e.seq);
    if (m && !m.gone) return m;
  }
  return null;
}

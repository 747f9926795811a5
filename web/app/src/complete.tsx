// Names that are completed behind an @, in any field of a room where one writes.
import { type RefObject } from "preact";
import { useState } from "preact/hooks";
import type { Id } from "sarang-client";
import { app, mayMentionAll } from "./app.ts";
import { t } from "./i18n.ts";
import { People } from "./icons.tsx";
import { Avatar } from "./message.tsx";
import { type RoomModel, everybody } from "./room.ts";
import { begun } from "./text.ts";

/** Names that are shown at once. */
const shownMax = 8;

interface Choice {
  readonly user: Id | "all";
  readonly name: string;
  readonly displayName: string;
}

/** Who may be meant by the beginning of a name; those first whose name begins so. */
function choices(room: RoomModel, prefix: string): Choice[] {
  const wanted = prefix.toLowerCase();
  const people: Choice[] = room.people.value.filter((p) => p.user !== app.user.value);
  for (const o of room.others(app.user.value)) {
    if (!people.some((p) => p.user === o.user)) people.push({ ...o, displayName: "" });
  }
  if (mayMentionAll(room)) people.push({ user: "all", name: everybody, displayName: t().everybodyHere });
  const begins = (s: string) => s.toLowerCase().startsWith(wanted);
  const fits = people.filter((p) => begins(p.name) || begins(p.displayName));
  return fits.sort((a, b) => Number(begins(b.name)) - Number(begins(a.name))).slice(0, shownMax);
}

export function useCompletion(room: RoomModel, field: RefObject<HTMLTextAreaElement | null>, set: (text: string) => void, id: string) {
  const [open, setOpen] = useState<{ at: number; prefix: string } | null>(null);
  const [at, setAt] = useState(-1); // -1: nobody has chosen yet
  const all = open ? choices(room, open.prefix) : [];
  const chosen = Math.min(Math.max(at, 0), all.length - 1);
  const shown = open !== null && all.length > 0;

  const close = () => setOpen(null);
  /** The text, or the place in it, has changed. */
  const look = () => {
    const b = field.current;
    const found = b && b.selectionStart === b.selectionEnd ? begun(b.value.slice(0, b.selectionStart)) : null;
    if (found?.at === open?.at && found?.prefix === open?.prefix) return;
    setAt(-1);
    setOpen(found);
  };
  const take = (c: Choice) => {
    const b = field.current;
    if (!b || !open) return;
    const end = open.at + 1 + open.prefix.length;
    const rest = b.value.slice(end);
    const said = `${b.value.slice(0, open.at)}@${c.name}${/^\s/.test(rest) ? "" : " "}`;
    room.meant.set(c.name.toLowerCase(), c.user);
    close();
    set(said + rest);
    requestAnimationFrame(() => {
      b.focus();
      const place = said.length + (/^\s/.test(rest) ? 1 : 0);
      b.setSelectionRange(place, place);
    });
  };
  /** Whether the key was for the list. */
  const key = (e: KeyboardEvent): boolean => {
    if (!shown || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return false;
    const n = all.length;
    if (e.key === "ArrowDown") setAt((chosen + (at < 0 && n > 1 ? 1 : at < 0 ? 0 : 1)) % n);
    else if (e.key === "ArrowUp") setAt((chosen + n - 1) % n);
    else if (e.key === "Escape") close();
    // Who has written the whole name, and has chosen nothing, wants to send.
    else if (e.key === "Tab" || (e.key === "Enter" && (at >= 0 || all[chosen]!.name.toLowerCase() !== open!.prefix.toLowerCase()))) take(all[chosen]!);
    else return false;
    e.preventDefault();
    e.stopPropagation();
    return true;
  };
  const list = (
    <>
      {shown && (
        <ul class="complete" id={id} role="listbox" aria-label={t().whomToMention}>
          {all.map((c, i) => (
            <li key={c.user} id={`${id}-${i}`} role="option" aria-selected={i === chosen} onMouseDown={(e) => e.preventDefault()} onMouseMove={() => i !== chosen && setAt(i)} onClick={() => take(c)}>
              {c.user === "all" ? <span class="avatar all" aria-hidden="true"><People /></span> : <Avatar user={c.user} name={c.name} />}
              <bdi>{c.name}</bdi>
              {c.displayName && <span class="tag" dir="auto">{c.displayName}</span>}
            </li>
          ))}
        </ul>
      )}
      <span class="sr" role="status">{shown ? t().namesFit(all.length) : ""}</span>
    </>
  );
  const attributes = {
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
    "aria-controls": shown ? id : undefined,
    "aria-activedescendant": shown ? `${id}-${chosen}` : undefined,
    onSelect: look,
    onBlur: close,
  } as const;
  return { list, key, look, close, attributes };
}

import { app } from "./app.ts";
import { t } from "./i18n.ts";
import { Cross } from "./icons.tsx";
import { Avatar } from "./message.tsx";
import { roleName } from "./notes.ts";
import type { RoomModel } from "./room.ts";

export function People({ room }: { room: RoomModel }) {
  const people = room.people.value;
  const roles = room.roles.value;
  return (
    <aside class="people" aria-label={t().people}>
      <header class="bar">
        <h2>{t().people}</h2>
        <span class="grow" />
        <button type="button" class="ghost" aria-label={t().hidePeople} onClick={() => (app.people.value = false)}><Cross /></button>
      </header>
      <ul class="scroll" tabIndex={-1}>
        {people.map((p) => {
          const self = p.user === app.user.value;
          const role = roles.get(p.user);
          return (
            <li key={p.user}>
              <button
                type="button"
                class="item"
                disabled={self}
                onClick={() => {
                  app.about.value = { user: p.user, name: p.name };
                  app.dialog.value = "moderate";
                }}
              >
                <Avatar user={p.user} name={p.name} />
                <bdi title={p.name}>{p.displayName || p.name}</bdi>
                {p.presence === "away" && <span class="tag">{t().isAway}</span>}
                {self && <span class="tag">{t().you}</span>}
                {role && role !== "none" && role !== "member" && <span class="tag">{roleName(role)}</span>}
              </button>
            </li>
          );
        })}
        {room.present.value > people.length && people.length > 0 && <li class="none">{t().andMore(room.present.value - people.length)}</li>}
      </ul>
    </aside>
  );
}

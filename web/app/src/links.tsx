// Links by which others come into a private room.
import { useEffect, useState } from "preact/hooks";
import type { RoomLink } from "sarang-client";
import { app } from "./app.ts";
import { days, fullTime, t } from "./i18n.ts";
import type { RoomModel } from "./room.ts";

/** For how many days, and for how many people, a link can be made; 0: no bound. */
const dayChoices = [1, 7, 30, 0];
const useChoices = [1, 5, 25, 100, 0];

const dayMs = 86_400_000;

/** Pages that are read at once. */
const pagesMax = 10;

function holds(l: RoomLink): boolean {
  return (l.usesMax === 0 || l.uses < l.usesMax) && (l.expiresMs === 0 || Date.now() < l.expiresMs);
}

export function Links({ room }: { room: RoomModel }) {
  const [links, setLinks] = useState<readonly RoomLink[] | null>(null);
  const [forDays, setForDays] = useState(7);
  const [uses, setUses] = useState(0);
  const [made, setMade] = useState("");
  const load = async () => {
    const got: RoomLink[] = [];
    await app.try(async (c) => {
      for (let i = 0, after = "0"; i < pagesMax; i++) {
        const page = await c.linkPage(room.id, { after });
        got.push(...page.links);
        after = page.links.at(-1)?.id ?? "0";
        if (!page.more) break;
      }
    });
    setLinks(got);
  };
  useEffect(() => void load(), []);
  const make = async () => {
    await app.try(async (c) => {
      const { code } = await c.makeLink(room.id, { forSeconds: (forDays * dayMs) / 1000, usesMax: uses });
      setMade(app.inviteAddress(code));
      await load();
    });
  };
  const revoke = async (l: RoomLink) => {
    if (await app.try((c) => c.revokeLink(room.id, l.id))) setMade("");
    await load();
  };
  const about = (l: RoomLink) =>
    [holds(l) ? (l.expiresMs ? t().linkUntil(fullTime(l.expiresMs)) : t().linkEver) : t().linkOver, t().linkUsed(l.uses, l.usesMax)].join(" · ");
  return (
    <div class="sheet section">
      <h3>{t().links}</h3>
      <p class="hint">{t().linksHint}</p>
      <label for="link-days" class="next">{t().linkWorks}</label>
      <select id="link-days" value={forDays} onChange={(e) => setForDays(Number(e.currentTarget.value))}>
        {dayChoices.map((n) => <option key={n} value={n}>{n === 0 ? t().linkEver : t().linkFor(days(n))}</option>)}
      </select>
      <label for="link-uses" class="next">{t().linkUses}</label>
      <select id="link-uses" value={uses} onChange={(e) => setUses(Number(e.currentTarget.value))}>
        {useChoices.map((n) => <option key={n} value={n}>{n === 0 ? t().linkAny : t().linkPeople(n)}</option>)}
      </select>
      <div class="row">
        <button type="button" class="primary" onClick={() => void make()}>{t().makeLink}</button>
      </div>
      {made && (
        <>
          <label for="made-link" class="next">{t().newLink}</label>
          <input id="made-link" dir="ltr" readOnly value={made} onFocus={(e) => e.currentTarget.select()} />
          <div class="row">
            <button type="button" onClick={() => void navigator.clipboard?.writeText(made).then(() => app.tell(t().copied))}>{t().copy}</button>
          </div>
        </>
      )}
      {links && links.length > 0 && (
        <ul class="cases">
          {links.map((l) => (
            <li key={l.id}>
              <p><bdi>{t().linkBy(l.id, l.byName)}</bdi></p>
              <span class="soft">{about(l)}</span>
              <div class="row">
                <button type="button" aria-label={t().revokeLink(l.id)} onClick={() => void revoke(l)}>{t().revoke}</button>
              </div>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

// What members tell the moderators of a room, and what these do about it.
import { useEffect, useState } from "preact/hooks";
import type { AuditEntry, MessageView, Report, RoomFilter } from "sarang-client";
import { app, sentence } from "./app.ts";
import { count, fullTime, span, t } from "./i18n.ts";
import { Modal, Title, close } from "./modal.tsx";
import { roleName } from "./notes.ts";
import type { RoomModel } from "./room.ts";
import { plain } from "./text.ts";

/** Pages that are read of a queue at once. */
const pagesMax = 10;

export function ReportMessage({ room, m }: { room: RoomModel; m: MessageView }) {
  const [reason, setReason] = useState("");
  return (
    <Modal label={t().report}>
      <Title text={t().report} />
      <form
        class="sheet"
        onSubmit={async (e) => {
          e.preventDefault();
          if (await app.try((c) => c.report(room.id, m.event.seq, reason.trim()))) {
            close();
            app.tell(t().reported);
          }
        }}
      >
        <p class="excerpt" dir="auto"><b><bdi>{m.event.name}</bdi></b> {plain(m.text).slice(0, 200)}</p>
        <label for="reason" class="next">{t().reason}</label>
        <input id="reason" dir="auto" autofocus autocomplete="off" maxLength={128} value={reason} aria-describedby="reason-hint" onInput={(e) => setReason(e.currentTarget.value)} />
        <p class="hint" id="reason-hint">{t().reportHint}</p>
        <div class="row">
          <button type="button" onClick={close}>{t().cancel}</button>
          <button type="submit" class="primary">{t().report}</button>
        </div>
      </form>
    </Modal>
  );
}

/** The reports of a room that wait, and those that do not any more. */
export function Reports({ room }: { room: RoomModel }) {
  const [all, setAll] = useState(false);
  const [reports, setReports] = useState<readonly Report[] | null>(null);
  const [texts, setTexts] = useState<ReadonlyMap<number, string>>(new Map());
  const load = async (which: boolean) => {
    const got: Report[] = [];
    await app.try(async (c) => {
      for (let i = 0, after = "0"; i < pagesMax; i++) {
        const page = await c.reportPage(room.id, { after, all: which });
        got.push(...page.reports);
        after = page.reports.at(-1)?.id ?? "0";
        if (!page.more) break;
      }
    });
    setReports(got);
    for (const r of got.slice(0, 30)) {
      const text = await app.textOf(room, r.seq);
      setTexts((m) => new Map(m).set(r.seq, text));
    }
  };
  useEffect(() => void load(all), [all]);
  const resolve = (r: Report, outcome: "acted" | "rejected") => async () => {
    if (await app.try((c) => c.resolve(room.id, r.id, outcome))) app.tell(t().resolved);
    await load(all);
  };
  return (
    <Modal label={t().reports} className="wide-dialog">
      <Title text={`${t().reports} · ${app.label(room)}`} />
      <div class="sheet">
        <label class="check first">
          <input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} />
          <span>{t().reportsAll}</span>
        </label>
        {reports?.length === 0 && <p class="none">{t().noReports}</p>}
        <ul class="cases" aria-busy={reports === null}>
          {reports?.map((r) => (
            <li key={r.id}>
              <p>
                <b><bdi>{r.authorName || t().somebody}</bdi></b> <time>{fullTime(r.timeMs)}</time>
              </p>
              <p class="excerpt" dir="auto">{texts.get(r.seq) ?? "…"}</p>
              <p class="soft" dir="auto">{t().reportedBy(r.reporterName || t().somebody)}{r.reason ? `: ${r.reason}` : ""}</p>
              <div class="row">
                {r.outcome === "open" ? (
                  <>
                    <button type="button" onClick={() => (close(), void app.jump(room, r.seq))}>{t().goToMessage}</button>
                    <button type="button" onClick={resolve(r, "rejected")}>{t().reject}</button>
                    <button type="button" class="primary" onClick={resolve(r, "acted")}>{t().acted}</button>
                  </>
                ) : (
                  <span class="soft">{r.outcome === "acted" ? t().wasActed : t().wasRejected}{r.note ? `: ${r.note}` : ""}</span>
                )}
              </div>
            </li>
          ))}
        </ul>
      </div>
    </Modal>
  );
}

/** Who has done what in a room, the newest first. */
export function Audit({ room }: { room: RoomModel }) {
  const [entries, setEntries] = useState<readonly AuditEntry[]>([]);
  const [more, setMore] = useState(false);
  const load = (before?: AuditEntry) =>
    app.try(async (c) => {
      const page = await c.auditPage(room.id, before ? { before } : {});
      setEntries((had) => (before ? [...had, ...page.entries] : page.entries));
      setMore(page.more && page.entries.length > 0);
    });
  useEffect(() => void load(), []);
  const say = (e: AuditEntry) => {
    const by = e.by === "0" ? t().operator : e.byName || t().somebody;
    const whom = e.subjectName || t().somebody;
    const why = e.reason ? `: ${e.reason}` : "";
    if (e.act === 1) return (e.role === "banned" ? t().banned(by, whom) : e.role === "none" ? t().roleTaken(by, whom) : t().gaveRole(by, whom, roleName(e.role))) + (e.untilMs ? ` (${t().until(fullTime(e.untilMs))})` : "") + why;
    if (e.act === 2) return t().kicked(by, whom) + why;
    if (e.act === 9) return t().resolvedReport(by, whom) + why;
    return t().didSomething(by, e.what || count(e.act)) + why;
  };
  return (
    <Modal label={t().audit} className="wide-dialog">
      <Title text={`${t().audit} · ${app.label(room)}`} />
      <div class="sheet">
        {entries.length === 0 && <p class="none">{t().nothingYet}</p>}
        <ul class="cases">
          {entries.map((e) => (
            <li key={`${e.timeMs} ${e.seq} ${e.id}`}>
              <p dir="auto">{say(e)}</p>
              <time>{fullTime(e.timeMs)}</time>
            </li>
          ))}
        </ul>
        {more && <button type="button" class="wide" onClick={() => void load(entries.at(-1))}>{t().older}</button>}
      </div>
    </Modal>
  );
}

/** Waits between two messages that can be chosen, in seconds. */
const slowChoices = [0, 5, 10, 30, 60, 300, 900, 3600, 21_600];

/** For how long a room may keep what is said, in seconds. */
const retainChoices = [0, 3600, 86_400, 604_800, 2_592_000, 7_776_000, 31_536_000];

/** What a room is about, and what can be done in it. */
export function RoomSettings({ room }: { room: RoomModel }) {
  const info = room.info.value;
  const owner = room.role.value === "owner";
  const [name, setName] = useState(info.name);
  const [topic, setTopic] = useState(info.topic);
  const [description, setDescription] = useState(info.description);
  const [slow, setSlow] = useState(info.slowSeconds);
  const [retain, setRetain] = useState(info.retainSeconds);
  const [archived, setArchived] = useState(info.archived);
  const [error, setError] = useState("");
  const [filter, setFilter] = useState<RoomFilter | null>(null); // as it is kept; null: it is not known
  const [words, setWords] = useState("");
  const [links, setLinks] = useState(false);
  useEffect(() => {
    if (info.ephemeral) return;
    void app.try(async (c) => {
      const f = await c.filter(room.id);
      setFilter(f);
      setWords(f.words.join("\n"));
      setLinks(f.links);
    });
  }, []);
  const save = async () => {
    const c = app.client.value!;
    try {
      // A room that is archived takes nothing new: it is opened first, and closed last.
      if (owner && info.archived && !archived) await c.set(room.id, { archived });
      if (owner && name.trim() !== info.name) await c.set(room.id, { name: name.trim() });
      if (topic.trim() !== info.topic) await c.topic(room.id, topic.trim());
      if (owner && description.trim() !== info.description) await c.set(room.id, { description: description.trim() });
      if (slow !== info.slowSeconds) await c.set(room.id, { slowSeconds: slow });
      const wanted = words.split("\n").map((w) => w.trim()).filter(Boolean);
      if (filter && (links !== filter.links || wanted.join("\n") !== filter.words.join("\n"))) await c.setFilter(room.id, { words: wanted, links });
      if (owner && retain !== info.retainSeconds) await c.set(room.id, { retainSeconds: retain });
      if (owner && archived && !info.archived) await c.set(room.id, { archived });
      close();
    } catch (err) {
      setError(sentence(err));
    }
  };
  return (
    <Modal label={t().roomSettings}>
      <Title text={`${t().roomSettings} · ${app.label(room)}`} />
      <form
        class="sheet"
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        {owner && (
          <>
            <label for="name">{t().roomName}</label>
            <input id="name" dir="auto" autocomplete="off" spellcheck={false} required maxLength={64} value={name} onInput={(e) => setName(e.currentTarget.value)} />
          </>
        )}
        <label for="topic" class="next">{t().topic}</label>
        <input id="topic" dir="auto" autofocus autocomplete="off" maxLength={512} value={topic} aria-describedby="topic-hint" onInput={(e) => setTopic(e.currentTarget.value)} />
        <p class="hint" id="topic-hint">{t().topicHint}</p>
        {owner && (
          <>
            <label for="description" class="next">{t().description}</label>
            <textarea id="description" dir="auto" rows={3} maxLength={1300} value={description} onInput={(e) => setDescription(e.currentTarget.value)} />
          </>
        )}
        <label for="slow" class="next">{t().slowMode}</label>
        <select id="slow" value={slow} onChange={(e) => setSlow(Number(e.currentTarget.value))}>
          {[...new Set([...slowChoices, slow])].map((n) => <option key={n} value={n}>{n === 0 ? t().slowNot : t().slowFor(span(n))}</option>)}
        </select>
        {filter && (
          <>
            <label for="filter" class="next">{t().filterWords}</label>
            <textarea id="filter" dir="auto" rows={3} maxLength={9000} spellcheck={false} value={words} aria-describedby="filter-hint" onInput={(e) => setWords(e.currentTarget.value)} />
            <p class="hint" id="filter-hint">{t().filterHint}</p>
            <label class="check">
              <input id="filter-links" type="checkbox" checked={links} onChange={(e) => setLinks(e.currentTarget.checked)} />
              <span>{t().filterLinks}</span>
            </label>
          </>
        )}
        {owner && (
          <>
            <label for="retain" class="next">{t().retention}</label>
            <select id="retain" value={retain} aria-describedby="retain-hint" onChange={(e) => setRetain(Number(e.currentTarget.value))}>
              {[...new Set([...retainChoices, retain])].map((n) => <option key={n} value={n}>{n === 0 ? t().retentionNot : span(n)}</option>)}
            </select>
            <p class="hint" id="retain-hint">{t().retentionHint}</p>
          </>
        )}
        {owner && (
          <label class="check">
            <input id="archived" type="checkbox" checked={archived} onChange={(e) => setArchived(e.currentTarget.checked)} />
            <span>
              <b>{t().archived}</b>
              <small>{t().archivedHint}</small>
            </span>
          </label>
        )}
        {error && <p class="hint error" role="alert">{error}</p>}
        <div class="row">
          <button type="button" onClick={close}>{t().cancel}</button>
          <button type="submit" class="primary">{t().save}</button>
        </div>
      </form>
    </Modal>
  );
}

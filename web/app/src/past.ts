// What was said before, wherever it stands in the log: the page reads what it needs of it.
import type { RoomModel } from "./room.ts";
import type { TabClient } from "./share.ts";

/** Events of a page around a place. */
export const pageItems = 100;

/** Pages that are read for a thread, or for what is pinned. */
const pagesMax = 10;

/** Goes to an event: what stands around it is shown, and the log goes on from there in both directions. */
export async function jump(client: TabClient, r: RoomModel, seq: number): Promise<boolean> {
  if (r.toMessage(seq)) return true;
  if (r.info.value.ephemeral) return false;
  const page = await client.history(r.id, { before: seq + pageItems / 2, itemsMax: pageItems });
  r.showStretch(page.events);
  return r.toMessage(seq);
}

/** The first message from a time on, by halving what it may stand in; 0: there is none. */
export async function firstSince(client: TabClient, r: RoomModel, ms: number): Promise<number> {
  let low = 1; // what stands below is older
  let high = r.last + 1; // what stands from there on is not
  while (low < high) {
    const mid = Math.floor((low + high) / 2);
    const e = (await client.history(r.id, { after: mid - 1, itemsMax: 1 })).events[0];
    if (!e || e.timeMs >= ms) high = mid;
    else low = Math.max(mid, e.seq) + 1;
  }
  for (let after = low - 1, i = 0; i < pagesMax; i++) {
    const page = await client.history(r.id, { after, itemsMax: pageItems });
    const found = page.events.find((e) => e.kind === "message" && e.timeMs >= ms);
    if (found) return found.seq;
    after = page.events.at(-1)?.seq ?? 0;
    if (!page.more || !after) break;
  }
  return 0;
}

/** Reads a thread: its first message, and what answers it. Whether that is all of it. */
export async function readThread(client: TabClient, r: RoomModel, root: number): Promise<boolean> {
  // What is known reaches from there to the end already.
  if (r.info.value.ephemeral || (!r.detached && r.events[0] && r.events[0].seq <= root)) return true;
  for (let after = root - 1, i = 0; i < pagesMax; i++) {
    const page = await client.history(r.id, { after, itemsMax: pageItems });
    for (const e of page.events) r.view.apply(e);
    r.changed();
    after = page.events.at(-1)?.seq ?? 0;
    if (!page.more || !after || (!r.detached && r.events[0] && after >= r.events[0].seq - 1)) return true;
  }
  return false;
}

/** Reads back for what is pinned. Whether the whole log was read. */
export async function readPins(client: TabClient, r: RoomModel): Promise<boolean> {
  if (r.info.value.ephemeral) return true;
  for (let before = r.newest[0]?.seq ?? r.last + 1, i = 0; before > 1; i++) {
    if (i >= pagesMax) return false;
    const page = await client.history(r.id, { before, itemsMax: pageItems });
    for (const e of page.events) r.view.apply(e);
    r.changed();
    if (!page.more || page.events.length === 0) break;
    before = page.events[0]!.seq;
  }
  return true;
}

/** What a message says now. */
export async function textOf(client: TabClient, r: RoomModel, seq: number): Promise<string> {
  const known = r.view.get(seq);
  if (known) return known.text;
  const page = await client.history(r.id, { after: seq - 1, itemsMax: 1 });
  return page.events[0]?.seq === seq ? page.events[0].text : "";
}

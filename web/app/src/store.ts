// What outlasts a reload: rooms with where we stand in them, the newest events of each, and
// what was written and is not stored yet. Where the browser keeps nothing (a private window,
// a full disk) the page works without it.
import type { Id, RoomEvent, RoomInfo } from "sarang-client";
import type { Outgoing } from "./room.ts";

export interface KeptRoom {
  readonly id: Id;
  readonly info: RoomInfo;
  readonly readSeq: number;
  readonly draft: string;
}

/** Events of a room that are kept. */
export const keptEventsMax = 300;

/** What is to be written gathers for so long. */
const gatherMs = 300;

let opening: Promise<IDBDatabase | null> | null = null;

function open(): Promise<IDBDatabase | null> {
  opening ??= new Promise((resolve) => {
    try {
      const r = indexedDB.open("sarang", 1);
      r.onupgradeneeded = () => {
        const db = r.result;
        db.createObjectStore("rooms", { keyPath: "id" });
        db.createObjectStore("events", { keyPath: ["room", "seq"] });
        db.createObjectStore("outbox", { keyPath: "nonce" });
      };
      r.onsuccess = () => {
        r.result.onversionchange = () => r.result.close();
        resolve(r.result);
      };
      r.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return opening;
}

function asked<T>(r: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    r.onsuccess = () => resolve(r.result);
    r.onerror = () => reject(r.error);
  });
}

/** All that is kept. */
export async function load(): Promise<{ rooms: KeptRoom[]; outbox: Outgoing[] }> {
  const db = await open();
  if (!db) return { rooms: [], outbox: [] };
  try {
    const tx = db.transaction(["rooms", "outbox"]);
    const [rooms, outbox] = await Promise.all([
      asked(tx.objectStore("rooms").getAll() as IDBRequest<KeptRoom[]>),
      asked(tx.objectStore("outbox").getAll() as IDBRequest<Outgoing[]>),
    ]);
    return { rooms, outbox: outbox.sort((a, b) => a.atMs - b.atMs) };
  } catch {
    return { rooms: [], outbox: [] };
  }
}

/** The newest events of a room, without a gap, in order; older ones are forgotten. */
export async function loadEvents(room: Id): Promise<RoomEvent[]> {
  const db = await open();
  if (!db) return [];
  try {
    const store = db.transaction("events", "readwrite").objectStore("events");
    const all = await asked(store.getAll(range(room)) as IDBRequest<RoomEvent[]>);
    let from = all.length;
    while (from > 0 && all.length - from < keptEventsMax && (from === all.length || all[from - 1]!.seq === all[from]!.seq - 1)) from--;
    if (from > 0) store.delete(IDBKeyRange.bound([room, 0], [room, all[from - 1]!.seq]));
    return all.slice(from).map((e) => ({ ...e, files: (e as Partial<RoomEvent>).files ?? [] })); // an older page kept none
  } catch {
    return [];
  }
}

function range(room: Id): IDBKeyRange {
  return IDBKeyRange.bound([room, 0], [room, Number.MAX_SAFE_INTEGER]);
}

type Work = (tx: IDBTransaction) => void;
let work: Work[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

function later(f: Work): void {
  work.push(f);
  timer ??= setTimeout(() => void flush(), gatherMs);
}

/** Writes what has gathered. */
export async function flush(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  const todo = work;
  work = [];
  if (todo.length === 0) return;
  const db = await open();
  if (!db) return;
  try {
    const tx = db.transaction(["rooms", "events", "outbox"], "readwrite");
    for (const f of todo) f(tx);
    await new Promise<void>((resolve) => {
      tx.oncomplete = tx.onabort = () => resolve();
    });
  } catch {
    // A full disk: the page goes on without.
  }
}

export function keepRoom(r: KeptRoom): void {
  later((tx) => tx.objectStore("rooms").put(r));
}

export function keepEvent(e: RoomEvent): void {
  later((tx) => tx.objectStore("events").put(e));
}

/** Forgets a room's events, as when they are void. */
export function dropEvents(room: Id): void {
  later((tx) => tx.objectStore("events").delete(range(room)));
}

export function dropRoom(room: Id): void {
  later((tx) => {
    tx.objectStore("rooms").delete(room);
    tx.objectStore("events").delete(range(room));
  });
}

/** Keeps something of ours before it is sent: the promise ends when it is kept. */
export async function keepOutgoing(o: Outgoing): Promise<void> {
  later((tx) => tx.objectStore("outbox").put(o));
  await flush();
}

export function dropOutgoing(nonce: string): void {
  later((tx) => tx.objectStore("outbox").delete(nonce));
}

/** Everything, as of somebody else. */
export async function forgetAll(): Promise<void> {
  work = [];
  const db = await open();
  db?.close();
  opening = null;
  await new Promise<void>((resolve) => {
    const r = indexedDB.deleteDatabase("sarang");
    r.onsuccess = r.onerror = r.onblocked = () => resolve();
  });
}

// Messages as they are now, folded from the events about them. The picture is the same
// whichever way it came about: live, in pages of history, or both.
import type { FileInfo, Id, Reaction, RoomEvent } from "./wire.ts";

/** A message as it is now. */
export interface MessageView {
  /** The event that said it. */
  readonly event: RoomEvent;
  /** The newest text; "" if it was erased. */
  readonly text: string;
  /** What it names; none if it was erased. */
  readonly files: readonly FileInfo[];
  /** It was erased: deleted, or for its age. */
  readonly gone: boolean;
  /** The first message of the thread that it belongs to; 0: it answers none. */
  readonly root: number;
  /** The newest event that is in here. */
  readonly changed: number;
  /** The newest edit; 0: none. */
  readonly edited: number;
  /** The event that deleted it; 0: none, or that has not come yet. */
  readonly deleted: number;
  /** The event that pinned it; 0: none. */
  readonly pinned: number;
  /** Those that are on it, in the order in which they were first put there. */
  readonly reactions: readonly Reaction[];
}

/** Changes of messages that were not seen yet, at most; the oldest are forgotten first. */
const heldMax = 10_000;

/** The messages of one room, as one user sees them. */
export class View {
  readonly #self: Id;
  readonly #messages = new Map<number, MessageView>();
  readonly #held = new Map<number, RoomEvent[]>();
  #heldCount = 0;
  #expired = 0;

  constructor(self: Id) {
    this.#self = self;
  }

  /** The message with that number. */
  get(seq: number): MessageView | undefined {
    return this.#messages.get(seq);
  }

  /** All messages that are known, in order. */
  messages(): MessageView[] {
    return [...this.#messages.values()].sort((a, b) => a.event.seq - b.event.seq);
  }

  /** Takes an event, live or of a page, and returns the number of the message that has changed; 0: none. */
  apply(e: RoomEvent): number {
    switch (e.kind) {
      case "message":
        return e.seq <= this.#expired ? 0 : this.#message(e);
      case "expire":
        this.#expire(e.target);
        return 0;
      case "edit":
      case "delete":
      case "react":
      case "unreact":
      case "pin":
      case "unpin": {
        if (e.target <= this.#expired) return 0;
        const m = this.#messages.get(e.target);
        if (!m) {
          this.#hold(e);
          return 0;
        }
        if (e.seq <= m.changed) return 0;
        this.#messages.set(e.target, changed(m, e, this.#self));
        return e.target;
      }
    }
    return 0;
  }

  /** Forgets messages below a number. */
  forgetBelow(seq: number): void {
    for (const key of this.#messages.keys()) if (key < seq) this.#messages.delete(key);
  }

  /** Forgets everything, as when the log is another one. */
  reset(): void {
    this.#messages.clear();
    this.#held.clear();
    this.#heldCount = 0;
    this.#expired = 0;
  }

  /** All up to it are erased for their age, as far as that was told; 0: nothing is. */
  get expired(): number {
    return this.#expired;
  }

  #expire(upTo: number): void {
    if (upTo <= this.#expired) return;
    this.#expired = upTo;
    this.forgetBelow(upTo + 1);
    for (const [target, held] of this.#held) {
      if (target > upTo) continue;
      this.#held.delete(target);
      this.#heldCount -= held.length;
    }
  }

  #message(e: RoomEvent): number {
    const known = this.#messages.get(e.seq);
    const s = e.state;
    let m: MessageView = {
      event: e,
      text: e.text,
      files: e.files,
      gone: e.text === "" && e.files.length === 0,
      root: e.root || e.target,
      changed: s?.changed ?? e.seq,
      edited: s?.edited ?? 0,
      deleted: s?.deleted ?? 0,
      pinned: s?.pinned ?? 0,
      reactions: s?.reactions.filter((r) => r.count > 0) ?? [],
    };
    if (known && known.changed >= m.changed) {
      if (!m.gone || known.gone) return 0;
      this.#messages.set(e.seq, { ...known, text: "", files: [], gone: true }); // the event that says so is on its way
      return e.seq;
    }
    const held = this.#held.get(e.seq);
    if (held) {
      this.#held.delete(e.seq);
      this.#heldCount -= held.length;
      held.sort((a, b) => a.seq - b.seq);
      for (const h of held) if (h.seq > m.changed) m = changed(m, h, this.#self);
    }
    this.#messages.set(e.seq, m);
    return e.seq;
  }

  #hold(e: RoomEvent): void {
    const held = this.#held.get(e.target);
    if (held?.some((h) => h.seq === e.seq)) return;
    if (held) held.push(e);
    else this.#held.set(e.target, [e]);
    if (++this.#heldCount <= heldMax) return;
    const [oldest, events] = this.#held.entries().next().value!;
    this.#held.delete(oldest);
    this.#heldCount -= events.length;
  }
}

function changed(m: MessageView, e: RoomEvent, self: Id): MessageView {
  const next = { ...m, changed: e.seq };
  if (m.deleted) return next; // nothing brings it back
  switch (e.kind) {
    case "delete":
      return { ...next, text: "", files: [], gone: true, edited: 0, deleted: e.seq, pinned: 0, reactions: [] };
    case "edit":
      return m.gone ? { ...next, edited: e.seq } : { ...next, text: e.text, files: e.text ? m.files : [], gone: e.text === "", edited: e.seq };
    case "pin":
      return { ...next, pinned: e.seq };
    case "unpin":
      return { ...next, pinned: 0 };
    case "react":
    case "unreact":
      return { ...next, reactions: reacted(m.reactions, e, self) };
  }
  return next;
}

function reacted(all: readonly Reaction[], e: RoomEvent, self: Id): readonly Reaction[] {
  const mine = e.user === self;
  const put = e.kind === "react";
  const at = all.findIndex((r) => r.emoji === e.text);
  if (at < 0) return put ? [...all, { emoji: e.text, count: 1, mine: mine ? e.seq : 0 }] : all;
  const was = all[at]!;
  const now = { emoji: was.emoji, count: was.count + (put ? 1 : -1), mine: mine ? (put ? e.seq : 0) : was.mine };
  return now.count > 0 ? all.map((r, i) => (i === at ? now : r)) : all.filter((_, i) => i !== at);
}

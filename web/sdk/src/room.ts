// What survives a connection: the rooms with their cursors, and what has no answer yet.
import type { ClientPacket, Cursor, Fields, RoomInfo } from "./wire.ts";

/** How far something has come that is done again on each connection. */
export type Step = "wanted" | "sent" | "waiting";

/** A message, or another authored event, without an answer. */
export interface Pending {
  readonly nonce: string;
  readonly packet: ClientPacket;
  readonly fields: Fields;
  step: Step;
  sent: boolean; // ever, on any connection
  retryAt: number; // for "waiting"
  readonly done: (seq: number) => void;
  readonly failed: (err: unknown) => void;
}

/** A joined room, or one that is to be joined again. */
export class Room {
  joined = false; // on this connection
  leaving = false;
  rejoinAt = 0; // the server said: later
  rejoining = false;
  typedAt = 0; // we have told it then
  pending: Pending[] = [];

  constructor(
    public info: RoomInfo,
    public seq: number, // the last one seen
    public seqMs: number, // its time; 0: not known
  ) {}

  get cursor(): Cursor {
    return { epoch: this.info.epoch, seq: this.seq, timeMs: this.seqMs };
  }
}

/** What has to be the same for a room to be the one that was known. */
export interface KnownRoom {
  readonly name: string;
  readonly epoch: string;
  readonly ephemeral: boolean;
}

/**
 * Whether the server has answered with the room that was asked for by its number. A number
 * means something in one store only: under another, or an older copy, it may be another room's.
 * A room that is stored is known by its epoch, whatever its name is by now; one that is not begins
 * a new epoch, and keeps its name.
 */
export function sameRoom(known: KnownRoom, got: RoomInfo): boolean {
  if (known.ephemeral || got.ephemeral) return known.ephemeral === got.ephemeral && known.name === got.name;
  return known.epoch === got.epoch;
}

/** Nonces that count up from a random start; never 0. */
export class Nonces {
  #next: bigint;

  constructor(random: (into: Uint32Array<ArrayBuffer>) => void) {
    const start = new Uint32Array(1);
    random(start);
    this.#next = BigInt(start[0]!) << 32n;
  }

  next(): string {
    this.#next = (this.#next + 1n) & 0xffff_ffff_ffff_ffffn;
    if (this.#next === 0n) this.#next = 1n;
    return String(this.#next);
  }
}

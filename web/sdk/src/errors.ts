/** What a server refuses, by number: section 8 of the protocol has what each means. */
export const Code = {
  internal: 1,
  malformed: 2,
  unknownPacket: 3,
  notLoggedIn: 4,
  alreadyLoggedIn: 5,
  version: 6,
  badName: 7,
  nameTaken: 8,
  badToken: 9,
  noRoom: 10,
  roomExists: 11,
  notMember: 12,
  badText: 13,
  tooMany: 14,
  tooFast: 15,
  unavailable: 16,
  draining: 17,
  timeout: 18,
  slowReplies: 19,
  frame: 20,
  badRequest: 21,
  forbidden: 26,
  nonceUsed: 27,
  storeGone: 28,
  badPassword: 29,
  needsPassword: 30,
  sessionEnded: 31,
  noRegistration: 32,
  notAccount: 33,
  banned: 34,
  kicked: 35,
  noUser: 36,
  uninvited: 37,
  shutOut: 38,
  noReport: 39,
  filtered: 57,
  noMessage: 41,
  erased: 42,
  tooLate: 43,
  left: 46,
  archived: 54,
  roomDeleted: 55,
  nameKept: 56,
  noSearch: 58,
  noFile: 62,
  fileTooLarge: 63,
  quota: 64,
  badFile: 65,
} as const;

/** What the server said: a code for programs, a sentence for people. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  constructor(
    readonly code: number,
    message: string,
    /** Not 0: the same may be tried again after that long. */
    readonly retryAfterMs = 0,
  ) {
    super(message || `the server refused it, code ${code}`);
  }

  /** Whether the same may go well later, without anybody changing anything. */
  get temporary(): boolean {
    switch (this.code) {
      case Code.tooFast:
      case Code.unavailable:
      case Code.draining:
      case Code.storeGone:
      case 22:
      case 23:
      case 24:
      case 25:
        return true;
    }
    return false;
  }
}

/** A room whose number is another room's by now: the server came back with other data. */
export class RoomChangedError extends Error {
  override readonly name = "RoomChangedError";
  constructor(
    /** The room's name as it was known. */
    readonly known: string,
    /** The name of what stands in its place. */
    readonly got: string,
  ) {
    super(`the server has another room in the place of "${known}"`);
  }
}

/** A publish whose caller stopped waiting. */
export class PublishError extends Error {
  override readonly name = "PublishError";
  constructor(
    /** With it the same can be published again; it is stored once. */
    readonly nonce: string,
    /** It was sent at least once, so it may have been stored. */
    readonly sent: boolean,
    override readonly cause: unknown,
  ) {
    super(sent ? "nobody waits for the message any more; it may have been stored" : "the message was not sent");
  }
}

/** A connection that ended, or did not come to be. */
export class DisconnectedError extends Error {
  override readonly name = "DisconnectedError";
  constructor(message: string, readonly closeCode = 0) {
    super(message);
  }
}

/** An answer that was lost with the connection, of a request that must not be said twice. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  constructor() {
    super("the connection was lost before the answer came; it may have been done or not");
  }
}

/** A client that was closed. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
  constructor() {
    super("the client is closed");
  }
}

/** A server that does not keep to the protocol. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

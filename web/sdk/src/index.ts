/** sarang-client: one user of a Sarang chat server, in a browser or in Node. */
export { Client, typingShownMs } from "./client.ts";
export type { AuditPage, ClientEvents, ClientOptions, Gap, HistoryPage, JoinOptions, Joined, Left, MemberPage, MentionPage, ReportPage, SearchOptions, SearchPage, ThreadPage } from "./client.ts";
export { Emitter } from "./emitter.ts";
export {
  ClosedError,
  Code,
  DisconnectedError,
  InterruptedError,
  ProtocolError,
  PublishError,
  RoomChangedError,
  ServerError,
} from "./errors.ts";
export type { Socket, SocketConstructor } from "./link.ts";
export type { KnownRoom } from "./room.ts";
export type { AuditEntry, AuditMark, Cursor, DeviceSession, EventKind, FileInfo, Followed, Hit, Id, Limits, Member, MentionPlace, MessageState, MyRoom, Outcome, Presence, Profile, Reaction, Report, Role, RoomEvent, RoomFilter, RoomInfo, RoomLink, RoomSetting, Self, Thread } from "./wire.ts";
export { changedInfo, threadUnreadMax } from "./wire.ts";
export { mentionText, mentionsIn, speaksTo } from "./mentions.ts";
export { roomLinkCode, roomLinkMark } from "./roomlink.ts";
export type { Mention } from "./mentions.ts";
export { Files } from "./files.ts";
export type { UploadOptions } from "./files.ts";
export { View } from "./view.ts";
export type { MessageView } from "./view.ts";

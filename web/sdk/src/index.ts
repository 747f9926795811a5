/** sarang-client: one user of a Sarang chat server, in a browser or in Node. */
export { Client } from "./client.ts";
export type { ClientEvents, ClientOptions, Gap, HistoryPage, JoinOptions, Joined, Left, MemberPage } from "./client.ts";
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
export type { Cursor, DeviceSession, EventKind, Id, Limits, Member, MessageState, MyRoom, Reaction, Role, RoomEvent, RoomInfo, Self } from "./wire.ts";
export { View } from "./view.ts";
export type { MessageView } from "./view.ts";

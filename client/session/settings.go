package session

import (
	"time"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Set changes a setting of a room of the State. It is sent and has its outcome as a message (see
// Publish).
func (s *Session) Set(room chat.RoomID, set chat.Setting) (chat.Nonce, error) {
	if err := set.Check(); err != nil {
		return 0, err
	}
	return s.act(room, "", "", func(nonce chat.Nonce) *act {
		return &act{sarangv1.CSet, &sarangv1.SetRoom{
			Room: uint64(room), Nonce: uint64(nonce), Kind: sarangv1.EventKind(set.Kind), Text: set.Text, Value: set.Value,
		}}
	})
}

// DeleteRoom deletes a room with all that it holds: Events.Done. The room need not be joined.
func (s *Session) DeleteRoom(room chat.RoomID) (uint32, error) {
	return s.ask(request{packet: sarangv1.CDeleteRoom, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.DeleteRoom{Request: id, Room: uint64(room)}
	})
}

// Purge deletes what a user has said in a room of the State, from now back to last ago: Events.Done.
func (s *Session) Purge(room chat.RoomID, user chat.UserID, last time.Duration) (uint32, error) {
	return s.ask(request{packet: sarangv1.CPurge, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Purge{Request: id, Room: uint64(room), User: uint64(user), LastSeconds: uint32(max(last, 0) / time.Second)}
	})
}

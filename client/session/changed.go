package session

import (
	"fmt"
	"slices"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// sameRoom reports whether a server that was asked for the known room by its id has
// answered with that room. An id means something in one store only: under another, or an
// older copy, the number may be another room's. A room that is stored is known by its epoch,
// whatever its name is by now; one that is not begins a new epoch, and keeps its name.
func sameRoom(known, got RoomInfo) bool {
	if known.Ephemeral || got.Ephemeral {
		return known.Ephemeral == got.Ephemeral && known.Name == got.Name
	}
	return known.Epoch == got.Epoch
}

// changed ends a room whose id is another room's by now. What was pending was not meant
// for the eyes in that one. A join that a caller asked for stands; the session's own is
// taken back.
func (s *Session) changed(q request, known *room, got RoomInfo) {
	cause := &chat.Error{
		Code:    chat.CodeNoRoom,
		Message: fmt.Sprintf("the server has another room in the place of %q", known.info.Name),
		Err:     &RoomChangedError{Known: known.info, Got: got},
	}
	if q.rejoin {
		s.undo(got.ID)
	}
	s.state.remove(known)
	s.events.Error(s, Failure{Packet: sarangv1.CJoin, Request: q.id, Room: known.info.ID, Err: cause, Rejoin: true})
	s.refuseAll(known, cause)
}

// undo leaves a room that the session has joined by itself.
func (s *Session) undo(id chat.RoomID) {
	// It can only fail when the session is ending, and then the room is left with it.
	_, _ = s.ask(request{packet: sarangv1.CLeave, room: id, undo: true}, "", func(request uint32) packet.Marshaler {
		return &sarangv1.Leave{Request: request, Room: uint64(id)}
	})
}

// undoing reports whether undo waits for its answer: until then the room's events still
// come, and are nobody's.
func (s *Session) undoing(id chat.RoomID) bool {
	return slices.ContainsFunc(s.requests, func(q request) bool { return q.undo && q.room == id })
}

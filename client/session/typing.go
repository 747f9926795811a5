package session

import (
	"time"

	"sarang/chat"
	sarangv1 "sarang/proto/sarang/v1"
)

// TypingEvery is how often it is worth telling that the user types; TypingShown is how long it
// holds of others.
const (
	TypingEvery = 2 * time.Second
	TypingShown = 6 * time.Second
)

// Typing is somebody who types in a joined room.
type Typing struct {
	Room chat.RoomID
	User chat.UserID
	Name string
}

// SendTyping tells the others in a joined room that the user types. Nothing answers; a server
// leaves out what comes more often than each TypingEvery.
func (s *Session) SendTyping(room chat.RoomID) error {
	if r := s.state.rooms[room]; r == nil || !r.joined || r.leaving {
		return ErrNotJoined
	}
	return s.send(sarangv1.CTyping, &sarangv1.Typing{Room: uint64(room)})
}

// typing handles S_TYPING. What comes of a room that was just left is nobody's fault.
func (s *Session) typing(m *sarangv1.Typing) error {
	if s.state.rooms[chat.RoomID(m.Room)] != nil {
		s.events.Typing(s, Typing{chat.RoomID(m.Room), chat.UserID(m.User), clean(m.Name)})
	}
	return nil
}

package tui

import (
	"slices"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/client/session"
)

// Type tells the others in a room that we type; nothing answers.
type Type struct{ Room chat.RoomID }

// typist is somebody else who types.
type typist struct {
	name  string // clean
	until time.Time
}

// typistsMax bounds those who are known to type in a room.
const typistsMax = 16

// types notes that somebody types.
func (m *Model) types(t client.Typing) {
	r := m.find(t.Room)
	if r == nil || t.User == m.me || m.blocked[t.User] {
		return
	}
	if _, known := r.typing[t.User]; !known && len(r.typing) >= typistsMax {
		return
	}
	if r.typing == nil {
		r.typing = map[chat.UserID]typist{}
	}
	r.typing[t.User] = typist{CleanLine(t.Name), m.now.Add(session.TypingShown)}
}

// typists says who types in a room, "" if nobody does.
func (m *Model) typists(r *room) string {
	var names []string
	for u, t := range r.typing {
		if m.now.After(t.until) {
			delete(r.typing, u)
			continue
		}
		names = append(names, t.name)
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " is typing…"
	case 2, 3:
		return strings.Join(names, ", ") + " are typing…"
	}
	return itoa(len(names)) + " are typing…"
}

// weType tells the server that something is being typed that may be said, if it is time.
func (m *Model) weType() []Effect {
	r := m.room()
	if len(m.rooms) == 0 || m.conn.state != connOnline || strings.HasPrefix(m.input.String(), "/") || m.now.Sub(r.typedAt) < session.TypingEvery {
		return nil
	}
	r.typedAt = m.now
	return []Effect{Type{r.info.ID}}
}

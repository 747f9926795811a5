package tui

import (
	"fmt"
	"slices"
	"strings"

	"sarang/chat"
	"sarang/client"
)

// What is read here is read on all devices of the user, and the other way about.

// The effects and answers.
type (
	// Mark says that everything of a room up to Seq was seen; nothing answers but Failed.
	Mark struct {
		Room chat.RoomID
		Seq  chat.Seq
	}

	// Hush says whether the user wants to be told of a room; answered by client.Muted or
	// Failed.
	Hush struct {
		Room  chat.RoomID
		Muted bool
	}

	// MyRooms asks for the rooms that the user belongs to; answered by Mine.
	MyRooms struct{}

	// Direct opens the direct room with somebody and says something there; answered by
	// client.Joined, unless it is joined, and Opened, or by Failed.
	Direct struct{ Name, Text string }

	// SetTopic says what a room is about. That it is done is shown by its event; else it is
	// answered by Failed.
	SetTopic struct {
		Room chat.RoomID
		Text string
	}

	// Open goes into a room of the user's that is not joined; answered by client.Joined.
	Open struct{ Room chat.RoomID }

	// Opened is a room in which Text is to be said; empty: it is to be shown.
	Opened struct {
		Room chat.RoomID
		Text string
	}

	// Mine are the rooms that the user belongs to, with what he has not read.
	Mine struct{ Rooms []client.MyRoom }
)

// marks says how far the joined rooms were read, once for all that came in a second.
func (m *Model) marks() (effects []Effect) {
	if m.conn.state != connOnline {
		return nil
	}
	for _, r := range m.rooms {
		if r.info.Ephemeral || r.said <= r.marked || r.read < r.said {
			continue
		}
		r.marked = r.said
		effects = append(effects, Mark{r.info.ID, r.said})
	}
	return effects
}

// markedTo takes over how far the user has read on another device.
func (m *Model) markedTo(room chat.RoomID, seq chat.Seq) {
	r := m.find(room)
	if r == nil {
		return
	}
	r.marked = max(r.marked, seq)
	if seq <= r.read {
		return
	}
	r.read, r.unread = seq, 0
	for _, e := range r.entries {
		if e.kind == entryMessage && !e.own && e.epoch == r.info.Epoch && e.seq > seq {
			r.unread++
		}
	}
	if r.unread == 0 {
		r.mark = span{}
	}
}

// isMine takes what the server says of the user's rooms.
func (m *Model) isMine(rooms []client.MyRoom) (effects []Effect) {
	for _, mine := range rooms {
		r := m.find(mine.Room.ID)
		if r == nil {
			if isDirect(mine.Room) && mine.Unread > 0 && !mine.Muted {
				effects = append(effects, Open{mine.Room.ID})
			}
			continue
		}
		r.muted = mine.Muted
		m.markedTo(mine.Room.ID, mine.Mark)
	}
	m.markRead()
	return effects
}

// isDirect reports whether a room is a direct one. It is not gone into by its name.
func isDirect(r client.RoomInfo) bool { return r.Direct[0] != 0 }

// roomLabel is how a room is called on the screen.
func roomLabel(r client.RoomInfo) string {
	if isDirect(r) {
		return CleanLine(r.Name)
	}
	return "#" + CleanLine(r.Name)
}

// opened shows a room and says something there.
func (m *Model) opened(o Opened) []Effect {
	i := slices.IndexFunc(m.rooms, func(r *room) bool { return r.info.ID == o.Room })
	if i < 0 {
		return nil
	}
	m.show(i)
	if o.Text == "" {
		return nil
	}
	return m.utter(o.Text)
}

// hush changes whether the user is told of a room.
func (m *Model) hush(name string) []Effect {
	i := m.index(name)
	if i < 0 {
		m.hint = "you are not in that room"
		return nil
	}
	return []Effect{Hush{m.rooms[i].info.ID, !m.rooms[i].muted}}
}

// mutedTo notes that the user wants to be told of a room, or not.
func (m *Model) mutedTo(e client.Muted) {
	r := m.find(e.Room)
	if r == nil || r.muted == e.Muted {
		return
	}
	r.muted = e.Muted
	text := "you are told of this room again"
	if r.muted {
		text = "you are not told of this room any more; /hush again takes that back"
	}
	m.sayIn(r, entryNotice, text)
}

// listMine writes the rooms that the user belongs to.
func (m *Model) listMine(b *strings.Builder, rooms []client.MyRoom) {
	if len(rooms) == 0 {
		return
	}
	b.WriteString("your rooms:")
	for _, r := range rooms {
		fmt.Fprintf(b, "\n  %s · %d unread", roomLabel(r.Room), r.Unread)
		if r.Muted {
			b.WriteString(" · hushed")
		}
		if r.Role == chat.RoleOwner || r.Role == chat.RoleModerator || r.Role == chat.RoleReader {
			fmt.Fprintf(b, " · %v", r.Role)
		}
		if r.Last.Seq > 0 {
			fmt.Fprintf(b, " · %s: %s", CleanLine(r.Last.Name), cut(CleanLine(r.Last.Text), lastCellsMax))
		}
	}
	b.WriteString("\n")
}

// lastCellsMax is how much of a room's newest message its list shows.
const lastCellsMax = 40

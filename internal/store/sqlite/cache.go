package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"sarang/chat"
)

// Bounds of what the writer remembers. An entry takes about 50 bytes.
const (
	headsKeptMax = 1 << 16 // authors' newest events
	roomsKeptMax = 1 << 16 // ends of rooms' logs
)

// cache remembers up to max values of a table. When there are too many, any other one
// goes: a miss costs a look-up, and those who are asked for most come back soonest.
type cache[K comparable, V any] struct {
	max  int
	kept map[K]V
}

// reset forgets everything. A cache begins with it.
func (c *cache[K, V]) reset(most int) { c.max, c.kept = most, make(map[K]V) }

func (c *cache[K, V]) keep(k K, v V) {
	if _, kept := c.kept[k]; !kept && len(c.kept) >= c.max {
		for other := range c.kept {
			delete(c.kept, other)
			break
		}
	}
	c.kept[k] = v
}

// headOf returns the Seq of the author's newest stored event, 0 if there is none.
func (w *writer) headOf(who author) (chat.Seq, error) {
	if last, kept := w.heads.kept[who]; kept {
		return last, nil
	}
	var last chat.Seq
	err := w.selectHead.QueryRowContext(context.Background(), int64(who.user), int64(who.room)).Scan(number[chat.Seq]{&last})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return last, err
}

// roomState is what an append is checked against.
type roomState struct {
	last  chat.Seq
	flags int64
	said
}

// said is how many messages a log has had up to an event, and the newest of them.
type said struct {
	count uint64
	seq   chat.Seq
}

// with is what is said behind e.
func (s said) with(e *chat.Event) said {
	if e.Kind == chat.EventMessage {
		return said{s.count + 1, e.Seq}
	}
	return s
}

const selectState = `SELECT rooms.flags, coalesce(m.seq, 0), coalesce(m.said, 0), coalesce(m.said_seq, 0)
	FROM rooms LEFT JOIN messages m ON m.room_id = rooms.id AND m.seq = (SELECT max(seq) FROM messages WHERE room_id = rooms.id)
	WHERE rooms.id = ?`

// stateOf returns the state of a room; CodeNoRoom if there is none.
func (w *writer) stateOf(room chat.RoomID) (roomState, error) {
	if s, kept := w.rooms.kept[room]; kept {
		return s, nil
	}
	var s roomState
	err := w.selectState.QueryRowContext(context.Background(), int64(room)).
		Scan(bits[int64]{&s.flags}, number[chat.Seq]{&s.last}, number[uint64]{&s.count}, number[chat.Seq]{&s.seq})
	if errors.Is(err, sql.ErrNoRows) {
		return s, chat.Errorf(chat.CodeNoRoom, "there is no room with id %d", room)
	}
	if err == nil {
		w.rooms.keep(room, s)
	}
	return s, err
}

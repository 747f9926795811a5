package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"sarang/chat"
)

// Both directions walk the table's own order, from the place asked for.
const (
	selectEvents = `SELECT m.seq, m.kind, m.user_id, coalesce(u.name, ''), m.nonce, m.time_ms, m.text,
	m.target, m.subject, m.role, m.until_ms
	FROM messages m LEFT JOIN users u ON u.id = m.user_id WHERE m.room_id = ? AND `
	selectAfter  = selectEvents + "m.seq > ? ORDER BY m.seq LIMIT ?"
	selectBefore = selectEvents + "m.seq < ? ORDER BY m.seq DESC LIMIT ?"
)

// direction is the step from one event of a page to the one that is read next.
type direction chat.Seq

const (
	forwards  direction = 1
	backwards           = ^direction(0) // -1
)

// History is documented at chat.Store. The events of a page have consecutive numbers.
func (s *Store) History(ctx context.Context, room chat.RoomID, p chat.Page) ([]chat.Event, bool, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, false, err
	}
	defer s.endRead()
	stmt, from, to := s.readers.after, p.After, forwards
	if p.Before != 0 {
		stmt, from, to = s.readers.before, p.Before, backwards
	}
	// One more than the page has: whether it is there is told, too. A cursor comes from
	// a client; one beyond SQLite's integers is beyond everything.
	itemsMax := min(max(p.ItemsMax, 1), math.MaxInt32)
	rows, err := stmt.QueryContext(ctx, int64(room), int64(min(from, math.MaxInt64)), itemsMax+1)
	if err != nil {
		return nil, false, readError(err)
	}
	defer rows.Close()
	events, more, err := readPage(rows, room, to, itemsMax, p.BytesMax)
	if err != nil {
		return nil, false, readError(err)
	}
	if to == backwards {
		slices.Reverse(events)
	}
	return events, more, nil
}

// readPage reads rows until the page is full, and reports whether there was another one.
// A page ends where an event is missing, too: whoever counts along its events sees the
// gap at the beginning of the next one.
func readPage(rows *sql.Rows, room chat.RoomID, to direction, itemsMax, bytesMax int) (events []chat.Event, more bool, err error) {
	textBytes := 0
	for rows.Next() {
		if len(events) == itemsMax {
			return events, true, nil
		}
		e, err := scanEvent(rows, room)
		if err != nil {
			return nil, false, err
		}
		textBytes += e.BodyBytes()
		if n := len(events); n > 0 {
			last := events[n-1].Seq
			if e.Seq == last || (e.Seq > last) != (to == forwards) {
				return nil, false, damagedError(fmt.Errorf("room %d: event %d stands next to event %d", room, e.Seq, last))
			}
			if textBytes > bytesMax || e.Seq != last+chat.Seq(to) {
				return events, true, nil
			}
		}
		events = append(events, e)
	}
	return events, false, rows.Err()
}

func scanEvent(rows *sql.Rows, room chat.RoomID) (chat.Event, error) {
	e := chat.Event{Room: room}
	var extra int64
	var body string
	err := rows.Scan(number[chat.Seq]{&e.Seq}, number[chat.EventKind]{&e.Kind}, number[chat.UserID]{&e.User},
		text{&e.Name}, bits[chat.Nonce]{&e.Nonce}, bits[int64]{&e.TimeMs}, text{&body},
		number[chat.Seq]{&e.Target}, number[chat.UserID]{&e.Subject}, number[chat.Role]{&e.Role},
		bits[int64]{&extra})
	e.SetExtra(extra)
	e.SetBody(body)
	if err != nil {
		err = fmt.Errorf("room %d, event %d: %w", room, e.Seq, err)
	}
	return e, err
}

package sqlite

import (
	"context"
	"database/sql"
	"slices"

	"sarang/chat"
)

// What is too old is found here by the readers, and erased by the writer in the transaction that stores the
// event which says so.

const (
	// Rooms whose logs are stored (roomEphemeral is bit 0 of flags): all, and those that say for how long.
	selectDurable = "SELECT id, retain_s FROM rooms WHERE id >= ? AND flags & 1 = 0 ORDER BY id LIMIT ?"
	selectRetains = "SELECT id, retain_s FROM rooms INDEXED BY rooms_retain WHERE id >= ? AND retain_s > 0 ORDER BY id LIMIT ?"

	selectOldest      = "SELECT seq, time_ms, kind FROM messages WHERE room_id = ? ORDER BY seq LIMIT ?"
	selectNewest      = "SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = ?"
	selectEditsBehind = "SELECT seq FROM edits WHERE room_id = ?1 AND target <= ?2 AND seq > ?2"
)

// Expired is documented at chat.Expirer.
func (s *Store) Expired(ctx context.Context, q chat.ExpiryQuery) (found []chat.Expiry, next chat.RoomID, err error) {
	rooms := s.readers.durable
	if q.KeepMs <= 0 {
		rooms = s.readers.retains
	}
	type keeps struct {
		room    chat.RoomID
		seconds uint32
	}
	var page []keeps
	roomsMax, left := max(q.RoomsMax, 1), max(q.EventsMax, 1)
	err = s.readRows(ctx, rooms, []any{int64(min(q.From, maxID)), roomsMax + 1}, func(rows *sql.Rows) error {
		var k keeps
		err := rows.Scan(number[chat.RoomID]{&k.room}, number[uint32]{&k.seconds})
		page = append(page, k)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if len(page) > roomsMax {
		next, page = page[roomsMax].room, page[:roomsMax]
	}
	for _, k := range page {
		oldMs, dueMs := q.Times(k.seconds)
		x, err := s.expiredIn(ctx, k.room, oldMs, dueMs, left)
		if err != nil {
			return nil, 0, err
		}
		if x.UpTo == 0 {
			continue
		}
		found = append(found, x)
		if left -= x.Events; left <= 0 {
			return found, k.room, nil // it may have more
		}
	}
	return found, next, nil
}

const maxID = 1<<63 - 1

// expiredIn looks for what is too old at the beginning of a log; UpTo is 0 if nothing is.
func (s *Store) expiredIn(ctx context.Context, room chat.RoomID, oldMs, dueMs int64, most int) (x chat.Expiry, err error) {
	x.Room = room
	var upTo chat.Seq
	n, says, young := 0, false, false
	err = s.readRows(ctx, s.readers.oldest, []any{int64(room), most}, func(rows *sql.Rows) error {
		var seq chat.Seq
		var ms int64
		var kind chat.EventKind
		if err := rows.Scan(number[chat.Seq]{&seq}, bits[int64]{&ms}, number[chat.EventKind]{&kind}); err != nil && !isDamaged(err) {
			return err
		}
		if young = young || ms >= oldMs || n == 0 && ms >= dueMs; !young {
			upTo, n, says = seq, n+1, says || kind != chat.EventExpire
		}
		return nil
	})
	if err != nil || !says {
		return x, err
	}
	x.UpTo, x.Events = upTo, n
	err = s.readRows(ctx, s.readers.newest, []any{int64(room)}, func(rows *sql.Rows) error { return rows.Scan(number[chat.Seq]{&x.AsOf}) })
	if err != nil {
		return x, err
	}
	err = s.readRows(ctx, s.readers.editsBehind, []any{int64(room), int64(upTo)}, func(rows *sql.Rows) error {
		var seq chat.Seq
		err := rows.Scan(number[chat.Seq]{&seq})
		x.Edits = append(x.Edits, seq)
		return err
	})
	return x, err
}

// eraseUpTo erases a log up to what an event of kind EventExpire says, inside the transaction that stores it.
func (w *writer) eraseUpTo(ctx context.Context, e *chat.Event) error {
	if err := w.takeOutOldest(ctx, e.Room, -1, func(x *entry) bool { return x.seq <= e.Target }); err != nil {
		return err
	}
	for _, query := range []string{
		"UPDATE messages SET text = '', digest = 0 WHERE room_id = ?1 AND seq IN (SELECT seq FROM edits WHERE room_id = ?1 AND target <= ?2 AND seq > ?2)",
		"DELETE FROM messages WHERE room_id = ?1 AND seq <= ?2",
	} {
		if err := w.run(query, int64(e.Room), int64(e.Target)); err != nil {
			return err
		}
	}
	w.erased = true
	return firstError(w.forgetGone(e.Room), w.files.unnameGone(e.Room))
}

// forgetGone drops what is known of messages that are gone.
func (w *writer) forgetGone(room chat.RoomID) error {
	for _, stmt := range slices.Concat(w.change.forget[:], w.link.forget[:], []*sql.Stmt{w.follows.forget}) {
		if err := exec(context.Background(), stmt, int64(room)); err != nil {
			return err
		}
	}
	return nil
}

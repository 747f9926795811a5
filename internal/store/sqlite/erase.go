package sqlite

import (
	"context"
	"database/sql"
	"slices"

	"sarang/chat"
)

// Of a room's oldest events, as many as may be erased, those go that are older, up to the
// first that is not, and never the newest of all.
const eraseOldest = `WITH oldest AS (SELECT seq, time_ms FROM messages WHERE room_id = ?1 ORDER BY seq LIMIT ?3)
	DELETE FROM messages WHERE room_id = ?1 AND seq <= (SELECT max(seq) FROM oldest)
	AND seq < coalesce((SELECT min(seq) FROM oldest WHERE time_ms >= ?2), 9223372036854775807)
	AND seq < (SELECT max(seq) FROM messages WHERE room_id = ?1)`

// selectDurable are rooms whose logs are stored (roomEphemeral is bit 0 of flags).
const selectDurable = "SELECT id FROM rooms WHERE id >= ? AND flags & 1 = 0 ORDER BY id LIMIT ?"

// Erase is documented at chat.Eraser.
func (s *Store) Erase(ctx context.Context, e chat.Erasure) (next chat.RoomID, erased int, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, 0, err
	}
	defer s.end()
	w := s.writer
	if err := w.take(ctx); err != nil {
		return 0, 0, err
	}
	defer w.giveBack()
	if err := w.ready(ctx); err != nil {
		return 0, 0, err
	}
	rooms, err := w.durable(e.From, max(e.RoomsMax, 1)+1)
	if err != nil {
		return 0, 0, readError(err)
	}
	if n := max(e.RoomsMax, 1); len(rooms) > n {
		next, rooms = rooms[n], rooms[:n]
	}
	do := func() error {
		for _, room := range rooms {
			if err := ctx.Err(); err != nil {
				return err
			}
			left := max(e.EventsMax, 1) - erased
			if err := w.takeOutGone(ctx, room, e.BeforeMs, left); err != nil {
				return err
			}
			result, err := w.eraseOldest.ExecContext(context.Background(), int64(room), e.BeforeMs, left)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			if n > 0 {
				w.erased = true
				if err := firstError(w.forgetGone(room), w.files.unnameGone(room)); err != nil {
					return err
				}
			}
			if erased += int(n); int(n) == left {
				next = room // it may have more
				return nil
			}
		}
		return nil
	}
	stored := func() (bool, error) { return false, nil } // to erase again does no harm
	if err := w.transact(ctx, do, outcomeOf{stored, func() {}}); err != nil {
		return 0, 0, err
	}
	return next, erased, nil
}

func (w *writer) durable(from chat.RoomID, most int) (rooms []chat.RoomID, err error) {
	rows, err := w.selectDurable.QueryContext(context.Background(), int64(from), most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return scanIDs(rows)
}

func scanIDs(rows *sql.Rows) (ids []chat.RoomID, err error) {
	for rows.Next() {
		var id chat.RoomID
		if err := rows.Scan(number[chat.RoomID]{&id}); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
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

package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

var _ chat.Expirer = (*Store)(nil)

// expireSchema has rooms remember for how long they keep what is said (events of kind 23), and the
// audit log find that.
func expireSchema() []string {
	return []string{
		"ALTER TABLE rooms ADD COLUMN retain_s BIGINT NOT NULL DEFAULT 0",
		"CREATE INDEX rooms_retain ON rooms (id) WHERE retain_s > 0",
		"DROP INDEX messages_ruled",
		"DROP INDEX messages_ruled_room",
		"CREATE INDEX messages_ruled ON messages (time_ms, room_id, seq) WHERE kind IN (4, 5, 16, 17, 18, 19, 23)",
		"CREATE INDEX messages_ruled_room ON messages (room_id, time_ms, seq) WHERE kind IN (4, 5, 16, 17, 18, 19, 23)",
	}
}

// Expired is documented at chat.Expirer.
func (s *Store) Expired(ctx context.Context, q chat.ExpiryQuery) (found []chat.Expiry, next chat.RoomID, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, 0, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) (err error) {
		found, next, err = s.expired(ctx, c, q)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return found, next, nil
}

func (s *Store) expired(ctx context.Context, c Conn, q chat.ExpiryQuery) (found []chat.Expiry, next chat.RoomID, err error) {
	query := s.sql.durable
	if q.KeepMs <= 0 {
		query = s.sql.retains
	}
	roomsMax, left := max(q.RoomsMax, 1), max(q.EventsMax, 1)
	var rooms, seconds []int64
	args := []any{int64(min(q.From, math.MaxInt64)), int64(roomsMax) + 1}
	err = c.Query(ctx, query, args, func(scan Scan) error {
		var id, keeps int64
		err := scan(&id, &keeps)
		rooms, seconds = append(rooms, id), append(seconds, keeps)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if len(rooms) > roomsMax {
		next, rooms = chat.RoomID(rooms[roomsMax]), rooms[:roomsMax]
	}
	for i, room := range rooms {
		oldMs, dueMs := q.Times(uint32(seconds[i]))
		x, err := s.expiredIn(ctx, c, room, oldMs, dueMs, left)
		if err != nil {
			return nil, 0, err
		}
		if x.UpTo == 0 {
			continue
		}
		found = append(found, x)
		if left -= x.Events; left <= 0 {
			return found, x.Room, nil // it may have more
		}
	}
	return found, next, nil
}

// expiredIn looks for what is too old at the beginning of a log; UpTo is 0 if nothing is.
func (s *Store) expiredIn(ctx context.Context, c Conn, room, oldMs, dueMs int64, most int) (x chat.Expiry, err error) {
	x.Room = chat.RoomID(room)
	var upTo int64
	n, says, young := 0, false, false
	err = c.Query(ctx, s.sql.oldest, []any{room, int64(most)}, func(scan Scan) error {
		var seq, ms, kind int64
		err := scan(&seq, &ms, &kind)
		if young = young || ms >= oldMs || n == 0 && ms >= dueMs; !young {
			upTo, n, says = seq, n+1, says || chat.EventKind(kind) != chat.EventExpire
		}
		return err
	})
	if err != nil || !says {
		return x, err
	}
	x.UpTo, x.Events = chat.Seq(upTo), n
	err = c.Query(ctx, s.sql.lastSeq, []any{room}, func(scan Scan) error {
		var seq int64
		err := scan(&seq)
		x.AsOf = chat.Seq(seq)
		return err
	})
	if err != nil {
		return x, err
	}
	err = c.Query(ctx, s.sql.editsBehind, []any{room, upTo, upTo}, func(scan Scan) error {
		var seq int64
		err := scan(&seq)
		x.Edits = append(x.Edits, chat.Seq(seq))
		return err
	})
	return x, err
}

// eraseUpTo erases a log up to what an event of kind EventExpire says, inside the transaction that
// stores it.
func (s *Store) eraseUpTo(ctx context.Context, c Conn, e *chat.Event) error {
	room, upTo := int64(e.Room), int64(e.Target)
	if err := s.unnameGone(ctx, c, room, upTo); err != nil {
		return err
	}
	if err := s.dropGone(ctx, c, room, upTo); err != nil {
		return err
	}
	q, l, args := &s.sql.change, &s.sql.link, []any{room, upTo}
	return execAll(ctx, c, stmt{q.eraseEditsBehind, []any{room, upTo, room, upTo}}, stmt{s.sql.erase, args}, stmt{q.forget, args}, stmt{q.forgetEdits, args},
		stmt{q.forgetTallies, args}, stmt{q.forgetReactions, args},
		stmt{l.forgetMentions, args}, stmt{l.forgetReplies, args}, stmt{l.forgetThread, args}, stmt{s.sql.follow.forget, args})
}

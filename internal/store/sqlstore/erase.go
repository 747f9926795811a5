package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

var _ chat.Eraser = (*Store)(nil)

// Erase is documented at chat.Eraser. To erase again does no harm.
func (s *Store) Erase(ctx context.Context, e chat.Erasure) (next chat.RoomID, erased int, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, 0, err
	}
	defer s.end()
	err = s.write(ctx, func(ctx context.Context, c Conn) error {
		return s.inTx(ctx, c, func() (err error) {
			next, erased, err = s.eraseTx(ctx, c, e)
			return err
		})
	})
	if err != nil {
		return 0, 0, settle(err)
	}
	return next, erased, nil
}

func (s *Store) eraseTx(ctx context.Context, c Conn, e chat.Erasure) (next chat.RoomID, erased int, err error) {
	roomsMax, eventsMax := max(e.RoomsMax, 1), max(e.EventsMax, 1)
	var rooms []int64
	args := []any{int64(min(e.From, math.MaxInt64)), int64(roomsMax) + 1}
	err = c.Query(ctx, s.sql.durable, args, func(scan Scan) error {
		var id int64
		err := scan(&id)
		rooms = append(rooms, id)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	if len(rooms) > roomsMax {
		next, rooms = chat.RoomID(rooms[roomsMax]), rooms[:roomsMax]
	}
	for _, room := range rooms {
		n, err := s.eraseRoom(ctx, c, room, e.BeforeMs, eventsMax-erased)
		if err != nil {
			return 0, 0, err
		}
		if erased += n; erased >= eventsMax {
			return chat.RoomID(room), erased, nil // it may have more
		}
	}
	return next, erased, nil
}

// eraseRoom erases up to most of a room's oldest events, those that are older, up to the
// first that is not, and never the newest of all. The head is locked, so that nobody
// appends meanwhile, and in the order of rooms, as for a commit.
func (s *Store) eraseRoom(ctx context.Context, c Conn, room, beforeMs int64, most int) (erased int, err error) {
	var last, upTo int64
	var end headEnd
	err = c.Query(ctx, s.sql.lockHead, []any{room}, func(scan Scan) error { return scan(&last, &end.flags, &end.said, &end.saidSeq) })
	if err != nil {
		return 0, err
	}
	young := false
	err = c.Query(ctx, s.sql.oldest, []any{room, int64(most)}, func(scan Scan) error {
		var seq, ms int64
		err := scan(&seq, &ms)
		if young = young || ms >= beforeMs || seq >= last; !young {
			upTo = seq
			erased++
		}
		return err
	})
	if err != nil || erased == 0 {
		return 0, err
	}
	if err := s.unnameGone(ctx, c, room, upTo); err != nil {
		return 0, err
	}
	if err := s.dropGone(ctx, c, room, upTo); err != nil {
		return 0, err
	}
	q, l, args := &s.sql.change, &s.sql.link, []any{room, upTo}
	return erased, execAll(ctx, c, stmt{s.sql.erase, args}, stmt{q.forget, args}, stmt{q.forgetEdits, args},
		stmt{q.forgetTallies, args}, stmt{q.forgetReactions, args},
		stmt{l.forgetMentions, args}, stmt{l.forgetReplies, args}, stmt{l.forgetThread, args}, stmt{s.sql.follow.forget, args})
}

package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"sarang/chat"
)

// appendRows compares and appends a batch inside a transaction, statement by statement:
// what an Appender does in one round trip. The heads are locked in the order of rooms.
// Whoever has them knows that no other transaction of the same batch is on its way, for
// that would have them; so only then the writer's row is looked at.
func (s *Store) appendRows(ctx context.Context, c Conn, b *Batch) (Outcome, error) {
	var lost strings.Builder
	ends := make([]headEnd, len(b.Heads))
	stands := make(map[chat.RoomID]bool, len(b.Heads))
	for i, h := range b.Heads {
		found := false
		var last int64
		err := c.Query(ctx, s.sql.lockHead, []any{int64(h.Room)}, func(scan Scan) error {
			found = true
			return scan(&last, &ends[i].flags, &ends[i].said, &ends[i].saidSeq)
		})
		switch {
		case err != nil:
			return Outcome{}, err
		case !found:
			return Outcome{State: NoRoom, Room: h.Room}, nil
		case ends[i].flags&headEphemeral != 0:
			return Outcome{State: Ephemeral, Room: h.Room}, nil
		case int64(h.After) != last:
			if lost.Len() > 0 {
				lost.WriteByte(' ')
			}
			fmt.Fprintf(&lost, "%d:%d", h.Room, last)
		default:
			stands[h.Room] = h.Events > 0
		}
	}
	o := Outcome{Lost: lost.String()}
	var number int64
	var before string
	written := false
	err := c.Query(ctx, s.sql.selectWriter, []any{int64(b.ID.Writer)}, func(scan Scan) error {
		written = true
		return scan(&number, &before)
	})
	switch {
	case err != nil:
		return Outcome{}, err
	case written && number == int64(b.ID.Number):
		// A write behind the first one: what is known is as safe as what is new.
		_, err := c.Exec(ctx, s.sql.touchWriter, int64(b.ID.Writer))
		return Outcome{State: Known, Lost: before}, err
	case written && number > int64(b.ID.Number):
		return Outcome{State: Overtaken}, nil
	}
	if stored, err := s.storeRows(ctx, c, b, stands, ends); err != nil || !stored {
		return o, err
	}
	if written {
		_, err = c.Exec(ctx, s.sql.updateWriter, int64(b.ID.Number), o.Lost, int64(b.ID.Writer))
	} else {
		_, err = c.Exec(ctx, s.sql.insertWriter, int64(b.ID.Writer), int64(b.ID.Number), o.Lost)
	}
	return o, err
}

// storeRows writes what belongs to the rooms that stand where b was decided.
func (s *Store) storeRows(ctx context.Context, c Conn, b *Batch, stands map[chat.RoomID]bool, ends []headEnd) (stored bool, err error) {
	heads := make(map[author]chat.Seq) // newest event before the batch
	known := make(map[author]bool)
	for _, a := range b.Authors {
		if !stands[a.Room] {
			continue
		}
		who := author{a.User, a.Room}
		var last int64
		err := c.Query(ctx, s.sql.selectAuthor, []any{int64(a.User), int64(a.Room)}, func(scan Scan) error {
			known[who] = true
			return scan(&last)
		})
		if err != nil {
			return false, err
		}
		heads[who] = chat.Seq(last)
	}
	rows := make([]Row, 0, len(b.Rows))
	for _, r := range b.Rows {
		if !stands[r.Room] {
			continue
		}
		if r.Prev == UnknownSeq {
			r.Prev = heads[author{r.User, r.Room}]
		}
		r.Said = ends[r.Head].with(r.Said)
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return false, nil
	}
	if err := s.insertRows(ctx, c, rows); err != nil {
		return false, err
	}
	if err := s.storeLinks(ctx, c, b, stands); err != nil {
		return false, err
	}
	if err := s.nameFiles(ctx, c, b, stands); err != nil {
		return false, err
	}
	if err := s.storeChanges(ctx, c, b, stands); err != nil {
		return false, err
	}
	for _, a := range b.Authors {
		if !stands[a.Room] {
			continue
		}
		query := s.sql.insertAuthor
		if known[author{a.User, a.Room}] {
			query = s.sql.updateAuthor
		}
		if _, err := c.Exec(ctx, query, int64(a.Last), int64(a.Sent), int64(a.User), int64(a.Room)); err != nil {
			return false, err
		}
	}
	for _, m := range b.Members {
		if !stands[m.Room] {
			continue
		}
		args := []any{int64(m.Role), m.UntilMs, int64(m.Seq), int64(m.Room), int64(m.User)}
		n, err := c.Exec(ctx, s.sql.updateMember, args...)
		if err == nil && n == 0 {
			_, err = c.Exec(ctx, s.sql.insertMember, args...)
		}
		if err != nil {
			return false, err
		}
	}
	for _, e := range b.Sets {
		if !stands[e.Room] {
			continue
		}
		if err := s.storeSetting(ctx, c, e); err != nil {
			return false, err
		}
	}
	for _, e := range b.Expires {
		if !stands[e.Room] {
			continue
		}
		if err := s.eraseUpTo(ctx, c, e); err != nil {
			return false, err
		}
	}
	for i, h := range b.Heads {
		if !stands[h.Room] {
			continue
		}
		if h.Ruled {
			ends[i].flags |= HeadRuled
		}
		said := ends[i].with(h.Said)
		args := []any{int64(h.After) + int64(h.Events), h.LastMs, ends[i].flags, int64(said.Count), int64(said.Newest), int64(h.Room)}
		if _, err := c.Exec(ctx, s.sql.updateHead, args...); err != nil {
			return false, err
		}
	}
	return true, nil
}

// headEnd is what a head says beside the number of its last event.
type headEnd struct{ flags, said, saidSeq int64 }

// with is what is said behind a part of a batch that is appended.
func (h *headEnd) with(part Said) Said {
	if part.Count == 0 {
		part.Newest = chat.Seq(h.saidSeq)
	}
	part.Count += uint64(h.said)
	return part
}

// author is a user in a room.
type author struct {
	user chat.UserID
	room chat.RoomID
}

// insertRows inserts events, many at a time while there are as many.
func (s *Store) insertRows(ctx context.Context, c Conn, rows []Row) error {
	args := make([]any, 0, bulkRows*15)
	for len(rows) > 0 {
		query, n := s.sql.insertMessage, 1
		if len(rows) >= bulkRows {
			query, n = s.sql.insertMessages, bulkRows
		}
		args = args[:0]
		for _, r := range rows[:n] {
			args = append(args, int64(r.Room), int64(r.Seq), int64(r.User), int64(r.Kind), int64(r.Nonce), r.TimeMs,
				int64(r.Prev), int64(r.Target), int64(r.Subject), int64(r.Role), r.Extra(), int64(r.StoredDigest()), int64(r.Said.Count), int64(r.Said.Newest), r.Body())
		}
		if _, err := c.Exec(ctx, query, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

package sqlite

import (
	"context"

	"sarang/chat"
)

// Commit is documented at chat.Store.
func (s *Store) Commit(ctx context.Context, appends []chat.Append) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	n, err := s.commit(ctx, appends)
	switch {
	case err != nil:
		s.counts.commitsFailed.Add(1)
	case n > 0:
		s.counts.commits.Add(1)
		s.counts.events.Add(uint64(n))
	}
	return err
}

// commit returns how many events it stored.
func (s *Store) commit(ctx context.Context, appends []chat.Append) (int, error) {
	w := s.writer
	if err := w.take(ctx); err != nil {
		return 0, err
	}
	defer w.giveBack()
	if err := w.ready(ctx); err != nil {
		return 0, err
	}
	b := batch{
		next:  make(map[chat.RoomID]chat.Seq, len(appends)),
		index: make(map[author]int),
	}
	if err := w.check(&b, appends); err != nil || len(b.rows) == 0 {
		return 0, err
	}
	err := w.transact(ctx, func() error { return w.store(ctx, &b) }, func() bool { return w.has(&b) })
	if err != nil {
		return 0, err
	}
	w.learn(&b)
	return len(b.rows), nil
}

// batch is one commit on its way: the events in order, where each room's log ends
// after it, and what changes for each author.
type batch struct {
	rows    []row
	next    map[chat.RoomID]chat.Seq // the Seq that each room expects next
	authors []authorDelta
	index   map[author]int // into authors
}

// row is an event with the Seq of its author's message before it.
type row struct {
	room  chat.RoomID
	event *chat.Event
	prev  chat.Seq
}

type authorDelta struct {
	author
	last chat.Seq // newest message of the author so far
	sent int      // messages in this batch
}

// check fills b.rows and b.next, or says what is wrong. Nothing is written before
// everything has passed.
func (w *writer) check(b *batch, appends []chat.Append) error {
	total := 0
	for _, a := range appends {
		total += len(a.Events)
	}
	b.rows = make([]row, 0, total)
	for _, a := range appends {
		state, known := w.rooms[a.Room]
		if !known {
			return chat.Errorf(chat.CodeNoRoom, "there is no room with id %d", a.Room)
		}
		if state.ephemeral {
			return chat.Errorf(chat.CodeBadRequest, "room %d is ephemeral: nothing of it is stored", a.Room)
		}
		next, begun := b.next[a.Room]
		if !begun {
			next = state.last + 1
		}
		for i := range a.Events {
			if err := w.checkEvent(a.Room, &a.Events[i], next); err != nil {
				return err
			}
			b.rows = append(b.rows, row{room: a.Room, event: &a.Events[i]})
			next++
		}
		b.next[a.Room] = next
	}
	return nil
}

func (w *writer) checkEvent(room chat.RoomID, e *chat.Event, next chat.Seq) error {
	switch {
	case e.Seq != next:
		return chat.Errorf(chat.CodeSequence, "room %d goes on with %d, not with %d", room, next, e.Seq)
	case e.Room != room:
		return chat.Errorf(chat.CodeBadRequest, "an event of room %d is appended to room %d", e.Room, room)
	case e.User == 0 || e.User > w.userLast:
		return chat.Errorf(chat.CodeBadRequest, "there is no user with id %d", e.User)
	}
	return nil
}

// store writes b inside a transaction.
func (w *writer) store(ctx context.Context, b *batch) error {
	for i := range b.rows {
		if err := w.link(ctx, b, &b.rows[i]); err != nil {
			return err
		}
	}
	err := w.insert(ctx, w.insertMessages, len(b.rows), func(args []any, i int) []any {
		r := &b.rows[i]
		return append(args, int64(r.room), int64(r.event.Seq), int64(r.event.User), int64(r.event.Kind),
			int64(r.event.Nonce), r.event.TimeMs, int64(r.prev), r.event.Text)
	})
	if err != nil {
		return err
	}
	return w.insert(ctx, w.upsertAuthors, len(b.authors), func(args []any, i int) []any {
		a := &b.authors[i]
		return append(args, int64(a.user), int64(a.room), int64(a.last), int64(a.sent))
	})
}

// link puts a message at the head of its author's list.
func (w *writer) link(ctx context.Context, b *batch, r *row) error {
	if r.event.Kind != chat.EventMessage {
		return nil
	}
	who := author{user: r.event.User, room: r.room}
	at, found := b.index[who]
	if !found {
		if err := ctx.Err(); err != nil {
			return err
		}
		last, err := w.headOf(who)
		if err != nil {
			return err
		}
		at = len(b.authors)
		b.index[who] = at
		b.authors = append(b.authors, authorDelta{author: who, last: last})
	}
	a := &b.authors[at]
	r.prev, a.last = a.last, r.event.Seq
	a.sent++
	return nil
}

// has tells, after settling, whether b is stored: of one transaction it is enough
// to look at one room.
func (w *writer) has(b *batch) bool {
	first := b.rows[0].room
	return w.rooms[first].last+1 >= b.next[first]
}

// learn brings what the writer knows up to date with a stored b.
func (w *writer) learn(b *batch) {
	for room, next := range b.next {
		w.rooms[room] = roomState{last: next - 1}
	}
	for i := range b.authors {
		w.keepHead(b.authors[i].author, b.authors[i].last)
	}
}

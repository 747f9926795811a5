package sqlite

import (
	"context"

	"sarang/chat"
)

// Commit is documented at chat.Store.
func (s *Store) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	conflicts, err := s.commit(ctx, b)
	if err != nil {
		s.counts.commitsFailed.Add(1)
		return nil, writeError(err)
	}
	return conflicts, nil
}

func (s *Store) commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	w := s.writer
	if err := w.take(ctx); err != nil {
		return nil, err
	}
	defer w.giveBack()
	if err := w.ready(ctx); err != nil {
		return nil, err
	}
	if known := w.outcomes.find(b.ID); known != nil {
		return w.readConflicts(ctx, known.conflicts)
	}
	p, err := w.plan(ctx, b)
	if err != nil {
		return nil, err
	}
	// The conflicts are read first: if they can not be, nothing is stored.
	conflicts, err := w.readConflicts(ctx, p.conflicts)
	if err != nil {
		return nil, err
	}
	if err := w.linkAll(ctx, p); err != nil {
		return nil, err
	}
	c := p.change // complete from here on
	learn := func() {
		w.learn(&c)
		if c.events > 0 {
			s.counts.commits.Add(1)
			s.counts.events.Add(uint64(c.events))
			s.wakeIndexer()
		}
	}
	if c.events == 0 {
		learn()
		return conflicts, nil
	}
	do := func() error { return w.store(ctx, p) }
	stored := func() (bool, error) { return w.has(&c) }
	if err := w.transact(ctx, do, outcomeOf{stored, learn}); err != nil {
		return nil, err
	}
	return conflicts, nil
}

// plan is a batch that has passed all checks: what is to be written, and what changes
// by that.
type plan struct {
	rows   []row
	about  bool          // one of the rows is about another event, or a user
	roles  []*chat.Event // those of the rows that give roles
	alter  []*chat.Event // and those that change messages
	sets   []*chat.Event // and those that change what the room is
	named  []*chat.Event // and those that name files
	expire []*chat.Event // and those that erase the beginning of a log
	ruled  []chat.RoomID // rooms in which nobody was given a role before
	linked []*chat.Event // and messages that mention somebody, or answer
	change
}

// change is what the writer learns when a plan is stored. It outlives a call whose
// outcome is unknown and so holds nothing of the caller's.
type change struct {
	id        chat.BatchID
	events    int
	first     chat.RoomID // one of ends
	ends      map[chat.RoomID]roomState
	authors   []authorDelta
	conflicts []conflictHead
}

// row is an event with the Seq of its author's event before it, and what is said in the room
// by then.
type row struct {
	event *chat.Event
	prev  chat.Seq
	said  said
}

// author is a user in a room.
type author struct {
	user chat.UserID
	room chat.RoomID
}

type authorDelta struct {
	author
	last chat.Seq // newest event of the author so far
	sent int      // messages in this batch
}

// storeRows writes the events. Most say something and are about nothing: those need no
// columns for that, and binding fewer is quicker.
func (w *writer) storeRows(ctx context.Context, p *plan) error {
	plain := func(args []any, i int) []any {
		e := p.rows[i].event
		return append(args, int64(e.Room), int64(e.Seq), int64(e.User), int64(e.Kind), int64(e.Nonce), e.TimeMs,
			int64(p.rows[i].prev), e.Body(), int64(e.StoredDigest()), int64(p.rows[i].said.count), int64(p.rows[i].said.seq))
	}
	if !p.about {
		return w.insert(ctx, w.insertMessages, len(p.rows), plain)
	}
	return w.insert(ctx, w.insertEvents, len(p.rows), func(args []any, i int) []any {
		e := p.rows[i].event
		return append(plain(args, i), int64(e.Target), int64(e.Subject), int64(e.Role), e.Extra())
	})
}

// store writes p inside a transaction.
func (w *writer) store(ctx context.Context, p *plan) error {
	if err := w.storeRows(ctx, p); err != nil {
		return err
	}
	err := w.insert(ctx, w.upsertAuthors, len(p.authors), func(args []any, i int) []any {
		a := &p.authors[i]
		return append(args, int64(a.user), int64(a.room), int64(a.last), int64(a.sent))
	})
	if err != nil {
		return err
	}
	if err := w.storeLinks(ctx, p.linked); err != nil {
		return err
	}
	if err := w.nameFiles(ctx, p.named); err != nil {
		return err
	}
	if err := w.storeChanges(ctx, p.alter); err != nil {
		return err
	}
	for _, e := range p.sets {
		if err := w.storeSetting(e); err != nil {
			return err
		}
	}
	for _, e := range p.expire {
		if err := w.eraseUpTo(ctx, e); err != nil {
			return err
		}
	}
	return w.storeRoles(ctx, p)
}

func (w *writer) storeRoles(ctx context.Context, p *plan) error {
	for _, room := range p.ruled {
		if err := exec(context.Background(), w.updateRuled, roomRuled, int64(room)); err != nil {
			return err
		}
	}
	return w.insert(ctx, w.upsertMembers, len(p.roles), func(args []any, i int) []any {
		e := p.roles[i]
		return append(args, int64(e.Room), int64(e.Subject), int64(e.Role), int64(e.Seq), e.UntilMs)
	})
}

// linkAll puts each authored event at the head of its author's list. It reads alone, so
// it is done before the transaction begins: nobody else writes in between.
func (w *writer) linkAll(ctx context.Context, p *plan) error {
	index := make(map[author]int) // into p.authors
	for i := range p.rows {
		r := &p.rows[i]
		if !r.event.Kind.Authored() {
			continue
		}
		who := author{user: r.event.User, room: r.event.Room}
		at, found := index[who]
		if !found {
			if err := ctx.Err(); err != nil {
				return err
			}
			last, err := w.headOf(who)
			if err != nil {
				return err
			}
			at = len(p.authors)
			index[who] = at
			p.authors = append(p.authors, authorDelta{author: who, last: last})
		}
		a := &p.authors[at]
		r.prev, a.last = a.last, r.event.Seq
		if r.event.Kind == chat.EventMessage {
			a.sent++
		}
	}
	return nil
}

// has reports, after a COMMIT that failed has been settled, whether c took effect. From
// the moment in which c was decided until it is settled nobody else could write: the
// folder is locked, and this store writes nothing while it is unsettled. So its rooms
// end where c would have them end, or where they ended before, and of one transaction it
// is enough to look at one room.
func (w *writer) has(c *change) (bool, error) {
	state, err := w.stateOf(c.first)
	return err == nil && state.last == c.ends[c.first].last, err
}

// learn brings what the writer knows up to date with a stored c.
func (w *writer) learn(c *change) {
	for room, state := range c.ends {
		w.rooms.keep(room, state)
	}
	w.index.add(c)
	for i := range c.authors {
		w.heads.keep(c.authors[i].author, c.authors[i].last)
	}
	w.outcomes.keep(c.id, c.conflicts)
}

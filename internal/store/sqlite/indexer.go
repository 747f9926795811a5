package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/internal/words"
)

// The indexer brings messages into the index, in small transactions of its own, and gives way to those who
// have something to store. For each room there is a mark of how far it has come (index_marks). Which rooms
// have more is remembered; what is not known of them, after a crash or of a database that had no index, is
// found by a look at all marks. A message is indexed as it is then: what was erased before that never is.
const (
	indexChunk   = 32                   // events of one room that are looked at between two looks around
	indexPiece   = 256                  // events of one transaction, about
	indexTime    = 4 * time.Millisecond // for which it goes on,
	indexShort   = time.Millisecond     // or for which, if others have had the turn for much of the time
	indexMarks   = 256                  // marks that are looked at in one go
	indexRestMin = 2                    // so many times as long as it took the next one waits,
	indexRestMax = 30                   // and so many if others have had the turn for much of the time,
	indexShare   = 4                    // which is one part in so many
	indexAgain   = 10 * time.Second     // until what has failed is tried again

	roomsBehindMax = 1 << 14 // that are remembered; if there are more all marks are looked at
)

// backlog is what the indexer has to do. It belongs to whoever has the writer's turn.
type backlog struct {
	on     bool                 // there is an indexer
	rooms  map[chat.RoomID]bool // have events behind their marks; true: since before the store knew of it
	old    int                  // how many of them are true
	search bool                 // all marks are to be looked at,
	after  chat.RoomID          // from this room on
	behind atomic.Int64         // events, about
	left   bool                 // a room was given up for a damaged message

	endedAt time.Time     // when the piece before ended
	busy    time.Duration // writer.busy by then, that piece included
}

// add notes that something was said in rooms.
func (b *backlog) add(c *change) {
	if !b.on {
		return
	}
	b.behind.Add(int64(c.events))
	for room := range c.ends {
		b.addRoom(room)
	}
}

func (b *backlog) addRoom(room chat.RoomID) {
	if _, is := b.rooms[room]; is {
		return
	}
	if len(b.rooms) >= roomsBehindMax {
		b.search, b.after = true, 0
		return
	}
	b.rooms[room] = false
}

func (b *backlog) remove(room chat.RoomID) {
	if b.rooms[room] {
		b.old--
	}
	delete(b.rooms, room)
}

// beginIndex finds out what the indexer has to do. A database without messages has its index at once.
func (w *writer) beginIndex(ctx context.Context, off bool) error {
	st, err := w.indexState(ctx)
	if err != nil {
		return err
	}
	var anything bool
	if err := w.conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM messages)").Scan(flag{&anything}); err != nil {
		return err
	}
	want, whole := indexState{version: st.version}, st.done
	if !off && !anything {
		want.version, whole = words.Version(), true
	}
	x := &w.index
	x.rooms, x.on = make(map[chat.RoomID]bool), !off
	x.stale = want.version != words.Version()
	x.search = !whole || x.stale
	w.indexed.Store(!off && !x.search)
	if want == st {
		return nil
	}
	return w.transact(ctx, func() error { return w.setIndexState(want) }, outcomeOf{func() (bool, error) { return true, nil }, func() {}})
}

// endIndex notes that no log has anything behind its mark, if so, so that nobody has to look. If that
// can not be noted somebody will.
func (w *writer) endIndex() {
	x := &w.index
	if x.on && !x.stale && !x.search && !x.left && len(x.rooms) == 0 && !w.unsettled.Load() {
		_ = w.setIndexState(indexState{words.Version(), true})
	}
}

// startIndexer begins to bring messages into the index.
func (s *Store) startIndexer() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopIndexer = stop
	if s.noSearch || s.indexAfter < 0 {
		return
	}
	s.indexing.Add(1)
	go func() {
		defer s.indexing.Done()
		s.runIndexer(ctx)
	}()
}

// wakeIndexer says that something was committed. It is all that a commit has to do with the index.
func (s *Store) wakeIndexer() {
	select {
	case s.indexWake <- struct{}{}:
	default:
	}
}

func (s *Store) runIndexer(ctx context.Context) {
	pause := time.NewTimer(0) // there may be something from before
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		p, err := s.indexSome(ctx)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				s.log.Warn("bringing messages into the index failed; it goes on later", "error", err)
			}
			pause.Reset(indexAgain)
			continue
		case !p.done && p.crowded:
			pause.Reset(indexRestMax * p.took)
			continue
		case !p.done:
			pause.Reset(indexRestMin * p.took)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.indexWake:
			pause.Reset(s.indexAfter)
		}
	}
}

// Indexed is documented at chat.Indexer. It does not wait for the indexer but does its work.
func (s *Store) Indexed(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if s.noSearch {
		return chat.Errorf(chat.CodeNoSearch, "this server does not search")
	}
	for {
		if p, err := s.indexSome(ctx); err != nil {
			return writeError(err)
		} else if p.done {
			return nil
		}
	}
}

// piece is what became of a piece of the indexer's work.
type piece struct {
	done    bool          // it was the last one
	crowded bool          // others have had the turn for much of the time since the one before
	took    time.Duration // for which it had the turn
}

// indexSome does the next piece.
func (s *Store) indexSome(ctx context.Context) (p piece, err error) {
	w := s.writer
	if err := w.take(ctx); err != nil {
		return p, err
	}
	defer w.giveBack()
	begun := time.Now()
	x := &w.index
	// Who waits at this moment does not tell: where processors are few nobody gets as far as to
	// wait while this one computes.
	p.crowded = w.wanted.Load() > 0 || indexShare*(w.busy-x.busy) > begun.Sub(x.endedAt)
	defer func() {
		x.endedAt = time.Now()
		x.busy = w.busy + x.endedAt.Sub(w.takenAt)
	}()
	switch {
	case x.stale:
		err = w.indexAnew(ctx)
	case x.search && x.old == 0:
		err = w.findBehind()
	case len(x.rooms) > 0:
		most := indexTime
		if p.crowded {
			most = indexShort
		}
		err = s.indexPiece(ctx, begun, most)
	}
	if err != nil {
		return p, err
	}
	if !x.search && x.old == 0 && !w.indexed.Swap(true) {
		s.log.Info("all messages can be searched")
	}
	if p.done = !x.search && len(x.rooms) == 0; p.done {
		x.behind.Store(0)
	}
	p.took = time.Since(begun)
	return p, nil
}

// again is the outcome of a transaction that is made again when it is not known whether it was stored.
func again(learn func()) outcomeOf {
	return outcomeOf{func() (bool, error) { return false, nil }, learn}
}

// indexAnew empties an index whose texts were cut in another way.
func (w *writer) indexAnew(ctx context.Context) error {
	if err := w.ready(ctx); err != nil {
		return err
	}
	do := func() error {
		return firstError(w.run("INSERT INTO search (search) VALUES ('delete-all')"), w.run("DELETE FROM indexed"),
			w.run("DELETE FROM index_marks"), w.setIndexState(indexState{version: words.Version()}))
	}
	return w.transact(ctx, do, again(func() { w.index.stale = false }))
}

// findBehind looks at the next marks.
func (w *writer) findBehind() error {
	x := &w.index
	w.indexed.Store(false)
	rows, err := x.marks.QueryContext(context.Background(), int64(x.after), indexMarks)
	if err != nil {
		return readError(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var room chat.RoomID
		var last, mark chat.Seq
		if err := rows.Scan(number[chat.RoomID]{&room}, number[chat.Seq]{&last}, number[chat.Seq]{&mark}); err != nil {
			return readError(err)
		}
		x.after = room
		if last <= mark {
			continue
		}
		was, known := x.rooms[room]
		if !known {
			x.behind.Add(int64(last - mark))
		}
		if !was {
			x.rooms[room] = true
			x.old++
		}
	}
	if err := rows.Err(); err != nil {
		return readError(err)
	}
	x.search = n == indexMarks
	return nil
}

// indexPiece brings some messages that are behind their rooms' marks into the index, until it has
// gone on for most, or somebody waits for the turn. Their transaction is not synced: the next commit of
// others is, and with it what stands before it in the log. Until then a power cut takes the index and its
// marks back, both, and the messages are brought in again.
func (s *Store) indexPiece(ctx context.Context, begun time.Time, most time.Duration) error {
	w := s.writer
	if err := w.ready(ctx); err != nil {
		return err
	}
	looked := 0
	var finished []chat.RoomID
	do := func() error {
		for room := range w.index.rooms {
			for n := indexChunk; n == indexChunk; {
				var err error
				var damaged *columnError
				switch n, err = w.indexRoom(ctx, room); {
				case errors.As(err, &damaged):
					w.index.left = true
					s.log.Warn("a damaged message keeps those behind it out of the index, until the store is opened again or more is said in its room", "room", room, "error", err)
				case err != nil:
					return err
				}
				looked += n
				if n < indexChunk {
					finished = append(finished, room)
				}
				if looked >= indexPiece || time.Since(begun) > most || w.wanted.Load() > 0 {
					return nil
				}
			}
		}
		return nil
	}
	return w.unsynced(func() error {
		return w.transact(ctx, do, again(func() {
			for _, room := range finished {
				w.index.remove(room)
			}
			w.index.behind.Add(-int64(looked))
		}))
	})
}

// indexRoom brings the next messages of a room into the index, and reports how many events it has looked
// at. None of them is there: an entry behind the mark is never made, and both change together.
func (w *writer) indexRoom(ctx context.Context, room chat.RoomID) (looked int, err error) {
	mark, err := w.markOf(room)
	if err != nil {
		return 0, err
	}
	entries, err := w.unread(room, mark)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	looked, mark = len(entries), entries[len(entries)-1].seq
	entries = slices.DeleteFunc(entries, func(e entry) bool { return e.terms == "" })
	return looked, firstError(w.addEntries(ctx, entries), exec(context.Background(), w.index.setMark, int64(room), int64(mark)))
}

// unread is what the next events of a room behind its mark say now.
func (w *writer) unread(room chat.RoomID, mark chat.Seq) (entries []entry, err error) {
	rows, err := w.index.unread.QueryContext(context.Background(), int64(room), int64(mark), indexChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := nowOf(rows.Scan, room)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// markOf is up to where the indexer has looked at a room's log.
func (w *writer) markOf(room chat.RoomID) (mark chat.Seq, err error) {
	err = w.index.mark.QueryRowContext(context.Background(), int64(room)).Scan(number[chat.Seq]{&mark})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return mark, err
}

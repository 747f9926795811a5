package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/internal/words"
	"sarang/lock"
)

// The indexer brings messages into the index, in small transactions of its own. Each server brings in what it
// has stored itself, one server at a time: the row of search_state is locked for it. A room's mark says how
// far its log was looked at, so that nothing is brought in twice. What nobody knows of, after a crash, of a
// server that has no indexer, or from before there was an index, is found by a look at all marks, with the
// start and now and then.
const (
	indexPieceMax = 512                   // events of one transaction, about
	indexTimeMax  = 50 * time.Millisecond // for which it goes on
	indexRestMin  = 5 * time.Millisecond  // between two of them, or as long as the one before took
	indexAgain    = 10 * time.Second      // until what has failed is tried again
	indexLookEach = 10 * time.Minute      // all marks are looked at
	marksAtOnce   = 1024                  // that are looked at in one go

	roomsBehindMax = 1 << 14 // that are remembered; if there are more all marks are looked at
)

// backlog is what the indexer has to do.
type backlog struct {
	mu    lock.Mutex
	rooms map[chat.RoomID]bool // have events behind their marks; true: since before they were looked at
	old   int                  // how many of them are true
	look  bool                 // all marks are to be looked at,
	after chat.RoomID          // from this room on

	behind atomic.Int64 // events, about
	begun  atomic.Bool  // the index is of this program's version, or of one that came later
	whole  atomic.Bool  // what was there before the store was opened is in the index
	wake   chan struct{}
	turn   chan struct{} // full while somebody does its work: it, or Indexed
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func (b *backlog) init() {
	b.mu.Init(lock.NewClass("sqlstore.backlog"))
	b.rooms, b.look = make(map[chat.RoomID]bool), true
	b.wake, b.turn = make(chan struct{}, 1), make(chan struct{}, 1)
	b.stop = func() {}
}

// add notes that something may have been said in rooms.
func (b *backlog) add(heads []Head) {
	b.mu.Lock()
	for _, h := range heads {
		b.behind.Add(int64(h.Events))
		b.addRoom(h.Room, false)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *backlog) addRoom(room chat.RoomID, old bool) {
	was, is := b.rooms[room]
	if !is && len(b.rooms) >= roomsBehindMax && !old {
		b.look, b.after = true, 0
		return
	}
	if b.rooms[room] = was || old; old && !was {
		b.old++
	}
}

// next returns some rooms that have events behind their marks, in order; or whether all marks are to
// be looked at first, from a room on.
func (b *backlog) next() (rooms []chat.RoomID, look bool, after chat.RoomID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.look && b.old == 0 {
		return nil, true, b.after
	}
	for room := range b.rooms {
		if rooms = append(rooms, room); len(rooms) == indexPieceMax {
			break
		}
	}
	slices.Sort(rooms)
	return rooms, false, 0
}

// take takes rooms away, and keep gives those back of which not all was looked at.
func (b *backlog) take(rooms []chat.RoomID) (taken map[chat.RoomID]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken = make(map[chat.RoomID]bool, len(rooms))
	for _, room := range rooms {
		taken[room] = b.rooms[room]
		delete(b.rooms, room)
	}
	return taken
}

func (b *backlog) keep(taken map[chat.RoomID]bool, finished []chat.RoomID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, room := range finished {
		if taken[room] {
			b.old--
		}
		delete(taken, room)
	}
	for room, old := range taken {
		if b.rooms[room] && old {
			b.old-- // it was found again meanwhile
		}
		b.rooms[room] = b.rooms[room] || old
	}
}

// startIndexer begins to bring messages into the index.
func (s *Store) startIndexer() {
	if s.config.NoSearch || s.config.IndexAfter < 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.backlog.stop = stop
	s.backlog.ended.Add(1)
	go func() {
		defer s.backlog.ended.Done()
		s.runIndexer(ctx)
	}()
}

func (s *Store) runIndexer(ctx context.Context) {
	b := &s.backlog
	pause, look := time.NewTimer(0), time.NewTicker(indexLookEach)
	defer pause.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		began := time.Now()
		done, err := s.indexSome(ctx)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				s.log.Warn("bringing messages into the index failed; it goes on later", "error", err)
			}
			pause.Reset(indexAgain)
			continue
		case !done:
			pause.Reset(max(time.Since(began), indexRestMin))
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
			pause.Reset(s.config.IndexAfter)
		case <-look.C:
			b.lookAgain()
			pause.Reset(0)
		}
	}
}

func (b *backlog) lookAgain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look, b.after = true, 0
}

// Indexed is documented at chat.Indexer. It does not wait for the indexers but does their work.
func (s *Store) Indexed(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if s.config.NoSearch {
		return noSearch()
	}
	s.backlog.lookAgain() // others may have stored something
	for {
		if done, err := s.indexSome(ctx); err != nil || done {
			return err
		}
	}
}

// indexSome does the next piece, and reports whether it was the last one.
func (s *Store) indexSome(ctx context.Context) (done bool, err error) {
	b := &s.backlog
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return false, endedError(ctx.Err())
	}
	defer func() { <-b.turn }()
	rooms, look, after := b.next()
	switch {
	case look:
		err = s.lookAtMarks(ctx, after)
	case len(rooms) > 0:
		err = s.indexRooms(ctx, rooms)
	}
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.look && b.old == 0 && !b.whole.Swap(true) {
		s.log.Info("all messages can be searched")
	}
	if done = !b.look && len(b.rooms) == 0; done {
		b.behind.Store(0)
	}
	return done, nil
}

// lookAtMarks looks at the next marks.
func (s *Store) lookAtMarks(ctx context.Context, after chat.RoomID) error {
	gen, err := s.generation(ctx)
	if err != nil {
		return err
	}
	var behind map[chat.RoomID]int64
	var n int
	next := after
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		behind, n, next = make(map[chat.RoomID]int64), 0, after
		return c.Query(ctx, s.sql.index.marks, []any{signed(after), int64(marksAtOnce)}, func(scan Scan) error {
			var room, mark, of, last int64
			err := scan(&room, &mark, &of, &last)
			if of != gen {
				mark = 0
			}
			if last > mark {
				behind[chat.RoomID(room)] = last - mark
			}
			n, next = n+1, chat.RoomID(room)
			return err
		})
	})
	if err != nil {
		return err
	}
	b := &s.backlog
	b.mu.Lock()
	defer b.mu.Unlock()
	for room, events := range behind {
		if _, known := b.rooms[room]; !known {
			b.behind.Add(events)
		}
		b.addRoom(room, true)
	}
	if b.after != after {
		return nil // somebody has begun anew
	}
	// The rows of a room and of its mark go together, so a page that is not full is the last one.
	b.after, b.look = next, n == marksAtOnce
	return nil
}

// generation is that of the index. It begins a new one, once, if another version of this program cuts
// texts into words otherwise: what is there then is brought in again, by whoever was opened last.
func (s *Store) generation(ctx context.Context) (gen int64, err error) {
	state := func(ctx context.Context, c Conn, query string) (version string, err error) {
		err = c.Query(ctx, query, nil, func(scan Scan) error { return scan(&version, &gen) })
		return version, err
	}
	b := &s.backlog
	if b.begun.Load() {
		err = s.read(ctx, func(ctx context.Context, c Conn) error {
			_, err := state(ctx, c, s.sql.index.state)
			return err
		})
		return gen, err
	}
	err = s.writeOn(ctx, s.indexers, s.config.WriteTime, func(ctx context.Context, c Conn) error {
		return s.inTx(ctx, c, func() error {
			version, err := state(ctx, c, s.sql.index.lockState)
			if err != nil || version == words.Version() {
				return err
			}
			gen++
			_, err = c.Exec(ctx, s.sql.index.setState, words.Version(), gen)
			return err
		})
	})
	if err != nil {
		return 0, settle(err)
	}
	b.begun.Store(true)
	return gen, nil
}

func (s *Store) lockState(ctx context.Context, c Conn) (version string, gen int64, err error) {
	err = c.Query(ctx, s.sql.index.lockState, nil, func(scan Scan) error { return scan(&version, &gen) })
	return version, gen, err
}

// indexRooms brings some messages that are behind the marks of rooms into the index, in one transaction.
func (s *Store) indexRooms(ctx context.Context, rooms []chat.RoomID) error {
	b := &s.backlog
	taken := b.take(rooms)
	var finished []chat.RoomID
	looked := 0
	err := s.writeOn(ctx, s.indexers, s.config.WriteTime, func(ctx context.Context, c Conn) error {
		began := time.Now()
		finished, looked = nil, 0
		return s.inTx(ctx, c, func() error {
			version, gen, err := s.lockState(ctx, c)
			switch {
			case err != nil:
				return err
			case version != words.Version():
				finished = rooms // it is the matter of newer servers
				return nil
			}
			for _, room := range rooms {
				for n := unreadAtOnce; n == unreadAtOnce; {
					if n, err = s.indexRoom(ctx, c, room, gen); err != nil {
						return err
					}
					looked += n
					if n < unreadAtOnce {
						finished = append(finished, room)
					}
					if looked >= indexPieceMax || time.Since(began) > indexTimeMax {
						return nil
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		b.keep(taken, nil)
		return settle(err)
	}
	b.behind.Add(-int64(looked))
	b.keep(taken, finished)
	return nil
}

// indexRoom brings the next messages of a room into the index, and reports how many events it has
// looked at. Whoever edits or erases one waits for the mark, or has done it.
func (s *Store) indexRoom(ctx context.Context, c Conn, room chat.RoomID, gen int64) (looked int, err error) {
	mark, of, there, err := s.lockMark(ctx, c, signed(room))
	if err != nil || !there {
		return 0, err
	}
	if of != gen {
		mark = 0
	}
	entries, looked, last, err := s.unread(ctx, c, room, mark)
	if err != nil || looked == 0 {
		return 0, err
	}
	if err := s.putEntries(ctx, c, room, mark, last, entries); err != nil {
		return 0, err
	}
	_, err = c.Exec(ctx, s.sql.index.setMark, last, gen, signed(room))
	return looked, err
}

// unread is what the next messages of a room behind its mark say now, those that were deleted left out.
func (s *Store) unread(ctx context.Context, c Conn, room chat.RoomID, mark int64) (entries []entry, looked int, last int64, err error) {
	type message struct {
		chat.Event
		edited bool
	}
	var said []message
	edited := false
	err = c.Query(ctx, s.sql.index.unread, []any{signed(room), mark, int64(unreadAtOnce)}, func(scan Scan) error {
		var m message
		var kind, user, edit, deleted int64
		var body string
		if err := scan(&last, &kind, &user, &m.TimeMs, &body, &edit, &deleted); err != nil {
			return err
		}
		looked++
		if chat.EventKind(kind) != chat.EventMessage || deleted != 0 {
			return nil
		}
		m.Seq, m.Kind, m.User, m.edited = chat.Seq(last), chat.EventMessage, chat.UserID(user), edit != 0
		m.SetBody(body)
		edited = edited || m.edited
		said = append(said, m)
		return nil
	})
	if err != nil {
		return nil, 0, 0, err
	}
	texts := make(map[chat.Seq]string)
	if edited {
		err = c.Query(ctx, s.sql.index.edited, []any{signed(room), mark, last, int64(unreadAtOnce)}, func(scan Scan) error {
			var seq int64
			var text string
			err := scan(&seq, &text)
			texts[chat.Seq(seq)] = text
			return err
		})
	}
	for i := range said {
		m := &said[i]
		if m.edited {
			m.Text = texts[m.Seq]
		}
		entries = append(entries, entry{seq: m.Seq, ms: m.TimeMs, terms: termsOf(room, &m.Event)})
	}
	return entries, looked, last, err
}

// putEntries puts entries of a room between two of its events into the index, or anew if they are there.
func (s *Store) putEntries(ctx context.Context, c Conn, room chat.RoomID, after, last int64, entries []entry) error {
	there, err := s.entries(ctx, c, s.sql.index.placesBetween, signed(room), after, last)
	if err != nil {
		return err
	}
	var old, fresh []entry
	for _, e := range entries {
		at := slices.IndexFunc(there, func(t entry) bool { return t.seq == e.seq })
		if at < 0 {
			fresh = append(fresh, e)
			continue
		}
		e.place, e.was = there[at].place, there[at].was
		old = append(old, e)
	}
	if err := s.changeTerms(ctx, c, old...); err != nil {
		return err
	}
	if err := s.givePlaces(ctx, c, fresh); err != nil {
		return err
	}
	var pairs []pair
	for _, e := range fresh {
		if e.place == 0 {
			continue
		}
		if _, err := c.Exec(ctx, s.sql.index.insertPlace, e.place, signed(room), signed(e.seq), e.terms); err != nil {
			return err
		}
		pairs = pairsOf(pairs, e.terms, e.place)
	}
	return s.addPairs(ctx, c, pairs)
}

// givePlaces gives entries the next places of their milliseconds.
func (s *Store) givePlaces(ctx context.Context, c Conn, entries []entry) error {
	firsts := make([]int64, 0, len(entries))
	for _, e := range entries {
		firsts = append(firsts, firstPlace(e.ms))
	}
	slices.Sort(firsts)
	firsts = slices.Compact(firsts)
	next := make(map[int64]int64, len(firsts))
	for len(firsts) > 0 {
		some := firsts[:min(len(firsts), lastsAtOnce)]
		firsts = firsts[len(some):]
		args := make([]any, 0, 2*lastsAtOnce)
		for i := range lastsAtOnce {
			first := some[min(i, len(some)-1)]
			next[first] = max(first, 1) // 0 is none
			args = append(args, first, first+placeMost, int64(1))
		}
		err := c.Query(ctx, s.sql.index.lastPlaces, args, func(scan Scan) error {
			var last int64
			err := scan(&last)
			next[last&^placeMost] = last + 1
			return err
		})
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	for i := range entries {
		e := &entries[i]
		if first := firstPlace(e.ms); next[first] <= first+placeMost {
			e.place = next[first]
			next[first]++
		}
	}
	return nil
}

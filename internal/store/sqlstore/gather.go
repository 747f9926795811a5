package sqlstore

import (
	"context"
	"slices"

	"sarang/chat"
	"sarang/lock"
)

// gatherQueue is the small writes, claims and new rooms, that wait for a transaction.
// Whoever of those that wait gets the turn does the work of all.
type gatherQueue struct {
	max     int           // in one transaction
	turn    chan struct{} // full while somebody has the turn
	mu      lock.Mutex
	waiting []*pending
}

// pending is a small write; it is answered when done is closed.
type pending struct {
	// do is called inside a transaction, and again in another one if that failed. A
	// *chat.Error is its answer; any other error ends the transaction.
	do func(ctx context.Context, t *smallTx) error
	// helps says that nobody waits for it longer than his ctx: whatever it does is seen by
	// nobody then.
	helps bool
	done  chan struct{}
	err   error
}

// smallTx is a transaction of small writes. It has the counters locked: those of all
// servers wait for each other here, and so for names and numbers, too.
type smallTx struct {
	conn     Conn
	again    bool // what is to be done may have been done already
	users    chat.UserID
	rooms    chat.RoomID
	roomsAre int64
}

func (q *gatherQueue) init(most int) {
	q.max, q.turn = most, make(chan struct{}, 1)
	q.mu.Init(lock.NewClass("sqlstore.small"))
}

func (q *gatherQueue) add(p *pending) {
	p.done = make(chan struct{})
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, p)
}

// remove takes p back; false if it is being answered.
func (q *gatherQueue) remove(p *pending) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, p)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	return true
}

// take returns the oldest, at most max, which must now be answered.
func (q *gatherQueue) take() []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(q.max, len(q.waiting))
	taken := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return taken
}

// gather has p done in one transaction with others that wait, and returns its answer.
func (s *Store) gather(ctx context.Context, p *pending) error {
	s.small.add(p)
	for {
		select {
		case <-p.done:
			return p.err
		case s.small.turn <- struct{}{}:
			s.running.Add(1) // whoever waits has let himself in, so it is not zero
			go func() {
				defer s.running.Done()
				s.answer(s.small.take())
				<-s.small.turn
			}()
		case <-ctx.Done():
			if s.small.remove(p) || p.helps {
				return endedError(ctx.Err())
			}
			<-p.done
			return p.err
		}
	}
}

// answer does small writes in one transaction and answers them. Nobody's deadline ends
// it, for it serves all of them.
func (s *Store) answer(all []*pending) {
	if len(all) == 0 {
		return
	}
	err := settle(s.doAll(all))
	for _, p := range all {
		if err != nil {
			p.err = err
		}
		close(p.done)
	}
	s.counts.small.Add(uint64(len(all)))
	s.counts.smallTxs.Add(1)
}

// doAll does small writes in one transaction. After one whose outcome was not known they
// are done again: each recognizes what it has done.
func (s *Store) doAll(all []*pending) error {
	var t smallTx
	again := false
	err := s.write(context.Background(), func(ctx context.Context, c Conn) error {
		t = smallTx{conn: c, again: again}
		again = true
		return s.inTx(ctx, c, func() error { return s.doSmall(ctx, &t, all) })
	})
	if err == nil {
		s.raiseUserLast(uint64(t.users))
	}
	return err
}

func (s *Store) doSmall(ctx context.Context, t *smallTx, all []*pending) error {
	had, err := s.counters(ctx, t)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.err = p.do(ctx, t); p.err != nil && typed(p.err) == nil {
			return p.err
		}
	}
	for name, value := range map[string]int64{"users": int64(t.users), "rooms": int64(t.rooms), "roomsAre": t.roomsAre} {
		if value == had[name] {
			continue
		}
		if _, err := t.conn.Exec(ctx, s.sql.updateCounter, value, name); err != nil {
			return err
		}
	}
	return nil
}

// counters locks the counters and reads them.
func (s *Store) counters(ctx context.Context, t *smallTx) (map[string]int64, error) {
	had := make(map[string]int64)
	err := t.conn.Query(ctx, s.sql.lockCounters, nil, func(scan Scan) error {
		var name string
		var value int64
		err := scan(&name, &value)
		had[name] = value
		return err
	})
	if err == nil && len(had) < 3 {
		err = damagedError(nil)
	}
	t.users, t.rooms, t.roomsAre = chat.UserID(had["users"]), chat.RoomID(had["rooms"]), had["roomsAre"]
	return had, err
}

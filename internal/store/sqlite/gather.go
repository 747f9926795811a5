package sqlite

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"sarang/chat"
	"sarang/lock"
)

// gatherQueue is the small writes, claims and new rooms, that wait for a transaction.
// Whoever of those that wait gets the writer's turn first does the work of all.
type gatherQueue struct {
	max     int // in one transaction
	mu      lock.Mutex
	waiting []*pending
}

// pending is a small write; it is answered when done is closed.
type pending struct {
	// do is called inside a transaction. A *chat.Error is its answer; any other error ends
	// the transaction.
	do func(w *writer) error
	// made reports, after a COMMIT that failed was settled, whether what do has made is
	// there: all of the transaction is, then. Nil: it has made nothing that would show it.
	made func(w *writer) (bool, error)
	done chan struct{}
	err  error
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
	// Those that have begun with it get as far as this before one of them takes the turn:
	// else, where processors are few, each would wait for the disk by itself, for the wait
	// holds the processor that the others need.
	runtime.Gosched()
	s.writer.wanted.Add(1)
	defer s.writer.wanted.Add(-1)
	for {
		select {
		case <-p.done:
			return p.err
		case s.writer.turn <- struct{}{}:
			s.writer.taken()
			s.answer(s.small.take())
			s.writer.giveBack()
		case <-ctx.Done():
			if s.small.remove(p) {
				return endedError(ctx.Err())
			}
			<-p.done
			return p.err
		}
	}
}

// answer does small writes in one transaction and answers them. The caller has the turn.
// Nobody's deadline ends it, for it serves all of them.
func (s *Store) answer(all []*pending) {
	if len(all) == 0 {
		return
	}
	err := s.writer.doAll(all)
	for _, p := range all {
		if err != nil {
			p.err = err
		}
		close(p.done)
	}
	s.counts.small.Add(uint64(len(all)))
	s.counts.smallTxs.Add(1)
}

func (w *writer) doAll(all []*pending) error {
	ctx, cancel := context.WithTimeout(context.Background(), w.busyTimeout)
	defer cancel()
	if err := w.ready(ctx); err != nil {
		return err
	}
	w.userNext = w.userLast
	var witness func(*writer) (bool, error) // of what the transaction has made
	do := func() error {
		for _, p := range all {
			p.err = p.do(w)
			// A refusal is an answer, and so is a row that can not be read: those who
			// are in the same transaction need not know. Anything else ends it.
			var odd *columnError
			if errors.As(p.err, &odd) {
				p.err = damagedError(p.err)
			}
			var refusal *chat.Error
			if p.err != nil && !errors.As(p.err, &refusal) {
				return p.err
			}
			if p.err == nil && p.made != nil {
				witness = p.made
			}
		}
		return nil
	}
	// After a COMMIT that failed claims may be made again even if nothing tells that they
	// had taken effect: they are recognized by their Fresh token.
	stored := func() (bool, error) {
		if witness == nil {
			return false, nil
		}
		return witness(w)
	}
	userNext := &w.userNext
	return w.transact(ctx, do, outcomeOf{stored, func() { w.userLast = max(w.userLast, *userNext) }})
}

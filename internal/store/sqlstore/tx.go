package sqlstore

import (
	"context"
	"errors"
	"time"
)

// triesMax bounds how often a call is made again by the store itself.
const triesMax = 4

// read runs do on a connection that reads, and again on another one if that was lost.
func (s *Store) read(ctx context.Context, do func(context.Context, Conn) error) error {
	var err error
	for range triesMax {
		var l *lent
		if l, err = s.readers.pop(ctx); err != nil {
			return s.unavailable("read", err)
		}
		bounded, cancel := context.WithTimeout(ctx, s.config.ReadTime)
		err = do(bounded, l)
		cancel()
		if err == nil || typed(err) != nil {
			l.push(false)
			return err
		}
		fault := s.driver.Fault(err)
		gone := fault.Kind == Lost || fault.Kind == Unsent
		l.push(gone)
		if !gone && fault.Kind != Again || ctx.Err() != nil {
			break
		}
	}
	if ended := ctx.Err(); ended != nil {
		return endedError(errors.Join(ended, err))
	}
	return s.unavailable("read", err)
}

// errInDoubt marks an error after which a transaction may have taken effect.
type errInDoubt struct{ error }

// Unwrap returns the error itself.
func (e errInDoubt) Unwrap() error { return e.error }

// write runs do, which makes one transaction, on a connection that writes; and again, if
// it had certainly no effect and may go better, or if its outcome is not known: do must
// notice what it has done before. Once it has begun it is not interrupted by ctx: it has
// a deadline of its own. An error of which the outcome is not known is an errInDoubt.
func (s *Store) write(ctx context.Context, do func(context.Context, Conn) error) error {
	return s.writeWithin(ctx, s.config.WriteTime, do)
}

func (s *Store) writeWithin(ctx context.Context, limit time.Duration, do func(context.Context, Conn) error) error {
	return s.writeOn(ctx, s.writers, limit, do)
}

func (s *Store) writeOn(ctx context.Context, conns *pool, limit time.Duration, do func(context.Context, Conn) error) error {
	inDoubt := false
	doubt := func(err error) error {
		if inDoubt {
			return errInDoubt{err}
		}
		return err
	}
	var err error
	for try := range triesMax {
		if try > 0 {
			s.counts.again.Add(1)
		}
		var l *lent
		if l, err = conns.pop(ctx); err != nil {
			return doubt(s.unavailable("written", err))
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		start := time.Now()
		err = do(bounded, l)
		cancel()
		if err == nil || typed(err) != nil {
			l.push(false)
			return err
		}
		fault := s.driver.Fault(err)
		gone := fault.Kind == Lost || fault.Kind == Unsent
		l.push(gone)
		inDoubt = inDoubt || fault.Kind == Lost
		late := time.Since(start) >= limit // another try would take as long
		if !gone && fault.Kind != Again || late {
			break
		}
	}
	return doubt(s.unavailable("written", err))
}

// inTx runs do in one transaction. The error of its COMMIT is as the driver tells it.
func (s *Store) inTx(ctx context.Context, c Conn, do func() error) error {
	return inTx(ctx, c, s.dialect.LockAll, do)
}

// inTx runs do in a transaction that begins with the statements first.
func inTx(ctx context.Context, c Conn, first []string, do func() error) error {
	if err := c.Begin(ctx); err != nil {
		return err
	}
	var err error
	for _, query := range first {
		if _, err = c.Exec(ctx, query); err != nil {
			break
		}
	}
	if err == nil {
		err = do()
	}
	if err == nil {
		return c.Commit(ctx)
	}
	if rollback := c.Rollback(ctx); rollback != nil {
		return rollback // whatever err was, the connection is not to be used again
	}
	return err
}

// settle returns the error of a write for its caller: those of which the outcome is not
// known are CodeUncertain.
func settle(err error) error {
	var doubt errInDoubt
	if errors.As(err, &doubt) {
		return uncertainError(doubt.error)
	}
	return err
}

// readyTime bounds the look of Ready.
const readyTime = time.Second

// Ready returns why the store can not be used now, nil if it can: it asks the database
// something small.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	return s.read(ctx, func(ctx context.Context, c Conn) error { return s.loadUserLast(ctx, c) })
}

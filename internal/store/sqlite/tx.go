package sqlite

import (
	"context"

	lib "modernc.org/sqlite/lib"
)

// outcomeOf is how a transaction's outcome is found out and made known. It may outlive
// the call, so it holds nothing of the caller's.
type outcomeOf struct {
	// stored reports, after a COMMIT that failed was settled, whether it had taken
	// effect nevertheless.
	stored func() (bool, error)
	// learn is called once when it has, at whatever time that is found out.
	learn func()
}

// transact runs do in one transaction. When it returns nil, what do wrote is
// stored. CodeUncertain says that this could not be found out, and settle will do so;
// after any other error nothing of it is stored. The caller has the turn.
func (w *writer) transact(ctx context.Context, do func() error, o outcomeOf) error {
	if err := w.beginTx(ctx); err != nil {
		return writeError(err)
	}
	if err := do(); err != nil {
		w.rollback()
		return writeError(err)
	}
	err := w.endTx(context.Background())
	if err == nil {
		if err := w.here(); err != nil {
			return err // it went into a file that nobody will find
		}
		o.learn()
		w.committed()
		return nil
	}
	if primaryCode(err) == lib.SQLITE_FULL {
		// A log that could not grow lacks the record that would make the transaction
		// a part of it, and the next one overwrites what is there. To ask the disk
		// would mean to wait, with the publishers, until it has room again.
		w.rollback()
		return writeError(err)
	}
	stored := false
	learn := o.learn
	o.learn = func() { learn(); stored = true }
	w.inDoubt = &o
	w.unsettled.Store(true)
	if settleErr := w.settle(ctx); settleErr != nil {
		return uncertainError(err)
	}
	if stored {
		return nil
	}
	return writeError(err)
}

// unsynced runs do, which makes transactions that need not outlast a power cut: they wait for no disk. The
// store is settled, so that what is settled in do is a transaction of do.
func (w *writer) unsynced(do func() error) error {
	w.sync.off = w.sync.powerSafe
	defer func() { w.sync.off = false }()
	return do()
}

// syncing is whether commits wait for the disk.
type syncing struct {
	powerSafe bool // they do
	off       bool // but not those that come now
	isOff     bool // as SQLite was told last
}

// tellSync tells SQLite whether commits wait for the disk, which it takes between transactions alone. What it
// did not take the next transaction tells it again. The statements are not prepared: SQLite sets what
// they say when it compiles them, and not when it runs them.
func (w *writer) tellSync(ctx context.Context) error {
	s := &w.sync
	if s.off == s.isOff {
		return nil
	}
	statement := "PRAGMA synchronous = FULL"
	if s.off {
		statement = "PRAGMA synchronous = NORMAL"
	}
	_, err := w.conn.ExecContext(ctx, statement)
	if err == nil {
		s.isOff = s.off
	}
	return err
}

// beginTx takes SQLite's write lock, waiting for another program's if need be but
// not longer than ctx and the busy timeout.
func (w *writer) beginTx(ctx context.Context) error {
	err := w.tellSync(ctx)
	if err == nil {
		err = exec(ctx, w.beginStmt)
	}
	if err != nil {
		w.rollback() // ctx may have ended when the lock was taken already
	}
	return err
}

// rollback ends the transaction if there is one. SQLite ends it by itself after
// some errors, and ROLLBACK then fails for that reason and no other.
func (w *writer) rollback() {
	_ = exec(context.Background(), w.rollbackStmt)
}

// settle finds out what became of a COMMIT that failed. That it can not be read is
// no proof that it is gone: if its sync failed, the whole transaction may stand in
// the write-ahead log, ignored by this process, and be found by the next one. So a
// small transaction is committed in its place, which overwrites it if it is not
// part of the log; then the log's end is known, what is known of the database is read
// again, and whether the transaction in doubt is there. On error the store stays
// unsettled.
func (w *writer) settle(ctx context.Context) error {
	if !w.unsettled.Load() {
		return nil
	}
	// The caller's time may be up, and that is no reason to stay in doubt.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.busyTimeout)
	defer cancel()
	w.rollback()
	if err := w.beginTx(ctx); err != nil {
		return err
	}
	if err := exec(context.Background(), w.updateMarker); err != nil {
		w.rollback()
		return err
	}
	if err := w.endTx(context.Background()); err != nil {
		w.rollback()
		return err
	}
	if err := w.load(context.Background()); err != nil {
		return err
	}
	if o := w.inDoubt; o != nil {
		stored, err := o.stored()
		if err != nil {
			return err
		}
		if stored {
			o.learn()
		}
		w.inDoubt = nil
	}
	w.unsettled.Store(false)
	return nil
}

// ready settles the store before something is written.
func (w *writer) ready(ctx context.Context) error {
	if err := w.here(); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return writeError(err)
	}
	return nil
}

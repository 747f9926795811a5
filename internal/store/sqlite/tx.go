package sqlite

import (
	"context"

	lib "modernc.org/sqlite/lib"
)

// transact runs do in one transaction. When it returns nil, what do wrote is
// stored. CodeUncertain says that this could not be found out; after any other
// error nothing of it is stored.
//
// stored is asked, after a COMMIT that failed and was then settled, whether it had
// taken effect nevertheless. The caller has the turn.
func (w *writer) transact(ctx context.Context, do func() error, stored func() bool) error {
	if err := w.beginTx(ctx); err != nil {
		return writeError(err)
	}
	if err := do(); err != nil {
		w.rollback()
		return writeError(err)
	}
	err := w.endTx(context.Background())
	if err == nil {
		return nil
	}
	if primaryCode(err) == lib.SQLITE_FULL {
		// A log that could not grow lacks the record that would make the transaction
		// a part of it, and the next one overwrites what is there. To ask the disk
		// would mean to wait, with the publishers, until it has room again.
		w.rollback()
		return writeError(err)
	}
	w.unsettled.Store(true)
	if settleErr := w.settle(ctx); settleErr != nil {
		return uncertainError(err)
	}
	if stored() {
		return nil
	}
	return writeError(err)
}

// beginTx takes SQLite's write lock, waiting for another program's if need be but
// not longer than ctx and the busy timeout.
func (w *writer) beginTx(ctx context.Context) error {
	err := exec(ctx, w.beginStmt)
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
// part of the log; then the log's end is known, and what is known of the database
// is read again. On error the store stays unsettled.
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
	w.unsettled.Store(false)
	return nil
}

// ready settles the store before something is written or relied on.
func (w *writer) ready(ctx context.Context) error {
	if err := w.settle(ctx); err != nil {
		return writeError(err)
	}
	return nil
}

package sqlite

import (
	"context"
	"fmt"
	"time"
)

// The write-ahead log is moved into the database by SQLite itself, at a commit, when it has
// walCheckpointPages. But it is begun anew only in a moment in which nobody reads: while
// reads overlap it grows without an end. So when it has become too large the writer keeps
// new reads waiting for such a moment.
const (
	readsWaitMax      = 250 * time.Millisecond // for those that are going on
	readsWaitLongest  = 5 * time.Second        // when the log has twice the size that it may have
	foreignWaitMillis = 100                    // for another program that reads the file
	logAgainAfter     = time.Second            // if it did not work
)

// checkpoint moves the log into the database, as far as the mode does it, and reports
// whether all was moved. https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
func (w *writer) checkpoint(ctx context.Context, mode string) (all bool, err error) {
	var busy, pages, moved int64
	err = w.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &pages, &moved)
	return err == nil && busy == 0 && pages == moved, err
}

// boundLog begins the log anew if it is larger than Config.WALBytesMax. The caller has the
// turn, and has just committed. That it does not work is no fault of what was committed: it
// is tried again.
func (s *Store) boundLog() {
	w := s.writer
	bytes, patience := s.files.logBytes.Load(), readsWaitMax
	switch lately := time.Since(w.logTriedAt) < logAgainAfter; {
	case bytes <= s.logBytesMax || lately && w.logForeign:
		return
	case bytes > 2*s.logBytesMax:
		patience = readsWaitLongest
	case lately:
		return
	}
	w.logTriedAt, w.logForeign = time.Now(), false
	ctx := context.Background()
	// Most of it while others read.
	if _, err := w.checkpoint(ctx, "PASSIVE"); err != nil {
		s.log.Warn("moving the write-ahead log into the database failed", "error", err)
		return
	}
	s.counts.logHolds.Add(1)
	empty := s.reads.close(patience)
	defer s.reads.open()
	if !empty {
		s.log.Warn("the write-ahead log can not be begun anew: a read takes long", "bytes", s.files.logBytes.Load())
		return
	}
	w.busyFor(ctx, foreignWaitMillis)
	defer w.busyFor(ctx, int(w.busyTimeout.Milliseconds()))
	switch all, err := w.checkpoint(ctx, "TRUNCATE"); {
	case err != nil:
		s.log.Warn("moving the write-ahead log into the database failed", "error", err)
	case !all:
		w.logForeign = true
		s.log.Warn("the write-ahead log can not be begun anew: another program reads the database", "bytes", s.files.logBytes.Load())
	default:
		w.logTriedAt = time.Time{}
	}
}

// busyFor is how long the writing connection waits for other programs.
func (w *writer) busyFor(ctx context.Context, millis int) {
	_, _ = w.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", millis)) // it only sets a number
}

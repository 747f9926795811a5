package sqlite

import (
	"context"
	"time"

	"sarang/chat"
	"sarang/internal/words"
)

// indexPiece is how many events are looked at in one transaction of the indexer. Between two of them
// others have the writer for longer than one takes.
const indexPiece = 128

// beginIndex finds out whether the index is whole. A database without messages has one at once; of others
// the indexer makes it. Where nothing is to be searched it is begun anew when that changes.
func (w *writer) beginIndex(ctx context.Context, off bool) error {
	st, err := w.indexState(ctx)
	if err != nil {
		return err
	}
	current := st.version == words.Version()
	var anything bool
	if err := w.conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM messages)").Scan(flag{&anything}); err != nil {
		return err
	}
	switch {
	case !current && anything:
		w.index.mode = indexStale
	case off:
		w.index.mode = indexOff
	default:
		w.index.mode = indexOn
	}
	want := st
	switch {
	case off && current:
		want = indexState{version: st.version}
	case !off && !anything:
		want = indexState{version: words.Version(), done: true}
	}
	w.indexed.Store(want.done && !off && want.version == words.Version())
	if want == st {
		return nil
	}
	return w.transact(ctx, func() error { return w.setIndexState(want) }, outcomeOf{func() (bool, error) { return true, nil }, func() {}})
}

// startIndexer begins to bring what was stored before into the index.
func (s *Store) startIndexer() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopIndexer = stop
	if s.noSearch || s.writer.indexed.Load() {
		return
	}
	s.indexing.Add(1)
	go func() {
		defer s.indexing.Done()
		s.runIndexer(ctx)
	}()
}

func (s *Store) runIndexer(ctx context.Context) {
	begun := time.Now()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		at := time.Now()
		done, err := s.indexSome(ctx)
		switch {
		case done:
			s.log.Info("all messages can be searched", "after", time.Since(begun))
			return
		case err != nil && ctx.Err() == nil:
			s.log.Warn("making the index of messages failed; it goes on later", "error", err)
			pause.Reset(indexAgain)
		default:
			pause.Reset(2 * time.Since(at))
		}
	}
}

// indexAgain is when the indexer tries again what has failed.
const indexAgain = 10 * time.Second

// indexSome does the next piece, and reports whether it was the last.
func (s *Store) indexSome(ctx context.Context) (done bool, err error) {
	w := s.writer
	if err := w.take(ctx); err != nil {
		return false, err
	}
	defer w.giveBack()
	if err := w.ready(ctx); err != nil {
		return false, err
	}
	st, err := w.indexState(ctx)
	if err != nil {
		return false, readError(err)
	}
	do := func() error { return w.indexPiece(ctx, &st) }
	if w.index.mode == indexStale {
		do = func() error { return w.resetIndex(&st) }
	}
	// When it is not known whether it was stored, it is done again.
	if err := w.transact(ctx, do, outcomeOf{func() (bool, error) { return false, nil }, func() {}}); err != nil {
		return false, err
	}
	w.index.mode = indexOn
	w.indexed.Store(st.done)
	return st.done, nil
}

// resetIndex empties an index whose texts were cut in another way.
func (w *writer) resetIndex(st *indexState) error {
	*st = indexState{version: words.Version()}
	return firstError(w.run("INSERT INTO search (search) VALUES ('delete-all')"), w.run("DELETE FROM indexed"), w.setIndexState(*st))
}

// indexPiece brings the messages behind st that are not there into the index.
func (w *writer) indexPiece(ctx context.Context, st *indexState) error {
	rows, err := w.index.unread.QueryContext(ctx, int64(st.room), int64(st.seq), indexPiece)
	if err != nil {
		return err
	}
	defer rows.Close()
	var events []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(number[chat.Seq]{&e.seq}, number[chat.RoomID]{&e.room}); err != nil {
			return err
		}
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var missing []entry
	for _, at := range events {
		e, err := w.now(at.room, at.seq)
		if err != nil {
			return err
		}
		if e.terms != "" && e.place == 0 {
			missing = append(missing, e)
		}
		st.room, st.seq = at.room, at.seq
	}
	st.done = len(events) < indexPiece
	return firstError(w.addEntries(ctx, missing), w.setIndexState(*st))
}

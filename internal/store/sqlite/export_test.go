package sqlite

import (
	"context"
	"database/sql"

	"sarang/chat"
)

// BreakCommits puts end in the place of COMMIT; end is given the real one. nil puts
// COMMIT back.
func BreakCommits(s *Store, end func(commit func() error) error) {
	w := s.writer
	w.turn <- struct{}{}
	defer w.giveBack()
	w.endTx = func(ctx context.Context) error {
		commit := func() error { return exec(ctx, w.commitStmt) }
		if end == nil {
			return commit()
		}
		return end(commit)
	}
}

// HoldWriter takes the turn to write until the returned function is called.
func HoldWriter(s *Store) (giveBack func()) {
	s.writer.turn <- struct{}{}
	return s.writer.giveBack
}

// HoldReader takes a reading connection until it is closed.
func HoldReader(ctx context.Context, s *Store) (*sql.Conn, error) { return s.readers.db.Conn(ctx) }

// ClaimsWaiting is how many claims wait for a transaction.
func ClaimsWaiting(s *Store) int {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	return len(s.claims.waiting)
}

// KeepHeads puts n strangers into the cache of authors and returns its size.
func KeepHeads(s *Store, n int) (kept int) {
	s.writer.turn <- struct{}{}
	defer s.writer.giveBack()
	for i := range n {
		s.writer.keepHead(author{user: 1 << 40, room: chat.RoomID(i + 1)}, 1)
	}
	return len(s.writer.heads)
}

// HeadsKeptMax is the cache's bound.
const HeadsKeptMax = headsKeptMax

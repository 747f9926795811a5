package sqlite

import "context"

// Shrink gives back what the writing connection's page cache holds, up to
// WriterCacheBytes. What is needed again is read again: it is for a quiet moment, as
// a cache that a burst of logins has filled is of no use to idle sessions.
func (s *Store) Shrink(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if err := s.writer.take(ctx); err != nil {
		return err
	}
	defer s.writer.giveBack()
	_, err := s.writer.conn.ExecContext(ctx, "PRAGMA shrink_memory")
	return err
}

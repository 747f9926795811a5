package sqlite

import (
	"context"

	"sarang/chat"
)

// Seen is documented at chat.Store.
func (s *Store) Seen(ctx context.Context, users []chat.UserID, nowMs int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	w := s.writer
	if err := w.take(ctx); err != nil {
		return err
	}
	defer w.giveBack()
	if err := w.ready(ctx); err != nil {
		return err
	}
	do := func() error {
		for _, u := range users {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := exec(context.Background(), w.updateLater, nowMs, int64(u), nowMs); err != nil {
				return err
			}
		}
		return nil
	}
	// Doing it again does no harm.
	stored := func() (bool, error) { return false, nil }
	return w.transact(ctx, do, outcomeOf{stored, func() {}})
}

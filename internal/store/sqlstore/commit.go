package sqlstore

import (
	"context"
	"errors"

	"sarang/chat"
)

// Commit is documented at chat.Store.
func (s *Store) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	conflicts, err := s.commit(ctx, b)
	if err != nil {
		s.counts.commitsFailed.Add(1)
		return nil, err
	}
	return conflicts, nil
}

func (s *Store) commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	if heads, known := s.outcomes.find(b.ID); known {
		return s.readConflicts(ctx, heads)
	}
	batch, users, err := newBatch(b)
	if err != nil {
		return nil, err
	}
	if err := s.checkUsers(ctx, users); err != nil {
		return nil, err
	}
	var o Outcome
	if len(batch.Heads) > 0 {
		if o, err = s.append(ctx, batch); err != nil {
			return nil, err
		}
	}
	switch o.State {
	case NoRoom:
		return nil, noRoom(o.Room)
	case Ephemeral:
		return nil, chat.Errorf(chat.CodeBadRequest, "room %d is ephemeral: nothing of it is stored", o.Room)
	case Overtaken:
		return nil, chat.Errorf(chat.CodeBadRequest, "batch %d comes after a later one of its writer", b.ID.Number)
	case Known:
		s.counts.settled.Add(1)
	}
	heads, err := conflictsOf(b, o.Lost)
	if err != nil {
		return nil, err
	}
	s.outcomes.keep(b.ID, heads)
	if n := eventsStored(b, heads); n > 0 && o.State == Done {
		s.counts.commits.Add(1)
		s.counts.events.Add(uint64(n))
	}
	conflicts, err := s.readConflicts(ctx, heads)
	if err != nil && len(heads) < len(b.Appends) {
		// It is stored, and what came between can not be read: the same batch is to be
		// sent again for it.
		return nil, uncertainError(err)
	}
	return conflicts, err
}

func eventsStored(b chat.Batch, lost []conflictHead) (n int) {
	for _, a := range b.Appends {
		if len(lost) > 0 && lost[0].room == a.Room {
			lost = lost[1:]
			continue
		}
		n += len(a.Events)
	}
	return n
}

// checkUsers checks that all ids up to users are given.
func (s *Store) checkUsers(ctx context.Context, users chat.UserID) error {
	if uint64(users) <= s.userLast.Load() {
		return nil
	}
	if err := s.read(ctx, func(ctx context.Context, c Conn) error { return s.loadUserLast(ctx, c) }); err != nil {
		return err
	}
	if uint64(users) > s.userLast.Load() {
		return noUser(users)
	}
	return nil
}

// append stores the batch. If a connection breaks meanwhile, it is sent again: the
// database recognizes it. CodeUncertain if it could not be found out what became of it.
func (s *Store) append(ctx context.Context, b *Batch) (o Outcome, err error) {
	if !s.config.NoSearch {
		defer s.backlog.add(b.Heads) // also if it is not known what was stored
	}
	err = s.write(ctx, func(ctx context.Context, c Conn) (err error) {
		if a, can := c.(*lent).Conn.(Appender); can && len(b.Changes)+len(b.Sets)+len(b.Named)+len(b.Linked)+len(b.Expires) == 0 {
			o, err = a.Append(ctx, b)
			return err
		}
		err = s.inTx(ctx, c, func() error {
			o, err = s.appendRows(ctx, c, b)
			if err == nil && (o.State == NoRoom || o.State == Ephemeral || o.State == Overtaken) {
				return errNothing
			}
			return err
		})
		if errors.Is(err, errNothing) {
			return nil
		}
		return err
	})
	return o, settle(err)
}

// errNothing ends a transaction that has nothing to store.
var errNothing = &chat.Error{Code: chat.CodeInternal, Message: "there is nothing to store"}

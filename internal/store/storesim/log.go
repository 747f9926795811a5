package storesim

import (
	"context"
	"slices"

	"sarang/chat"
)

// Commit is documented at chat.Store.
func (s *Store) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "Commit")
	if err != nil {
		return nil, err
	}
	if c := d.inDoubt; c != nil && c.id.Writer == b.ID.Writer && c.id != b.ID {
		// Its outcome could not be found out any more.
		return nil, chat.Errorf(chat.CodeInternal, "a batch before the outcome of the writer's last one was asked for")
	}
	d.settle()
	if known, found := d.newest[b.ID.Writer]; found && known.number == b.ID.Number {
		return answer(fault, known.conflicts)
	}
	c, err := d.compare(b)
	if err != nil {
		return nil, err
	}
	if fault == FaultUncertain || fault == FaultDieBetween {
		d.inDoubt = c
	} else {
		d.sync(c)
	}
	return answer(fault, c.conflicts)
}

// answer tells the writer of a batch what became of it, if that is the call's fate.
func answer(fault Fault, conflicts []chat.Conflict) ([]chat.Conflict, error) {
	switch fault {
	case FaultUncertain:
		return nil, chat.Errorf(chat.CodeUncertain, "the disk failed while it was syncing")
	case FaultDieBetween:
		panic(&DiedError{"Commit, with its outcome in doubt"})
	case FaultDieAfter:
		panic(&DiedError{"Commit, after it"})
	}
	told := slices.Clone(conflicts)
	for i := range told {
		told[i].Between = slices.Clone(told[i].Between)
	}
	return told, nil
}

// History is documented at chat.Store.
func (s *Store) History(ctx context.Context, room chat.RoomID, p chat.Page) (page []chat.Event, more bool, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "History"); err != nil {
		return nil, false, err
	}
	log := d.log(room)
	if log == nil {
		return nil, false, nil
	}
	end := chat.Seq(len(log.events))
	if p.Before != 0 {
		end = min(end, max(p.Before-1, log.erased)-log.erased)
		n := fitting(p, int(end), func(i int) *chat.Event { return &log.events[int(end)-1-i] })
		return slices.Clone(log.events[int(end)-n : end]), n < int(end), nil
	}
	rest := log.events[min(max(p.After, log.erased)-log.erased, end):]
	n := fitting(p, len(rest), func(i int) *chat.Event { return &rest[i] })
	return slices.Clone(rest[:n]), n < len(rest), nil
}

// fitting is how many of n events, counted from the first that was asked for, a page
// takes.
func fitting(p chat.Page, n int, event func(i int) *chat.Event) int {
	bytes := 0
	for i := range n {
		bytes += event(i).BodyBytes()
		if i > 0 && (i >= p.ItemsMax || bytes > p.BytesMax) {
			return i
		}
	}
	return n
}

// Author is documented at chat.Store.
func (s *Store) Author(ctx context.Context, room chat.RoomID, user chat.UserID, noncesMax int) (chat.Author, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Author"); err != nil {
		return chat.Author{}, err
	}
	log := d.log(room)
	if log == nil {
		return chat.Author{}, nil
	}
	given := log.roles[user]
	a := chat.Author{Role: given.Role, UntilMs: given.UntilMs}
	for i := len(log.events) - 1; i >= 0 && len(a.Nonces) < noncesMax; i-- {
		if e := &log.events[i]; e.User == user && e.Kind.Authored() {
			a.Nonces = append(a.Nonces, chat.NonceSeq{Nonce: e.Nonce, Seq: e.Seq, Digest: e.StoredDigest()})
			if a.SaidMs == 0 && e.Kind == chat.EventMessage {
				a.SaidMs = e.TimeMs
			}
		}
	}
	return a, nil
}

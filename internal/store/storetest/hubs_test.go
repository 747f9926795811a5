package storetest

import (
	"context"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"sarang/chat"
	"sarang/internal/store/storesim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runsMax is in how many runs a broken store has to be noticed.
const runsMax = 50

// Stores that break what two hubs stand on are noticed.
func TestHubsNoticeBrokenStores(t *testing.T) {
	for name, broken := range map[string]func(chat.Store) chat.Store{
		"one that appends without comparing":   func(s chat.Store) chat.Store { return renumbering{s} },
		"one that does not recognize a batch":  func(s chat.Store) chat.Store { return &forgetful{Store: s} },
		"one that hides what came in between":  func(s chat.Store) chat.Store { return silent{s} },
		"one that forgets the nonces of users": func(s chat.Store) chat.Store { return authorless{s} },
	} {
		if err := firstFailure(broken); err == nil {
			t.Errorf("a store is not noticed: %s", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// firstFailure runs hubs on broken stores until something is wrong.
func firstFailure(broken func(chat.Store) chat.Store) error {
	run := rapid.Custom(func(rt *rapid.T) error {
		disk := storesim.NewDisk(nil)
		return runHubs(rt, func(context.Context) (chat.Store, error) { return broken(disk.Open()), nil }, hubCount)
	})
	for seed := range runsMax {
		if err := run.Example(seed); err != nil {
			return err
		}
	}
	return nil
}

// renumbering is a store that appends wherever the log ends.
type renumbering struct{ chat.Store }

// Commit gives events the numbers that are free.
func (s renumbering) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	moved := chat.Batch{ID: b.ID}
	for _, a := range b.Appends {
		r, err := s.Room(ctx, a.Room)
		if err != nil {
			return nil, err
		}
		n := chat.Append{Room: a.Room, After: r.LastSeq}
		for i, e := range a.Events {
			e.Seq = r.LastSeq + 1 + chat.Seq(i)
			n.Events = append(n.Events, e)
		}
		moved.Appends = append(moved.Appends, n)
	}
	return s.Store.Commit(ctx, moved)
}

// forgetful is a store that takes a batch which comes again for another one.
type forgetful struct {
	chat.Store
	calls uint64
}

// Commit gives each call a number of its own.
func (s *forgetful) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	s.calls++
	b.ID.Number = s.calls
	return s.Store.Commit(ctx, b)
}

// silent is a store that says nothing of the first event that came in between.
type silent struct{ chat.Store }

// Commit leaves an event out.
func (s silent) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	conflicts, err := s.Store.Commit(ctx, b)
	for i := range conflicts {
		if between := conflicts[i].Between; len(between) > 1 {
			conflicts[i].Between = between[1:]
		}
	}
	return conflicts, err
}

// authorless is a store that does not know what a user has said.
type authorless struct{ chat.Store }

// Author knows roles alone.
func (s authorless) Author(ctx context.Context, room chat.RoomID, user chat.UserID, noncesMax int) (chat.Author, error) {
	a, err := s.Store.Author(ctx, room, user, noncesMax)
	a.Nonces = nil
	return a, err
}

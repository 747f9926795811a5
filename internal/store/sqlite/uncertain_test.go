package sqlite_test

import (
	"context"
	"errors"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

var errDisk = errors.New("the disk failed")

// The four ways in which COMMIT can fail. Each must leave a store that knows what
// it has and goes on.

func TestCommitFailsAndStoresNothing(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	failed := false
	sqlite.BreakCommits(s, func(commit func() error) error {
		if !failed {
			failed = true
			return errDisk
		}
		return commit()
	})
	err := s.Commit(t.Context(), say(1, 3))
	wantError(t, err, chat.CodeUnavailable, "can not write")
	if !errors.Is(err, errDisk) {
		t.Fatalf("error %v does not carry its cause", err)
	}
	wantLast(t, s, 0)
	goOn(t, s, dir, 1)
}

func TestCommitFailsButHasTakenEffect(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	failed := false
	sqlite.BreakCommits(s, func(commit func() error) error {
		err := commit()
		if !failed {
			failed = true
			return errDisk
		}
		return err
	})
	if err := s.Commit(t.Context(), say(1, 3)); err != nil {
		t.Fatalf("Commit: %v, though all of it is stored", err)
	}
	wantLast(t, s, 3)
	goOn(t, s, dir, 4)
}

func TestOutcomeStaysUnknown(t *testing.T) {
	for _, stored := range []bool{false, true} {
		dir := t.TempDir()
		s := openWithRoom(t, sqlite.Config{Dir: dir})
		first := true
		sqlite.BreakCommits(s, func(commit func() error) error {
			if first && stored {
				if err := commit(); err != nil {
					return err
				}
			}
			first = false
			return errDisk
		})
		wantError(t, s.Commit(t.Context(), say(1, 3)), chat.CodeUncertain, "does not know")
		// While the disk fails, nothing is claimed and nothing is written.
		_, err := s.LastSeq(t.Context(), 1)
		wantError(t, err, chat.CodeUnavailable, "can not write")
		wantError(t, s.Commit(t.Context(), say(1, 3)), chat.CodeUnavailable, "can not write")
		_, err = s.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q"})
		wantError(t, err, chat.CodeUnavailable, "can not write")

		sqlite.BreakCommits(s, nil)
		want := chat.Seq(0)
		if stored {
			want = 3
		}
		wantLast(t, s, want)
		goOn(t, s, dir, want+1)
	}
}

// goOn commits from first on, and again after a restart.
func goOn(t *testing.T, s *sqlite.Store, dir string, first chat.Seq) {
	t.Helper()
	if err := s.Commit(t.Context(), say(first, 2)); err != nil {
		t.Fatalf("going on: %v", err)
	}
	user, err := s.User(t.Context(), 1)
	if err != nil || user.SentCount != uint64(first)+1 {
		t.Fatalf("SentCount = %d, %v; want %d", user.SentCount, err, first+1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	wantLast(t, s, first+1)
	nonces, err := s.Nonces(t.Context(), 1, 1, 100)
	if err != nil || len(nonces) != int(first)+1 {
		t.Fatalf("Nonces: %v, %v", nonces, err)
	}
	if err := s.Commit(t.Context(), say(first+2, 1)); err != nil {
		t.Fatalf("after the restart: %v", err)
	}
}

func TestClaimFailsAndIsMadeAgain(t *testing.T) {
	for _, stored := range []bool{false, true} {
		s := openWithRoom(t, sqlite.Config{})
		first := true
		sqlite.BreakCommits(s, func(commit func() error) error {
			if first {
				first = false
				if stored {
					_ = commit()
				}
				return errDisk
			}
			return commit()
		})
		c := chat.Claim{Name: "mina", Key: "mina", Fresh: chat.TokenHash{1}, NowMs: 5}
		u, err := s.ClaimUser(t.Context(), c)
		wantError(t, err, chat.CodeUnavailable, "can not write")
		if u.ID != 0 {
			t.Fatalf("a user came with an error: %+v", u)
		}
		u, err = s.ClaimUser(t.Context(), c)
		if err != nil || u.ID != 2 {
			t.Fatalf("the claim again: %+v, %v", u, err)
		}
		e := chat.Event{Room: 1, Seq: 1, Kind: chat.EventMessage, User: u.ID, Text: "x"}
		if err := s.Commit(t.Context(), []chat.Append{{Room: 1, Events: []chat.Event{e}}}); err != nil {
			t.Fatalf("Commit of the new user: %v", err)
		}
	}
}

func TestRoomIsMadeThoughCommitFailed(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	first := true
	sqlite.BreakCommits(s, func(commit func() error) error {
		err := commit()
		if first {
			first = false
			return errDisk
		}
		return err
	})
	r, err := s.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q"})
	if err != nil || r.ID != 2 {
		t.Fatalf("CreateRoom: %+v, %v", r, err)
	}
}

// A commit whose time is up half-way is rolled back, and says so.
func TestDeadlineInsideACommit(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	ctx := &countdown{Context: context.Background(), left: 60}
	err := s.Commit(ctx, say(1, 5000))
	wantError(t, err, chat.CodeUnavailable, "in time")
	wantLast(t, s, 0)
	if err := s.Commit(t.Context(), say(1, 10)); err != nil {
		t.Fatal(err)
	}
}

// countdown is a context that ends after it was asked so many times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

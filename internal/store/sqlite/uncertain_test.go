package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	err := commit(t.Context(), s, say(1, 3))
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
	if err := commit(t.Context(), s, say(1, 3)); err != nil {
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
		wantError(t, commit(t.Context(), s, say(1, 3)), chat.CodeUncertain, "does not know")
		// While the disk fails, nothing is claimed and nothing is written.
		wantError(t, commit(t.Context(), s, say(1, 3)), chat.CodeUnavailable, "can not write")
		_, err := s.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{})
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

// The batch whose outcome is unknown is sent again: alone, or after something else has
// settled the store and has been written behind it.
func TestUncertainBatchIsSentAgain(t *testing.T) {
	for _, c := range []struct{ stored, others bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		t.Run(fmt.Sprintf("stored %t, others %t", c.stored, c.others), func(t *testing.T) {
			s := openWithRoom(t, sqlite.Config{})
			if _, err := s.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{}); err != nil {
				t.Fatal(err)
			}
			theirs := say(1, 2)
			theirs.ID.Writer = 2
			if err := commit(t.Context(), s, theirs); err != nil {
				t.Fatal(err)
			}
			// A conflict in one room, events for the other.
			b := say(1, 1)
			b.Appends = append(b.Appends, inRoom(2, say(1, 3)).Appends...)
			breakOnce(s, c.stored)
			_, err := s.Commit(t.Context(), b)
			wantError(t, err, chat.CodeUncertain, "does not know")
			sqlite.BreakCommits(s, nil)
			want := []chat.Conflict{{Room: 1, Last: 2, Between: named(theirs)}}
			last := chat.Seq(3)
			if c.others {
				first := chat.Seq(1)
				if c.stored {
					first = 4
				}
				last = 4
				other := inRoom(2, say(first, 1))
				other.ID.Writer = 3
				if err := commit(t.Context(), s, other); err != nil {
					t.Fatal(err)
				}
				if !c.stored { // then the batch is decided now, and is too late in both rooms
					want = append(want, chat.Conflict{Room: 2, Last: 1, Between: named(other)})
					last = 1
				}
			}
			for range 2 {
				got, err := s.Commit(t.Context(), b)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Fatalf("%v, want -, got +:\n%s", err, diff)
				}
			}
			if r, err := s.Room(t.Context(), 2); err != nil || r.LastSeq != last {
				t.Fatalf("the room ends at %d, %v; want %d", r.LastSeq, err, last)
			}
			wantLast(t, s, 2)
		})
	}
}

// breakOnce has the next COMMIT fail, after it or in its place, and all that follow.
func breakOnce(s *sqlite.Store, stored bool) {
	first := true
	sqlite.BreakCommits(s, func(commit func() error) error {
		if first && stored {
			_ = commit()
		}
		first = false
		return errDisk
	})
}

// inRoom is a batch of the same for another room.
func inRoom(room chat.RoomID, b chat.Batch) chat.Batch {
	for i := range b.Appends {
		b.Appends[i].Room = room
		for j := range b.Appends[i].Events {
			b.Appends[i].Events[j].Room = room
		}
	}
	return b
}

// named is the events of a batch as they are read.
func named(b chat.Batch) (events []chat.Event) {
	for _, e := range b.Appends[0].Events {
		e.Name = "u"
		events = append(events, e)
	}
	return events
}

// Of many writers the newest batches are remembered, up to a bound.
func TestWritersAreBounded(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	batch := func(writer uint64) chat.Batch { // always too late, but for the first
		b := say(1, 1)
		b.ID.Writer = writer
		return b
	}
	if err := commit(t.Context(), s, batch(1)); err != nil {
		t.Fatal(err)
	}
	for writer := range uint64(3 * sqlite.WritersKeptMax) {
		for _, w := range []uint64{writer + 2, 1} { // the first one stays awake
			conflicts, err := s.Commit(t.Context(), batch(w))
			if err != nil || (len(conflicts) == 0) != (w == 1) {
				t.Fatalf("writer %d: %+v, %v", w, conflicts, err)
			}
		}
	}
	if n := sqlite.WritersKept(s); n != sqlite.WritersKeptMax {
		t.Fatalf("%d writers are remembered, the bound is %d", n, sqlite.WritersKeptMax)
	}
}

// goOn commits from first on, and again after a restart.
func goOn(t *testing.T, s *sqlite.Store, dir string, first chat.Seq) {
	t.Helper()
	if err := commit(t.Context(), s, say(first, 2)); err != nil {
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
	a, err := s.Author(t.Context(), 1, 1, 100)
	if err != nil || len(a.Nonces) != int(first)+1 {
		t.Fatalf("Author: %+v, %v", a, err)
	}
	if err := commit(t.Context(), s, say(first+2, 1)); err != nil {
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
		switch {
		case stored && (err != nil || u.ID != 2):
			t.Fatalf("a claim that is stored: %+v, %v", u, err)
		case !stored:
			wantError(t, err, chat.CodeUnavailable, "can not write")
			if u.ID != 0 {
				t.Fatalf("a user came with an error: %+v", u)
			}
		}
		u, err = s.ClaimUser(t.Context(), c)
		if err != nil || u.ID != 2 {
			t.Fatalf("the claim again: %+v, %v", u, err)
		}
		e := chat.Event{Room: 1, Seq: 1, Kind: chat.EventMessage, User: u.ID, Text: "x"}
		b := chat.Batch{ID: chat.BatchID{Writer: 1, Number: 1}, Appends: []chat.Append{{Room: 1, Events: []chat.Event{e}}}}
		if err := commit(t.Context(), s, b); err != nil {
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
	r, err := s.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{})
	if err != nil || r.ID != 2 {
		t.Fatalf("CreateRoom: %+v, %v", r, err)
	}
}

// A commit whose time is up half-way is rolled back, and says so.
func TestDeadlineInsideACommit(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	ctx := &countdown{Context: context.Background(), left: 60}
	err := commit(ctx, s, say(1, 5000))
	wantError(t, err, chat.CodeUnavailable, "in time")
	wantLast(t, s, 0)
	if err := commit(t.Context(), s, say(1, 10)); err != nil {
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

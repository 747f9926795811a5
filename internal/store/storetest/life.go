package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"sarang/chat"
)

func testReopen(t *testing.T, f *fixture) {
	a, b := f.room(t, "a"), f.room(t, "b")
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	inA, inB := run(a, 1, 30, mina, "x"), run(b, 1, 2, jun, "y")
	f.commit(t, inA, inB)
	for range 2 {
		f.reopen(t)
		f.wantLast(t, a, 30)
		f.wantLast(t, b, 2)
		f.wantHistory(t, a, 0, inA.Events...)
		f.wantHistory(t, b, 0, inB.Events...)
		f.wantSent(t, mina, 30)
		ra, rb := a, b
		ra.LastSeq, rb.LastSeq = 30, 2
		ra.LastMs, rb.LastMs = 5030, 5002
		f.wantRooms(t, ra, rb)
		f.conflict(t, []chat.Conflict{{Room: a.ID, Last: 30, Between: inA.Events[29:]}}, run(a, 30, 30, mina, "x"))
	}
	got, err := f.claim(chat.Claim{Name: "jun", Key: "jun", Resume: token("jun"), NowMs: 1000})
	if err != nil || got.ID != jun.ID {
		t.Fatalf("login after reopening: %+v, %v", got, err)
	}
	f.commit(t, run(a, 31, 31, jun, "on"))
	if c := f.room(t, "c"); c.ID == a.ID || c.ID == b.ID {
		t.Fatalf("room id %d given twice", c.ID)
	}
	if sora := f.user(t, "sora"); sora.ID == mina.ID || sora.ID == jun.ID {
		t.Fatalf("user id %d given twice", sora.ID)
	}
}

// Every commit adds as many events to a as to b. Readers must never see part of one.
func testReadersDuringCommits(t *testing.T, f *fixture) {
	const commits, perCommit, readers = 60, 5, 4
	a, b, u := f.room(t, "a"), f.room(t, "b"), f.user(t, "u")
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for ended := false; !ended; {
				select {
				case <-done:
					ended = true // and read once more
				default:
				}
				if err := f.checkPair(a, b, perCommit); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range chat.Seq(commits) {
		first, last := i*perCommit+1, (i+1)*perCommit
		batch := f.self.batch(run(a, first, last, u, "x"), run(b, first, last, u, "x"))
		if conflicts, err := f.store.Commit(f.ctx, batch); err != nil || len(conflicts) > 0 {
			t.Errorf("Commit: %v, %v", conflicts, err)
			break
		}
		// What has been acknowledged is seen by the next read.
		if now, err := f.store.Room(f.ctx, b.ID); err != nil || now.LastSeq != last {
			t.Errorf("LastSeq after a commit = %d, %v; want %d", now.LastSeq, err, last)
			break
		}
	}
	close(done)
	wg.Wait()
	f.wantLast(t, a, commits*perCommit)
}

func (f *fixture) checkPair(a, b chat.Room, perCommit int) error {
	events, _, err := f.store.History(f.ctx, a.ID, chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
	if err != nil {
		return err
	}
	if len(events)%perCommit != 0 {
		return fmt.Errorf("a reader sees %d events: part of a commit", len(events))
	}
	for i, e := range events {
		if e.Seq != chat.Seq(i+1) {
			return fmt.Errorf("a reader sees Seq %d at place %d", e.Seq, i)
		}
	}
	now, err := f.store.Room(f.ctx, b.ID)
	if err != nil {
		return err
	}
	if int(now.LastSeq) < len(events) {
		return fmt.Errorf("a commit shows %d events in one room and %d in the other", len(events), now.LastSeq)
	}
	return nil
}

// Commits to different rooms from many goroutines, with claims between them.
func testCommittersAtOnce(t *testing.T, f *fixture) {
	const committers, commits = 8, 20
	u := f.user(t, "u")
	rooms := make([]chat.Room, committers)
	for i := range rooms {
		rooms[i] = f.room(t, fmt.Sprintf("room%d", i))
	}
	var wg sync.WaitGroup
	for i, r := range rooms {
		w := f.writer()
		wg.Go(func() {
			for seq := range chat.Seq(commits) {
				conflicts, err := f.store.Commit(f.ctx, w.batch(run(r, seq+1, seq+1, u, "x")))
				if err != nil || len(conflicts) > 0 {
					t.Errorf("Commit: %v, %v", conflicts, err)
					return
				}
			}
		})
		wg.Go(func() {
			name := fmt.Sprintf("guest%d", i)
			if _, err := f.claim(chat.Claim{Name: name, Key: name, Fresh: token(name), NowMs: 1}); err != nil {
				t.Errorf("ClaimUser: %v", err)
			}
		})
	}
	wg.Wait()
	for _, r := range rooms {
		f.wantLast(t, r, commits)
	}
	f.wantSent(t, u, committers*commits)
}

// calls is every method, as a call that would succeed on an open store.
func (f *fixture) calls(r chat.Room, u chat.User) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Commit": func(ctx context.Context) error {
			_, err := f.store.Commit(ctx, f.self.batch(run(r, 1, 1, u, "x")))
			return err
		},
		"History": func(ctx context.Context) error {
			_, _, err := f.store.History(ctx, r.ID, chat.Page{ItemsMax: 1, BytesMax: 1})
			return err
		},
		"Author":    func(ctx context.Context) error { _, err := f.store.Author(ctx, r.ID, u.ID, 1); return err },
		"Room":      func(ctx context.Context) error { _, err := f.store.Room(ctx, r.ID); return err },
		"RoomByKey": func(ctx context.Context) error { _, err := f.store.RoomByKey(ctx, r.Key); return err },
		"Rooms":     func(ctx context.Context) error { _, err := f.store.Rooms(ctx, 0, 1); return err },
		"ClaimUser": func(ctx context.Context) error {
			_, err := f.store.ClaimUser(ctx, chat.Claim{Name: "late", Key: "late", NowMs: 1})
			return err
		},
		"CreateRoom": func(ctx context.Context) error {
			_, err := f.store.CreateRoom(ctx, chat.Room{Name: "late", Key: "late"}, chat.RoomQuota{})
			return err
		},
		"Seen":         func(ctx context.Context) error { return f.store.Seen(ctx, []chat.UserID{u.ID}, 1) },
		"PrivateRooms": func(ctx context.Context) error { _, err := f.store.PrivateRooms(ctx, 1, 0, 1); return err },
		"User":         func(ctx context.Context) error { _, err := f.store.User(ctx, u.ID); return err },
		"Password":     func(ctx context.Context) error { _, err := f.store.Password(ctx, u.Key); return err },
		"SetPassword": func(ctx context.Context) error {
			return f.store.SetPassword(ctx, chat.PasswordChange{User: u.ID, To: "$x"})
		},
		"Devices":    func(ctx context.Context) error { _, err := f.store.Devices(ctx, u.ID); return err },
		"EndDevices": func(ctx context.Context) error { return f.store.EndDevices(ctx, u.ID, chat.DeviceSet{Only: 9}) },
		"External": func(ctx context.Context) error {
			_, err := f.store.External(ctx, "whom others know")
			if chat.CodeOf(err) == chat.CodeNoUser {
				return nil
			}
			return err
		},
		"AddInvitation": func(ctx context.Context) error {
			return f.store.AddInvitation(ctx, chat.Invitation{Code: token("i"), UsesLeft: 1})
		},
		"Invitations": func(ctx context.Context) error {
			_, err := f.store.Invitations(ctx, chat.TokenHash{}, 1)
			return err
		},
		"UserByKey": func(ctx context.Context) error { _, err := f.store.UserByKey(ctx, u.Key); return err },
	}
}

func testEndedContext(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	canceled, cancel := context.WithCancel(f.ctx)
	cancel()
	late, cancelLate := context.WithTimeout(f.ctx, -1)
	defer cancelLate()
	for name, call := range f.calls(r, u) {
		for _, ctx := range []context.Context{canceled, late} {
			err := call(ctx)
			if chat.CodeOf(err) != chat.CodeUnavailable || !errors.Is(err, ctx.Err()) {
				t.Errorf("%s with an ended context: %v, want CodeUnavailable with %v", name, err, ctx.Err())
			}
		}
	}
	f.wantLast(t, r, 0)
	f.wantRooms(t, r)
	for name, call := range f.calls(r, u) {
		if err := call(f.ctx); err != nil {
			t.Errorf("%s afterwards: %v", name, err)
		}
	}
}

func testClosed(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	calls := f.calls(r, u)
	if err := f.store.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for name, call := range calls {
		if err := call(f.ctx); chat.CodeOf(err) != chat.CodeClosed {
			t.Errorf("%s on a closed store: %v, want CodeClosed", name, err)
		}
	}
	wantCode(t, f.store.Close(), chat.CodeClosed)
	f.start(t)
	f.wantRooms(t, r)
	f.wantLast(t, r, 0)
}

package storesim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarang/chat"
	"sarang/internal/store/storesim"
)

// fate is a Trouble that gives each Commit the same fault.
type fate struct {
	fault storesim.Fault
	kept  bool
}

func (f fate) Next(call string) storesim.Fault {
	if call == "Commit" {
		return f.fault
	}
	return storesim.FaultNone
}

func (f fate) Kept() bool { return f.kept }

// What a commit that does not go well leaves on the disk, after a crash.
func TestCommitAndCrash(t *testing.T) {
	for _, c := range []struct {
		name   string
		fate   fate
		code   chat.Code // of the error that is returned
		died   bool      // or nothing is returned
		stored chat.Seq
	}{
		{"well", fate{storesim.FaultNone, false}, 0, false, 1},
		{"unavailable", fate{storesim.FaultUnavailable, true}, chat.CodeUnavailable, false, 0},
		{"uncertain and kept", fate{storesim.FaultUncertain, true}, chat.CodeUncertain, false, 1},
		{"uncertain and lost", fate{storesim.FaultUncertain, false}, chat.CodeUncertain, false, 0},
		{"death before", fate{storesim.FaultDieBefore, true}, 0, true, 0},
		{"death between, kept", fate{storesim.FaultDieBetween, true}, 0, true, 1},
		{"death between, lost", fate{storesim.FaultDieBetween, false}, 0, true, 0},
		{"death after", fate{storesim.FaultDieAfter, false}, 0, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk, batch := diskWithRoom(t)
			disk.SetTrouble(c.fate)
			died, _, err := commit(disk.Open(), batch)
			if died != c.died || chat.CodeOf(err) != c.code {
				t.Errorf("died %t with %v; want %t with code %d", died, err, c.died, c.code)
			}
			disk.Crash()
			disk.SetTrouble(nil)
			wantLog(t, disk.Open(), c.stored)
		})
	}
}

// A batch whose outcome is unknown is sent again, and nothing is shown before.
func TestUncertainBatchIsSentAgain(t *testing.T) {
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprint("kept ", kept), func(t *testing.T) {
			disk, batch := diskWithRoom(t)
			s, stranger := disk.Open(), disk.Open()
			wantCode(t, disk, s, fate{storesim.FaultUncertain, kept}, batch, chat.CodeUncertain)
			wantLog(t, stranger, 0)
			// The disk may be lost again while it is asked.
			wantCode(t, disk, s, fate{storesim.FaultUnavailable, kept}, batch, chat.CodeUnavailable)
			wantCode(t, disk, s, fate{storesim.FaultUncertain, kept}, batch, chat.CodeUncertain)
			for range 2 {
				wantCode(t, disk, s, fate{storesim.FaultNone, kept}, batch, 0)
				wantLog(t, stranger, 1)
			}
		})
	}
}

// While a batch is in doubt, another server writes: that decides, and the writer is told
// the truth.
func TestOthersCommitWhileInDoubt(t *testing.T) {
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprint("kept ", kept), func(t *testing.T) {
			disk, batch := diskWithRoom(t)
			s, other := disk.Open(), disk.Open()
			wantCode(t, disk, s, fate{storesim.FaultUncertain, kept}, batch, chat.CodeUncertain)

			theirs := clone(batch, 2)
			theirs.Appends[0].Events[0].Nonce = 8
			disk.SetTrouble(fate{storesim.FaultNone, kept})
			first := batch.Appends[0].Events
			var want []chat.Conflict
			if kept {
				want = []chat.Conflict{{Room: 1, Last: 1, Between: first}}
			}
			_, got, err := commit(other, theirs)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("the other one: %v, want -, got +:\n%s", err, diff)
			}
			want = nil
			if !kept {
				want = []chat.Conflict{{Room: 1, Last: 1, Between: theirs.Appends[0].Events}}
			}
			for range 2 {
				_, got, err = commit(s, batch)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Fatalf("the writer: %v, want -, got +:\n%s", err, diff)
				}
			}
			wantLog(t, other, 1)
		})
	}
}

// A writer that goes on without asking would never learn what became of its batch.
func TestWriterForgetsToAsk(t *testing.T) {
	disk, batch := diskWithRoom(t)
	s := disk.Open()
	wantCode(t, disk, s, fate{storesim.FaultUncertain, true}, batch, chat.CodeUncertain)
	next := clone(batch, 1)
	next.ID.Number++
	wantCode(t, disk, s, fate{}, next, chat.CodeInternal)
	wantCode(t, disk, s, fate{}, batch, 0)
}

func diskWithRoom(t *testing.T) (*storesim.Disk, chat.Batch) {
	t.Helper()
	disk := storesim.NewDisk(nil)
	s := disk.Open()
	r, err := s.CreateRoom(context.Background(), chat.Room{Name: "r", Key: "r", Epoch: 1}, chat.RoomQuota{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.ClaimUser(context.Background(), chat.Claim{Name: "u", Key: "u", Fresh: chat.TokenHash{1}})
	if err != nil {
		t.Fatal(err)
	}
	e := chat.Event{Room: r.ID, Seq: 1, Kind: chat.EventMessage, User: u.ID, Name: "u", Nonce: 7, Text: "hello"}
	return disk, clone(chat.Batch{Appends: []chat.Append{{Room: r.ID, Events: []chat.Event{e}}}}, 1)
}

// clone is the same batch of another writer.
func clone(b chat.Batch, writer uint64) chat.Batch {
	a := b.Appends[0]
	a.Events = append([]chat.Event{}, a.Events...)
	return chat.Batch{ID: chat.BatchID{Writer: writer, Number: 1}, Appends: []chat.Append{a}}
}

func commit(s *storesim.Store, b chat.Batch) (died bool, conflicts []chat.Conflict, err error) {
	defer func() {
		cause := recover()
		if e, ok := cause.(error); cause != nil && (!ok || !errors.As(e, new(*storesim.DiedError))) {
			panic(cause)
		}
		died = cause != nil
	}()
	conflicts, err = s.Commit(context.Background(), b)
	return false, conflicts, err
}

// wantCode commits while the disk has the fate, and expects the code, 0 for success.
func wantCode(t *testing.T, disk *storesim.Disk, s *storesim.Store, f fate, b chat.Batch, code chat.Code) {
	t.Helper()
	disk.SetTrouble(f)
	died, conflicts, err := commit(s, b)
	if died || len(conflicts) > 0 || chat.CodeOf(err) != code {
		t.Fatalf("died %t, conflicts %v, %v; want code %d", died, conflicts, err, code)
	}
}

// wantLog expects so many events to be seen.
func wantLog(t *testing.T, s *storesim.Store, want chat.Seq) {
	t.Helper()
	r, err := s.Room(context.Background(), 1)
	if err != nil || r.LastSeq != want {
		t.Fatalf("the log ends at %d, %v; want %d", r.LastSeq, err, want)
	}
	events, more, err := s.History(context.Background(), 1, chat.Page{ItemsMax: 10, BytesMax: 1000})
	if err != nil || more || len(events) != int(want) {
		t.Fatalf("%d events are shown, more %t, %v; want %d", len(events), more, err, want)
	}
}

package simulate_test

import (
	"context"
	"errors"
	"testing"

	"sarang/chat"
	"sarang/internal/simulate"
)

// fate is a Trouble that gives each Commit the same fault.
type fate struct {
	fault simulate.Fault
	kept  bool
}

func (f fate) Next(call string) simulate.Fault {
	if call == "Commit" {
		return f.fault
	}
	return simulate.FaultNone
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
		{"well", fate{simulate.FaultNone, false}, 0, false, 1},
		{"unavailable", fate{simulate.FaultUnavailable, true}, chat.CodeUnavailable, false, 0},
		{"uncertain and kept", fate{simulate.FaultUncertain, true}, chat.CodeUncertain, false, 1},
		{"uncertain and lost", fate{simulate.FaultUncertain, false}, chat.CodeUncertain, false, 0},
		{"death before", fate{simulate.FaultDieBefore, true}, 0, true, 0},
		{"death between, kept", fate{simulate.FaultDieBetween, true}, 0, true, 1},
		{"death between, lost", fate{simulate.FaultDieBetween, false}, 0, true, 0},
		{"death after", fate{simulate.FaultDieAfter, false}, 0, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk, append1 := diskWithRoom(t)
			disk.SetTrouble(c.fate)
			died, err := commit(disk.Open(), append1)
			if died != c.died || chat.CodeOf(err) != c.code {
				t.Errorf("died %t with %v; want %t with code %d", died, err, c.died, c.code)
			}
			disk.Crash()
			disk.SetTrouble(nil)
			last, err := disk.Open().LastSeq(context.Background(), append1.Room)
			if err != nil || last != c.stored {
				t.Errorf("after the crash %d events are stored, %v; want %d", last, err, c.stored)
			}
		})
	}
}

// LastSeq finds out what became of an uncertain commit, and nothing is shown before.
func TestUncertainCommitIsFoundOut(t *testing.T) {
	for _, kept := range []bool{false, true} {
		disk, append1 := diskWithRoom(t)
		disk.SetTrouble(fate{simulate.FaultUncertain, kept})
		s := disk.Open()
		if _, err := commit(s, append1); chat.CodeOf(err) != chat.CodeUncertain {
			t.Fatal(err)
		}
		before, err := s.History(context.Background(), append1.Room, 0, 10, 1000)
		if err != nil || len(before) != 0 {
			t.Errorf("in doubt, %d events are shown, %v", len(before), err)
		}
		last, err := s.LastSeq(context.Background(), append1.Room)
		if err != nil || (last == 1) != kept {
			t.Errorf("kept %t: LastSeq is %d, %v", kept, last, err)
		}
		after, err := s.History(context.Background(), append1.Room, 0, 10, 1000)
		if err != nil || len(after) != int(last) {
			t.Errorf("afterwards %d events are shown, %v; want %d", len(after), err, last)
		}
	}
}

func diskWithRoom(t *testing.T) (*simulate.Disk, chat.Append) {
	t.Helper()
	disk := simulate.NewDisk(nil)
	s := disk.Open()
	r, err := s.CreateRoom(context.Background(), chat.Room{Name: "r", Key: "r", Epoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.ClaimUser(context.Background(), chat.Claim{Name: "u", Key: "u", Fresh: chat.TokenHash{1}})
	if err != nil {
		t.Fatal(err)
	}
	e := chat.Event{Room: r.ID, Seq: 1, Kind: chat.EventMessage, User: u.ID, Name: "u", Nonce: 7, Text: "hello"}
	return disk, chat.Append{Room: r.ID, Events: []chat.Event{e}}
}

func commit(s *simulate.Store, a chat.Append) (died bool, err error) {
	defer func() {
		cause := recover()
		if e, ok := cause.(error); cause != nil && (!ok || !errors.As(e, new(*simulate.DiedError))) {
			panic(cause)
		}
		died = cause != nil
	}()
	return false, s.Commit(context.Background(), []chat.Append{a})
}

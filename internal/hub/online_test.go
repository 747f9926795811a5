package hub_test

import (
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// day is a short one: simulated time costs, too.
const day = time.Hour

// days are what is days by default.
func days() hub.Config {
	return hub.Config{SeenEvery: day, GuestNameReserved: 30 * day, RoomIdle: 1000 * day}
}

// tryName has somebody without a token ask for a name, and returns the code of the
// refusal, 0 if he got it.
func tryName(r *hubtest.Rig, name string) chat.Code {
	x := r.Dial(nil)
	x.Login(name, nil)
	r.Settle()
	defer r.Settle()
	defer x.Hangup()
	if last := x.Last(); last.Kind == "Failed" {
		return last.Err.Code
	}
	return 0
}

// Who stays for longer than what a name is kept without use keeps it, and for that long
// after he has gone, too.
func TestNameOfWhoStays(t *testing.T) {
	store := storesim.NewDisk(nil).Open()
	r := newRig(t, hubtest.Config{Store: store, Workers: 2, Hub: days()})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	second := r.Dial(nil)
	second.Login("ann", ann.Token)
	r.Settle()
	second.Hangup() // one of her sessions
	r.Pass(45 * day)
	if code := tryName(r, "ann"); code != chat.CodeNameTaken {
		t.Errorf("a stranger is told %d", code)
	}
	now := time.UnixMilli(1_800_000_000_000).Add(r.World.Now())
	u, err := store.User(t.Context(), ann.User.ID)
	if seen := time.UnixMilli(u.SeenMs); err != nil || now.Sub(seen) > 2*day {
		t.Errorf("ann was seen %v ago, %v", now.Sub(seen), err)
	}
	ann.Hangup()
	r.Pass(28 * day)
	if code := tryName(r, "ann"); code != chat.CodeNameTaken {
		t.Errorf("a stranger is told %d, 28 days after ann has gone", code)
	}
	bob.Hangup()
	r.Pass(5 * day)
	if code := tryName(r, "ann"); code != 0 {
		t.Errorf("a stranger is told %d, 33 days after ann has gone", code)
	}
	r.Pass(2 * time.Minute) // the store is told who has left
	if n := r.Engine.Stats().Timers; n != 0 {
		t.Errorf("%d timers run for nobody", n)
	}
}

// Even a store that could not be told does not give the name of somebody away who is there.
func TestNameOfWhoIsOnline(t *testing.T) {
	disk := storesim.NewDisk(nil)
	config := days()
	config.SeenEvery = 365 * day
	r := newRig(t, hubtest.Config{Store: disk.Open(), Hub: config})
	ann := r.Enter("ann", nil)
	r.Pass(31 * day)
	if code := tryName(r, "ann"); code != chat.CodeNameTaken {
		t.Errorf("a stranger is told %d", code)
	}
	ann.Hangup()
	r.Settle()
	if code := tryName(r, "ann"); code != 0 {
		t.Errorf("a stranger is told %d when she has gone", code)
	}
}

// The store is told again when it has failed, of many at once, and of nobody too often.
func TestTheStoreIsToldOfWhoIsOnline(t *testing.T) {
	disk := storesim.NewDisk(nil)
	asked := &seenCalls{}
	disk.SetTrouble(asked)
	r := newRig(t, hubtest.Config{Store: disk.Open(), Hub: days()})
	const users = 300
	for i := range users {
		r.Enter(string(rune('a'+i%26))+string(rune('a'+i/26)), nil)
	}
	asked.refuse = true
	r.Pass(30 * day / 24)
	if asked.count < 2 {
		t.Errorf("a store that fails is told %d times", asked.count)
	}
	asked.refuse, asked.count = false, 0
	r.Pass(10 * day)
	if asked.count < 10*10 || asked.count > users*12 {
		t.Errorf("the store is told %d times in ten days", asked.count)
	}
}

// seenCalls counts the calls of Seen.
type seenCalls struct {
	count  int
	refuse bool
}

func (s *seenCalls) Next(call string) storesim.Fault {
	if call != "Seen" {
		return storesim.FaultNone
	}
	s.count++
	if s.refuse {
		return storesim.FaultUnavailable
	}
	return storesim.FaultNone
}

func (s *seenCalls) Kept() bool { return false }

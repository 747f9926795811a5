package hub_test

import (
	"fmt"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/limit"
)

// Who logs in does not wait for all the rooms that somebody else makes.
func TestLoginBetweenCreations(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{RequestsInFlightMax: 100}})
	ann, bob := r.Enter("ann", nil), r.Dial(nil)
	for i := range 100 {
		ann.Create(fmt.Sprint("room", i), false)
	}
	bob.Login("bob", nil)
	for range 2 { // one of hers, and his
		r.StepStore(0)
		r.Step()
	}
	if bob.User.ID == 0 {
		t.Error("a login waits behind the rooms that somebody makes")
	}
	if n := r.Waiting(); n != 99 {
		t.Errorf("%d creations wait, want 99", n)
	}
}

// The same for pages of history.
func TestHistoryBetweenHistories(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{RequestsInFlightMax: 100}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	for range 100 {
		ann.History(room, 0, 0, 10)
	}
	bob.History(room, 0, 0, 10)
	r.Step()
	for range 2 {
		r.StepStore(0)
		r.Step()
	}
	if bob.Last().Kind != "History" {
		t.Errorf("bob waits behind what ann asked for: he was told %+v", bob.Last())
	}
}

// What one network may have waiting is bounded; others are not refused for that.
func TestStoreQueueOfANetwork(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{RequestsInFlightMax: 100, AddressStoreQueueMax: 10}})
	ann := r.Enter("ann", nil)
	for range 11 {
		ann.List(0, 10)
	}
	r.Step()
	wantFailed(t, ann, chat.CodeUnavailable)
	ann.Create("den", false) // another queue
	r.Settle()
	if last := ann.Last(); last.Kind == "Failed" {
		t.Errorf("ann was told %+v", last)
	}
}

// The load is how long one has to wait for a turn, and not how many wait: a store that
// does nothing is noticed by few.
func TestLoadOfWaiting(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{StoreWaitMax: time.Second, WorkerLagMax: -1, RequestsInFlightMax: 100}})
	ann, bob := r.Enter("ann", nil), r.Dial(nil)
	ann.List(0, 10)
	wait := func(d time.Duration) {
		for range 10 {
			r.World.Advance(r.World.Now() + d/10)
			r.Step()
		}
	}
	wait(1500 * time.Millisecond)
	if l := r.Hub.Load(); l.Level != limit.LevelReads {
		t.Errorf("when a page waits for 1.5 s of 1, the level is %v (%+v)", l.Level, l)
	}
	for range 100 {
		ann.Create("den", false)
	}
	wait(500 * time.Millisecond)
	if l := r.Hub.Load(); l.Level != limit.LevelReads {
		t.Errorf("when creations wait for 0.5 s of 1, the level is %v (%+v)", l.Level, l)
	}
	wait(1500 * time.Millisecond)
	if l := r.Hub.Load(); l.Level != limit.LevelEntries {
		t.Errorf("when creations wait for 2 s of 1, the level is %v (%+v)", l.Level, l)
	}
	bob.Login("bob", nil)
	wantFailed(t, bob, chat.CodeUnavailable)
	r.Settle()
	wait(time.Second)
	if l := r.Hub.Load(); l.Level != limit.LevelNone {
		t.Errorf("when nothing waits, the level is %v (%+v)", l.Level, l)
	}
}

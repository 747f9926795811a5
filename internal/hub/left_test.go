package hub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/mem"
)

// An address may have so much stored; what is not stored does not count, and what a session
// did not use is left to the next one.
func TestStoredBytesOfAnAddress(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{Limits: hub.Limits{
		AddressesMax: 10, AddressStoredBytesPerHour: 36000, AddressStoredBytesBurst: 10000,
	}}})
	ann := r.Enter("ann", nil)
	room := joined(t, r, ann, "lobby").ID // 2 events: 256 bytes
	game := func() chat.RoomID {
		ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true}) // and 256
		r.Settle()
		return ann.Last().Info.ID
	}()
	text := strings.Repeat("x", 1000-128)
	say := func(c *hubtest.Client, room chat.RoomID, n chat.Nonce) bool {
		c.Publish(room, n, text)
		r.Settle()
		return c.Acked(room, n) > 0
	}
	for n := range chat.Nonce(9) {
		if !say(ann, room, n+1) {
			t.Fatalf("message %d is refused: %+v", n+1, ann.Last())
		}
	}
	if say(ann, room, 10) {
		t.Fatal("more is stored than an address may have")
	}
	wantFailed(t, ann, chat.CodeTooFast)
	if wait := ann.Last().Err.RetryAfter; wait < 10*time.Second || wait > time.Minute {
		t.Errorf("it is to wait for %v", wait)
	}
	if !say(ann, game, 1) {
		t.Errorf("a message that is not stored is refused: %+v", ann.Last())
	}
	r.Pass(100 * time.Second)
	if !say(ann, room, 10) {
		t.Errorf("after a while: %+v", ann.Last())
	}
	ann.Hangup()
	r.Settle()
	again := r.Dial(nil)
	again.Login("ann", ann.Token)
	r.Settle()
	again.JoinAs(room, hub.JoinRequest{})
	r.Settle()
	if last := again.Last(); last.Kind != "Joined" {
		t.Errorf("what the session has not used is gone with it: %+v", last)
	}
}

// While the disk is full nothing new is stored: who is known gets in, reads, and talks
// where nothing is stored.
func TestFullDisk(t *testing.T) {
	r := newRig(t, hubtest.Config{})
	ann := r.Enter("ann", nil)
	room := joined(t, r, ann, "lobby").ID
	ann.Publish(room, 1, "before")
	ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
	r.Settle()
	game := ann.Last().Info.ID
	r.Hub.SetDiskFull(true)
	refused := func(c *hubtest.Client, do func()) {
		t.Helper()
		do()
		r.Settle()
		wantFailed(t, c, chat.CodeUnavailable)
		if e := c.Last().Err; e != nil && e.RetryAfter == 0 {
			t.Errorf("%v, and nobody is told when to try again", e)
		}
	}
	bob := r.Dial(nil)
	refused(bob, func() { bob.Login("bob", nil) })
	refused(ann, func() { ann.Publish(room, 2, "no") })
	refused(ann, func() { ann.Create("den", false) })
	refused(ann, func() { ann.Join("den") })
	refused(ann, func() { ann.GiveRole(room, 9, ann.User.ID, chat.RoleOwner) })
	ann.Publish(game, 3, "not stored")
	again := r.Dial(nil)
	again.Login("ann", ann.Token)
	r.Settle()
	again.History(room, 0, 0, 10)
	r.Settle()
	if n := len(again.Last().Events); n == 0 || ann.Acked(game, 3) == 0 {
		t.Errorf("%d events are read; %+v", n, ann.Last())
	}
	r.Hub.SetDiskFull(false)
	bob.Login("bob", nil)
	ann.Publish(room, 2, "yes")
	r.Settle()
	if bob.User.ID == 0 || ann.Acked(room, 2) == 0 {
		t.Errorf("afterwards: %+v, %+v", bob.Last(), ann.Last())
	}
}

// Rooms of an address are bounded by a rate, those of a user and all by their number.
func TestRoomsThatMayBeMade(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{
		UserRoomsMax: 3, RoomsMax: 5,
		Limits: hub.Limits{AddressesMax: 10, AddressRoomsPerHour: 8},
	}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	n := 0
	create := func(c *hubtest.Client) *hubtest.Client {
		n++
		if n%2 == 0 {
			c.Create(fmt.Sprint("room", n), false)
		} else {
			c.Join(fmt.Sprint("room", n))
		}
		r.Settle()
		return c
	}
	want := func(c *hubtest.Client, code chat.Code) {
		t.Helper()
		create(c)
		if code != 0 {
			wantFailed(t, c, code)
		} else if last := c.Last(); last.Kind == "Failed" {
			t.Errorf("%s was told %+v", c.User.Name, last)
		}
	}
	for range 3 {
		want(ann, 0)
	}
	want(ann, chat.CodeTooMany)
	want(bob, 0)
	want(bob, 0)
	want(bob, chat.CodeTooMany) // of all
	want(ann, chat.CodeTooMany)
	want(ann, chat.CodeTooFast)
	want(bob, chat.CodeTooFast) // one address
	ann.Join("room1")           // that is there
	r.Settle()
	if last := ann.Last(); last.Kind == "Failed" && last.Err.Code != chat.CodeBadRequest {
		t.Errorf("to join is no making: %+v", last)
	}
}

// When there is no memory for a room's window nothing ends: readers get what was said from
// the store, in order and once, as soon as there is some again.
func TestNoMemoryForAWindow(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		r := newRig(t, hubtest.Config{
			Workers: workers, Engine: engine.Config{PoolBytesMax: 32 << 20}, Hub: hub.Config{ChunkBytes: 4096, AnnounceMembersMax: -1},
		})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "lobby").ID
		joined(t, r, bob, "lobby")
		var want []string
		say := func(n int) {
			text := fmt.Sprint(n, strings.Repeat("x", 1000))
			ann.Publish(room, chat.Nonce(n), text)
			r.Settle()
			if ann.Acked(room, chat.Nonce(n)) == 0 {
				t.Fatalf("message %d: %+v", n, ann.Last())
			}
			want = append(want, fmt.Sprint(n, " ", text))
		}
		for n := range 3 {
			say(n + 1)
		}
		pool := r.Engine.Workers()[0].Pool()
		var all []*mem.Buf
		for size := mem.ClassBytesMax; size >= mem.ClassBytesMin; size /= 2 {
			for b, err := pool.Get(size); err == nil; b, err = pool.Get(size) {
				all = append(all, b)
			}
		}
		for n := range 20 {
			say(n + 4)
		}
		if r.Hub.Stats().WindowsLost == 0 {
			t.Error("there was memory after all")
		}
		for _, b := range all {
			b.Release()
		}
		r.Pass(3 * time.Second)
		say(24)
		wantTexts(t, ann, want...)
		wantTexts(t, bob, want...)
	}
}

// So many rooms are in memory as may be: one that nobody is in makes a place, and if there
// is none, who wants another one is told to try again.
func TestRoomsLoadedMax(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers, Hub: hub.Config{RoomsLoadedMax: 4, RequestsInFlightMax: 100}})
		ann := r.Enter("ann", nil)
		for i := range 12 {
			ann.Create(fmt.Sprint("room", i), false)
			r.Settle()
		}
		for id := range chat.RoomID(12) { // nobody is in them
			ann.History(id+1, 0, 0, 1)
			r.Settle()
			if last := ann.Last(); last.Kind != "History" {
				t.Fatalf("the history of room %d: %+v", id+1, last)
			}
		}
		for id := range chat.RoomID(4) {
			ann.JoinAs(id+1, hub.JoinRequest{})
			r.Settle()
			if last := ann.Last(); last.Kind != "Joined" {
				t.Fatalf("room %d: %+v", id+1, last)
			}
		}
		ann.JoinAs(5, hub.JoinRequest{})
		r.Settle()
		wantFailed(t, ann, chat.CodeUnavailable)
		if n := r.Hub.Stats().Rooms; n != 4 {
			t.Errorf("%d rooms are in memory, 4 may be", n)
		}
		ann.Leave(1)
		ann.Leave(2)
		r.Pass(11 * time.Second) // they are away
		for id := chat.RoomID(5); id < 7; id++ {
			ann.JoinAs(id, hub.JoinRequest{})
			r.Settle()
			if last := ann.Last(); last.Kind != "Joined" {
				t.Errorf("room %d: %+v", id, last)
			}
		}
	}
}

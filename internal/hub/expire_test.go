package hub_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// expiring has a hub erase what is older than keep in all rooms, up to eventsMax events, as a server does once. It returns
// how many events are found.
func expiring(t *testing.T, r *hubtest.Rig, s *storesim.Store, keep time.Duration, eventsMax int) (events int) {
	t.Helper()
	now := chat.Millis(hubtest.Epoch.Add(r.World.Now()))
	found, _, err := s.Expired(t.Context(), chat.ExpiryQuery{From: 1, NowMs: now, KeepMs: keep.Milliseconds(), RoomsMax: 100, EventsMax: eventsMax})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range found {
		r.Hub.Expire(x)
		events += x.Events
	}
	r.Settle()
	return events
}

func expiries(c *hubtest.Client) (all []chat.Seq) {
	for _, e := range c.Events {
		if e.Kind == chat.EventExpire {
			all = append(all, e.Target)
		}
	}
	return all
}

// Who is in a room whose messages grow too old is told what goes, and nothing of it is shown to anybody any more:
// by no page, no window, no edit.
func TestMessagesExpire(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		store := disk.Open()
		r := newRig(t, hubtest.Config{Workers: workers, Store: store, Hub: hub.Config{AnnounceMembersMax: -1}})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "lobby").ID
		joined(t, r, bob, "lobby")
		first := saying(t, r, bob, room, 1, "old")
		changing(t, r, ann, room, 2, hub.Change{Kind: chat.EventPin, Target: saying(t, r, bob, room, 3, "old, too")})
		ann.Set(room, 1, chat.Setting{Kind: chat.EventRetain, Value: 3600})
		r.Settle()
		r.Pass(50 * time.Minute)
		young := saying(t, r, bob, room, 4, "young")
		late := changing(t, r, bob, room, 5, edit(first, "older"))
		if n := expiring(t, r, store, 0, 100); n != 0 {
			t.Fatalf("%d events are too old", n)
		}
		r.Pass(12 * time.Minute)
		if n := expiring(t, r, store, 0, 100); n != 4 {
			t.Fatalf("%d events are too old, want 4", n)
		}
		for _, c := range []*hubtest.Client{ann, bob} {
			if got := expiries(c); !slices.Equal(got, []chat.Seq{young - 1}) {
				t.Errorf("%s was told that the events up to %v are gone, want %d", c.User.Name, got, young-1)
			}
		}
		bob.Change(room, 6, edit(first, "x"))
		r.Settle()
		wantFailed(t, bob, chat.CodeNoMessage)
		changing(t, r, bob, room, 7, react(young, "👍"))
		ann.History(room, 0, 0, 100)
		r.Settle()
		page := ann.Last().Events
		if len(page) != 4 || page[0].Seq != young || page[1].Seq != late || page[1].Text != "" || page[2].Kind != chat.EventExpire {
			t.Errorf("the room has %+v", page)
		}
		cid := r.Enter("cid", nil)
		info := ann.Last().Info
		cid.JoinAs(room, hub.JoinRequest{Epoch: disk.Rooms()[0].Epoch, Seq: 1})
		r.Settle()
		if gap := cid.Records[slices.IndexFunc(cid.Records, func(x hubtest.Record) bool { return x.Kind == "Gap" })]; gap.From != 2 || gap.Seq != young-1 {
			t.Errorf("who comes back is told the gap %+v (%+v)", gap, info)
		}
		wantTexts(t, cid, fmt.Sprint(young, " young"))
		if got := r.Hub.Stats().Expired; got != 4 {
			t.Errorf("%d are counted", got)
		}
	}
}

// A page of history that is on its way to a room's home while messages are erased is read again.
func TestExpiryWhilePagesAreRead(t *testing.T) {
	store := storesim.NewDisk(nil).Open()
	r := newRig(t, hubtest.Config{Workers: 2, Store: store, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby")
	joined(t, r, bob, "lobby")
	for n := range chat.Nonce(10) {
		saying(t, r, ann, room.ID, n+1, "secret")
	}
	r.Pass(time.Hour)
	now := chat.Millis(hubtest.Epoch.Add(r.World.Now()))
	found, _, err := store.Expired(t.Context(), chat.ExpiryQuery{From: 1, NowMs: now, KeepMs: 60_000, RoomsMax: 1, EventsMax: 100})
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	for steps := range 12 { // the page is read at any moment of it
		bob.History(room.ID, 0, 0, 100)
		if steps == 5 {
			r.Hub.Expire(found[0])
		}
		r.Step()
		if r.Hub.Steps() > 0 {
			r.StepStore(steps % r.Hub.Steps())
		}
	}
	at := 0
	for i := range bob.Records {
		if len(expiries(bob)) > 0 {
			at = i
			break
		}
	}
	r.Settle()
	bob.History(room.ID, 0, 0, 100)
	r.Settle()
	if e := bob.Last().Events; len(e) != 1 || e[0].Kind != chat.EventExpire || at == 0 && len(expiries(bob)) == 0 {
		t.Errorf("the room has %+v", e)
	}
}

// Two servers that find the same have it erased once; a commit that fails is tried again with what is found next.
func TestExpiryOfTwoHubs(t *testing.T) {
	disk, world := storesim.NewDisk(nil), aiosim.NewWorld(aiosim.Config{})
	store := disk.Open()
	one := newRig(t, hubtest.Config{Store: store, World: world, Seed: 1, Hub: hub.Config{AnnounceMembersMax: -1}})
	two := newRig(t, hubtest.Config{Store: disk.Open(), World: world, Seed: 2, Port: 7001, Hub: hub.Config{AnnounceMembersMax: -1}})
	ann, bob := one.Enter("ann", nil), two.Enter("bob", nil)
	room := joined(t, one, ann, "lobby")
	joined(t, two, bob, "lobby")
	for n := range chat.Nonce(5) {
		saying(t, one, ann, room.ID, n+1, "x")
	}
	one.Pass(time.Hour)
	two.Pass(time.Second)
	now := chat.Millis(hubtest.Epoch.Add(world.Now()))
	q := chat.ExpiryQuery{From: 1, NowMs: now, KeepMs: 60_000, RoomsMax: 1, EventsMax: 100}
	found, _, err := store.Expired(t.Context(), q)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	disk.SetTrouble(refusing{})
	one.Hub.Expire(found[0])
	one.Settle()
	disk.SetTrouble(nil)
	one.Hub.Expire(found[0])
	one.Hub.Expire(found[0])
	two.Hub.Expire(found[0])
	one.Settle()
	two.Settle()
	two.Hub.Expire(found[0])
	two.Settle()
	two.Hub.CatchUp(room.ID)
	two.Settle()
	if log := disk.Log(room.ID); len(log) != 1 || log[0].Kind != chat.EventExpire || log[0].Target != 5 || log[0].Seq != 6 {
		t.Errorf("the log is %+v", log)
	}
	for _, c := range []*hubtest.Client{ann, bob} {
		if got := expiries(c); !slices.Equal(got, []chat.Seq{5}) {
			t.Errorf("%s was told %v: %+v", c.User.Name, got, c.Records)
		}
	}
}

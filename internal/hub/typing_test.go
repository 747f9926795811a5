package hub_test

import (
	"fmt"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// That somebody types is told to the others in the room, on whatever worker, not too often, and
// to nobody else; it is in no log.
func TestTyping(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers, Hub: hub.Config{AnnounceMembersMax: 4}})
		ann, bob, out := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("out", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		phone := another(r, ann)
		joined(t, r, phone, "room")
		heard := func(c *hubtest.Client) int { return kinds(c, 0)["Typing"] }
		want := func(when string, n int) {
			t.Helper()
			r.Settle()
			if heard(bob) != n || heard(ann)+heard(phone)+heard(out) > 0 {
				t.Errorf("%d workers, %s: bob was told %d times, want %d; the others %d, %d, %d", workers, when, heard(bob), n, heard(ann), heard(phone), heard(out))
			}
		}
		ann.Typing(room)
		want("ann types", 1)
		if x := bob.Last(); x.Ref.Room != room || x.Users[0].ID != ann.User.ID || x.Users[0].Name != "ann" {
			t.Errorf("bob is told %+v", x)
		}
		r.Pass(time.Second)
		ann.Typing(room)
		want("too soon", 1)
		r.Pass(time.Second)
		ann.Typing(room)
		want("again", 2)
		out.Typing(room)
		out.Typing(1 << 40)
		want("somebody outside", 2)
		r.Hub.GiveRole(room, ann.User, 1, ann.User.ID, chat.RoleReader) // the server may
		r.Pass(3 * time.Second)
		ann.Typing(room)
		want("who may not speak", 2)
		for i := range 3 { // it is crowded now
			joined(t, r, r.Enter(fmt.Sprint("guest", i), nil), "room")
		}
		before := len(ann.Records)
		bob.Typing(room)
		want("in a crowd", 2)
		if got := kinds(ann, before)["Typing"]; got > 0 {
			t.Errorf("ann is told of a crowd")
		}
	}
}

package hub_test

import (
	"testing"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// Who comes by the token of another program is a member of the private rooms that it names, unless he has
// a role there or is banned.
func TestInvitedByToken(t *testing.T) {
	rooms := []string{"council", "open", "nowhere", "a b"}
	config := quickPasswords(hub.Limits{})
	config.Workers = 3
	config.Hub.Identify = func(token string) (chat.Identity, error) {
		return chat.Identity{External: token, Name: token, Rooms: rooms}, nil
	}
	r := newRig(t, config)
	ann := r.Enter("ann", nil)
	for _, name := range []string{"council", "open"} {
		ann.JoinAs(0, hub.JoinRequest{Name: name, Create: true, Private: name == "council"})
		r.Settle()
	}
	council := ann.Records[len(ann.Records)-2].Info.ID
	come := func(name string) *hubtest.Client {
		t.Helper()
		c := r.Dial(nil)
		c.LoginAs(hub.LoginRequest{JWT: name})
		r.Pass(pace)
		if c.User.Name != name {
			t.Fatalf("%s is told %+v", name, c.Last())
		}
		return c
	}
	roles := func() (n int) {
		ann.History(council, 0, 0, 100)
		r.Settle()
		for _, e := range ann.Last().Events {
			if e.Kind == chat.EventRole {
				n++
			}
		}
		return n
	}
	bob := come("bob")
	if x := bob.Last(); x.Kind != "Belongs" || x.Ref.Room != council {
		t.Errorf("bob is told %+v", x)
	}
	if m := mine(t, r, bob); len(m) != 1 || m[0].ID != council || m[0].Role != chat.RoleMember {
		t.Errorf("bob has %+v", m)
	}
	bob.JoinAs(council, hub.JoinRequest{})
	r.Settle()
	if bob.Last().Kind != "Joined" {
		t.Errorf("bob joins: %+v", bob.Last())
	}
	again := come("bob")
	if again.User.ID != bob.User.ID || roles() != 1 {
		t.Errorf("he comes again, and there are %d role events", roles())
	}
	ann.GiveRole(council, 7, bob.User.ID, chat.RoleBanned)
	r.Pass(pace)
	come("bob")
	bob.JoinAs(council, hub.JoinRequest{})
	r.Settle()
	if bob.Last().Kind != "Failed" || roles() != 2 {
		t.Errorf("a ban is lifted by a token: %+v, %d role events", bob.Last(), roles())
	}
	eve := r.Dial(nil) // two at once are one
	eve.LoginAs(hub.LoginRequest{JWT: "eve"})
	twin := r.Dial(nil)
	r.Settle()
	twin.LoginAs(hub.LoginRequest{JWT: "eve"})
	eve2 := r.Dial(nil)
	eve2.LoginAs(hub.LoginRequest{JWT: "eve"})
	r.Pass(pace)
	if roles() != 3 {
		t.Errorf("%d role events, want one more", roles())
	}
}

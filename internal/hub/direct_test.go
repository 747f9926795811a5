package hub_test

import (
	"fmt"
	"slices"
	"testing"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// kinds are how often a client was told what, behind the first from.
func kinds(c *hubtest.Client, from int) map[string]int {
	all := map[string]int{}
	for _, x := range c.Records[from:] {
		all[x.Kind]++
	}
	return all
}

// Two users have one direct room, whoever opens it, and nobody else sees it.
func TestDirectRoom(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers})
		ann, bob, cid := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("cid", nil)
		phone := another(r, bob)
		open := func(c *hubtest.Client, with ...hub.Whom) hub.RoomInfo {
			t.Helper()
			c.Direct(with...)
			r.Settle()
			if c.Last().Kind != "Created" || c.Last().Ref.Request == 0 || c.Last().Ref.Room != 0 {
				t.Fatalf("%s opens a direct room and is told %+v (%v)", c.User.Name, c.Last(), c.Last().Err)
			}
			return c.Last().Info
		}
		info := open(ann, hub.Whom{Name: "Bob"})
		if info.Name != "@ann,bob" || !info.Private || !slices.Equal(info.DirectUsers(), []chat.UserID{ann.User.ID, bob.User.ID}) {
			t.Fatalf("the room is %+v", info)
		}
		room := info.ID
		if again := open(bob, hub.Whom{ID: ann.User.ID}, hub.Whom{Name: "ann"}); again.ID != room {
			t.Errorf("bob opens another one: %+v", again)
		}
		if three := open(ann, hub.Whom{Name: "bob"}, hub.Whom{Name: "cid"}); three.ID == room {
			t.Error("the room of three is that of two")
		}
		r.Pass(pace)
		bob.LeaveForGood(room) // he does not want it in his list
		r.Pass(pace)
		from, phoneFrom := len(bob.Records), len(phone.Records)
		ann.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		ann.Publish(room, 1, "psst")
		r.Pass(pace)
		for c, n := range map[*hubtest.Client]int{bob: from, phone: phoneFrom} {
			if got := kinds(c, n); got["Belongs"] != 1 || c.Last().Ref.Room != room {
				t.Errorf("%d workers: somebody talks to bob, and he is told %v", workers, got)
			}
		}
		ann.Publish(room, 2, "hello?")
		r.Pass(pace)
		if got := kinds(bob, from); got["Belongs"] != 1 {
			t.Errorf("of the second message he is told %v", got)
		}
		rooms := mine(t, r, bob)
		i := slices.IndexFunc(rooms, func(x hub.MyRoom) bool { return x.ID == room })
		if i < 0 || rooms[i].Unread != 2 || rooms[i].Role != chat.RoleMember || rooms[i].Last.Text != "hello?" {
			t.Errorf("bob has %+v", rooms)
		}
		bob.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		bob.Publish(room, 1, "yes?")
		r.Settle()
		if bob.Acked(room, 1) == 0 {
			t.Errorf("bob answers, and is told %+v", bob.Last())
		}
		for what, ask := range map[string]func(){
			"join":    func() { cid.JoinAs(room, hub.JoinRequest{}) },
			"by name": func() { cid.JoinAs(0, hub.JoinRequest{Name: "@ann,bob"}) },
			"history": func() { cid.History(room, 0, 0, 10) },
			"mark":    func() { cid.Mark(room, 1) },
		} {
			ask()
			r.Pass(pace)
			code := chat.CodeNoRoom
			if x := cid.Last(); x.Err == nil || x.Err.Code != code || what == "by name" && x.Ref.Room != 0 {
				t.Errorf("cid wants to %s and is told %+v, %v", what, x, x.Err)
			}
		}
		for _, c := range []*hubtest.Client{ann, cid} {
			if c.List(0, 100); true {
				r.Settle()
			}
			if len(c.Last().Rooms) > 0 {
				t.Errorf("%s finds %+v in the list", c.User.Name, c.Last().Rooms)
			}
		}
		for n, rule := range []func(n chat.Nonce){
			func(n chat.Nonce) { ann.GiveRole(room, n, cid.User.ID, chat.RoleMember) },
			func(n chat.Nonce) { ann.GiveRole(room, n, bob.User.ID, chat.RoleBanned) },
			func(n chat.Nonce) { ann.Kick(room, n, hub.KickRequest{Whom: hub.Whom{ID: bob.User.ID}}) },
		} {
			rule(chat.Nonce(100 + n))
			r.Settle()
			wantFailed(t, ann, chat.CodeBadRequest)
		}
	}
}

// What can not be a direct room is refused; nobody is told more than that.
func TestDirectRefused(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{UserRoomsMax: 1}})
	ann := r.Enter("ann", nil)
	for _, c := range []struct {
		with []hub.Whom
		code chat.Code
	}{
		{nil, chat.CodeBadRequest},
		{[]hub.Whom{{Name: "ann"}}, chat.CodeBadRequest},
		{[]hub.Whom{{Name: "nobody"}}, chat.CodeNoUser},
		{[]hub.Whom{{ID: 77}}, chat.CodeNoUser},
		{[]hub.Whom{{Name: "a b"}}, chat.CodeBadName},
		{make([]hub.Whom, 11), chat.CodeBadRequest},
	} {
		ann.Direct(c.with...)
		r.Settle()
		wantFailed(t, ann, c.code)
	}
	for i := range 3 { // they are no rooms that she has made
		name := fmt.Sprint("guest", i)
		r.Enter(name, nil)
		ann.Direct(hub.Whom{Name: name})
		r.Settle()
		if ann.Last().Kind != "Created" {
			t.Errorf("room %d: she is told %v", i, ann.Last().Err)
		}
	}
	stranger := r.Dial(nil)
	stranger.Direct(hub.Whom{Name: "ann"})
	r.Settle()
	wantFailed(t, stranger, chat.CodeNotLoggedIn)
}

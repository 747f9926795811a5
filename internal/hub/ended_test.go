package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

func wantRemoved(t *testing.T, c *hubtest.Client, code chat.Code, seq chat.Seq) {
	t.Helper()
	if x := c.Last(); x.Kind != "Removed" || x.Err.Code != code || x.Seq != seq {
		t.Errorf("%s was told %+v (%v), want removed with code %d by event %d", c.User.Name, x, x.Err, code, seq)
	}
}

// wantNothingAbove says that no event of a room with a number above last has arrived.
func wantNothingAbove(t *testing.T, c *hubtest.Client, last chat.Seq) {
	t.Helper()
	for _, e := range c.Events {
		if e.Seq > last {
			t.Errorf("%s was sent event %d, behind %d that sent him out", c.User.Name, e.Seq, last)
		}
	}
}

// again returns another session of a user.
func again(r *hubtest.Rig, c *hubtest.Client) *hubtest.Client {
	d := r.Dial(nil)
	d.Login(c.User.Name, c.Token)
	r.Settle()
	return d
}

// Who makes a durable room is its owner; one who makes an ephemeral room is nothing.
func TestMakerIsOwner(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	ann.GiveRole(room, 1, bob.User.ID, chat.RoleModerator)
	bob.GiveRole(room, 1, ann.User.ID, chat.RoleReader)
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	if ann.Acked(room, 1) == 0 {
		t.Errorf("the owner was told %+v", ann.Last())
	}
	// She hands the room over, and is what a role event says from then on. That it takes
	// nothing to be the owner again is for owners to give.
	ann.GiveRole(room, 2, bob.User.ID, chat.RoleOwner)
	r.Settle()
	bob.GiveRole(room, 2, ann.User.ID, chat.RoleMember)
	cid := r.Enter("cid", nil)
	joined(t, r, cid, "lobby")
	bob.GiveRole(room, 3, cid.User.ID, chat.RoleModerator)
	r.Settle()
	ann.GiveRole(room, 3, bob.User.ID, chat.RoleMember)
	r.Settle()
	wantFailed(t, ann, chat.CodeForbidden)
	cid.GiveRole(room, 1, ann.User.ID, chat.RoleNone) // it would make her the owner
	r.Settle()
	wantFailed(t, cid, chat.CodeForbidden)

	ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
	r.Settle()
	ann.GiveRole(ann.Last().Info.ID, 4, bob.User.ID, chat.RoleReader)
	r.Settle()
	wantFailed(t, ann, chat.CodeBadRequest)
}

// A ban ends all sessions of the user in the room, on all workers, right behind its
// event, and a kick does the same, but for coming back.
func TestBanEndsSessions(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		for _, kick := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d workers, kick %t", workers, kick), func(t *testing.T) {
				r := newRig(t, hubtest.Config{Workers: workers})
				ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
				room := joined(t, r, ann, "lobby").ID
				his := []*hubtest.Client{bob}
				for len(his) < 4 {
					his = append(his, again(r, bob))
				}
				for _, c := range his {
					joined(t, r, c, "lobby")
				}
				other := joined(t, r, bob, "other").ID
				ann.Publish(room, 1, "before")
				code := chat.CodeBanned
				if kick {
					code = chat.CodeKicked
					ann.Kick(room, 2, hub.KickRequest{Whom: hub.Whom{Name: "BOB"}, Reason: "spam"})
				} else {
					ann.GiveRoleAs(room, 2, hub.RoleRequest{Whom: hub.Whom{Name: "BOB"}, Role: chat.RoleBanned, Reason: "spam"})
				}
				r.Step() // it is on its way to the store
				ann.Publish(room, 3, "behind")
				ann.Publish(room, 4, "behind")
				r.Settle()
				seq := ann.Acked(room, 2)
				for _, c := range his {
					wantRemoved(t, c, code, seq)
					wantNothingAbove(t, c, seq)
					if e := c.Events[len(c.Events)-1]; e.Seq != seq || e.Text != "spam" || e.Subject != bob.User.ID {
						t.Errorf("the last event that bob has is %+v", e)
					}
				}
				ann.Members(room, 0, 10)
				r.Settle()
				if x := ann.Last(); x.Total != 1 || len(x.Users) != 1 {
					t.Errorf("the members are %+v", x)
				}
				left := slices.ContainsFunc(ann.Events, func(e chat.Event) bool {
					return e.Kind == chat.EventLeave && e.User == bob.User.ID && e.Seq > seq
				})
				if !left {
					t.Errorf("nobody was told that he left: %+v", ann.Events)
				}
				bob.Publish(other, 5, "here I am")
				r.Settle()
				if bob.Acked(other, 5) == 0 {
					t.Errorf("in the other room he was told %+v", bob.Last())
				}
				if kick {
					joined(t, r, bob, "lobby")
					return
				}
				bob.Join("lobby")
				r.Settle()
				wantFailed(t, bob, chat.CodeForbidden)
				ann.GiveRoleAs(room, 6, hub.RoleRequest{Whom: hub.Whom{ID: bob.User.ID}, Role: chat.RoleMember})
				r.Settle()
				joined(t, r, bob, "lobby")
			})
		}
	}
}

// A reader who is behind is out at once, too, and gets nothing more when he reads on.
func TestBanOfSlowReader(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	bob.Pause()
	text := strings.Repeat("x", 4000)
	for i := range 100 {
		ann.Publish(room, chat.Nonce(i+1), text)
		r.Settle()
	}
	ann.GiveRole(room, 200, bob.User.ID, chat.RoleBanned)
	r.Settle()
	wantRemoved(t, bob, chat.CodeBanned, ann.Acked(room, 200))
	ann.Publish(room, 201, "behind")
	r.Settle()
	bob.Resume()
	r.Settle()
	wantNothingAbove(t, bob, ann.Acked(room, 200))
	if n := len(bob.Events); n > 100 {
		t.Errorf("he was sent %d events: the test needs a reader who is behind", n)
	}
}

// Who is present only because he may come back goes at once.
func TestBanOfSomebodyAway(t *testing.T) {
	r := newRig(t, hubtest.Config{})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	bob.Hangup()
	r.Settle()
	ann.GiveRole(room, 1, bob.User.ID, chat.RoleBanned)
	r.Settle()
	ann.Members(room, 0, 10)
	r.Settle()
	if x := ann.Last(); x.Total != 1 {
		t.Errorf("the members are %+v", x)
	}
}

// A ban, or a silence, for a time ends by the room's clock.
func TestRoleForATime(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open()})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	give := func(n chat.Nonce, role chat.Role, d time.Duration) {
		t.Helper()
		ann.GiveRoleAs(room, n, hub.RoleRequest{Whom: hub.Whom{ID: bob.User.ID}, Role: role, For: d})
		r.Settle()
	}
	give(1, chat.RoleModerator, time.Hour)
	wantFailed(t, ann, chat.CodeBadRequest)
	give(2, chat.RoleReader, time.Minute)
	bob.Publish(room, 1, "too soon")
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	r.Pass(time.Minute)
	bob.Publish(room, 2, "now")
	r.Settle()
	if bob.Acked(room, 2) == 0 {
		t.Fatalf("he was told %+v", bob.Last())
	}
	give(3, chat.RoleBanned, time.Minute)
	wantRemoved(t, bob, chat.CodeBanned, ann.Acked(room, 3))
	r.Pass(30 * time.Second)
	bob.Join("lobby")
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	r.Pass(30 * time.Second)
	joined(t, r, bob, "lobby")
	ban := disk.Log(room)[ann.Acked(room, 3)-1]
	if ban.Kind != chat.EventRole || ban.UntilMs != ban.TimeMs+60_000 {
		t.Errorf("the ban is %+v", ban)
	}
}

// Who made a room and has given it away does not own it again because a ban has run out;
// an owner may give it back to him.
func TestBanOfTheMakerForATime(t *testing.T) {
	for _, private := range []bool{false, true} {
		disk := storesim.NewDisk(nil)
		r := newRig(t, hubtest.Config{Store: disk.Open()})
		ann, bob, cid := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("cid", nil)
		ann.JoinAs(0, hub.JoinRequest{Name: "lobby", Create: true, Private: private})
		r.Settle()
		room := ann.Last().Info.ID
		give := func(by *hubtest.Client, n chat.Nonce, to *hubtest.Client, role chat.Role, d time.Duration) {
			t.Helper()
			by.GiveRoleAs(room, n, hub.RoleRequest{Whom: hub.Whom{ID: to.User.ID}, Role: role, For: d})
			r.Settle()
			if by.Acked(room, n) == 0 {
				t.Fatalf("%s was told %+v", by.User.Name, by.Last())
			}
		}
		give(ann, 1, bob, chat.RoleOwner, 0)
		joined(t, r, bob, "lobby")
		give(bob, 9, ann, chat.RoleMember, 0)
		give(bob, 1, cid, chat.RoleModerator, 0)
		joined(t, r, cid, "lobby")
		give(bob, 2, ann, chat.RoleBanned, 0)
		give(cid, 1, ann, chat.RoleBanned, time.Second)
		r.Pass(2 * time.Second)
		ann.List(0, 10)
		r.Settle()
		if listed := len(ann.Last().Rooms) == 1; listed == private {
			t.Errorf("private %t: the maker sees %+v", private, ann.Last().Rooms)
		}
		ann.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		if private {
			wantFailed(t, ann, chat.CodeNoRoom)
		} else {
			ann.GiveRole(room, 3, cid.User.ID, chat.RoleReader)
			r.Settle()
			wantFailed(t, ann, chat.CodeForbidden)
		}
		cid.GiveRole(room, 2, ann.User.ID, chat.RoleNone) // it would make her the owner
		r.Settle()
		wantFailed(t, cid, chat.CodeForbidden)
		give(bob, 3, ann, chat.RoleNone, 0)
		if private {
			joined(t, r, ann, "lobby")
		}
		give(ann, 4, bob, chat.RoleReader, 0)
	}
}

// An owner does not shut himself out, nor step down by himself, whether or not he made the room:
// another owner takes the role from him, so there is always one.
func TestOwnerCanNotBanHimself(t *testing.T) {
	r := newRig(t, hubtest.Config{})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "lobby").ID
	joined(t, r, bob, "lobby")
	ann.GiveRole(room, 1, bob.User.ID, chat.RoleOwner)
	r.Settle()
	for i, c := range []*hubtest.Client{ann, bob} {
		for j, d := range []time.Duration{0, time.Minute} {
			n := chat.Nonce(10 + 2*i + j)
			c.GiveRoleAs(room, n, hub.RoleRequest{Whom: hub.Whom{ID: c.User.ID}, Role: chat.RoleBanned, For: d})
			r.Settle()
			wantFailed(t, c, chat.CodeForbidden)
		}
		c.GiveRole(room, 20, c.User.ID, chat.RoleMember)
		r.Settle()
		wantFailed(t, c, chat.CodeForbidden)
		c.GiveRole(room, 21, c.User.ID, chat.RoleOwner) // which he is
		r.Settle()
		if c.Acked(room, 21) == 0 {
			t.Errorf("%s was told %+v", c.User.Name, c.Last())
		}
	}
	ann.GiveRole(room, 30, bob.User.ID, chat.RoleMember) // both want to be the one: who comes first is
	bob.GiveRole(room, 30, ann.User.ID, chat.RoleMember)
	r.Settle()
	if took, lost := ann.Acked(room, 30), bob.Acked(room, 30); (took == 0) == (lost == 0) {
		t.Errorf("two owners have taken the role from each other: %d, %d", took, lost)
	}
}

// The first roles of a room that was just loaded are given in one batch, to users who were
// not there for long: none is refused.
func TestRolesInOneBatch(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		disk := storesim.NewDisk(nil)
		r := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 1})
		ann := r.Enter("ann", nil)
		room := joined(t, r, ann, "lobby").ID
		ann.Publish(room, 1, "hello")
		r.Settle()
		var subjects []chat.UserID
		for i := range 6 {
			subjects = append(subjects, r.Enter(fmt.Sprint("user", i), nil).User.ID)
		}
		r = newRig(t, hubtest.Config{Store: disk.Open(), Seed: uint64(1 + workers), Workers: workers})
		again := r.Dial(nil)
		again.Login("ann", ann.Token)
		r.Settle()
		again.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		give := func(n chat.Nonce, u chat.UserID) {
			if again.GiveRole(room, n, u, chat.RoleReader); n%3 == 0 {
				again.Kick(room, 100+n, hub.KickRequest{Whom: hub.Whom{ID: u}})
			}
		}
		for i, u := range subjects {
			give(chat.Nonce(10*workers+i), u)
		}
		r.Settle()
		for i := range subjects {
			if n := chat.Nonce(10*workers + i); again.Acked(room, n) == 0 || n%3 == 0 && again.Acked(room, 100+n) == 0 {
				t.Errorf("%d workers: role %d is not acknowledged: %+v", workers, i, again.Records)
			}
		}
	}
}

// Another node has banned him, and this one does not know yet: until it does he sees the
// log as it is here, also where it is read from the store.
func TestBanFromElsewhere(t *testing.T) {
	disk := storesim.NewDisk(nil)
	quiet := hub.Config{AnnounceMembersMax: -1}
	tiny := engine.Config{FeedWindowBytesMax: 1, FeedBurstBytesMax: 1}
	a := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 1, Hub: quiet})
	b := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 2, Workers: 2, Engine: tiny, Hub: hub.Config{AnnounceMembersMax: -1, ChunkBytes: 64}})
	ann, bob := a.Enter("ann", nil), b.Enter("bob", nil)
	room := joined(t, a, ann, "lobby")
	joined(t, b, bob, "lobby")
	for i := range 3 {
		ann.Publish(room.ID, chat.Nonce(i+1), "x")
		a.Settle()
	}
	b.Hub.CatchUp(room.ID)
	b.Settle()
	ann.GiveRole(room.ID, 9, bob.User.ID, chat.RoleBanned)
	a.Settle()
	ann.Publish(room.ID, 10, "without him")
	a.Settle()
	if ann.Acked(room.ID, 10) != 5 {
		t.Fatalf("ann was told %+v", ann.Last())
	}
	behind := again(b, bob)
	behind.JoinAs(room.ID, hub.JoinRequest{Epoch: room.Epoch, Seq: 0})
	b.Settle()
	if n := len(behind.Events); n != 3 {
		t.Errorf("from the store came %+v", behind.Events)
	}
	behind.History(room.ID, 0, 0, 10) // what it reads is not known here: now the node looks
	b.Settle()
	for _, c := range []*hubtest.Client{bob, behind} {
		if !slices.ContainsFunc(c.Records, func(x hubtest.Record) bool { return x.Kind == "Removed" && x.Seq == 4 }) {
			t.Errorf("bob was told %+v", c.Records)
		}
		wantNothingAbove(t, c, 4)
	}
	wantFailed(t, behind, chat.CodeForbidden)
	ann.History(room.ID, 0, 0, 10)
	a.Settle()
	if x := ann.Last(); len(x.Events) != 5 {
		t.Errorf("ann is told %+v", x)
	}
}

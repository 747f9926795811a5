package hub_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// pace is longer than what changes of memberships wait for each other.
const pace = 300 * time.Millisecond

// another is one more session of a client's user.
func another(r *hubtest.Rig, c *hubtest.Client) *hubtest.Client {
	x := r.Dial(nil)
	x.Login(c.User.Name, c.Token)
	r.Settle()
	return x
}

// mine returns what the client's list of his rooms is.
func mine(t *testing.T, r *hubtest.Rig, c *hubtest.Client) []hub.MyRoom {
	t.Helper()
	c.MyRooms(0, 0)
	r.Settle()
	if c.Last().Kind != "MyRooms" || c.Last().More {
		t.Fatalf("%s asks for his rooms and is told %+v", c.User.Name, c.Last())
	}
	return c.Last().Mine
}

// wantUnread expects a client to have one room, with so much to read.
func wantUnread(t *testing.T, r *hubtest.Rig, c *hubtest.Client, mark chat.Seq, unread uint64) {
	t.Helper()
	rooms := mine(t, r, c)
	if len(rooms) != 1 || rooms[0].Mark != mark || rooms[0].Unread != unread {
		t.Errorf("%s has the rooms %+v; want the mark %d and %d unread", c.User.Name, rooms, mark, unread)
	}
}

// marks are what a client was told of marks, in order, without the requests' numbers.
func marks(c *hubtest.Client) (all []chat.Seq) {
	for _, x := range c.Records {
		if x.Kind == "Marked" {
			all = append(all, x.Seq)
		}
	}
	return all
}

// A mark is the user's: all his sessions are told, on whatever worker, and it only grows.
func TestMarkIsShared(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		joined(t, r, ann, "room")
		room := joined(t, r, bob, "room").ID
		devices := []*hubtest.Client{bob, another(r, bob), another(r, bob)}
		for n := range chat.Nonce(10) {
			ann.Publish(room, n+1, "hello")
		}
		r.Pass(pace)
		last := ann.Acked(room, 10)
		start := last - 10
		wantUnread(t, r, bob, start-1, 10) // since his own join, which is no message
		devices[1].Mark(room, start+4)
		devices[2].Mark(room, start+3)
		r.Pass(pace)
		devices[0].Mark(room, start+1)
		r.Pass(pace)
		devices[0].Mark(room, 1<<60) // the end
		r.Pass(pace)
		for i, d := range devices {
			if got := marks(d); !slices.IsSorted(got) || len(got) == 0 || got[len(got)-1] != last {
				t.Errorf("%d workers: device %d was told %v", workers, i, got)
			}
		}
		if x := devices[0].Last(); x.Kind != "Marked" || x.Ref.Request == 0 {
			t.Errorf("who has asked was told %+v", x)
		}
		if x := devices[1].Last(); x.Kind != "Marked" || x.Ref.Request != 0 {
			t.Errorf("who has not asked was told %+v", x)
		}
		if got := marks(ann); len(got) > 0 {
			t.Errorf("ann was told %v", got)
		}
		wantUnread(t, r, devices[2], last, 0)
		devices[1].Mute(room, true)
		r.Pass(pace)
		if x := devices[0].Last(); x.Kind != "Muted" || !x.Muted || x.Ref.Room != room {
			t.Errorf("the other device was told %+v", x)
		}
		if rooms := mine(t, r, bob); !rooms[0].Muted {
			t.Errorf("his rooms are %+v", rooms)
		}
	}
}

// Who was in a room belongs to it: away, after a restart, and until he leaves for good.
func TestMembershipLasts(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open(), Workers: 2})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	joined(t, r, ann, "room")
	room := joined(t, r, bob, "room").ID
	r.Pass(pace)
	bob.Leave(room)
	ann.Publish(room, 1, "are you there?")
	r.Pass(time.Minute)
	wantUnread(t, r, bob, 2-1, 1)
	bob.Mark(room, ann.Acked(room, 1)) // he need not be there
	r.Pass(pace)
	wantUnread(t, r, bob, ann.Acked(room, 1), 0)
	again := newRig(t, hubtest.Config{Store: disk.Open(), Workers: 3, Seed: 2, Port: 7001})
	back := again.Dial(nil)
	back.Login("bob", bob.Token)
	again.Settle()
	wantUnread(t, again, back, ann.Acked(room, 1), 0)
	phone := another(again, back)
	joined(t, again, back, "room")
	joined(t, again, phone, "room")
	back.LeaveForGood(room)
	again.Pass(pace)
	if x := back.Last(); x.Kind != "Left" || x.Ref.Request == 0 {
		t.Errorf("he leaves, and is told %+v", x)
	}
	wantRemoved(t, phone, chat.CodeLeft, 0)
	if rooms := mine(t, again, back); len(rooms) > 0 {
		t.Errorf("he left %+v", rooms)
	}
	back.Mark(room, 1)
	again.Pass(pace)
	wantFailed(t, back, chat.CodeNotMember)
	back.LeaveForGood(room) // once more, from outside
	again.Pass(pace)
	if x := back.Last(); x.Kind != "Left" {
		t.Errorf("he leaves again, and is told %+v", x)
	}
	joined(t, again, phone, "room")
	again.Pass(pace)
	if rooms := mine(t, again, back); len(rooms) != 1 || rooms[0].Unread != 0 {
		t.Errorf("he is back, and has %+v", rooms)
	}
}

// Who is put out belongs to the room no more; a mark of somebody who may not read is refused as
// of a room that is not there, if it is hidden.
func TestPutOut(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	for _, c := range []struct {
		name    string
		private bool
		out     func(room chat.RoomID)
		code    chat.Code // of a mark afterwards
	}{
		{"kicked", false, func(room chat.RoomID) { ann.Kick(room, 2, hub.KickRequest{Whom: hub.Whom{ID: bob.User.ID}}) }, chat.CodeNotMember},
		{"banned", false, func(room chat.RoomID) { ann.GiveRole(room, 2, bob.User.ID, chat.RoleBanned) }, chat.CodeForbidden},
		{"uninvited", true, func(room chat.RoomID) { ann.GiveRole(room, 2, bob.User.ID, chat.RoleNone) }, chat.CodeNoRoom},
	} {
		ann.JoinAs(0, hub.JoinRequest{Name: c.name, Create: true, Private: c.private})
		r.Settle()
		room := ann.Last().Info.ID
		ann.GiveRole(room, 1, bob.User.ID, chat.RoleMember)
		r.Settle()
		joined(t, r, bob, c.name)
		r.Pass(pace)
		if rooms := mine(t, r, bob); len(rooms) != 1 || rooms[0].ID != room || rooms[0].Role != chat.RoleMember || rooms[0].Members != 2 {
			t.Errorf("%s: before, he has %+v", c.name, rooms)
		}
		c.out(room)
		r.Pass(pace)
		if rooms := mine(t, r, bob); len(rooms) > 0 {
			t.Errorf("%s: he still has %+v", c.name, rooms)
		}
		for _, ask := range []func(){func() { bob.Mark(room, 1) }, func() { bob.Mute(room, true) }} {
			ask()
			r.Pass(pace)
			wantFailed(t, bob, c.code)
		}
		if rooms := mine(t, r, ann); !slices.ContainsFunc(rooms, func(x hub.MyRoom) bool { return x.ID == room && x.Role == chat.RoleOwner }) {
			t.Errorf("%s: ann has %+v", c.name, rooms)
		}
	}
}

// Nothing is kept of ephemeral rooms; and whoever is not there is told nothing.
func TestMarkRefused(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann := r.Enter("ann", nil)
	ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
	r.Settle()
	game := ann.Last().Info.ID
	ann.Mark(game, 1)
	r.Pass(pace)
	wantFailed(t, ann, chat.CodeBadRequest)
	if rooms := mine(t, r, ann); len(rooms) > 0 {
		t.Errorf("she has %+v", rooms)
	}
	ann.LeaveForGood(game)
	r.Pass(pace)
	if x := ann.Last(); x.Kind != "Left" {
		t.Errorf("she leaves, and is told %+v", x)
	}
	ann.Mark(1<<40, 1)
	r.Pass(pace)
	wantFailed(t, ann, chat.CodeNoRoom)
	stranger := r.Dial(nil)
	stranger.Mark(game, 1)
	r.Settle()
	wantFailed(t, stranger, chat.CodeNotLoggedIn)
	stranger.MyRooms(0, 0)
	r.Settle()
	wantFailed(t, stranger, chat.CodeNotLoggedIn)
	stranger.LeaveForGood(game)
	r.Settle()
	wantFailed(t, stranger, chat.CodeNotLoggedIn)
	room := joined(t, r, ann, "room").ID
	r.Pass(pace)
	ann.Mark(room, 1) // gone before the answer
	ann.Hangup()
	r.Pass(pace)
}

// When the store does nothing, who asks is told so, and who came is noted later.
func TestMembershipsWaitForTheStore(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open()})
	ann := r.Enter("ann", nil)
	room := joined(t, r, ann, "room").ID
	r.Pass(pace)
	disk.SetTrouble(refusingCall("ChangeMembers"))
	joined(t, r, ann, "other")
	ann.Mark(room, 1)
	r.Pass(3 * time.Second)
	wantFailed(t, ann, chat.CodeUnavailable)
	disk.SetTrouble(nil)
	r.Pass(2 * time.Second)
	if rooms := mine(t, r, ann); len(rooms) != 2 {
		t.Errorf("she has %+v", rooms)
	}
	for i := range 20 { // more than she may have without an answer, as those are stored together
		ann.Mark(room, chat.Seq(i))
	}
	r.Pass(pace)
	if n := len(marks(ann)); n != 8 {
		t.Errorf("%d marks are answered", n)
	}
}

// A server that goes down does not wait for a store that does nothing.
func TestDrainWithoutMemberships(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open()})
	ann := r.Enter("ann", nil)
	joined(t, r, ann, "room")
	r.Pass(pace)
	disk.SetTrouble(refusingCall("ChangeMembers"))
	joined(t, r, ann, "other")
	done := make(chan error, 1)
	go func() { done <- r.Hub.Drain(t.Context()) }()
	for deadline := time.Now().Add(10 * time.Second); ; r.Pass(pace) {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the drain waits for memberships")
		}
	}
}

// refusingCall is a disk that does not do one kind of call.
type refusingCall string

func (call refusingCall) Next(asked string) storesim.Fault {
	if asked == string(call) {
		return storesim.FaultUnavailable
	}
	return storesim.FaultNone
}

func (refusingCall) Kept() bool { return true }

// A list of many rooms comes in pages, whose bytes are bounded as well.
func TestMyRoomsArePaged(t *testing.T) {
	disk := storesim.NewDisk(nil)
	store := disk.Open()
	r := newRig(t, hubtest.Config{Store: store})
	ann := r.Enter("ann", nil)
	const rooms = 300
	for i := range rooms {
		name := fmt.Sprintf("room%d", i)
		made, err := store.CreateRoom(t.Context(), chat.Room{Name: name, Key: name}, chat.RoomQuota{})
		if err == nil {
			_, err = store.ChangeMembers(t.Context(), []chat.MemberChange{{Kind: chat.MemberEnters, User: ann.User.ID, Room: made.ID}}, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, items := range []int{0, 4, 7, 1000} {
		var got []hub.MyRoom
		for more, pages := true, 0; more; pages++ {
			after := chat.RoomID(0)
			if len(got) > 0 {
				after = got[len(got)-1].ID
			}
			ann.MyRooms(after, items)
			r.Pass(time.Second) // she may not ask too fast
			x := ann.Last()
			if x.Kind != "MyRooms" || len(x.Mine) == 0 || pages > rooms {
				t.Fatalf("page %d: %+v", pages, x)
			}
			got, more = append(got, x.Mine...), x.More
		}
		if len(got) != rooms {
			t.Errorf("in pages of %d there are %d rooms", items, len(got))
		}
	}
}

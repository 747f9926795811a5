package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// told are the answers to a client's requests behind the first from, without the requests'
// numbers.
func told(c *hubtest.Client, from int) (all string) {
	for _, x := range c.Records[from:] {
		if x.Err == nil {
			all += fmt.Sprintf("%s %+v\n", x.Kind, x)
			continue
		}
		all += fmt.Sprintf("%s of room %d: %d %s, again after %v\n", x.Kind, x.Ref.Room, x.Err.Code, x.Err.Message, x.Err.RetryAfter)
	}
	return all
}

// Who may not see a private room is told what he would be told if it were not there: by
// its id and by its name, loaded or not, whoever he is.
func TestPrivateRoomIsNotThere(t *testing.T) {
	disk := storesim.NewDisk(nil)
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Store: disk.Open(), Seed: uint64(workers), Port: uint16(7300 + workers), Workers: workers, Hub: hub.Config{RoomIdle: time.Second, AwayGrace: time.Second}})
		ann, bob := r.Enter(fmt.Sprintf("ann%d", workers), nil), r.Enter(fmt.Sprintf("bob%d", workers), nil)
		cid := r.Enter(fmt.Sprintf("cid%d", workers), nil)
		name := fmt.Sprintf("secret%d", workers)
		ann.CreateAs(hub.NewRoom{Name: name, Private: true})
		r.Settle()
		room := ann.Last().Info.ID
		if !ann.Last().Info.Private {
			t.Fatalf("made is %+v", ann.Last())
		}
		joined(t, r, ann, name)
		ann.GiveRole(room, 1, cid.User.ID, chat.RoleBanned)
		r.Settle()
		same := func(what string, ask func(c *hubtest.Client, room chat.RoomID, name string)) {
			t.Helper()
			for _, c := range []*hubtest.Client{bob, cid} {
				from := len(c.Records)
				ask(c, 1<<40+room, "nowhere")
				r.Settle()
				want := told(c, from)
				from = len(c.Records)
				ask(c, room, name)
				r.Settle()
				got := told(c, from)
				if want = replaceNames(want, 1<<40+room, "nowhere"); replaceNames(got, room, name) != want {
					t.Errorf("%s: %s is told\n%s\nof a room that is not there\n%s", what, c.User.Name, got, want)
				}
			}
		}
		for _, loaded := range []bool{true, false} {
			if !loaded {
				ann.Leave(room)
				r.Pass(5 * time.Second)
			}
			same("join by id", func(c *hubtest.Client, room chat.RoomID, _ string) { c.JoinAs(room, hub.JoinRequest{}) })
			same("join by name", func(c *hubtest.Client, _ chat.RoomID, name string) { c.JoinAs(0, hub.JoinRequest{Name: name}) })
			same("join by another spelling", func(c *hubtest.Client, _ chat.RoomID, name string) {
				c.JoinAs(0, hub.JoinRequest{Name: "S" + name[1:]})
			})
			same("history", func(c *hubtest.Client, room chat.RoomID, _ string) { c.History(room, 0, 0, 10) })
			same("members", func(c *hubtest.Client, room chat.RoomID, _ string) { c.Members(room, 0, 10) })
			same("leave", func(c *hubtest.Client, room chat.RoomID, _ string) { c.Leave(room) })
			same("publish", func(c *hubtest.Client, room chat.RoomID, _ string) { c.Publish(room, 7, "x") })
			same("give a role", func(c *hubtest.Client, room chat.RoomID, _ string) { c.GiveRole(room, 8, 1, chat.RoleMember) })
			for _, target := range []chat.Seq{0, 1 << 30} {
				same("join by id, and publish in the same breath", func(c *hubtest.Client, room chat.RoomID, _ string) {
					c.JoinAs(room, hub.JoinRequest{})
					c.PublishAs(room, 7, hub.Message{Text: "x", Target: target})
				})
			}
			same("join by id, and give a role in the same breath", func(c *hubtest.Client, room chat.RoomID, _ string) {
				c.JoinAs(room, hub.JoinRequest{})
				c.GiveRole(room, 8, 1, chat.RoleMember)
			})
			same("join by id, again and leave in the same breath", func(c *hubtest.Client, room chat.RoomID, _ string) {
				c.JoinAs(room, hub.JoinRequest{})
				c.JoinAs(room, hub.JoinRequest{})
				c.Leave(room)
			})
			same("join by name twice in the same breath", func(c *hubtest.Client, _ chat.RoomID, name string) {
				c.JoinAs(0, hub.JoinRequest{Name: name})
				c.JoinAs(0, hub.JoinRequest{Name: name})
			})
			same("kick", func(c *hubtest.Client, room chat.RoomID, _ string) {
				c.Kick(room, 9, hub.KickRequest{Whom: hub.Whom{ID: 1}})
			})
		}
		for _, c := range []*hubtest.Client{bob, cid} {
			c.List(0, 100)
			r.Settle()
			if rooms := c.Last().Rooms; slices.ContainsFunc(rooms, func(x hub.RoomInfo) bool { return x.ID == room }) {
				t.Errorf("%s sees %+v", c.User.Name, rooms)
			}
			c.Join(name) // which would make it
			r.Settle()
			if x := c.Last(); x.Err == nil || x.Err.Code != chat.CodeRoomExists || x.Ref.Room != 0 {
				t.Errorf("%s wants the name, and is told %+v, %v", c.User.Name, x, x.Err)
			}
		}
		ann.List(0, 100)
		r.Settle()
		if rooms := ann.Last().Rooms; len(rooms) != 1 || rooms[0].ID != room || !rooms[0].Private {
			t.Errorf("the maker sees %+v", rooms)
		}
	}
}

// replaceNames makes answers about two rooms comparable.
func replaceNames(s string, room chat.RoomID, name string) string {
	for _, part := range [][2]string{{fmt.Sprintf("room %d:", room), "room N:"}, {fmt.Sprintf("%q", name), "NAME"}, {fmt.Sprintf("%q", "S"+name[1:]), "NAME"}} {
		for i := 0; i+len(part[0]) <= len(s); i++ {
			if s[i:i+len(part[0])] == part[0] {
				s = s[:i] + part[1] + s[i+len(part[0]):]
			}
		}
	}
	return s
}

// Who is invited sees the room and comes in; when the invitation is taken back he is out.
func TestInvitation(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann, bob, cid := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("cid", nil)
	ann.JoinAs(0, hub.JoinRequest{Name: "secret", Create: true, Private: true})
	r.Settle()
	room := ann.Last().Info.ID
	ann.GiveRoleAs(room, 1, hub.RoleRequest{Whom: hub.Whom{Name: "bob"}, Role: chat.RoleMember})
	r.Settle()
	bob.List(0, 10)
	r.Settle()
	if rooms := bob.Last().Rooms; len(rooms) != 1 || rooms[0].ID != room {
		t.Errorf("bob sees %+v", rooms)
	}
	joined(t, r, bob, "secret")
	bob.Publish(room, 1, "thanks")
	r.Settle()
	bob.GiveRole(room, 2, cid.User.ID, chat.RoleMember) // not his to give
	r.Settle()
	wantFailed(t, bob, chat.CodeForbidden)
	ann.GiveRole(room, 2, bob.User.ID, chat.RoleModerator)
	r.Settle()
	bob.GiveRole(room, 3, cid.User.ID, chat.RoleReader)
	r.Settle()
	joined(t, r, cid, "secret")
	cid.Publish(room, 1, "may I?")
	r.Settle()
	wantFailed(t, cid, chat.CodeForbidden)
	ann.GiveRoleAs(room, 4, hub.RoleRequest{Whom: hub.Whom{Name: "cid"}, Role: chat.RoleReader, For: time.Minute})
	r.Pass(2 * time.Minute)
	cid.Publish(room, 2, "now I may") // a silence that is over does not take the invitation
	r.Settle()
	if cid.Acked(room, 2) == 0 {
		t.Errorf("cid was told %+v", cid.Last())
	}
	ann.GiveRole(room, 5, bob.User.ID, chat.RoleNone)
	r.Settle()
	wantRemoved(t, bob, chat.CodeUninvited, ann.Acked(room, 5))
	bob.JoinAs(room, hub.JoinRequest{})
	r.Settle()
	wantFailed(t, bob, chat.CodeNoRoom)
	ann.GiveRole(room, 6, ann.User.ID, chat.RoleNone) // she has made it: that takes nothing
	r.Settle()
	if ann.Last().Kind == "Removed" || ann.Acked(room, 6) == 0 {
		t.Errorf("ann was told %+v", ann.Last())
	}
	ann.CreateAs(hub.NewRoom{Name: "odd", Ephemeral: true, Private: true})
	r.Settle()
	wantFailed(t, ann, chat.CodeBadRequest)
}

// noAuthors is a store that can not say who somebody is.
type noAuthors struct{ chat.Store }

func (noAuthors) Author(context.Context, chat.RoomID, chat.UserID, int) (chat.Author, error) {
	return chat.Author{}, errors.New("broken")
}

// A join by name that fails does not tell the id of the room, whyever it fails.
func TestJoinByNameTellsNoID(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 1})
	ann := r.Enter("ann", nil)
	for _, name := range []string{"secret", "open"} {
		ann.JoinAs(0, hub.JoinRequest{Name: name, Create: true, Private: name == "secret"})
		r.Settle()
		room := ann.Last().Info.ID
		ann.GiveRole(room, 1, ann.User.ID, chat.RoleOwner) // from here on roles are asked for
		r.Settle()
	}
	broken := newRig(t, hubtest.Config{Store: noAuthors{disk.Open()}, Seed: 2, Workers: 2, Hub: hub.Config{RoomsJoinedMax: 1}})
	bob := broken.Enter("bob", nil)
	bob.JoinAs(0, hub.JoinRequest{Name: "open"})
	bob.JoinAs(0, hub.JoinRequest{Name: "secret"}) // when both are found, the second is one too many
	broken.Settle()
	bob.JoinAs(0, hub.JoinRequest{Name: "secret"}) // it is loaded now, or being asked for
	bob.JoinAs(0, hub.JoinRequest{Name: "Secret"})
	broken.Settle()
	codes := map[chat.Code]int{}
	for _, x := range bob.Records {
		if x.Kind != "Failed" {
			continue
		}
		if codes[x.Err.Code]++; x.Ref.Room != 0 {
			t.Errorf("he is told of room %d: %v", x.Ref.Room, x.Err)
		}
	}
	if codes[chat.CodeUnavailable] == 0 || codes[chat.CodeTooMany] == 0 {
		t.Errorf("he was told %+v", bob.Records)
	}
	ann.JoinAs(0, hub.JoinRequest{Name: "open"})
	r.Settle()
	wantFailed(t, ann, chat.CodeBadRequest)
	if x := ann.Last(); x.Ref.Room != 0 {
		t.Errorf("she is told of room %d", x.Ref.Room)
	}
}

// Who joins twice, or leaves before the join is answered, is answered in this order.
func TestRequestsBehindJoin(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		d, room := ruledDisk(t)
		r := newRig(t, hubtest.Config{Store: d.Open(), Workers: workers})
		bob := r.Enter("bob", nil)
		from := len(bob.Records)
		bob.JoinAs(room, hub.JoinRequest{})
		bob.JoinAs(room, hub.JoinRequest{})
		bob.Leave(room)
		r.Settle()
		var kinds []string
		for _, x := range bob.Records[from:] {
			kinds = append(kinds, x.Kind)
		}
		if !slices.Equal(kinds, []string{"Joined", "Failed", "Left"}) {
			t.Errorf("%d workers: he was told %v", workers, kinds)
		}
	}
}

package hub_test

import (
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// A room that was renamed is found by its new name and is the same one; its old name leads
// nowhere, and nobody else gets it for a while.
func TestRenameRoom(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		r := newRig(t, hubtest.Config{Store: disk.Open(), Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		joined(t, r, ann, "other")
		name := func(c *hubtest.Client, n chat.Nonce, name string) {
			c.Set(room, n, chat.Setting{Kind: chat.EventName, Text: name})
			r.Settle()
		}
		name(bob, 1, "mine")
		wantFailed(t, bob, chat.CodeForbidden)
		name(ann, 1, "Other")
		wantFailed(t, ann, chat.CodeRoomExists)
		name(ann, 2, "a/b c\n")
		wantFailed(t, ann, chat.CodeBadName)
		name(ann, 3, "Tea")
		seq := ann.Acked(room, 3)
		if last := bob.Events[len(bob.Events)-1]; seq == 0 || last.Seq != seq || last.Kind != chat.EventName || last.Text != "Tea" {
			t.Fatalf("renamed at %d, and bob has %+v", seq, last)
		}
		name(ann, 4, "coffee")
		name(ann, 3, "Tea") // a retry changes nothing
		if x := ann.Last(); x.Kind != "Ack" || x.Seq != seq {
			t.Errorf("said again it is %+v", x)
		}
		cid := r.Enter("cid", nil)
		if info := joined(t, r, cid, "coffee"); info.ID != room || info.Name != "coffee" {
			t.Errorf("by its new name it is %+v", info)
		}
		for _, old := range []string{"room", "tea"} {
			cid.JoinAs(0, hub.JoinRequest{Name: old})
			r.Settle()
			wantFailed(t, cid, chat.CodeNoRoom)
			cid.CreateAs(hub.NewRoom{Name: old})
			r.Settle()
			wantFailed(t, cid, chat.CodeNameKept)
			cid.Join(old)
			r.Settle()
			wantFailed(t, cid, chat.CodeNameKept)
		}
		again := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 9, Port: 7009})
		if info := joined(t, again, again.Enter("dan", nil), "coffee"); info.ID != room || info.Epoch == 0 {
			t.Errorf("after a restart it is %+v", info)
		}
	}
}

// When a room is deleted all in it are put out and told so; nobody gets in or reads what was
// there, whatever was on its way, and nothing of it is left in the store.
func TestDeleteRoom(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		r := newRig(t, hubtest.Config{Store: disk.Open(), Workers: workers})
		ann, bob, cid := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("cid", nil)
		info := joined(t, r, ann, "room")
		room := info.ID
		joined(t, r, bob, "room")
		ann.Publish(room, 1, "secret")
		r.Settle()
		bob.DeleteRoom(room)
		r.Settle()
		wantFailed(t, bob, chat.CodeForbidden)
		bob.History(room, 0, 0, 10)
		ann.DeleteRoom(room)
		ann.DeleteRoom(room)
		bob.Publish(room, 2, "on its way")
		cid.JoinAs(0, hub.JoinRequest{Name: "room"})
		r.Settle()
		r.Pass(time.Second)
		done := 0
		for _, x := range ann.Records {
			if x.Kind == "Done" {
				done++
			}
		}
		if done != 1 {
			t.Fatalf("who deletes it is told %+v", ann.Records)
		}
		for _, c := range []*hubtest.Client{ann, bob} {
			out := 0
			for _, x := range c.Records {
				if x.Kind == "Removed" && x.Err != nil && x.Err.Code == chat.CodeRoomDeleted {
					out++
				}
			}
			if out != 1 || c.Session.Rooms() != 0 {
				t.Errorf("%s was put out %d times, and is in %d rooms", c.User.Name, out, c.Session.Rooms())
			}
		}
		if cid.Session.Rooms() != 0 {
			t.Error("somebody is in a room that was deleted")
		}
		if left := disk.Log(room); len(left) != 0 {
			t.Errorf("the store has %+v", left)
		}
		for _, c := range []*hubtest.Client{bob, cid} {
			c.History(room, 0, 0, 10)
			r.Settle()
			wantFailed(t, c, chat.CodeNoRoom)
			c.JoinAs(room, hub.JoinRequest{})
			r.Settle()
			wantFailed(t, c, chat.CodeNoRoom)
			c.MyRooms(0, 10)
			r.Settle()
			if rooms := c.Last().Mine; len(rooms) != 0 {
				t.Errorf("his rooms are %+v", rooms)
			}
		}
		r.Pass(2 * time.Minute) // its home goes
		cid.CreateAs(hub.NewRoom{Name: "room"})
		r.Settle()
		wantFailed(t, cid, chat.CodeNameKept)
	}
}

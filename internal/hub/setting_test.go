package hub_test

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// An owner describes and archives the room: all in it are told, nothing new is taken from the
// event on, what is there is read, and who comes later finds it so, also after a restart.
func TestArchive(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		r := newRig(t, hubtest.Config{Store: disk.Open(), Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		bob.Set(room, 1, chat.Setting{Kind: chat.EventArchive, Value: 1})
		r.Settle()
		wantFailed(t, bob, chat.CodeForbidden)
		ann.Set(room, 1, chat.Setting{Kind: chat.EventDescribe, Text: "all about tea"})
		ann.Set(room, 2, chat.Setting{Kind: chat.EventArchive, Value: 1})
		bob.Publish(room, 2, "in the same tick, behind it or before")
		r.Settle()
		at := ann.Acked(room, 2)
		for _, e := range bob.Events {
			if at == 0 || e.Kind == chat.EventMessage && e.Seq > at {
				t.Fatalf("archived at %d, and event %+v is in the log", at, e)
			}
		}
		bob.Publish(room, 3, "late")
		r.Settle()
		wantFailed(t, bob, chat.CodeArchived)
		ann.Publish(room, 3, "late, too")
		r.Settle()
		wantFailed(t, ann, chat.CodeArchived)
		bob.History(room, 0, 0, 10)
		r.Settle()
		if page := bob.Last(); page.Kind != "History" || len(page.Events) == 0 {
			t.Errorf("its history is %+v", page)
		}
		if info := joined(t, r, r.Enter("cid", nil), "room"); !info.Archived || info.Description != "all about tea" {
			t.Errorf("who comes is told %+v", info)
		}
		r.Settle()
		if last := bob.Events[len(bob.Events)-1]; last.Seq != at {
			t.Errorf("behind the end of an archived room is %+v", last)
		}
		again := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 9, Port: 7009})
		dan := again.Enter("dan", nil)
		if info := joined(t, again, dan, "room"); !info.Archived {
			t.Errorf("after a restart it is %+v", info)
		}
		dan.Publish(room, 1, "after a restart")
		again.Settle()
		wantFailed(t, dan, chat.CodeArchived)
		ann.GiveRole(room, 4, bob.User.ID, chat.RoleReader) // it is kept in order
		ann.Set(room, 5, chat.Setting{Kind: chat.EventArchive})
		ann.Publish(room, 6, "and goes on")
		r.Settle()
		if ann.Acked(room, 4) == 0 || ann.Acked(room, 6) == 0 {
			t.Errorf("an open room answers %+v", ann.Last())
		}
	}
}

// What can not be set is refused, and what a room can not have.
func TestSettingsThatAreNone(t *testing.T) {
	r := newRig(t, hubtest.Config{})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "room").ID
	for n, c := range []struct {
		set  chat.Setting
		want chat.Code
	}{
		{chat.Setting{}, chat.CodeBadRequest},
		{chat.Setting{Kind: chat.EventMessage, Text: "x"}, chat.CodeBadRequest},
		{chat.Setting{Kind: chat.EventDescribe, Text: strings.Repeat("x", chat.DescriptionBytesMax+1)}, chat.CodeBadText},
		{chat.Setting{Kind: chat.EventDescribe, Text: "x", Value: 1}, chat.CodeBadRequest},
		{chat.Setting{Kind: chat.EventArchive, Value: 2}, chat.CodeBadRequest},
		{chat.Setting{Kind: chat.EventArchive, Text: "x"}, chat.CodeBadRequest},
		{chat.Setting{Kind: chat.EventSlow, Value: chat.SlowSecondsMax + 1}, chat.CodeBadRequest},
	} {
		ann.Set(room, chat.Nonce(n+1), c.set)
		r.Settle()
		wantFailed(t, ann, c.want)
	}
	ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
	r.Settle()
	game := ann.Last().Info.ID
	ann.Set(game, 1, chat.Setting{Kind: chat.EventArchive, Value: 1})
	r.Settle()
	wantFailed(t, ann, chat.CodeBadRequest)
	ann.Direct(hub.Whom{ID: bob.User.ID})
	r.Settle()
	direct := ann.Last().Info.ID
	ann.JoinAs(direct, hub.JoinRequest{})
	ann.Set(direct, 1, chat.Setting{Kind: chat.EventSlow, Value: 9})
	r.Settle()
	wantFailed(t, ann, chat.CodeBadRequest)
}

// enterAgain has another session of a user's.
func enterAgain(r *hubtest.Rig, of *hubtest.Client) *hubtest.Client {
	c := r.Dial(nil)
	c.Login(of.User.Name, of.Token)
	r.Settle()
	return c
}

// In a room that is slowed down a member says something each so many seconds: in all his
// sessions together, on whatever worker, after a reconnect, and after a restart. Moderators do
// not wait.
func TestSlowMode(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		r := newRig(t, hubtest.Config{Store: disk.Open(), Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		other := enterAgain(r, bob)
		joined(t, r, other, "room")
		ann.Set(room, 1, chat.Setting{Kind: chat.EventSlow, Value: 30})
		r.Settle()
		bob.Publish(room, 1, "one")
		bob.Publish(room, 2, "two, at once")
		other.Publish(room, 3, "three, elsewhere")
		ann.Publish(room, 2, "I need not wait")
		ann.Publish(room, 3, "never")
		r.Settle()
		if ann.Acked(room, 2) == 0 || ann.Acked(room, 3) == 0 {
			t.Errorf("the owner is told %+v", ann.Last())
		}
		said := 0
		for _, e := range ann.Events {
			if e.Kind == chat.EventMessage && e.User == bob.User.ID {
				said++
			}
		}
		if said != 1 {
			t.Fatalf("he has said %d messages at once", said)
		}
		wait := func(c *hubtest.Client, n chat.Nonce) time.Duration {
			t.Helper()
			c.Publish(room, n, "again")
			r.Settle()
			last := c.Last()
			if last.Kind == "Ack" {
				return 0
			}
			if last.Err == nil || last.Err.Code != chat.CodeTooFast || last.Err.RetryAfter <= 0 {
				t.Fatalf("who is too fast is told %+v", last)
			}
			return last.Err.RetryAfter
		}
		again := wait(other, 4)
		if again > 30*time.Second || again < 25*time.Second {
			t.Errorf("he is to wait for %v", again)
		}
		bob.Hangup()
		back := enterAgain(r, bob)
		joined(t, r, back, "room")
		if d := wait(back, 5); d > again {
			t.Errorf("after a reconnect he is to wait for %v", d)
		}
		later := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 9, Port: 7009})
		there := enterAgain(later, bob)
		joined(t, later, there, "room")
		there.Publish(room, 6, "after a restart")
		later.Settle()
		wantFailed(t, there, chat.CodeTooFast)
		r.Pass(again)
		if d := wait(back, 7); d != 0 {
			t.Errorf("when he has waited he is to wait for %v more", d)
		}
		if d := wait(other, 8); d == 0 {
			t.Error("he has said two messages at once")
		}
	}
}

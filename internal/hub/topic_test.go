package hub_test

import (
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// Who may says what the room is about: all in it are told, and who comes later, also after a
// restart. Who may not is refused, in a room without roles as in one with.
func TestTopic(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		disk := storesim.NewDisk(nil)
		r := newRig(t, hubtest.Config{Store: disk.Open(), Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		joined(t, r, bob, "room")
		bob.SetTopic(room, 1, "mine")
		r.Settle()
		wantFailed(t, bob, chat.CodeForbidden)
		ann.SetTopic(room, 1, "tea and cake")
		r.Settle()
		seq := ann.Acked(room, 1)
		if last := bob.Events[len(bob.Events)-1]; seq == 0 || last.Seq != seq || last.Kind != chat.EventTopic || last.Text != "tea and cake" {
			t.Fatalf("the topic is %d, and bob has %+v", seq, last)
		}
		ann.SetTopic(room, 1, "tea and cake") // a retry
		r.Settle()
		if x := ann.Last(); x.Kind != "Ack" || x.Seq != seq {
			t.Errorf("said again it is %+v", x)
		}
		ann.GiveRole(room, 2, bob.User.ID, chat.RoleModerator)
		r.Settle()
		bob.SetTopic(room, 2, "")
		bob.SetTopic(room, 3, "cake")
		r.Settle()
		if bob.Acked(room, 3) == 0 {
			t.Errorf("a moderator is told %+v", bob.Last())
		}
		ann.SetTopic(room, 9, strings.Repeat("x", chat.TopicBytesMax+1))
		r.Settle()
		wantFailed(t, ann, chat.CodeBadText)
		if info := joined(t, r, r.Enter("cid", nil), "room"); info.Topic != "cake" {
			t.Errorf("who comes is told %+v", info)
		}
		ann.List(0, 10)
		r.Settle()
		if rooms := ann.Last().Rooms; len(rooms) != 1 || rooms[0].Topic != "cake" {
			t.Errorf("in the list it is %+v", rooms)
		}
		again := newRig(t, hubtest.Config{Store: disk.Open(), Seed: 9, Port: 7009})
		if info := joined(t, again, again.Enter("dan", nil), "room"); info.Topic != "cake" {
			t.Errorf("after a restart it is %+v", info)
		}
		ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
		r.Settle()
		game := ann.Last().Info.ID
		ann.SetTopic(game, 1, "x")
		r.Settle()
		wantFailed(t, ann, chat.CodeBadRequest)
	}
}

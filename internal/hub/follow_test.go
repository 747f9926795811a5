package hub_test

import (
	"testing"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// threads returns what a client is told of a room's threads.
func threads(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID, unread bool) []chat.Thread {
	t.Helper()
	if unread {
		c.UnreadThreads(room, 0, 10)
	} else {
		c.Threads(room, 0, 10)
	}
	r.Settle()
	if c.Last().Kind != "History" {
		t.Fatalf("%s asks for threads and is told %+v", c.User.Name, c.Last())
	}
	return c.Last().Threads
}

// Who writes in a thread follows it; its marks are the user's, on all his devices, and never go back.
func TestThreadsAreFollowed(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		joined(t, r, ann, "room")
		room := joined(t, r, bob, "room").ID
		phone := another(r, bob)
		r.Pass(pace)
		bob.Publish(room, 1, "who comes?")
		r.Pass(pace)
		root := bob.Acked(room, 1)
		for n := range chat.Nonce(3) {
			ann.PublishAs(room, n+1, hub.Message{Text: "I", Target: root})
			r.Settle()
		}
		r.Pass(pace)
		first := ann.Acked(room, 1)
		wants := func(c *hubtest.Client, unread int, mark chat.Seq) {
			t.Helper()
			got := threads(t, r, c, room, false)
			if len(got) != 1 || got[0].Unread != unread || got[0].Follow != (chat.Follow{Root: root, Followed: true, Mark: mark}) {
				t.Errorf("%d workers: %s has to do with %+v; want %d unread behind %d", workers, c.User.Name, got, unread, mark)
			}
			if all := threads(t, r, c, room, true); (len(all) == 1) != (unread > 0) {
				t.Errorf("%d workers: unread of %s is %+v", workers, c.User.Name, all)
			}
		}
		wants(bob, 3, root)
		wants(ann, 2, first)
		bob.ReadThread(room, root, first+1)
		phone.ReadThread(room, root, first)
		r.Pass(2 * pace)
		for _, c := range []*hubtest.Client{bob, phone} {
			got := followed(c)
			if len(got) == 0 || got[len(got)-1] != (hub.Followed{Root: root, Followed: true, Mark: first + 1, Reads: true}) {
				t.Errorf("%d workers: a device is told %+v", workers, got)
			}
		}
		wants(phone, 1, first+1)
		if got := followed(ann); len(got) > 0 {
			t.Errorf("ann is told %+v", got)
		}
		// The room's mark is another one.
		if rooms := mine(t, r, bob); rooms[0].Mark >= root || rooms[0].Unread != 4 {
			t.Errorf("the room's mark is %+v", rooms)
		}
		phone.Follow(room, root, true)
		r.Pass(pace)
		if x := bob.Last(); x.Kind != "Followed" || x.Ref.Request != 0 || x.Ref.Room != room || x.Followed != (hub.Followed{Root: root, Mark: first + 2}) {
			t.Errorf("the other device is told %+v", x)
		}
		if x := phone.Last(); x.Kind != "Followed" || x.Ref.Request == 0 {
			t.Errorf("who has asked is told %+v", x)
		}
		if all := threads(t, r, bob, room, true); len(all) != 0 {
			t.Errorf("he follows nothing, and is told %+v", all)
		}
	}
}

// followed is what a client was told of threads, in order.
func followed(c *hubtest.Client) (all []hub.Followed) {
	for _, x := range c.Records {
		if x.Kind == "Followed" {
			all = append(all, x.Followed)
		}
	}
	return all
}

// Changes of one thread keep their order while they wait for the store, and what can not be is refused.
func TestFollowsRefused(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := joined(t, r, ann, "room").ID
	ann.Publish(room, 1, "hello")
	r.Pass(pace)
	root := ann.Acked(room, 1)
	bob.Follow(room, root, false) // he does not belong to it
	r.Pass(pace)
	wantFailed(t, bob, chat.CodeNotMember)
	for _, none := range []chat.Seq{0, root - 1, root + 10} {
		ann.Follow(room, none, false)
		r.Pass(pace)
		wantFailed(t, ann, chat.CodeNoMessage)
	}
	ann.ReadThread(room, root, 0) // only asked
	r.Pass(pace)
	if x := ann.Last(); x.Kind != "Followed" || x.Followed != (hub.Followed{Root: root, Reads: true}) {
		t.Errorf("ann is told %+v", x)
	}
	ann.Follow(room, root, false)
	ann.ReadThread(room, root, root)
	ann.Follow(room, root, true)
	ann.Follow(room, root, false)
	r.Pass(pace)
	got := followed(ann)
	if n := len(got); n != 5 || !got[1].Followed || !got[2].Followed || got[3].Followed || !got[4].Followed || got[4].Mark != root {
		t.Errorf("ann is told %+v", got)
	}
	ann.JoinAs(0, hub.JoinRequest{Name: "game", Create: true, Ephemeral: true})
	r.Settle()
	ann.Follow(ann.Last().Info.ID, 1, false)
	r.Pass(pace)
	wantFailed(t, ann, chat.CodeBadRequest)
	stranger := r.Dial(nil)
	stranger.Follow(room, root, false)
	r.Settle()
	wantFailed(t, stranger, chat.CodeNotLoggedIn)
	ann.Follow(room, root, true) // gone before the answer
	ann.Hangup()
	r.Pass(pace)
}

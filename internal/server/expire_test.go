package server_test

import (
	"testing"
	"time"

	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// A room for which its owner has set a time loses what is older: who is there is told so at once, who comes back is told
// the gap and the event, and nobody reads it any more, also after a restart.
func TestMessagesExpire(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		k := &clock{start: time.Now()}
		c.HTTP, c.Hub.Now, c.ExpireEvery = "127.0.0.1:0", k.now, 20*time.Millisecond
		s := start(t, c)
		ann, ben, cid := user(t, s, "ann"), user(t, s, "ben"), user(t, s, "cid")
		room := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		other := cid.join(&pb.Join{Name: "kept"}).Room.Id
		cid.saying(other, 1, "kept")
		ben.join(&pb.Join{Room: room})
		ben.saying(room, 2, "old")
		ann.say(pb.CSet, &pb.SetRoom{Room: room, Nonce: 1, Kind: pb.EventKind_EVENT_KIND_RETAIN, Value: 3600})
		ann.settled(room, 1)
		k.advance(50 * time.Minute)
		young := ann.saying(room, 2, "young")
		k.advance(20 * time.Minute)
		var e pb.Event
		for e.Kind != pb.EventKind_EVENT_KIND_EXPIRE {
			ben.next(pb.SChat, &e)
		}
		if e.Target != young-1 || e.User != 0 || e.Name != "" || e.Nonce != 0 {
			t.Errorf("ben was told %v", &e)
		}
		awaitMetric(t, s, "sarang_erased_events_total", int(young)-1)
		check := func(c *script, unread uint64) {
			t.Helper()
			c.say(pb.CHistory, &pb.History{Request: 7, Room: room, ItemsMax: 100})
			var page pb.HistoryPage
			c.next(pb.SHistory, &page)
			if len(page.Events) == 0 || page.Events[0].Seq != young || page.Events[0].Text != "young" {
				t.Errorf("a page has %v", &page)
			}
			c.say(pb.CRooms, &pb.MyRooms{Request: 8})
			var rooms pb.MyRoomPage
			c.next(pb.SRooms, &rooms)
			for _, r := range rooms.Rooms {
				if r.Room.Id != room || r.Unread != unread || r.Room.RetainSeconds != 3600 {
					t.Errorf("his room is %v, want %d unread", r, unread)
				}
			}
		}
		check(ben, 1)
		stop(t, s)
		s = start(t, c)
		defer stop(t, s)
		back := user(t, s, "max")
		back.join(&pb.Join{Room: room, Cursor: &pb.Cursor{Epoch: epochOf(t, back, room), Seq: 1}})
		check(back, 0)
		cid = user(t, s, "dan")
		cid.join(&pb.Join{Room: other})
		cid.say(pb.CHistory, &pb.History{Request: 9, Room: other, ItemsMax: 100})
		var page pb.HistoryPage
		if cid.next(pb.SHistory, &page); page.Events[1].Text != "kept" {
			t.Errorf("another room has %v", &page)
		}
	})
}

// epochOf joins a room for a moment.
func epochOf(t *testing.T, c *script, room uint64) uint64 {
	t.Helper()
	epoch := c.join(&pb.Join{Room: room}).Room.Epoch
	c.say(pb.CLeave, &pb.Leave{Room: room})
	var left pb.Leave
	c.next(pb.SLeave, &left)
	return epoch
}

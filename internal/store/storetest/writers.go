package storetest

import (
	"fmt"
	"sync"
	"testing"

	"sarang/chat"
)

// Several servers write to the same two rooms: each decides at the end of the log that
// it knows, catches up where it was too late, and decides again. The log has no gap and
// no repeat then, and each nonce once.
func testTwoWritersAtOnce(t *testing.T, f *fixture) {
	const writers, said = 2, 60
	rooms := []chat.Room{f.room(t, "a"), f.room(t, "b")}
	known := make([]*replica, writers)
	var wg sync.WaitGroup
	for i := range known {
		u := f.user(t, fmt.Sprintf("user%d", i))
		rep := &replica{f: f, w: f.writer(), user: u, logs: make(map[chat.RoomID][]chat.Event)}
		known[i] = rep
		wg.Go(func() {
			for n := range said {
				if err := rep.say(rooms, chat.Nonce(n+1)); err != nil {
					t.Errorf("%s: %v", u.Name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, r := range rooms {
		events, more := f.history(t, r, chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
		if len(events) != writers*said || more {
			t.Fatalf("%d events are stored, %d were acknowledged, more %t", len(events), writers*said, more)
		}
		next := make(map[chat.UserID]chat.Nonce)
		for i, e := range events {
			next[e.User]++
			if e.Seq != chat.Seq(i+1) || e.Nonce != next[e.User] {
				t.Fatalf("event %+v stands at %d, its author's number %d", e, i+1, next[e.User])
			}
		}
		for _, rep := range known {
			mine := rep.logs[r.ID]
			wantSame(t, mine, events[:len(mine)])
		}
	}
}

// replica is what one server knows of the logs.
type replica struct {
	f    *fixture
	w    *writer
	user chat.User
	logs map[chat.RoomID][]chat.Event
}

// say says something in all rooms, in whatever number of tries that takes.
func (rep *replica) say(rooms []chat.Room, nonce chat.Nonce) error {
	open := rooms
	for len(open) > 0 {
		var appends []chat.Append
		for _, r := range open {
			e := message(r, chat.Seq(len(rep.logs[r.ID])+1), rep.user, "x")
			e.Nonce = nonce
			appends = append(appends, these(r, e.Seq, e))
		}
		conflicts, err := rep.f.store.Commit(rep.f.ctx, rep.w.batch(appends...))
		if err != nil {
			return err
		}
		lost, err := rep.learn(appends, conflicts)
		if err != nil {
			return err
		}
		var again []chat.Room
		for _, r := range open {
			if lost[r.ID] {
				again = append(again, r)
			}
		}
		open = again
	}
	return nil
}

// learn applies what a commit returned and says for which rooms it is to be made again.
func (rep *replica) learn(appends []chat.Append, conflicts []chat.Conflict) (lost map[chat.RoomID]bool, err error) {
	lost = make(map[chat.RoomID]bool)
	for _, c := range conflicts {
		lost[c.Room] = true
		log := rep.logs[c.Room]
		if len(c.Between) == 0 {
			return nil, fmt.Errorf("a conflict after %d tells nothing: %+v", len(log), c)
		}
		for _, e := range c.Between {
			if e.Seq != chat.Seq(len(log)+1) || e.Seq > c.Last {
				return nil, fmt.Errorf("event %d comes after %d events, the last is %d", e.Seq, len(log), c.Last)
			}
			log = append(log, e)
		}
		rep.logs[c.Room] = log
	}
	for _, a := range appends {
		if !lost[a.Room] {
			rep.logs[a.Room] = append(rep.logs[a.Room], a.Events...)
		}
	}
	return lost, nil
}

package storetest

import (
	"testing"

	"sarang/chat"
)

// A room has the topic of the newest event that gives one, however it is asked for; an append
// that lost gives none.
func testTopics(t *testing.T, f *fixture) {
	u, r, other := f.user(t, "u"), f.room(t, "r"), f.room(t, "other")
	topic := func(r chat.Room, seq chat.Seq, text string) chat.Event {
		e := message(r, seq, u, text)
		e.Kind = chat.EventTopic
		return e
	}
	f.change(t, []chat.MemberChange{{Kind: chat.MemberEnters, User: u.ID, Room: r.ID}}, chat.Membership{User: u.ID, Room: r.ID})
	want := func(text string) {
		t.Helper()
		one, err := f.store.Room(f.ctx, r.ID)
		if err != nil || one.Topic != text {
			t.Fatalf("the room is %+v, %v; want the topic %q", one, err, text)
		}
		all, err := f.store.Rooms(f.ctx, 0, 10)
		if err != nil || len(all) != 2 || all[0] != one || all[1].Topic != "" {
			t.Fatalf("the rooms are %+v, %v", all, err)
		}
		if mine := f.myRooms(t, u, 0, 10); len(mine) != 1 || mine[0].Room != one {
			t.Fatalf("his rooms are %+v", mine)
		}
	}
	want("")
	f.commit(t, these(r, 1, message(r, 1, u, "a"), topic(r, 2, "tea"), topic(r, 3, "coffee & 차"), message(r, 4, u, "b")), run(other, 1, 2, u, "x"))
	want("coffee & 차")
	f.conflict(t, []chat.Conflict{{Room: r.ID, Last: 4, Between: []chat.Event{topic(r, 3, "coffee & 차"), message(r, 4, u, "b")}}},
		these(r, 3, topic(r, 3, "lost")))
	want("coffee & 차")
	f.reopen(t)
	want("coffee & 차")
	f.commit(t, these(r, 5, topic(r, 5, "")))
	want("")
	if mine := f.myRooms(t, u, 0, 10); mine[0].Unread != 2 || mine[0].Last.Seq != 4 {
		t.Errorf("topics are no messages: %+v", mine)
	}
	f.wantSent(t, u, 4)
}

package storetest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sarang/chat"
)

// change makes changes, and expects the memberships behind them.
func (f *fixture) change(t *testing.T, changes []chat.MemberChange, want ...chat.Membership) {
	t.Helper()
	got, err := f.store.ChangeMembers(f.ctx, changes, 3)
	if err != nil {
		t.Fatalf("ChangeMembers: %v", err)
	}
	wantSame(t, got, want)
}

func (f *fixture) myRooms(t *testing.T, u chat.User, after chat.RoomID, itemsMax int) []chat.MyRoom {
	t.Helper()
	rooms, err := f.store.MyRooms(f.ctx, u.ID, after, itemsMax)
	if err != nil {
		t.Fatalf("MyRooms: %v", err)
	}
	return rooms
}

// Who enters belongs to the room until he leaves; marks grow only; and nobody who does not
// belong to a room is changed.
func testMembers(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	r, other := f.room(t, "r"), f.room(t, "other")
	game, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "game", Key: "game", Epoch: 1, Ephemeral: true}, chat.RoomQuota{})
	if err != nil {
		t.Fatal(err)
	}
	is := func(u chat.User, r chat.Room, since, mark chat.Seq, muted bool) chat.Membership {
		return chat.Membership{User: u.ID, Room: r.ID, Since: since, Mark: mark, Muted: muted}
	}
	do := func(k chat.MemberChangeKind, u chat.User, r chat.Room, seq chat.Seq) chat.MemberChange {
		return chat.MemberChange{Kind: k, User: u.ID, Room: r.ID, Seq: seq}
	}
	f.change(t, nil)
	none := chat.Membership{}
	for _, k := range []chat.MemberChangeKind{chat.MemberLeaves, chat.MemberMarks, chat.MemberMutes, chat.MemberUnmutes} {
		f.change(t, []chat.MemberChange{do(k, mina, r, 5)}, none)
	}
	f.change(t, []chat.MemberChange{
		do(chat.MemberEnters, mina, r, 4), do(chat.MemberEnters, mina, r, 9), do(chat.MemberMarks, mina, r, 7),
		do(chat.MemberMarks, mina, r, 6), do(chat.MemberMutes, mina, r, 0), do(chat.MemberMarks, jun, r, 8),
		do(chat.MemberEnters, mina, game, 0), do(chat.MemberEnters, mina, chat.Room{ID: 1 << 40}, 0),
		do(chat.MemberEnters, chat.User{ID: 1 << 40}, r, 0), do(chat.MemberEnters, jun, r, 0),
	}, is(mina, r, 4, 4, false), is(mina, r, 4, 4, false), is(mina, r, 4, 7, false),
		is(mina, r, 4, 7, false), is(mina, r, 4, 7, true), none, none, none, none, is(jun, r, 0, 0, false))
	f.reopen(t)
	f.change(t, []chat.MemberChange{
		do(chat.MemberLeaves, mina, r, 4), // he came behind it, or with it
		do(chat.MemberUnmutes, mina, r, 0),
		do(chat.MemberLeaves, mina, r, 5),
		do(chat.MemberMarks, mina, r, 100),
		do(chat.MemberEnters, mina, r, 11), // anew
		do(chat.MemberLeaves, mina, r, 0),
		do(chat.MemberEnters, mina, other, 2),
	}, is(mina, r, 4, 7, true), is(mina, r, 4, 7, false), none, none, is(mina, r, 11, 11, false), none, is(mina, other, 2, 2, false))
	for i := range 3 { // one more than there may be
		room := f.room(t, fmt.Sprint("more", i))
		want := is(mina, room, 0, 0, false)
		if i == 2 {
			want = none
		}
		f.change(t, []chat.MemberChange{do(chat.MemberEnters, mina, room, 0)}, want)
	}
	f.change(t, []chat.MemberChange{do(chat.MemberEnters, mina, other, 9)}, is(mina, other, 2, 2, false))
}

// A user's rooms come with what he has not read, messages alone, however old his mark is.
func testMyRooms(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	var rooms []chat.Room
	for i := range 3 {
		rooms = append(rooms, f.room(t, fmt.Sprint("r", i)))
	}
	if got := f.myRooms(t, mina, 0, 10); len(got) > 0 {
		t.Fatalf("who belongs to no room has %+v", got)
	}
	r := rooms[1]
	long := strings.Repeat("가", 100)
	join := func(seq chat.Seq) chat.Event {
		return chat.Event{Room: r.ID, Seq: seq, Kind: chat.EventJoin, User: jun.ID, Name: jun.Name, TimeMs: int64(seq)}
	}
	f.change(t, []chat.MemberChange{
		{Kind: chat.MemberEnters, User: mina.ID, Room: r.ID}, {Kind: chat.MemberEnters, User: mina.ID, Room: rooms[0].ID},
	}, chat.Membership{User: mina.ID, Room: r.ID}, chat.Membership{User: mina.ID, Room: rooms[0].ID})
	f.commit(t, these(r, 1, join(1), message(r, 2, jun, "a"), message(r, 3, mina, "b"), roleEvent(r, 4, jun, mina, chat.RoleReader)))
	f.commit(t, these(r, 5, join(5), message(r, 6, jun, long), join(7), join(8)))
	unread := func(mark chat.Seq, want uint64) {
		t.Helper()
		if _, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{{Kind: chat.MemberMarks, User: mina.ID, Room: r.ID, Seq: mark}}, 0); err != nil {
			t.Fatal(err)
		}
		got := f.myRooms(t, mina, 0, 10)
		if len(got) != 2 || got[0].ID != rooms[0].ID || got[0].Unread != 0 || got[0].Last.Seq != 0 {
			t.Fatalf("his rooms are %+v", got)
		}
		info, err := f.store.Room(f.ctx, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		last := message(r, 6, jun, long[:chat.LastTextBytesMax-chat.LastTextBytesMax%3])
		last.Nonce = 0
		wantSame(t, got[1:], []chat.MyRoom{{Room: info, Given: chat.Given{Role: chat.RoleReader}, Mark: mark, Unread: want, Last: last}})
	}
	for mark, want := range []uint64{3, 3, 2, 1, 1, 1, 0, 0, 0, 0, 0} {
		unread(chat.Seq(mark), want)
	}
	for _, c := range []struct {
		after chat.RoomID
		items int
		want  int
	}{{0, 1, 1}, {rooms[0].ID, 5, 1}, {rooms[1].ID, 5, 0}, {0, 0, 1}, {math.MaxUint64, 1, 0}} {
		if got := f.myRooms(t, mina, c.after, c.items); len(got) != c.want {
			t.Errorf("%d rooms behind %d: %d, want %d", c.items, c.after, len(got), c.want)
		}
	}
	if got := f.myRooms(t, jun, 0, 10); len(got) > 0 {
		t.Errorf("jun has %+v", got)
	}
}

// What was erased is nobody's to read.
func testUnreadOfErased(t *testing.T, f *fixture) {
	f.expirer(t)
	u, r := f.user(t, "u"), f.room(t, "r")
	f.change(t, []chat.MemberChange{{Kind: chat.MemberEnters, User: u.ID, Room: r.ID, Seq: 2}},
		chat.Membership{User: u.ID, Room: r.ID, Since: 2, Mark: 2})
	f.commit(t, run(r, 1, 10, u, "x")) // dated 5001 to 5010
	for _, c := range []struct {
		beforeMs int64
		want     uint64
	}{{5002, 8}, {5006, 5}, {5010, 1}, {9000, 0}} {
		Expire(t, f.store, c.beforeMs)
		if got := f.myRooms(t, u, 0, 1); len(got) != 1 || got[0].Unread != c.want || c.want > 0 && got[0].Last.Seq != 10 || c.want == 0 && got[0].Last != (chat.Event{}) {
			t.Errorf("of what is left, from %d on, %+v; want %d unread", c.beforeMs, got, c.want)
		}
	}
}

func testArchiveMemberships(t *testing.T, f *fixture) {
	a := f.archive(t)
	f.user(t, "u")
	f.user(t, "v")
	f.room(t, "r")
	f.room(t, "s")
	want := []chat.Membership{
		{User: 1, Room: 1, Since: 3, Mark: 7, Muted: true}, {User: 1, Room: 2}, {User: 2, Room: 1, Since: 1, Mark: 1}, {User: 2, Room: 2, Mark: 5},
	}
	for range 2 { // again does no harm
		if err := a.AddMemberships(f.ctx, want); err != nil {
			t.Fatal(err)
		}
	}
	for _, itemsMax := range []int{0, 1, 3, 9} {
		var got []chat.Membership
		for at := (chat.Membership{}); ; at = got[len(got)-1] {
			page, err := a.Memberships(f.ctx, at.User, at.Room, itemsMax)
			if err != nil || len(page) > max(itemsMax, 1) {
				t.Fatalf("Memberships: %d of at most %d, %v", len(page), itemsMax, err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		wantSame(t, got, want)
	}
}

// Members does some changes of memberships, and compares what is behind them.
func (m *model) Members(t *rapid.T) {
	if len(m.rooms) == 0 || len(m.users) == 0 {
		t.Skip("nobody, or nowhere")
	}
	changes := make([]chat.MemberChange, rapid.IntRange(1, 4).Draw(t, "changes"))
	want := make([]chat.Membership, len(changes))
	for i := range changes {
		r := m.drawRoom(t)
		c := chat.MemberChange{
			Kind: chat.MemberChangeKind(rapid.IntRange(1, 5).Draw(t, "change")), User: m.drawUser(t), Room: r.ID,
			Seq: chat.Seq(rapid.IntRange(0, len(m.logs[r.ID])+1).Draw(t, "seq")),
		}
		changes[i] = c
		at := seat{c.Room, c.User}
		mine, is := m.members[at]
		switch {
		case c.Kind == chat.MemberEnters && !is && !r.Ephemeral:
			mine, is = chat.Membership{User: c.User, Room: c.Room, Since: c.Seq, Mark: c.Seq}, true
		case c.Kind == chat.MemberLeaves && (c.Seq == 0 || mine.Since < c.Seq):
			mine, is = chat.Membership{}, false
		case c.Kind == chat.MemberMarks:
			mine.Mark = max(mine.Mark, c.Seq)
		case c.Kind == chat.MemberMutes, c.Kind == chat.MemberUnmutes:
			mine.Muted = c.Kind == chat.MemberMutes
		}
		if delete(m.members, at); is {
			m.members[at], want[i] = mine, mine
		}
	}
	got, err := m.store.ChangeMembers(t.Context(), changes, 0)
	same(t, fmt.Sprintf("ChangeMembers %+v", changes), got, want, err)
}

// MyRooms asks for all rooms of a user, and counts what he has not read.
func (m *model) MyRooms(t *rapid.T) {
	if len(m.users) == 0 {
		t.Skip("nobody")
	}
	u := m.drawUser(t)
	var want []chat.MyRoom
	for _, r := range m.rooms {
		mine, is := m.members[seat{r.ID, u}]
		if !is {
			continue
		}
		my := chat.MyRoom{Room: r, Given: m.roles[seat{r.ID, u}], Mark: mine.Mark, Muted: mine.Muted}
		for _, e := range m.logs[r.ID] {
			if e.Kind != chat.EventMessage {
				continue
			}
			if e.Seq > mine.Mark {
				my.Unread++
				if m.mentioned(r.ID, e.Seq, u, 0) {
					my.Mentions++
				}
			}
			text := chat.LastText(textNow(m.logs[r.ID], e.Seq))
			my.Last = chat.Event{Room: e.Room, Seq: e.Seq, Kind: e.Kind, User: e.User, Name: e.Name, TimeMs: e.TimeMs, Text: text}
		}
		want = append(want, my)
	}
	got, err := m.store.MyRooms(t.Context(), u, 0, len(m.rooms)+1)
	same(t, "MyRooms", got, want, err)
}

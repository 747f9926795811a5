package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sarang/chat"
)

func (f *fixture) wantMentions(t *testing.T, u chat.User, before chat.MentionPlace, items int, want ...chat.MentionPlace) {
	t.Helper()
	got, err := f.store.UserMentions(f.ctx, u.ID, before, items)
	if err != nil {
		t.Fatalf("UserMentions of %q: %v", u.Name, err)
	}
	wantSame(t, got, want)
}

func (f *fixture) wantCounted(t *testing.T, u chat.User, want ...int) {
	t.Helper()
	var got []int
	for _, r := range f.myRooms(t, u, 0, 10) {
		got = append(got, r.Mentions)
	}
	wantSame(t, got, want)
}

func enters(u chat.User, r chat.Room, since chat.Seq) chat.MemberChange {
	return chat.MemberChange{Kind: chat.MemberEnters, User: u.ID, Room: r.ID, Seq: since}
}

// Whom messages mention is told as they are now: what was edited in counts, what was edited out or
// deleted does not. Nobody who is no user is mentioned.
func testMentions(t *testing.T, f *fixture) {
	r, other, mina, jun := f.room(t, "r"), f.room(t, "other"), f.user(t, "mina"), f.user(t, "jun")
	if _, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{enters(jun, r, 0), enters(jun, other, 0), enters(mina, r, 0)}, 0); err != nil {
		t.Fatal(err)
	}
	at := chat.MentionText(jun.ID, "jun")
	all := chat.MentionText(0, "room")
	f.commit(t,
		these(r, 1, message(r, 1, mina, "hi "+at), message(r, 2, mina, at+at+" and "+all), message(r, 3, mina, all+", "+chat.MentionText(1<<40, "nobody")),
			message(r, 4, mina, `\`+at)),
		these(other, 1, message(other, 1, mina, "here, too: "+at)))
	first, second := chat.MentionPlace{TimeMs: 5001, Room: r.ID, Seq: 1}, chat.MentionPlace{TimeMs: 5002, Room: r.ID, Seq: 2}
	there := chat.MentionPlace{TimeMs: 5001, Room: other.ID, Seq: 1}
	f.wantMentions(t, jun, chat.MentionPlace{}, 10, second, there, first)
	f.wantMentions(t, jun, chat.MentionPlace{}, 2, second, there)
	f.wantMentions(t, jun, there, 2, first)
	f.wantMentions(t, mina, chat.MentionPlace{}, 10)
	f.wantCounted(t, jun, 3, 1) // one that names him and everybody is one
	f.wantCounted(t, mina, 2)

	// An edit is the message's own text from then on.
	f.commit(t, these(r, 5, change(r, 5, mina, chat.EventEdit, 1, "hi"), change(r, 6, mina, chat.EventEdit, 4, at)))
	late := chat.MentionPlace{TimeMs: 5004, Room: r.ID, Seq: 4}
	f.wantMentions(t, jun, chat.MentionPlace{}, 10, late, second, there)
	f.wantCounted(t, jun, 3, 1)
	if mine := f.myRooms(t, jun, 0, 1)[0]; mine.Last.Seq != 4 || mine.Last.Text != chat.LastText(at) {
		t.Errorf("the newest message is %+v; it says %q now", mine.Last, at)
	}
	f.commit(t, these(r, 7, change(r, 7, mina, chat.EventDelete, 2, ""), change(r, 8, mina, chat.EventEdit, 2, at)))
	f.wantMentions(t, jun, chat.MentionPlace{}, 10, late, there)
	f.wantCounted(t, jun, 2, 1)
	f.reopen(t)
	f.wantMentions(t, jun, chat.MentionPlace{}, 10, late, there)

	// What is read does not count any more.
	if _, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{{Kind: chat.MemberMarks, User: jun.ID, Room: r.ID, Seq: 3}}, 0); err != nil {
		t.Fatal(err)
	}
	f.wantCounted(t, jun, 1, 1)
	f.commit(t, these(r, 9, change(r, 9, mina, chat.EventDelete, 4, "")))
	f.wantCounted(t, jun, 0, 1)
	if mine := f.myRooms(t, jun, 0, 1)[0]; mine.Last.Seq != 4 || mine.Last.Text != "" {
		t.Errorf("the newest message was deleted, and is %+v", mine.Last)
	}
}

// The count is exact up to its bound, and does not go on from there.
func testMentionsAreBounded(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	if _, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{enters(jun, r, 0)}, 0); err != nil {
		t.Fatal(err)
	}
	most := chat.Seq(chat.MentionsCountedMax)
	f.commit(t, run(r, 1, most-1, mina, chat.MentionText(jun.ID, "jun")))
	f.wantCounted(t, jun, chat.MentionsCountedMax-1)
	f.commit(t, run(r, most, most+10, mina, chat.MentionText(0, "room")))
	f.wantCounted(t, jun, chat.MentionsCountedMax)
}

func (f *fixture) wantThreads(t *testing.T, r chat.Room, before chat.Seq, items int, want ...chat.Thread) {
	t.Helper()
	got, err := f.store.Threads(f.ctx, chat.ThreadQuery{Room: r.ID, Before: before, ItemsMax: items})
	if err != nil {
		t.Fatalf("Threads: %v", err)
	}
	wantSame(t, got, want)
}

func (f *fixture) wantReplies(t *testing.T, r chat.Room, root chat.Seq, p chat.Page, more bool, want ...chat.Seq) {
	t.Helper()
	got, rest, err := f.store.Replies(f.ctx, r.ID, root, p)
	if err != nil || rest != more {
		t.Fatalf("Replies to %d, %+v: %v, more %v, %v", root, p, got, rest, err)
	}
	wantSame(t, got, want)
}

func answer(r chat.Room, seq chat.Seq, u chat.User, target, root chat.Seq) chat.Event {
	e := message(r, seq, u, "y")
	e.Target, e.Root = target, root
	return e
}

func testThreads(t *testing.T, f *fixture) {
	r, other, mina := f.room(t, "r"), f.room(t, "other"), f.user(t, "mina")
	f.wantThreads(t, r, 0, 10)
	f.commit(t, run(r, 1, 2, mina, "x"), run(other, 1, 5, mina, "x"))
	f.commit(t, these(r, 3, answer(r, 3, mina, 1, 0), answer(r, 4, mina, 2, 0), answer(r, 5, mina, 3, 1), answer(r, 6, mina, 3, 0),
		roleEvent(r, 7, mina, mina, chat.RoleOwner), answer(r, 8, mina, 7, 0)))
	two, one, three := chat.Thread{Root: 2, Replies: 1, Last: 4}, chat.Thread{Root: 1, Replies: 2, Last: 5}, chat.Thread{Root: 3, Replies: 1, Last: 6}
	f.wantThreads(t, r, 0, 10, three, one, two) // what answers no message makes no thread
	f.wantThreads(t, r, 0, 1, three)
	f.wantThreads(t, r, 6, 1, one)
	f.wantThreads(t, r, 5, 10, two)
	f.wantThreads(t, other, 0, 10)
	f.wantReplies(t, r, 1, chat.Page{ItemsMax: 10}, false, 3, 5)
	f.wantReplies(t, r, 1, chat.Page{ItemsMax: 1}, true, 3)
	f.wantReplies(t, r, 1, chat.Page{After: 3, ItemsMax: 1}, false, 5)
	f.wantReplies(t, r, 1, chat.Page{Before: 9, ItemsMax: 1}, true, 5)
	f.wantReplies(t, r, 1, chat.Page{Before: 5, ItemsMax: 1}, false, 3)
	f.wantReplies(t, r, 7, chat.Page{ItemsMax: 1}, false)
	// Who is deleted does not count; that he has been there stays.
	f.commit(t, these(r, 9, change(r, 9, mina, chat.EventDelete, 5, ""), change(r, 10, mina, chat.EventDelete, 5, ""), change(r, 11, mina, chat.EventDelete, 8, "")))
	one.Replies = 1
	f.wantThreads(t, r, 0, 10, three, one, two)
	f.wantReplies(t, r, 1, chat.Page{ItemsMax: 10}, false, 3, 5)
	f.reopen(t)
	f.commit(t, these(r, 12, answer(r, 12, mina, 1, 0)))
	f.wantThreads(t, r, 0, 10, chat.Thread{Root: 1, Replies: 2, Last: 12}, three, two)
}

func testPins(t *testing.T, f *fixture) {
	r, mina := f.room(t, "r"), f.user(t, "mina")
	f.commit(t, run(r, 1, 4, mina, "x"))
	pins := func(before chat.Seq, items int, want ...chat.Pin) {
		t.Helper()
		got, err := f.store.Pins(f.ctx, r.ID, before, items)
		if err != nil {
			t.Fatalf("Pins: %v", err)
		}
		wantSame(t, got, want)
	}
	pins(0, 10)
	f.commit(t, these(r, 5, change(r, 5, mina, chat.EventPin, 3, ""), change(r, 6, mina, chat.EventPin, 1, ""),
		change(r, 7, mina, chat.EventPin, 2, ""), change(r, 8, mina, chat.EventUnpin, 1, "")))
	pins(0, 10, chat.Pin{Target: 2, Pinned: 7}, chat.Pin{Target: 3, Pinned: 5})
	pins(0, 1, chat.Pin{Target: 2, Pinned: 7})
	pins(7, 10, chat.Pin{Target: 3, Pinned: 5})
	f.commit(t, these(r, 9, change(r, 9, mina, chat.EventDelete, 2, "")))
	pins(0, 10, chat.Pin{Target: 3, Pinned: 5})
}

// testLinksOfErased looks at stores that can erase: mentions and threads go with their messages.
func testLinksOfErased(t *testing.T, f *fixture) {
	f.expirer(t)
	r, mina := f.room(t, "r"), f.user(t, "mina")
	at := chat.MentionText(mina.ID, "mina")
	if _, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{enters(mina, r, 0)}, 0); err != nil {
		t.Fatal(err)
	}
	f.commit(t, run(r, 1, 3, mina, at))
	f.commit(t, these(r, 4, answer(r, 4, mina, 1, 0), answer(r, 5, mina, 3, 0)))
	if n := Expire(t, f.store, 5003); n != 2 {
		t.Fatalf("%d events are erased", n)
	}
	f.wantMentions(t, mina, chat.MentionPlace{}, 10, chat.MentionPlace{TimeMs: 5003, Room: r.ID, Seq: 3})
	f.wantCounted(t, mina, 1)
	f.wantThreads(t, r, 0, 10, chat.Thread{Root: 3, Replies: 1, Last: 5})
	f.wantReplies(t, r, 1, chat.Page{ItemsMax: 10}, false)
	f.commit(t, these(r, 7, answer(r, 7, mina, 1, 0))) // its thread is gone
	f.wantThreads(t, r, 0, 10, chat.Thread{Root: 3, Replies: 1, Last: 5})
	f.wantReplies(t, r, 1, chat.Page{ItemsMax: 10}, false)
}

// The model's own account: all of the log is gone through.

// drawText draws what somebody says. At times it mentions somebody, or nobody that there is.
func (m *model) drawText(t *rapid.T, of string) string {
	text := rapid.StringOfN(rapid.RuneFrom([]rune(of)), 1, 10, -1).Draw(t, "text")
	if u := rapid.IntRange(-1, 6).Draw(t, "mentioned"); u >= 0 {
		text += chat.MentionText(chat.UserID(u), "x")
	}
	return text
}

// textNow is what a message of a log says now.
func textNow(log []chat.Event, seq chat.Seq) string {
	switch st, _ := whatBecame(log, seq, 0); {
	case st.Deleted != 0:
		return ""
	case st.Edited != 0:
		return st.Text
	}
	return log[seq-1].Text
}

// mentioned reports whether a message mentions one of some users, as it is now.
// Who was no user when that text was stored is not.
func (m *model) mentioned(r chat.RoomID, seq chat.Seq, users ...chat.UserID) bool {
	by := seq
	if st, _ := whatBecame(m.logs[r], seq, 0); st.Edited != 0 {
		by = st.Edited
	}
	return slices.ContainsFunc(chat.MentionedUsers(textNow(m.logs[r], seq)), func(u chat.UserID) bool {
		return slices.Contains(users, u) && u <= m.known[r][by-1]
	})
}

// Mentions compares where somebody is mentioned.
func (m *model) Mentions(t *rapid.T) {
	if len(m.users) == 0 {
		t.Skip("nobody")
	}
	u := m.drawUser(t)
	var want []chat.MentionPlace
	for _, r := range m.rooms {
		for _, e := range m.logs[r.ID] {
			if e.Kind == chat.EventMessage && m.mentioned(r.ID, e.Seq, u) {
				want = append(want, chat.MentionPlace{TimeMs: e.TimeMs, Room: r.ID, Seq: e.Seq})
			}
		}
	}
	slices.SortFunc(want, func(a, b chat.MentionPlace) int {
		return cmp.Or(cmp.Compare(b.TimeMs, a.TimeMs), cmp.Compare(b.Room, a.Room), cmp.Compare(b.Seq, a.Seq))
	})
	var before chat.MentionPlace
	if from := rapid.IntRange(0, len(want)).Draw(t, "from"); from > 0 {
		before, want = want[from-1], want[from:]
	}
	items := rapid.IntRange(1, 5).Draw(t, "items")
	got, err := m.store.UserMentions(context.Background(), u, before, items)
	same(t, "UserMentions", got, want[:min(len(want), items)], err)
}

// Threads compares the threads of a room, the messages of one, and what is pinned.
func (m *model) Threads(t *rapid.T) {
	if len(m.rooms) == 0 {
		t.Skip("nowhere")
	}
	r := m.drawRoom(t)
	log := m.logs[r.ID]
	var threads []chat.Thread
	var pins []chat.Pin
	replies := map[chat.Seq][]chat.Seq{}
	for i := range log {
		root := log[i].ThreadRoot()
		if root != 0 && log[root-1].Kind == chat.EventMessage {
			replies[root] = append(replies[root], log[i].Seq)
		}
		if st, _ := whatBecame(log, log[i].Seq, 0); st.Pinned != 0 {
			pins = append(pins, chat.Pin{Target: log[i].Seq, Pinned: st.Pinned})
		}
	}
	for root, of := range replies {
		th := chat.Thread{Root: root, Last: of[len(of)-1]}
		for _, seq := range of {
			if st, _ := whatBecame(log, seq, 0); st.Deleted == 0 {
				th.Replies++
			}
		}
		threads = append(threads, th)
	}
	slices.SortFunc(threads, func(a, b chat.Thread) int { return cmp.Compare(b.Last, a.Last) })
	slices.SortFunc(pins, func(a, b chat.Pin) int { return cmp.Compare(b.Pinned, a.Pinned) })
	items := rapid.IntRange(1, 5).Draw(t, "items")
	gotThreads, err := m.store.Threads(context.Background(), chat.ThreadQuery{Room: r.ID, ItemsMax: items})
	same(t, "Threads", gotThreads, threads[:min(len(threads), items)], err)
	gotPins, err := m.store.Pins(context.Background(), r.ID, 0, items)
	same(t, "Pins", gotPins, pins[:min(len(pins), items)], err)
	if len(threads) == 0 {
		return
	}
	of := replies[threads[0].Root]
	got, more, err := m.store.Replies(context.Background(), r.ID, threads[0].Root, chat.Page{ItemsMax: items})
	same(t, "Replies", got, of[:min(len(of), items)], err)
	if more != (len(of) > items) {
		t.Fatalf("Replies: more is %v of %v, %d a page", more, of, items)
	}
}

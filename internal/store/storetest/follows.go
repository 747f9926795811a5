package storetest

import (
	"testing"

	"sarang/chat"
)

// follow changes what a user has to do with a thread.
func (f *fixture) follow(t *testing.T, kind chat.MemberChangeKind, u chat.User, r chat.Room, root, seq chat.Seq) chat.Follow {
	t.Helper()
	after, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{{Kind: kind, User: u.ID, Room: r.ID, Root: root, Seq: seq}}, 0)
	if err != nil || len(after) != 1 {
		t.Fatalf("ChangeMembers: %v, %v", after, err)
	}
	if m := after[0]; m.Room != 0 && (m.Room != r.ID || m.User != u.ID) {
		t.Errorf("a change of a thread returns the membership %+v", m)
	}
	return after[0].Thread
}

func (f *fixture) wantFollow(t *testing.T, u chat.User, r chat.Room, root chat.Seq, followed bool, mark chat.Seq) {
	t.Helper()
	want := chat.Follow{Root: root, Followed: followed, Mark: mark}
	if got, err := f.store.Follow(f.ctx, u.ID, r.ID, root); err != nil || got != want {
		t.Errorf("%s and the thread %d: %+v, %v; want %+v", u.Name, root, got, err, want)
	}
}

func (f *fixture) wantNoFollow(t *testing.T, u chat.User, r chat.Room, root chat.Seq) {
	t.Helper()
	if got, err := f.store.Follow(f.ctx, u.ID, r.ID, root); err != nil || got != (chat.Follow{}) {
		t.Errorf("%s has nothing to do with the thread %d, and is told %+v, %v", u.Name, root, got, err)
	}
}

// wantUnread expects the threads that a user follows and has not read: pairs of the first message and
// the count.
func (f *fixture) wantUnread(t *testing.T, u chat.User, r chat.Room, want ...int) {
	t.Helper()
	got, err := f.store.Threads(f.ctx, chat.ThreadQuery{Room: r.ID, User: u.ID, ItemsMax: 10, Unread: true})
	if err != nil {
		t.Fatal(err)
	}
	var pairs []int
	for _, th := range got {
		pairs = append(pairs, int(th.Root), th.Unread)
	}
	wantSame(t, pairs, want)
	all, err := f.store.Threads(f.ctx, chat.ThreadQuery{Room: r.ID, User: u.ID, ItemsMax: 100})
	if err != nil {
		t.Fatal(err)
	}
	unread := 0
	for _, th := range all {
		if th.Unread > 0 {
			if unread == len(got) {
				t.Fatalf("the thread %d has something unread, and is not told", th.Root)
			}
			wantSame(t, []chat.Thread{th}, got[unread:unread+1])
			unread++
		}
	}
	if unread != len(got) {
		t.Errorf("%d of all threads have something unread, %d are told", unread, len(got))
	}
}

// Who starts a thread, writes in it, or is mentioned there follows it, and has read what was there before.
func testFollows(t *testing.T, f *fixture) {
	r := f.room(t, "r")
	mina, jun, ara, bo := f.user(t, "mina"), f.user(t, "jun"), f.user(t, "ara"), f.user(t, "bo")
	say := func(seq chat.Seq, u chat.User, text string, root chat.Seq) {
		t.Helper()
		e := message(r, seq, u, text)
		e.Target = root
		f.commit(t, these(r, seq, e))
	}
	say(1, mina, "for "+chat.MentionText(ara.ID, "ara")+chat.MentionText(0, "room"), 0)
	f.wantNoFollow(t, mina, r, 1) // nobody has answered
	say(2, jun, "yes, "+chat.MentionText(bo.ID, "bo")+chat.MentionText(1<<40, "nobody"), 1)
	f.wantFollow(t, mina, r, 1, true, 1)
	f.wantFollow(t, ara, r, 1, true, 1)
	f.wantFollow(t, jun, r, 1, true, 2)
	f.wantFollow(t, bo, r, 1, true, 1)
	f.wantUnread(t, mina, r, 1, 1)
	f.wantUnread(t, jun, r)
	f.wantUnread(t, bo, r, 1, 1)

	// A second thread in the same batch as its first message; writing once more moves no mark.
	first := message(r, 3, jun, "again")
	second, third := answer(r, 4, jun, 3, 0), answer(r, 5, mina, 4, 3)
	f.commit(t, these(r, 3, first, second, third))
	f.wantFollow(t, jun, r, 3, true, 4)
	f.wantFollow(t, mina, r, 3, true, 5)
	f.wantUnread(t, jun, r, 3, 1)
	say(6, jun, "so", 3)
	f.wantFollow(t, jun, r, 3, true, 4)
	f.wantUnread(t, jun, r, 3, 2)
	f.wantUnread(t, mina, r, 3, 1, 1, 1)

	// An edit mentions nobody anew; what is deleted does not count, whoever looks.
	f.commit(t, these(r, 7, change(r, 7, mina, chat.EventEdit, 5, chat.MentionText(bo.ID, "bo"))))
	f.wantNoFollow(t, bo, r, 3)
	f.commit(t, these(r, 8, change(r, 8, jun, chat.EventDelete, 2, "")))
	f.wantUnread(t, mina, r, 3, 1)
	f.wantUnread(t, bo, r)
	f.reopen(t)
	f.wantUnread(t, jun, r, 3, 2)
	f.wantFollow(t, bo, r, 1, true, 1)

	// What answers no message makes no thread, and nobody follows it.
	f.commit(t, these(r, 9, change(r, 9, jun, chat.EventPin, 1, ""), answer(r, 10, jun, 9, 0)))
	f.wantNoFollow(t, jun, r, 9)
}

// What people ask for: a mark never goes back, and who does not want to follow follows again by writing only.
func testFollowsByRequest(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	f.commit(t, run(r, 1, 2, mina, "x"))
	f.commit(t, these(r, 3, answer(r, 3, mina, 1, 0), roleEvent(r, 4, mina, mina, chat.RoleOwner)))
	if got := f.follow(t, chat.MemberFollows, jun, r, 1, 0); got != (chat.Follow{}) {
		t.Errorf("who does not belong to the room follows a thread: %+v", got)
	}
	f.wantNoFollow(t, jun, r, 1)
	if _, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{enters(jun, r, 0), enters(mina, r, 0)}, 0); err != nil {
		t.Fatal(err)
	}
	want := func(got chat.Follow, root chat.Seq, followed bool, mark chat.Seq) {
		t.Helper()
		wantSame(t, []chat.Follow{got}, []chat.Follow{{Root: root, Followed: followed, Mark: mark}})
		f.wantFollow(t, jun, r, root, followed, mark)
	}
	for _, root := range []chat.Seq{0, 4, 5, 1 << 63} { // no message
		if got := f.follow(t, chat.MemberFollows, jun, r, root, 0); got != (chat.Follow{}) {
			t.Errorf("he follows %d: %+v", root, got)
		}
	}
	// A mark of what is not followed is not kept.
	if got := f.follow(t, chat.MemberReads, jun, r, 1, 3); got != (chat.Follow{}) {
		t.Errorf("a mark of what he does not follow: %+v", got)
	}
	f.wantNoFollow(t, jun, r, 1)
	want(f.follow(t, chat.MemberFollows, jun, r, 1, 0), 1, true, 3) // he has read what is there
	want(f.follow(t, chat.MemberFollows, jun, r, 2, 0), 2, true, 2) // nobody has answered that
	f.commit(t, these(r, 5, answer(r, 5, mina, 1, 0), answer(r, 6, mina, 1, 0), answer(r, 7, mina, 2, 0)))
	f.wantUnread(t, jun, r, 2, 1, 1, 2)
	want(f.follow(t, chat.MemberFollows, jun, r, 1, 0), 1, true, 3) // once more is nothing
	want(f.follow(t, chat.MemberReads, jun, r, 1, 5), 1, true, 5)
	want(f.follow(t, chat.MemberReads, jun, r, 1, 4), 1, true, 5)
	f.wantUnread(t, jun, r, 2, 1, 1, 1)
	want(f.follow(t, chat.MemberReads, jun, r, 1, 1<<60), 1, true, 6) // the end
	f.wantUnread(t, jun, r, 2, 1)
	want(f.follow(t, chat.MemberUnfollows, jun, r, 2, 0), 2, false, 7)
	f.wantUnread(t, jun, r)
	e := message(r, 8, mina, chat.MentionText(jun.ID, "jun"))
	e.Target = 2
	f.commit(t, these(r, 8, e))
	f.wantFollow(t, jun, r, 2, false, 7)
	f.wantUnread(t, jun, r)
	f.commit(t, these(r, 9, answer(r, 9, jun, 2, 0), answer(r, 10, mina, 2, 0)))
	f.wantFollow(t, jun, r, 2, true, 9)
	f.wantUnread(t, jun, r, 2, 1)
	want(f.follow(t, chat.MemberUnfollows, jun, r, 1, 0), 1, false, 6)
	want(f.follow(t, chat.MemberFollows, jun, r, 1, 0), 1, true, 6)
	f.reopen(t)
	f.wantFollow(t, jun, r, 1, true, 6)
	f.wantUnread(t, jun, r, 2, 1)
	defer func() {
		if err := f.store.EraseUser(f.ctx, jun.ID, 9000); err != nil {
			t.Fatal(err)
		}
		f.wantFollow(t, jun, r, 1, false, 0)
		f.wantUnread(t, jun, r)
		f.wantFollow(t, mina, r, 1, true, 3)
	}()
	f.wantUnread(t, mina, r, 2, 3, 1, 2) // she wrote at 3 and at 7 first
}

func testFollowsOfErased(t *testing.T, f *fixture) {
	f.expirer(t)
	r, mina := f.room(t, "r"), f.user(t, "mina")
	f.commit(t, run(r, 1, 3, mina, "x"))
	f.commit(t, these(r, 4, answer(r, 4, mina, 1, 0), answer(r, 5, mina, 3, 0)))
	Expire(t, f.store, 5003)
	f.wantNoFollow(t, mina, r, 1)
	f.wantFollow(t, mina, r, 3, true, 5)
	f.commit(t, these(r, 7, answer(r, 7, mina, 1, 0))) // its thread is gone
	f.wantNoFollow(t, mina, r, 1)
}

// The count is exact up to its bound, and does not go on from there.
func testFollowsAreCounted(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	f.commit(t, run(r, 1, 1, jun, "x"))
	last := chat.Seq(1)
	more := func(n chat.Seq) {
		var events []chat.Event
		for seq := last + 1; seq <= last+n; seq++ {
			events = append(events, answer(r, seq, mina, 1, 0))
		}
		f.commit(t, these(r, last+1, events...))
		last += n
	}
	more(chat.ThreadUnreadMax - 1)
	f.wantUnread(t, jun, r, 1, chat.ThreadUnreadMax-1)
	more(3)
	f.wantUnread(t, jun, r, 1, chat.ThreadUnreadMax)
	f.commit(t, these(r, last+1, change(r, last+1, mina, chat.EventDelete, 2, ""), change(r, last+2, mina, chat.EventDelete, 3, ""),
		change(r, last+3, mina, chat.EventDelete, 4, "")))
	f.wantUnread(t, jun, r, 1, chat.ThreadUnreadMax-1)
}

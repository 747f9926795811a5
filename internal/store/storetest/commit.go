package storetest

import (
	"strings"
	"testing"

	"sarang/chat"
)

func testCommitSeveralRooms(t *testing.T, f *fixture) {
	a, b := f.room(t, "a"), f.room(t, "b")
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	inA := []chat.Event{message(a, 1, mina, "안녕"), message(a, 2, jun, "hi"), message(a, 3, mina, "😀")}
	inB := []chat.Event{message(b, 1, jun, "first here")}
	f.commit(t, chat.Append{Room: a.ID, Events: inA}, chat.Append{Room: b.ID, Events: inB})
	f.wantHistory(t, a, 0, inA...)
	f.wantHistory(t, b, 0, inB...)
	f.wantLast(t, a, 3)
	f.wantLast(t, b, 1)

	f.commit(t, run(b, 2, 4, mina, "more"))
	f.wantLast(t, a, 3)
	f.wantLast(t, b, 4)
}

func testCommitSameRoomTwice(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	f.commit(t, run(r, 1, 2, u, "x"), run(r, 3, 5, u, "y"))
	f.wantLast(t, r, 5)
	f.refuse(t, chat.CodeSequence, run(r, 6, 6, u, "x"), run(r, 6, 6, u, "again"))
	f.refuse(t, chat.CodeSequence, run(r, 6, 6, u, "x"), run(r, 8, 8, u, "hole"))
	f.wantLast(t, r, 5)
}

func testCommitOfNothing(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	f.commit(t)
	f.commit(t, chat.Append{Room: r.ID})
	f.wantLast(t, r, 0)
	f.commit(t, chat.Append{Room: r.ID}, run(r, 1, 1, u, "x"))
	f.wantLast(t, r, 1)
}

func testCommitRefusesBrokenSequence(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	hole := chat.Append{Room: r.ID, Events: []chat.Event{message(r, 1, u, "x"), message(r, 3, u, "x")}}
	back := chat.Append{Room: r.ID, Events: []chat.Event{message(r, 1, u, "x"), message(r, 1, u, "x")}}
	for _, a := range []chat.Append{run(r, 0, 0, u, "x"), run(r, 2, 2, u, "x"), hole, back, run(r, 1<<63, 1<<63, u, "x")} {
		f.refuse(t, chat.CodeSequence, a)
	}
	f.wantLast(t, r, 0)
	f.wantHistory(t, r, 0)
	f.commit(t, run(r, 1, 3, u, "x"))
	for _, first := range []chat.Seq{1, 3, 5} {
		f.refuse(t, chat.CodeSequence, run(r, first, first+1, u, "x"))
	}
	f.commit(t, run(r, 4, 4, u, "x"))
	f.wantLast(t, r, 4)
}

func testCommitAllOrNothing(t *testing.T, f *fixture) {
	a, b, u := f.room(t, "a"), f.room(t, "b"), f.user(t, "u")
	f.commit(t, run(b, 1, 1, u, "x"))
	f.refuse(t, chat.CodeSequence, run(a, 1, 20, u, "lost"), run(b, 1, 1, u, "wrong"))
	f.wantLast(t, a, 0)
	f.wantHistory(t, a, 0)
	f.wantSent(t, u, 1)
	got, err := f.store.Nonces(f.ctx, a.ID, u.ID, 10)
	if err != nil || len(got) != 0 {
		t.Fatalf("Nonces after a refused commit: %v, %v", got, err)
	}
	f.commit(t, run(a, 1, 1, u, "x"), run(b, 2, 2, u, "x"))
	f.wantSent(t, u, 3)
}

func testCommitRefusesStrangers(t *testing.T, f *fixture) {
	r, other, u := f.room(t, "r"), f.room(t, "other"), f.user(t, "u")
	nowhere := chat.Room{ID: other.ID + 1}
	f.refuse(t, chat.CodeNoRoom, run(nowhere, 1, 1, u, "x"))
	f.refuse(t, chat.CodeNoRoom, chat.Append{Room: 0, Events: run(r, 1, 1, u, "x").Events})
	f.refuse(t, chat.CodeBadRequest, run(r, 1, 1, chat.User{ID: u.ID + 1}, "x"))
	f.refuse(t, chat.CodeBadRequest, run(r, 1, 1, chat.User{}, "x"))
	f.refuse(t, chat.CodeBadRequest, chat.Append{Room: r.ID, Events: run(other, 1, 1, u, "x").Events})
	f.wantLast(t, r, 0)
	f.wantLast(t, other, 0)
}

func testCommitOfManyEvents(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	// Sizes around whatever a store gathers into one statement.
	var last chat.Seq
	for _, n := range []chat.Seq{1, 15, 16, 17, 31, 32, 33, 100, 1000} {
		f.commit(t, run(r, last+1, last+n, u, strings.Repeat("가", int(n%50)+1)))
		last += n
		f.wantLast(t, r, last)
	}
	events, err := f.store.History(f.ctx, r.ID, 0, 1<<20, 1<<30)
	if err != nil || len(events) != int(last) {
		t.Fatalf("History: %d events, %v; want %d", len(events), err, last)
	}
	for i, e := range events {
		if e.Seq != chat.Seq(i+1) {
			t.Fatalf("event %d has Seq %d", i, e.Seq)
		}
	}
	f.wantSent(t, u, uint64(last))
}

func testSentCount(t *testing.T, f *fixture) {
	a, b := f.room(t, "a"), f.room(t, "b")
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	join := message(a, 1, jun, "")
	join.Kind, join.Nonce = chat.EventJoin, 0
	leave := message(a, 4, jun, "")
	leave.Kind, leave.Nonce = chat.EventLeave, 0
	f.commit(t, chat.Append{Room: a.ID, Events: []chat.Event{join, message(a, 2, mina, "x"), message(a, 3, mina, "y"), leave}})
	f.wantSent(t, mina, 2)
	f.wantSent(t, jun, 0)
	f.commit(t, run(a, 5, 6, mina, "x"), run(b, 1, 40, mina, "x"), run(b, 41, 41, jun, "x"))
	f.wantSent(t, mina, 44)
	f.wantSent(t, jun, 1)
	again, err := f.store.ClaimUser(f.ctx, chat.Claim{Name: "mina", Key: "mina", Resume: token("mina"), NowMs: 2000})
	if err != nil || again.SentCount != 44 {
		t.Fatalf("SentCount at login: %d, %v; want 44", again.SentCount, err)
	}
}

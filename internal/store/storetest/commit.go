package storetest

import (
	"math"
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
	r, other, u := f.room(t, "r"), f.room(t, "other"), f.user(t, "u")
	f.refuse(t, chat.CodeSequence, run(r, 1, 2, u, "x"), run(r, 3, 5, u, "y"))
	f.refuse(t, chat.CodeSequence, run(r, 1, 1, u, "x"), run(r, 1, 1, u, "again"))
	f.refuse(t, chat.CodeSequence, run(other, 1, 1, u, "x"), run(r, 1, 1, u, "x"), chat.Append{Room: other.ID, After: 1})
	f.wantLast(t, r, 0)
	f.wantLast(t, other, 0)
}

func testCommitOfNothing(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	f.commit(t)
	f.commit(t, chat.Append{Room: r.ID})
	f.wantLast(t, r, 0)
	other := f.room(t, "other")
	f.commit(t, chat.Append{Room: other.ID}, run(r, 1, 1, u, "x"))
	f.wantLast(t, r, 1)
	f.wantLast(t, other, 0)
	// It is compared, too: that is how to ask for what has come in between.
	f.conflict(t, []chat.Conflict{{Room: r.ID, Last: 1, Between: run(r, 1, 1, u, "x").Events}}, chat.Append{Room: r.ID})
	f.commit(t, chat.Append{Room: r.ID, After: 1})
}

func testCommitRefusesBrokenSequence(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	hole := chat.Append{Room: r.ID, Events: []chat.Event{message(r, 1, u, "x"), message(r, 3, u, "x")}}
	back := chat.Append{Room: r.ID, Events: []chat.Event{message(r, 1, u, "x"), message(r, 1, u, "x")}}
	early, late := run(r, 1, 2, u, "x"), run(r, 2, 3, u, "x")
	early.After, late.After = 1, 0
	wraps := run(r, 1, 2, u, "x")
	wraps.After, wraps.Events[0].Seq, wraps.Events[1].Seq = math.MaxUint64, 0, 1
	for _, a := range []chat.Append{hole, back, early, late, wraps} {
		f.refuse(t, chat.CodeSequence, a)
	}
	f.wantLast(t, r, 0)
	f.wantHistory(t, r, 0)
	f.commit(t, run(r, 1, 3, u, "x"))
	hole.After, hole.Events[0].Seq, hole.Events[1].Seq = 3, 4, 6
	f.refuse(t, chat.CodeSequence, hole)
	// A hole is a fault also where the log ends elsewhere.
	hole.After, hole.Events[0].Seq, hole.Events[1].Seq = 1, 2, 4
	f.refuse(t, chat.CodeSequence, hole)
	f.commit(t, run(r, 4, 4, u, "x"))
	f.wantLast(t, r, 4)
}

func testCommitAllOrNothing(t *testing.T, f *fixture) {
	a, b, u := f.room(t, "a"), f.room(t, "b"), f.user(t, "u")
	f.commit(t, run(b, 1, 1, u, "x"))
	wrong := run(b, 2, 2, u, "wrong")
	wrong.Events[0].Seq = 3
	f.refuse(t, chat.CodeSequence, run(a, 1, 20, u, "lost"), wrong)
	f.wantLast(t, a, 0)
	f.wantHistory(t, a, 0)
	f.wantSent(t, u, 1)
	f.wantAuthor(t, a, u, chat.Author{})
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
	role := roleEvent(r, 1, u, u, chat.RoleReader)
	for _, nobody := range []chat.UserID{0, u.ID + 1, 1 << 63} {
		role.Subject = nobody
		f.refuse(t, chat.CodeBadRequest, these(r, 1, role))
	}
	_, err := f.store.Commit(f.ctx, chat.Batch{Appends: []chat.Append{run(r, 1, 1, u, "x")}})
	wantCode(t, err, chat.CodeBadRequest) // a batch of nobody
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
	events, more := f.history(t, r, chat.Page{ItemsMax: 1 << 20, BytesMax: 1 << 30})
	if len(events) != int(last) || more {
		t.Fatalf("History: %d events, more %t; want %d", len(events), more, last)
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
	f.commit(t, these(a, 1, join, message(a, 2, mina, "x"), message(a, 3, mina, "y"), leave, roleEvent(a, 5, jun, mina, chat.RoleReader)))
	f.wantSent(t, mina, 2)
	f.wantSent(t, jun, 0)
	f.commit(t, run(a, 6, 7, mina, "x"), these(b, 1, append(run(b, 1, 40, mina, "x").Events, message(b, 41, jun, "x"))...))
	f.wantSent(t, mina, 44)
	f.wantSent(t, jun, 1)
	again, err := f.claim(chat.Claim{Name: "mina", Key: "mina", Resume: token("mina"), NowMs: 2000})
	if err != nil || again.SentCount != 44 {
		t.Fatalf("SentCount at login: %d, %v; want 44", again.SentCount, err)
	}
}

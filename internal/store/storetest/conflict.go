package storetest

import (
	"math"
	"strings"
	"testing"

	"sarang/chat"
)

func testConflictTellsBetween(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	first := run(r, 1, 5, u, "first")
	f.commit(t, first)
	for after := range chat.Seq(5) {
		want := []chat.Conflict{{Room: r.ID, Last: 5, Between: first.Events[after:]}}
		f.conflict(t, want, run(r, after+1, after+2, u, "late"))
	}
	f.wantHistory(t, r, 0, first.Events...)
	f.wantSent(t, u, 5)
	f.commit(t, run(r, 6, 6, u, "in time"))
	f.wantLast(t, r, 6)
}

func testConflictOfOneRoom(t *testing.T, f *fixture) {
	a, b, c, d := f.room(t, "a"), f.room(t, "b"), f.room(t, "c"), f.room(t, "d")
	u := f.user(t, "u")
	inB, inD := run(b, 1, 2, u, "b"), run(d, 1, 1, u, "d")
	f.commit(t, inB, inD)
	want := []chat.Conflict{{Room: b.ID, Last: 2, Between: inB.Events[1:]}, {Room: d.ID, Last: 1, Between: inD.Events}}
	f.conflict(t, want, run(a, 1, 1, u, "x"), run(b, 2, 9, u, "late"), run(c, 1, 30, u, "x"), run(d, 1, 1, u, "late"))
	f.wantLast(t, a, 1)
	f.wantLast(t, b, 2)
	f.wantLast(t, c, 30)
	f.wantLast(t, d, 1)
	f.wantSent(t, u, 34)
}

// Who is far behind is told the log in parts, and gets to its end.
func testConflictIsPaged(t *testing.T, f *fixture) {
	const events = 2*chat.ConflictEventsMax + 50
	short, long, u := f.room(t, "short"), f.room(t, "long"), f.user(t, "u")
	all := run(short, 1, events, u, "short")
	f.commit(t, all)
	if pages := f.catchUp(t, short, u, all.Events); pages < 3 {
		t.Fatalf("%d events come with %d conflicts", events, pages)
	}
	all = run(long, 1, 120, u, strings.Repeat("길다", 5000)) // a store may bound the bytes as well
	f.commit(t, all)
	f.catchUp(t, long, u, all.Events)
}

// catchUp commits from the beginning of a log on until it is in time, and returns how
// often it was not.
func (f *fixture) catchUp(t *testing.T, r chat.Room, u chat.User, log []chat.Event) (conflicts int) {
	t.Helper()
	end := chat.Seq(len(log))
	var known []chat.Event
	for len(known) < len(log) {
		last := chat.Seq(len(known))
		got, err := f.store.Commit(f.ctx, f.self.batch(run(r, last+1, last+1, u, "late")))
		if err != nil || len(got) != 1 || got[0].Room != r.ID || got[0].Last != end {
			t.Fatalf("Commit after %d: %d conflicts, %v", last, len(got), err)
		}
		if n := len(got[0].Between); n < 1 || n > chat.ConflictEventsMax {
			t.Fatalf("%d events come with a conflict", n)
		}
		known = append(known, got[0].Between...)
		conflicts++
	}
	wantSame(t, known, log)
	f.commit(t, run(r, end+1, end+1, u, "in time"))
	return conflicts
}

func testAfterBeyondTheEnd(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	for last := range chat.Seq(3) {
		for _, after := range []chat.Seq{last + 1, last + 100, math.MaxInt64 - 1, math.MaxInt64, 1 << 63, math.MaxUint64 - 1} {
			want := []chat.Conflict{{Room: r.ID, Last: last}}
			f.conflict(t, want, these(r, after+1, message(r, after+1, u, "x")))
			f.conflict(t, want, chat.Append{Room: r.ID, After: after})
		}
		f.wantLast(t, r, last)
		f.commit(t, run(r, last+1, last+1, u, "x"))
	}
}

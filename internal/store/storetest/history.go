package storetest

import (
	"math"
	"strings"
	"testing"

	"sarang/chat"
)

func testHistoryPages(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	all := run(r, 1, 50, u, "text")
	f.commit(t, all)
	for _, itemsMax := range []int{1, 7, 49, 50, 51} {
		var got []chat.Event
		for {
			page, err := f.store.History(f.ctx, r.ID, chat.Seq(len(got)), itemsMax, 1<<20)
			if err != nil {
				t.Fatalf("History: %v", err)
			}
			if len(page) == 0 {
				break
			}
			if len(page) != min(itemsMax, 50-len(got)) {
				t.Fatalf("page of %d events after %d, limit %d", len(page), len(got), itemsMax)
			}
			got = append(got, page...)
		}
		wantSame(t, got, all.Events)
	}
}

func testHistoryByteLimit(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	var all []chat.Event
	for i, n := range []int{10, 10, 10, 100, 1, 30} {
		all = append(all, message(r, chat.Seq(i+1), u, strings.Repeat("x", n)))
	}
	f.commit(t, chat.Append{Room: r.ID, Events: all})
	for _, c := range []struct {
		after              chat.Seq
		itemsMax, bytesMax int
		want               int
	}{
		{0, 10, 30, 3},
		{0, 10, 29, 2},
		{0, 2, 30, 2},
		{0, 10, 129, 3},
		{0, 10, 130, 4},
		{0, 10, 1 << 20, 6},
		{0, 10, 0, 1},
		{0, 10, -1, 1},
		{0, 0, 100, 1},
		{0, -1, 100, 1},
		{3, 10, 50, 1}, // the first one is larger than the limit and comes all the same
		{4, 10, 1, 1},
		{4, 10, 31, 2},
		{5, 10, 5, 1},
	} {
		got, err := f.store.History(f.ctx, r.ID, c.after, c.itemsMax, c.bytesMax)
		if err != nil {
			t.Fatalf("History: %v", err)
		}
		if len(got) != c.want {
			t.Errorf("after %d, at most %d events and %d bytes: %d events, want %d",
				c.after, c.itemsMax, c.bytesMax, len(got), c.want)
			continue
		}
		wantSame(t, got, all[c.after:int(c.after)+c.want])
	}
}

func testHistoryEnds(t *testing.T, f *fixture) {
	r, other, u := f.room(t, "r"), f.room(t, "other"), f.user(t, "u")
	f.wantHistory(t, r, 0)
	f.wantHistory(t, chat.Room{ID: other.ID + 7}, 0)
	all := run(r, 1, 3, u, "x")
	f.commit(t, all, run(other, 1, 9, u, "elsewhere"))
	f.wantHistory(t, r, 0, all.Events...)
	f.wantHistory(t, r, 2, all.Events[2])
	for _, after := range []chat.Seq{3, 4, math.MaxInt64, math.MaxUint64} {
		f.wantHistory(t, r, after)
	}
	f.wantLast(t, chat.Room{ID: other.ID + 7, Name: "nowhere"}, 0)
}

func testHistoryKeepsEveryField(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "민지")
	all := []chat.Event{
		{Room: r.ID, Seq: 1, Kind: chat.EventJoin, User: u.ID, Name: u.Name, TimeMs: 1},
		{Room: r.ID, Seq: 2, Kind: chat.EventMessage, User: u.ID, Name: u.Name, Nonce: math.MaxUint64, TimeMs: math.MaxInt64, Text: "두\nline 🏠 '\"%?;--"},
		{Room: r.ID, Seq: 3, Kind: chat.EventMessage, User: u.ID, Name: u.Name, Nonce: 1 << 63, TimeMs: -1, Text: strings.Repeat("긴 글 ", 8000)},
		{Room: r.ID, Seq: 4, Kind: chat.EventMessage, User: u.ID, Name: u.Name, Nonce: 0, Text: "0123"},
		{Room: r.ID, Seq: 5, Kind: chat.EventLeave, User: u.ID, Name: u.Name, TimeMs: 2},
	}
	f.commit(t, chat.Append{Room: r.ID, Events: all})
	f.wantHistory(t, r, 0, all...)
}

func testNonces(t *testing.T, f *fixture) {
	r, other := f.room(t, "r"), f.room(t, "other")
	mina, jun, quiet := f.user(t, "mina"), f.user(t, "jun"), f.user(t, "quiet")
	var want []chat.NonceSeq // of mina in r, newest first
	last := chat.Seq(0)
	for batch := range 6 {
		a := chat.Append{Room: r.ID}
		for i := range 7 {
			last++
			e := message(r, last, mina, "x")
			switch {
			case i == 2:
				e = message(r, last, jun, "y")
			case i == 3:
				e.Kind, e.Nonce, e.Text = chat.EventLeave, 0, ""
			default:
				e.Nonce = chat.Nonce(math.MaxUint64 - uint64(last))
				want = append([]chat.NonceSeq{{Nonce: e.Nonce, Seq: last}}, want...)
			}
			a.Events = append(a.Events, e)
		}
		f.commit(t, a, run(other, chat.Seq(batch+1), chat.Seq(batch+1), mina, "elsewhere"))
		if batch == 3 {
			f.reopen(t) // what the store remembers must not be in memory only
		}
	}
	for _, itemsMax := range []int{-1, 0, 1, 5, len(want), chat.NoncesPerUserMax} {
		got, err := f.store.Nonces(f.ctx, r.ID, mina.ID, itemsMax)
		if err != nil {
			t.Fatalf("Nonces: %v", err)
		}
		wantSame(t, got, want[:min(max(itemsMax, 0), len(want))])
	}
	got, err := f.store.Nonces(f.ctx, other.ID, mina.ID, 100)
	if err != nil || len(got) != 6 {
		t.Fatalf("Nonces in the other room: %v, %v", got, err)
	}
	got, err = f.store.Nonces(f.ctx, r.ID, quiet.ID, 100)
	if err != nil || len(got) != 0 {
		t.Fatalf("Nonces of somebody who said nothing: %v, %v", got, err)
	}
}

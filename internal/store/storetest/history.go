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
		for more := true; more; {
			var page []chat.Event
			page, more = f.history(t, r, chat.Page{After: chat.Seq(len(got)), ItemsMax: itemsMax, BytesMax: 1 << 20})
			if len(page) != min(itemsMax, 50-len(got)) {
				t.Fatalf("page of %d events after %d, limit %d", len(page), len(got), itemsMax)
			}
			got = append(got, page...)
			if more != (len(got) < 50) {
				t.Fatalf("more %t after %d of 50 events", more, len(got))
			}
		}
		wantSame(t, got, all.Events)
	}
}

func testHistoryByteLimit(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	all := f.lengths(t, r, u, 10, 10, 10, 100, 1, 30)
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
		got, more := f.history(t, r, chat.Page{After: c.after, ItemsMax: c.itemsMax, BytesMax: c.bytesMax})
		if len(got) != c.want || more != (int(c.after)+c.want < len(all)) {
			t.Errorf("after %d, at most %d events and %d bytes: %d events, more %t, want %d",
				c.after, c.itemsMax, c.bytesMax, len(got), more, c.want)
			continue
		}
		wantSame(t, got, all[c.after:int(c.after)+c.want])
	}
}

// lengths stores messages of so many bytes.
func (f *fixture) lengths(t *testing.T, r chat.Room, u chat.User, lengths ...int) (all []chat.Event) {
	t.Helper()
	for i, n := range lengths {
		all = append(all, message(r, chat.Seq(i+1), u, strings.Repeat("x", n)))
	}
	f.commit(t, these(r, 1, all...))
	return all
}

func testHistoryByteLimitBefore(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "u")
	all := f.lengths(t, r, u, 30, 1, 100, 10, 10, 10)
	for _, c := range []struct {
		before             chat.Seq
		itemsMax, bytesMax int
		want               int
	}{
		{7, 10, 30, 3},
		{7, 10, 29, 2},
		{math.MaxUint64, 2, 30, 2},
		{math.MaxInt64, 10, 129, 3},
		{8, 10, 130, 4},
		{7, 10, 1 << 20, 6},
		{7, 10, 0, 1},
		{7, 10, -1, 1},
		{7, 0, 100, 1},
		{7, -1, 100, 1},
		{4, 10, 50, 1}, // the last one is larger than the limit and comes all the same
		{3, 10, 1, 1},
		{3, 10, 31, 2},
		{2, 10, 5, 1},
		{1, 10, 100, 0},
	} {
		got, more := f.history(t, r, chat.Page{Before: c.before, ItemsMax: c.itemsMax, BytesMax: c.bytesMax})
		end := min(int(min(c.before, 1000))-1, len(all))
		if len(got) != c.want || more != (c.want < end) {
			t.Errorf("before %d, at most %d events and %d bytes: %d events, more %t, want %d",
				c.before, c.itemsMax, c.bytesMax, len(got), more, c.want)
			continue
		}
		wantSame(t, got, all[end-c.want:end])
	}
}

// A walk backwards, in pages of whatever size, is the log.
func testHistoryBefore(t *testing.T, f *fixture) {
	r, other, u := f.room(t, "r"), f.room(t, "other"), f.user(t, "u")
	nowhere := chat.Room{ID: other.ID + 7}
	for _, p := range []chat.Page{{Before: 1, ItemsMax: 5, BytesMax: 100}, {Before: math.MaxUint64, ItemsMax: 5, BytesMax: 100}} {
		for _, empty := range []chat.Room{r, nowhere} {
			if got, more := f.history(t, empty, p); len(got) > 0 || more {
				t.Fatalf("%d events before %d of an empty log, more %t", len(got), p.Before, more)
			}
		}
	}
	f.commit(t, run(other, 1, 40, u, "elsewhere"))
	var lengths []int
	for i := range 60 {
		lengths = append(lengths, (i*37)%11*20+1)
	}
	all := f.lengths(t, r, u, lengths...)
	for _, p := range []chat.Page{
		{ItemsMax: 1, BytesMax: 1 << 20},
		{ItemsMax: 7, BytesMax: 1 << 20},
		{ItemsMax: 60, BytesMax: 1 << 20},
		{ItemsMax: 1000, BytesMax: 1},
		{ItemsMax: 1000, BytesMax: 450},
		{ItemsMax: 5, BytesMax: 450},
	} {
		// Before is what decides if both are set.
		p.Before, p.After = chat.Seq(len(all)+1), 20
		var got []chat.Event
		for more := true; more; {
			var page []chat.Event
			page, more = f.history(t, r, p)
			if len(page) == 0 || len(page) > p.ItemsMax {
				t.Fatalf("a page of %d events before %d, more of it promised", len(page), p.Before)
			}
			got = append(append([]chat.Event{}, page...), got...)
			p.Before = page[0].Seq
			if more != (p.Before > 1) {
				t.Fatalf("more %t before %d", more, p.Before)
			}
		}
		wantSame(t, got, all)
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
}

func testHistoryKeepsEveryField(t *testing.T, f *fixture) {
	r, u := f.room(t, "r"), f.user(t, "민지")
	all := []chat.Event{
		{Room: r.ID, Seq: 1, Kind: chat.EventJoin, User: u.ID, Name: u.Name, TimeMs: 1},
		{Room: r.ID, Seq: 2, Kind: chat.EventMessage, User: u.ID, Name: u.Name, Nonce: math.MaxUint64, TimeMs: math.MaxInt64, Text: "두\nline 🏠 '\"%?;--"},
		{Room: r.ID, Seq: 3, Kind: chat.EventMessage, User: u.ID, Name: u.Name, Nonce: 1 << 63, TimeMs: -1, Text: strings.Repeat("긴 글 ", 8000)},
		{Room: r.ID, Seq: 4, Kind: chat.EventMessage, User: u.ID, Name: u.Name, Nonce: 0, Text: "0123"},
		{Room: r.ID, Seq: 5, Kind: chat.EventLeave, User: u.ID, Name: u.Name, TimeMs: 2},
		{Room: r.ID, Seq: 6, Kind: chat.EventRole, User: u.ID, Name: u.Name, Nonce: 3, Target: 5, TimeMs: 3, Subject: u.ID, Role: chat.RoleOwner},
		{Room: r.ID, Seq: 7, Kind: 250, User: u.ID, Name: u.Name, Nonce: 4, Target: 1, TimeMs: 4, Text: "a kind that is not known yet"},
	}
	f.commit(t, chat.Append{Room: r.ID, Events: all})
	f.wantHistory(t, r, 0, all...)
}

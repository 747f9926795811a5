package storetest

import (
	"testing"

	"sarang/chat"
)

// testErase looks at stores that can erase.
func testErase(t *testing.T, f *fixture) {
	eraser, ok := f.store.(chat.Eraser)
	if !ok {
		t.Skip("it can not erase")
	}
	u := f.user(t, "u")
	old, young, mixed := f.room(t, "old"), f.room(t, "young"), f.room(t, "mixed")
	game, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "game", Key: "game", Epoch: 1, Ephemeral: true}, chat.RoomQuota{})
	if err != nil || game.ID == 0 {
		t.Fatal(err)
	}
	at := func(r chat.Room, seq chat.Seq, ms int64) chat.Event {
		e := message(r, seq, u, "x")
		e.TimeMs = ms
		return e
	}
	f.commit(t, these(old, 1, at(old, 1, 1), at(old, 2, 2), at(old, 3, 3), at(old, 4, 4), at(old, 5, 5)))
	f.commit(t, these(young, 1, at(young, 1, 100), at(young, 2, 101)))
	// What stands behind a younger event stays, whatever its date.
	f.commit(t, these(mixed, 1, at(mixed, 1, 8), at(mixed, 2, 200), at(mixed, 3, 9), at(mixed, 4, 201)))

	total, calls := 0, 0
	for next := chat.RoomID(1); next != 0; calls++ {
		var n int
		next, n, err = eraser.Erase(f.ctx, chat.Erasure{From: next, BeforeMs: 100, RoomsMax: 2, EventsMax: 3})
		if err != nil || n > 3 || calls > 10 {
			t.Fatalf("Erase: %d events, %v", n, err)
		}
		total += n
	}
	if total != 5 || calls < 3 {
		t.Fatalf("%d events are erased, by %d calls; want 5", total, calls)
	}
	f.wantHistory(t, old, 0, at(old, 5, 5))
	f.wantHistory(t, young, 0, at(young, 1, 100), at(young, 2, 101))
	f.wantHistory(t, mixed, 0, at(mixed, 2, 200), at(mixed, 3, 9), at(mixed, 4, 201))
	for _, p := range []chat.Page{{Before: 5, ItemsMax: 10, BytesMax: 100}, {Before: 1, ItemsMax: 10, BytesMax: 100}} {
		if got, more, err := f.store.History(f.ctx, old.ID, p); err != nil || more || len(got) > 0 {
			t.Fatalf("before %d: %+v, more %t, %v", p.Before, got, more, err)
		}
	}
	// The numbers go on, the author goes on, and who decided long ago is told no more than
	// that others have written.
	if r, err := f.store.Room(f.ctx, old.ID); err != nil || r.LastSeq != 5 {
		t.Fatalf("the room ends at %d, %v", r.LastSeq, err)
	}
	f.commit(t, these(old, 6, at(old, 6, 300)))
	f.wantHistory(t, old, 0, at(old, 5, 5), at(old, 6, 300))
	a, err := f.store.Author(f.ctx, old.ID, u.ID, 10)
	if err != nil || len(a.Nonces) != 2 || a.Nonces[0].Seq != 6 || a.Nonces[1].Seq != 5 {
		t.Fatalf("Author: %+v, %v", a, err)
	}
	if got, err := f.store.User(f.ctx, u.ID); err != nil || got.SentCount != 12 {
		t.Fatalf("SentCount is %d, %v; want 12", got.SentCount, err)
	}
	late := at(old, 3, 400)
	conflicts, err := f.store.Commit(f.ctx, chat.Batch{
		ID: chat.BatchID{Writer: 77, Number: 1}, Appends: []chat.Append{{Room: old.ID, After: 2, Events: []chat.Event{late}}},
	})
	if err != nil || len(conflicts) != 1 || conflicts[0].Last != 6 || conflicts[0].Between != nil {
		t.Fatalf("%+v, %v", conflicts, err)
	}
}

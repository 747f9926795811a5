package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sarang/chat"
)

// Expire erases what is dated before beforeMs in the rooms of a store, as a server does that keeps nothing
// for longer: found by Expired, erased by events of kind EventExpire with the time beforeMs. It
// returns how many events are gone. Nobody else may write.
func Expire(t testing.TB, s chat.Store, beforeMs int64) (erased int) {
	t.Helper()
	id := chat.BatchID{Writer: rand.Uint64() | 1}
	q := chat.ExpiryQuery{From: 1, NowMs: beforeMs + 1, KeepMs: 1, RoomsMax: 2, EventsMax: 1000}
	for q.From != 0 {
		found, next, err := s.(chat.Expirer).Expired(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			r, err := s.Room(t.Context(), x.Room)
			if err != nil {
				t.Fatal(err)
			}
			id.Number++
			a := chat.Append{Room: r.ID, After: r.LastSeq, Events: []chat.Event{expire(r, r.LastSeq+1, x.UpTo, beforeMs)}}
			if conflicts, err := s.Commit(t.Context(), chat.Batch{ID: id, Appends: []chat.Append{a}}); err != nil || len(conflicts) > 0 {
				t.Fatalf("expire up to %d: %+v, %v", x.UpTo, conflicts, err)
			}
			erased += x.Events
		}
		q.From = next
	}
	return erased
}

func expire(r chat.Room, seq, upTo chat.Seq, ms int64) chat.Event {
	return chat.Event{Room: r.ID, Seq: seq, Kind: chat.EventExpire, Nonce: chat.Nonce(seq), Target: upTo, TimeMs: ms}
}

func (f *fixture) expirer(t *testing.T) chat.Expirer {
	e, ok := f.store.(chat.Expirer)
	if !ok {
		t.Skip("it can not find what is too old")
	}
	return e
}

func (f *fixture) wantExpired(t *testing.T, q chat.ExpiryQuery, next chat.RoomID, want ...chat.Expiry) {
	t.Helper()
	found, at, err := f.expirer(t).Expired(f.ctx, q)
	for i := range found {
		slices.Sort(found[i].Edits)
	}
	if err != nil || at != next || fmt.Sprint(found) != fmt.Sprint(want) {
		t.Fatalf("Expired %+v: %+v, then %d, %v; want %+v, %d", q, found, at, err, want, next)
	}
}

func at(r chat.Room, seq chat.Seq, u chat.User, ms int64) chat.Event {
	e := message(r, seq, u, "x")
	e.TimeMs = ms
	return e
}

// testExpired looks at what is found to be too old.
func testExpired(t *testing.T, f *fixture) {
	f.expirer(t)
	u := f.user(t, "u")
	old, young, mixed := f.room(t, "old"), f.room(t, "young"), f.room(t, "mixed")
	game, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "game", Key: "game", Epoch: 1, Ephemeral: true}, chat.RoomQuota{})
	if err != nil || game.ID == 0 {
		t.Fatal(err)
	}
	f.commit(t, these(old, 1, at(old, 1, u, 1), at(old, 2, u, 2), at(old, 3, u, 3), at(old, 4, u, 4), at(old, 5, u, 5)),
		these(young, 1, at(young, 1, u, 100), at(young, 2, u, 101)),
		// What stands behind a younger event stays, whatever its date.
		these(mixed, 1, at(mixed, 1, u, 8), at(mixed, 2, u, 200), at(mixed, 3, u, 9), at(mixed, 4, u, 201)))
	q := chat.ExpiryQuery{From: 1, NowMs: 110, KeepMs: 10, RoomsMax: 10, EventsMax: 100}
	whole, first := chat.Expiry{Room: old.ID, UpTo: 5, Events: 5, AsOf: 5}, chat.Expiry{Room: mixed.ID, UpTo: 1, Events: 1, AsOf: 4}
	f.wantExpired(t, q, 0, whole, first)
	q.RoomsMax = 2
	f.wantExpired(t, q, mixed.ID, whole)
	q.From = mixed.ID
	f.wantExpired(t, q, 0, first)
	q.From, q.EventsMax = 1, 3
	f.wantExpired(t, q, old.ID, chat.Expiry{Room: old.ID, UpTo: 3, Events: 3, AsOf: 5})
	// Without a time nothing is too old, and a room does not have one of its own yet.
	f.wantExpired(t, chat.ExpiryQuery{From: 1, NowMs: 1 << 40, RoomsMax: 10, EventsMax: 100}, 0)
	// What is too old waits for more of its kind: a 64th of the time.
	q = chat.ExpiryQuery{From: 1, NowMs: 6401, KeepMs: 6400, RoomsMax: 10, EventsMax: 100}
	f.wantExpired(t, q, 0)
	q.NowMs = 6400 + 100 + 1
	f.wantExpired(t, q, 0)
	q.NowMs++
	f.wantExpired(t, q, 0, whole)
	q.NowMs += 7
	f.wantExpired(t, q, 0, whole, first)

	// Rooms that have a time of their own: the shorter one holds. They are found also where there is no other.
	set := message(young, 3, u, "")
	set.Kind, set.Value, set.TimeMs = chat.EventRetain, 1, 102
	f.commit(t, these(young, 3, set))
	if r, err := f.store.Room(f.ctx, young.ID); err != nil || r.RetainSeconds != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	q = chat.ExpiryQuery{From: 1, NowMs: 102 + 1000 + 15 + 1, RoomsMax: 1, EventsMax: 2}
	f.wantExpired(t, q, young.ID, chat.Expiry{Room: young.ID, UpTo: 2, Events: 2, AsOf: 3})
	q.EventsMax = 100
	f.wantExpired(t, q, 0, chat.Expiry{Room: young.ID, UpTo: 3, Events: 3, AsOf: 3})
	q.KeepMs, q.RoomsMax = 10_000, 10
	f.wantExpired(t, q, 0, chat.Expiry{Room: young.ID, UpTo: 3, Events: 3, AsOf: 3})
	q.KeepMs = 950 // of its own: up to 117; this: up to 167
	f.commit(t, these(young, 4, at(young, 4, u, 150)))
	f.wantExpired(t, q, 0, whole, chat.Expiry{Room: young.ID, UpTo: 4, Events: 4, AsOf: 4}, first)
	f.reopen(t)
	f.wantExpired(t, q, 0, whole, chat.Expiry{Room: young.ID, UpTo: 4, Events: 4, AsOf: 4}, first)
	off := message(young, 5, u, "")
	off.Kind, off.TimeMs = chat.EventRetain, 160
	f.commit(t, these(young, 5, off))
	q.KeepMs = 0
	f.wantExpired(t, q, 0)
}

// testExpire looks at logs whose beginnings are erased.
func testExpire(t *testing.T, f *fixture) {
	f.expirer(t)
	u := f.user(t, "u")
	r, other := f.room(t, "r"), f.room(t, "other")
	ban := message(r, 2, u, "")
	ban.Kind, ban.Subject, ban.Role, ban.TimeMs = chat.EventRole, u.ID, chat.RoleModerator, 2
	topic := message(r, 3, u, "tea")
	topic.Kind, topic.TimeMs = chat.EventTopic, 3
	f.commit(t, these(r, 1, at(r, 1, u, 1), ban, topic, at(r, 4, u, 4), at(r, 5, u, 5)), run(other, 1, 2, u, "x"))
	if n := Expire(t, f.store, 4); n != 3 {
		t.Fatalf("%d events are erased, want 3", n)
	}
	gone := expire(r, 6, 3, 4)
	f.wantHistory(t, r, 0, at(r, 4, u, 4), at(r, 5, u, 5), gone)
	f.wantHistory(t, r, 5, gone)
	for _, p := range []chat.Page{{Before: 4, ItemsMax: 10, BytesMax: 100}, {Before: 1, ItemsMax: 10, BytesMax: 100}} {
		if got, more, err := f.store.History(f.ctx, r.ID, p); err != nil || more || len(got) > 0 {
			t.Fatalf("before %d: %+v, more %t, %v", p.Before, got, more, err)
		}
	}
	// Again, and of less: nothing more is erased.
	f.commit(t, these(r, 7, expire(r, 7, 3, 4), expire(r, 8, 1, 4)))
	f.wantHistory(t, r, 0, at(r, 4, u, 4), at(r, 5, u, 5), gone, expire(r, 7, 3, 4), expire(r, 8, 1, 4))
	// All of a log goes; what says so stays, and nothing says that of itself.
	if n := Expire(t, f.store, 90); n != 5 {
		t.Fatalf("%d events are erased, want 5", n)
	}
	gone = expire(r, 9, 8, 90)
	f.wantHistory(t, r, 0, gone)
	if n := Expire(t, f.store, 200); n != 0 {
		t.Fatalf("%d events are erased where nothing is said", n)
	}
	f.reopen(t)
	// The numbers go on, the author goes on, the room is what it was, and who decided long ago is told no
	// more than that others have written.
	if got, err := f.store.Room(f.ctx, r.ID); err != nil || got.LastSeq != 9 || got.LastMs != 90 || got.Topic != "tea" || !got.Ruled {
		t.Fatalf("%+v, %v", got, err)
	}
	f.wantAuthor(t, r, u, chat.Author{Role: chat.RoleModerator})
	f.commit(t, these(r, 10, at(r, 10, u, 300)))
	f.wantHistory(t, r, 0, gone, at(r, 10, u, 300))
	a, err := f.store.Author(f.ctx, r.ID, u.ID, 10)
	if err != nil || len(a.Nonces) != 1 || a.Nonces[0].Seq != 10 {
		t.Fatalf("Author: %+v, %v", a, err)
	}
	f.wantSent(t, u, 6)
	late := at(r, 3, u, 400)
	f.conflict(t, []chat.Conflict{{Room: r.ID, Last: 10}}, chat.Append{Room: r.ID, After: 2, Events: []chat.Event{late}})
	f.wantHistory(t, other, 0, run(other, 1, 2, u, "x").Events...)

	// An event of nobody is no other one.
	nobody := at(r, 11, u, 400)
	nobody.User = 0
	f.refuse(t, chat.CodeBadRequest, these(r, 11, nobody))
	f.refuse(t, chat.CodeBadRequest, these(r, 11, expire(r, 11, 11, 400)))
}

// testExpireEdits looks at edits that stand behind what is erased: they say what their messages said.
func testExpireEdits(t *testing.T, f *fixture) {
	f.expirer(t)
	r, u := f.room(t, "r"), f.user(t, "u")
	f.commit(t, run(r, 1, 3, u, "x")) // dated 5001 to 5003
	kept := change(r, 6, u, chat.EventEdit, 3, "c2")
	f.commit(t, these(r, 4, change(r, 4, u, chat.EventEdit, 1, "a2"), change(r, 5, u, chat.EventEdit, 2, "b2"), kept, change(r, 7, u, chat.EventEdit, 1, "a3")))
	f.wantExpired(t, chat.ExpiryQuery{From: 1, NowMs: 5004, KeepMs: 1, RoomsMax: 1, EventsMax: 10}, 0,
		chat.Expiry{Room: r.ID, UpTo: 2, Events: 2, AsOf: 7, Edits: []chat.Seq{4, 5, 7}})
	if n := Expire(t, f.store, 5003); n != 2 {
		t.Fatalf("%d are erased", n)
	}
	erased := func(seq, target chat.Seq) chat.Event { return change(r, seq, u, chat.EventEdit, target, "") }
	f.wantHistory(t, r, 0, message(r, 3, u, "x"), erased(4, 1), erased(5, 2), kept, erased(7, 1), expire(r, 8, 2, 5003))
	f.wantDigests(t, r, u, 0, kept.Digest(), 0, 0, digestOf(message(r, 3, u, "x")))
	f.wantStates(t, r, 0, 9, u, chat.State{Target: 3, Changed: 6, Edited: 6, Text: "c2"})
	f.indexed(t)
	if _, can := f.store.(chat.Searcher); can {
		f.wantFound(t, chat.SearchQuery{Text: "a3", Rooms: []chat.RoomID{r.ID}})
	}
}

func digestOf(e chat.Event) uint64 { return e.Digest() }

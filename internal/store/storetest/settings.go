package storetest

import (
	"testing"

	"sarang/chat"
)

// A room is what the newest events say that change its settings, however it is asked for; an
// append that lost changes none, and each change is in the audit log.
func testSettings(t *testing.T, f *fixture) {
	u, r, other := f.user(t, "u"), f.room(t, "r"), f.room(t, "other")
	set := func(seq chat.Seq, kind chat.EventKind, text string, value uint32) chat.Event {
		e := message(r, seq, u, text)
		e.Kind, e.Value = kind, value
		return e
	}
	f.change(t, []chat.MemberChange{{Kind: chat.MemberEnters, User: u.ID, Room: r.ID}}, chat.Membership{User: u.ID, Room: r.ID})
	want := func(description string, archived bool, slow uint32) {
		t.Helper()
		one, err := f.store.Room(f.ctx, r.ID)
		if err != nil || one.Description != description || one.Archived != archived || one.SlowSeconds != slow {
			t.Fatalf("the room is %+v, %v; want %q, %t, %d", one, err, description, archived, slow)
		}
		all, err := f.store.Rooms(f.ctx, 0, 10)
		if err != nil || len(all) != 2 || all[0] != one || all[1].Description != "" || all[1].Archived || all[1].SlowSeconds != 0 {
			t.Fatalf("the rooms are %+v, %v", all, err)
		}
		if mine := f.myRooms(t, u, 0, 10); len(mine) != 1 || mine[0].Room != one {
			t.Fatalf("his rooms are %+v", mine)
		}
	}
	want("", false, 0)
	archive := set(3, chat.EventArchive, "", 1)
	f.commit(t, these(r, 1, message(r, 1, u, "a"), set(2, chat.EventDescribe, "tea & 차", 0), archive, set(4, chat.EventSlow, "", 30)), run(other, 1, 1, u, "x"))
	want("tea & 차", true, 30)
	f.wantHistory(t, r, 2, archive, set(4, chat.EventSlow, "", 30))
	f.conflict(t, []chat.Conflict{{Room: r.ID, Last: 4, Between: []chat.Event{set(4, chat.EventSlow, "", 30)}}}, these(r, 4, set(4, chat.EventSlow, "", 60)))
	f.reopen(t)
	want("tea & 차", true, 30)
	f.commit(t, these(r, 5, set(5, chat.EventArchive, "", 0), set(6, chat.EventDescribe, "", 0), set(7, chat.EventSlow, "", 0), set(8, chat.EventArchive, "", 1)))
	want("", true, 0)
	entry := chat.AuditOf(&archive)
	entry.ByName = u.Name
	if entry.Act != chat.AuditRoomArchived || entry.What != "archived" {
		t.Errorf("the entry is %+v", entry)
	}
	page, more, err := f.moderation(t).Audit(f.ctx, chat.AuditQuery{Room: r.ID, ItemsMax: 10, SinceMs: archive.TimeMs, Before: chat.AuditMark{TimeMs: archive.TimeMs, Room: r.ID, Seq: 4}})
	if err != nil || more || len(page) != 1 || page[0] != entry {
		t.Errorf("the audit log has %+v, %t, %v; want %+v", page, more, err, entry)
	}
	if all, _, _ := f.moderation(t).Audit(f.ctx, chat.AuditQuery{Room: r.ID, ItemsMax: 10}); len(all) != 7 || all[1].What != "slow mode: 0 s" {
		t.Errorf("all of it is %+v", all)
	}
}

// What whoever operates the server sets has no author; whatever else happens has one.
func testByServer(t *testing.T, f *fixture) {
	u, r := f.user(t, "u"), f.room(t, "r")
	event := func(seq chat.Seq, kind chat.EventKind, text string, value uint32) chat.Event {
		e := message(r, seq, u, text)
		e.User, e.Name, e.Kind, e.Value = 0, "", kind, value
		return e
	}
	archive, describe, name := event(2, chat.EventArchive, "", 1), event(3, chat.EventDescribe, "tea", 0), event(4, chat.EventName, "R", 0)
	f.commit(t, these(r, 1, message(r, 1, u, "a"), archive), run(f.room(t, "other"), 1, 1, u, "x"))
	f.commit(t, these(r, 3, describe, name))
	f.wantHistory(t, r, 1, archive, describe, name)
	f.reopen(t)
	one, err := f.store.Room(f.ctx, r.ID)
	if err != nil || !one.Archived || one.Description != "tea" || one.LastSeq != 4 {
		t.Errorf("the room is %+v, %v", one, err)
	}
	a, err := f.store.Author(f.ctx, r.ID, 0, 10)
	if err != nil || len(a.Nonces) != 3 || a.Nonces[0].Seq != 4 || a.Nonces[2].Nonce != archive.Nonce {
		t.Errorf("nobody has the nonces %+v, %v", a, err)
	}
	entries, _, err := f.moderation(t).Audit(f.ctx, chat.AuditQuery{Room: r.ID, ItemsMax: 10})
	if err != nil || len(entries) != 2 || entries[0].By != 0 || entries[0].What != "description: tea" || entries[1].Act != chat.AuditRoomArchived {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
	for _, kind := range []chat.EventKind{chat.EventMessage, chat.EventTopic, chat.EventRole, chat.EventDelete} {
		e := event(5, kind, "x", 0)
		if kind == chat.EventRole {
			e.Subject = u.ID
		}
		f.refuse(t, chat.CodeBadRequest, these(r, 5, e))
	}
}

// The author's newest message is told, whatever he has done since.
func testSaid(t *testing.T, f *fixture) {
	u, r := f.user(t, "u"), f.room(t, "r")
	said := func(want int64, noncesMax int) {
		t.Helper()
		a, err := f.store.Author(f.ctx, r.ID, u.ID, noncesMax)
		if err != nil || a.SaidMs != want {
			t.Errorf("his newest message is of %d, %v; want %d", a.SaidMs, err, want)
		}
	}
	said(0, 10)
	first, topic := message(r, 1, u, "a"), message(r, 2, u, "b")
	topic.Kind = chat.EventTopic
	f.commit(t, these(r, 1, first, topic))
	said(first.TimeMs, 10)
	said(0, 1)
	second := message(r, 3, u, "c")
	f.commit(t, these(r, 3, second))
	said(second.TimeMs, 1)
}

package storetest

import (
	"fmt"
	"testing"

	"sarang/chat"
)

// A room has another name, and its old one is kept for it for a while, so that nobody is led to
// another room by it.
func testRenameRoom(t *testing.T, f *fixture) {
	m, a, b := f.moderation(t), f.room(t, "a"), f.room(t, "b")
	f.commit(t, run(a, 1, 2, f.user(t, "u"), "x"))
	nonce := 100
	rename := func(r chat.Room, name string, atMs int64) error {
		nonce++
		e := entry(nonce, chat.AuditRoomArchived)
		e.TimeMs, e.Room, e.What = atMs, r.ID, "renamed to "+name
		return m.RenameRoom(f.ctx, r.ID, name, name, atMs+1000, e)
	}
	called := func(key string, want chat.RoomID) {
		t.Helper()
		r, err := f.store.RoomByKey(f.ctx, key)
		if want == 0 {
			wantCode(t, err, chat.CodeNoRoom)
		} else if err != nil || r.ID != want || r.Name != key || r.Key != key {
			t.Fatalf("room %q is %+v, %v; want %d", key, r, err, want)
		}
	}
	if err := rename(a, "c", 10_000); err != nil {
		t.Fatal(err)
	}
	called("c", a.ID)
	called("a", 0)
	f.wantLast(t, a, 2)
	wantCode(t, rename(a, "b", 10_001), chat.CodeRoomExists)
	wantCode(t, rename(b, "a", 10_001), chat.CodeNameKept)
	wantCode(t, rename(chat.Room{ID: 99}, "z", 10_001), chat.CodeNoRoom)
	_, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "a", Key: "a", CreatedMs: 10_500}, chat.RoomQuota{})
	wantCode(t, err, chat.CodeNameKept)
	f.reopen(t)
	m = f.moderation(t)
	if err := rename(a, "a", 10_600); err != nil { // the room itself may have it back
		t.Fatal(err)
	}
	called("a", a.ID)
	called("c", 0)
	if err := rename(b, "c", 11_600); err != nil { // and others when its time is over
		t.Fatal(err)
	}
	called("c", b.ID)
	if err := rename(b, "c", 11_601); err != nil {
		t.Errorf("the name that it has: %v", err)
	}
	made, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "b", Key: "b", CreatedMs: 12_600}, chat.RoomQuota{})
	if err != nil || made.ID == b.ID {
		t.Fatalf("a name that was kept is %+v, %v", made, err)
	}
	page, _, err := m.Audit(f.ctx, chat.AuditQuery{ItemsMax: 50})
	if err != nil || len(page) != 3 {
		t.Errorf("of three renames the audit log has %+v, %v", page, err)
	}
	for n := range chat.RoomNamesKeptMax {
		if err := rename(made, fmt.Sprint("n", n), 13_000); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, rename(made, "more", 13_000), chat.CodeTooMany)
	if err := rename(made, "more", 14_001); err != nil {
		t.Errorf("later: %v", err)
	}
}

// A deleted room is not there any more, whoever asks; what it held is erased, piece by piece,
// and nothing of other rooms is. Its name is kept for a while, its id for ever.
func testDeleteRoom(t *testing.T, f *fixture) {
	m, u, w := f.moderation(t), f.user(t, "u"), f.user(t, "w")
	other := f.room(t, "other")
	made, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "r", Key: "r", Epoch: 1, Creator: u.ID, CreatedMs: 1000}, chat.RoomQuota{CreatorMax: 1, AllMax: 2})
	if err != nil {
		t.Fatal(err)
	}
	edit, react := message(made, 31, u, "secret edited"), message(made, 32, w, "👍")
	edit.Kind, edit.Target, react.Kind, react.Target = chat.EventEdit, 30, chat.EventReact, 30
	f.commit(t, run(made, 1, 30, u, "secret"), run(other, 1, 3, u, "kept"))
	f.commit(t, these(made, 31, edit, react, roleEvent(made, 33, u, w, chat.RoleReader)), these(other, 4, roleEvent(other, 4, u, w, chat.RoleReader)))
	for _, r := range []chat.Room{made, other} {
		f.change(t, []chat.MemberChange{{Kind: chat.MemberEnters, User: w.ID, Room: r.ID}}, chat.Membership{User: w.ID, Room: r.ID})
	}
	if _, err := m.AddReport(f.ctx, chat.Report{Room: made.ID, Seq: 3, Author: u.ID, Reporter: w.ID, TimeMs: 5}, chat.ReportQuota{}); err != nil {
		t.Fatal(err)
	}
	deleted := entry(500, chat.AuditRoomArchived)
	deleted.TimeMs, deleted.Room, deleted.What = 20_000, made.ID, "deleted: r"
	for range 2 { // the same call again is the same call
		if err := m.DeleteRoom(f.ctx, made.ID, 21_000, deleted); err != nil {
			t.Fatal(err)
		}
	}
	gone := func() {
		t.Helper()
		_, err := f.store.Room(f.ctx, made.ID)
		wantCode(t, err, chat.CodeNoRoom)
		_, err = f.store.RoomByKey(f.ctx, "r")
		wantCode(t, err, chat.CodeNoRoom)
		f.refuse(t, chat.CodeNoRoom, run(made, 34, 34, u, "late"))
		if rooms, err := f.store.Rooms(f.ctx, 0, 10); err != nil || len(rooms) != 1 || rooms[0].ID != other.ID {
			t.Fatalf("the rooms are %+v, %v", rooms, err)
		}
		if mine := f.myRooms(t, w, 0, 10); len(mine) != 1 || mine[0].ID != other.ID {
			t.Fatalf("his rooms are %+v", mine)
		}
		again := deleted
		again.Nonce = 501
		wantCode(t, m.DeleteRoom(f.ctx, made.ID, 0, again), chat.CodeNoRoom)
	}
	gone()
	_, err = f.store.CreateRoom(f.ctx, chat.Room{Name: "r", Key: "r", CreatedMs: 20_500}, chat.RoomQuota{})
	wantCode(t, err, chat.CodeNameKept)
	for n := 0; ; n++ {
		more, err := m.EraseDeleted(f.ctx, 7)
		if err != nil || n > 100 {
			t.Fatalf("erasing, %d times: %v", n, err)
		}
		if n == 1 {
			f.reopen(t)
			m = f.moderation(t)
		}
		if !more {
			break
		}
	}
	gone()
	f.wantHistory(t, made, 0)
	f.wantLast(t, other, 4)
	if a, err := f.store.Author(f.ctx, other.ID, w.ID, 10); err != nil || a.Role != chat.RoleReader {
		t.Errorf("in the other room he is %+v, %v", a, err)
	}
	if a, err := f.store.Author(f.ctx, made.ID, u.ID, 10); err != nil || len(a.Nonces) != 0 {
		t.Errorf("of the deleted room it is known %+v, %v", a, err)
	}
	if reports, _, err := m.Reports(f.ctx, chat.ReportQuery{All: true, ItemsMax: 10}); err != nil || len(reports) != 0 {
		t.Errorf("reports are %+v, %v", reports, err)
	}
	again, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "r", Key: "r", Epoch: 2, Creator: u.ID, CreatedMs: 21_001}, chat.RoomQuota{CreatorMax: 1, AllMax: 2})
	if err != nil || again.ID == made.ID {
		t.Fatalf("a room of that name is %+v, %v", again, err)
	}
	f.wantHistory(t, again, 0)
	if a, err := f.store.Author(f.ctx, again.ID, w.ID, 10); err != nil || a.Role != chat.RoleNone {
		t.Errorf("in the new one he is %+v, %v", a, err)
	}
	f.wantAudit(t, chat.AuditQuery{Room: made.ID}, func() chat.AuditEntry { e := deleted; e.Nonce = 0; return e }())
}

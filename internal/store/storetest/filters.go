package storetest

import (
	"strings"
	"testing"

	"sarang/chat"
)

// What a room does not take is kept, change by change, and goes with the room.
func testRoomFilters(t *testing.T, f *fixture) {
	m, r, other := f.moderation(t), f.room(t, "r"), f.room(t, "other")
	want := func(room chat.Room, want chat.RoomFilter) {
		t.Helper()
		got, err := m.RoomFilter(f.ctx, room.ID)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, []chat.RoomFilter{got}, []chat.RoomFilter{want})
	}
	set := func(room chat.RoomID, n int, x chat.RoomFilter) (chat.RoomFilter, error) {
		a := entry(n, chat.AuditRoomSetting)
		a.Room = room
		return m.SetRoomFilter(f.ctx, room, x, a)
	}
	want(r, chat.RoomFilter{})
	want(chat.Room{ID: 99}, chat.RoomFilter{})
	_, err := set(99, 1, chat.RoomFilter{Links: true})
	wantCode(t, err, chat.CodeNoRoom)
	for range 2 { // the same call again is the same change
		got, err := set(r.ID, 2, chat.RoomFilter{Words: []string{"스팸", "buy now"}})
		if err != nil || got.Version != 1 || strings.Join(got.Words, "|") != "스팸|buy now" || got.Links {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if got, err := set(r.ID, 3, chat.RoomFilter{Links: true}); err != nil || got.Version != 2 || got.Words != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := set(other.ID, 4, chat.RoomFilter{Words: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	f.reopen(t)
	m = f.moderation(t)
	want(r, chat.RoomFilter{Version: 2, Links: true})
	if _, err := set(r.ID, 5, chat.RoomFilter{}); err != nil {
		t.Fatal(err)
	}
	want(r, chat.RoomFilter{Version: 3})
	if page, _, err := m.Audit(f.ctx, chat.AuditQuery{Room: r.ID, ItemsMax: 10}); err != nil || len(page) != 3 {
		t.Errorf("of three changes the audit log has %+v, %v", page, err)
	}
	if err := m.DeleteRoom(f.ctx, r.ID, 0, entry(6, chat.AuditRoomArchived)); err != nil {
		t.Fatal(err)
	}
	_, err = set(r.ID, 7, chat.RoomFilter{Links: true})
	wantCode(t, err, chat.CodeNoRoom)
	for more := true; more; {
		if more, err = m.EraseDeleted(f.ctx, 5); err != nil {
			t.Fatal(err)
		}
	}
	want(r, chat.RoomFilter{})
	want(other, chat.RoomFilter{Version: 1, Words: []string{"x"}})
}

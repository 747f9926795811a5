package storetest

import (
	"fmt"
	"testing"

	"sarang/chat"
)

// Links let in as often and as long as they say, whoever asks; what does not hold is not there, and
// goes with the next one that is made.
func testRoomLinks(t *testing.T, f *fixture) {
	m, u, w := f.moderation(t), f.user(t, "u"), f.user(t, "w")
	r, other := f.room(t, "r"), f.room(t, "other")
	nonce := 900
	made := func(of chat.Room, l chat.RoomLink, most int) (chat.RoomLink, error) {
		nonce++
		a := entry(nonce, chat.AuditInvite)
		a.Room, a.By, l.Room, l.By = of.ID, u.ID, of.ID, u.ID
		return m.AddRoomLink(f.ctx, l, most, a)
	}
	add := func(of chat.Room, l chat.RoomLink) chat.RoomLink {
		t.Helper()
		got, err := made(of, l, 3)
		l.ID, l.Room, l.By = got.ID, of.ID, u.ID
		if err != nil || got.ID == 0 || got != l {
			t.Fatalf("%+v, %v; want %+v", got, err, l)
		}
		return got
	}
	code := func(n int) chat.TokenHash { return token(fmt.Sprint("link ", n)) }
	once := add(r, chat.RoomLink{Code: code(1), UsesMax: 1, CreatedMs: 100})
	short := add(r, chat.RoomLink{Code: code(2), ExpiresMs: 2000, CreatedMs: 100})
	ever := add(r, chat.RoomLink{Code: code(3), CreatedMs: 100})
	elsewhere := add(other, chat.RoomLink{Code: code(4), UsesMax: 2, CreatedMs: 100})
	_, err := made(r, chat.RoomLink{Code: code(5), CreatedMs: 200}, 3)
	wantCode(t, err, chat.CodeTooMany)
	_, err = made(chat.Room{ID: 99}, chat.RoomLink{Code: code(5), CreatedMs: 200}, 3)
	wantCode(t, err, chat.CodeNoRoom)

	// The same call again is the same link.
	a := entry(950, chat.AuditInvite)
	again := chat.RoomLink{Room: other.ID, Code: code(6), By: u.ID, UsesMax: 7, CreatedMs: 100}
	var ids []uint64
	for range 2 {
		l, err := m.AddRoomLink(f.ctx, again, 3, a)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID)
	}
	if ids[0] != ids[1] {
		t.Errorf("one call made the links %v", ids)
	}

	find := func(l chat.RoomLink, nowMs int64) {
		t.Helper()
		if got, err := m.RoomLink(f.ctx, l.Code, nowMs); err != nil || got != l {
			t.Fatalf("%+v, %v; want %+v", got, err, l)
		}
	}
	none := func(n int, nowMs int64) {
		t.Helper()
		l, err := m.RoomLink(f.ctx, code(n), nowMs)
		wantCode(t, err, chat.CodeNoRoom)
		if err.Error() != chat.NoRoomLink().Error() || l != (chat.RoomLink{}) {
			t.Errorf("of link %d at %d it is told %+v, %v", n, nowMs, l, err)
		}
	}
	find(once, 1999)
	find(short, 1999)
	none(2, 2000)
	none(77, 100)
	use := func(l *chat.RoomLink, nonce uint64, nowMs int64) {
		t.Helper()
		for range 2 { // an answer that was lost
			if err := m.UseRoomLink(f.ctx, chat.LinkUse{ID: l.ID, User: w.ID, Nonce: 1<<63 + nonce, NowMs: nowMs}); err != nil {
				t.Fatal(err)
			}
		}
		l.Uses++
	}
	refused := func(l chat.RoomLink, nowMs int64, roomsMax int, want chat.Code) {
		t.Helper()
		wantCode(t, m.UseRoomLink(f.ctx, chat.LinkUse{ID: l.ID, User: w.ID, Nonce: 999, NowMs: nowMs, RoomsMax: roomsMax}), want)
	}
	use(&once, 1, 500)
	none(1, 500)
	refused(once, 500, 0, chat.CodeNoRoom)
	back := chat.LinkUse{ID: once.ID, User: w.ID, Nonce: 3, NowMs: 500, Back: true}
	for range 2 {
		if err := m.UseRoomLink(f.ctx, back); err != nil {
			t.Fatal(err)
		}
	}
	once.Uses--
	find(once, 500)
	use(&once, 4, 500)
	use(&short, 5, 1000)
	refused(short, 2000, 0, chat.CodeNoRoom)
	use(&ever, 6, 500)
	use(&ever, 7, 1<<50)
	f.change(t, []chat.MemberChange{{Kind: chat.MemberEnters, User: w.ID, Room: other.ID}}, chat.Membership{User: w.ID, Room: other.ID})
	refused(ever, 500, 1, chat.CodeTooMany)
	refused(chat.RoomLink{ID: 1 << 40}, 500, 0, chat.CodeNoRoom)
	if err := m.UseRoomLink(f.ctx, chat.LinkUse{ID: ever.ID, User: w.ID, RoomsMax: 2, Nonce: 8, NowMs: 500}); err != nil {
		t.Fatal(err)
	}
	ever.Uses++

	list := func(want ...chat.RoomLink) {
		t.Helper()
		var got []chat.RoomLink
		for after := uint64(0); ; {
			page, err := m.RoomLinks(f.ctx, r.ID, after, 2)
			if err != nil || len(page) > 2 {
				t.Fatalf("%+v, %v", page, err)
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].ID
		}
		wantSame(t, got, want)
	}
	list(once, short, ever)
	f.reopen(t)
	m = f.moderation(t)
	list(once, short, ever)
	next := add(r, chat.RoomLink{Code: code(8), CreatedMs: 2000}) // those that do not hold have gone
	list(ever, next)

	revoke := func(room chat.Room, id uint64, nonce int) error {
		return m.RemoveRoomLink(f.ctx, room.ID, id, entry(nonce, chat.AuditInvite))
	}
	wantCode(t, revoke(other, ever.ID, 960), chat.CodeBadRequest)
	wantCode(t, revoke(r, 1<<40, 961), chat.CodeBadRequest)
	for range 2 {
		if err := revoke(r, ever.ID, 962); err != nil {
			t.Fatal(err)
		}
	}
	none(3, 500)
	refused(ever, 500, 0, chat.CodeNoRoom)
	list(next)
	find(elsewhere, 500)

	// The entry of a link stays as long as the link.
	if _, err := m.TrimAudit(f.ctx, 1<<50, 1000); err != nil {
		t.Fatal(err)
	}
	last, err := made(r, chat.RoomLink{Code: code(9), CreatedMs: 2000}, 9)
	if err != nil || last.ID <= next.ID || last.ID <= ids[0] {
		t.Errorf("the link behind is %+v, %v", last, err)
	}
	gone := entry(970, chat.AuditRoomArchived)
	if err := m.DeleteRoom(f.ctx, r.ID, 0, gone); err != nil {
		t.Fatal(err)
	}
	none(8, 500)
	for more := true; more; {
		if more, err = m.EraseDeleted(f.ctx, 5); err != nil {
			t.Fatal(err)
		}
	}
	list()
	refused(next, 2000, 0, chat.CodeNoRoom)
	find(elsewhere, 500)
}

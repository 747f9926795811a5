package storetest

import (
	"testing"

	"sarang/chat"
)

func testUserByKey(t *testing.T, f *fixture) {
	r, mina := f.room(t, "r"), f.user(t, "mina")
	f.user(t, "jun")
	f.commit(t, run(r, 1, 3, mina, "x"))
	mina.SentCount = 3
	if got, err := f.store.UserByKey(f.ctx, "mina"); err != nil || got != mina {
		t.Fatalf("UserByKey: %+v, %v; want %+v", got, err, mina)
	}
	for _, key := range []string{"", "Mina", "mina ", "nobody", "%"} {
		_, err := f.store.UserByKey(f.ctx, key)
		wantCode(t, err, chat.CodeNoUser)
	}
	// Whose name was taken over is not found by it any more.
	claim := chat.Claim{Name: "MINA", Key: "mina", Fresh: token("new"), NowMs: 9000, ReservedSinceMs: 5000}
	next, err := f.claim(claim)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.store.UserByKey(f.ctx, "mina"); err != nil || got != next {
		t.Fatalf("UserByKey: %+v, %v; want %+v", got, err, next)
	}
}

func testRoleUntil(t *testing.T, f *fixture) {
	r, mina, jun := f.room(t, "r"), f.user(t, "mina"), f.user(t, "jun")
	ban := roleEvent(r, 1, mina, jun, chat.RoleBanned)
	ban.UntilMs, ban.Text = 1<<53, "spam"
	kick := message(r, 2, mina, "out")
	kick.Kind, kick.Subject = chat.EventKick, jun.ID
	f.commit(t, these(r, 1, ban, kick))
	check := func(want chat.Author) {
		t.Helper()
		f.wantAuthor(t, r, jun, want)
		if got, err := f.store.Author(f.ctx, r.ID, jun.ID, 0); err != nil || got.Given() != want.Given() {
			t.Fatalf("Author: %+v, %v; want %+v", got, err, want)
		}
	}
	check(chat.Author{Role: chat.RoleBanned, UntilMs: 1 << 53})
	f.reopen(t)
	check(chat.Author{Role: chat.RoleBanned, UntilMs: 1 << 53})
	f.wantHistory(t, r, 0, ban, kick)
	// Both are authored, neither is a message, and the kick gives no role.
	f.wantAuthor(t, r, mina, chat.Author{Nonces: []chat.NonceSeq{{Nonce: 14, Seq: 2, Digest: kick.Digest()}, {Nonce: 7, Seq: 1, Digest: ban.Digest()}}})
	f.wantSent(t, mina, 0)
	again := roleEvent(r, 3, mina, jun, chat.RoleBanned) // for good
	f.commit(t, these(r, 3, again))
	check(chat.Author{Role: chat.RoleBanned})
	kick = message(r, 4, mina, "")
	kick.Kind = chat.EventKick
	f.refuse(t, chat.CodeBadRequest, these(r, 4, kick)) // nobody
}

func (f *fixture) wantPrivate(t *testing.T, u chat.User, want ...chat.Room) {
	t.Helper()
	got, err := f.store.PrivateRooms(f.ctx, u.ID, 0, 100)
	if err != nil {
		t.Fatalf("PrivateRooms of %q: %v", u.Name, err)
	}
	wantSame(t, got, want)
}

func testPrivateRooms(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	create := func(name string, by chat.User, private bool) chat.Room {
		t.Helper()
		asked := chat.Room{Name: name, Key: name, Epoch: 1, Creator: by.ID, Private: private}
		made, err := f.store.CreateRoom(f.ctx, asked, chat.RoomQuota{})
		if asked.ID = made.ID; err != nil || made != asked {
			t.Fatalf("CreateRoom: %+v, %v", made, err)
		}
		return made
	}
	a, b, c := create("a", mina, true), create("b", mina, false), create("c", jun, true)
	nobodys := create("nobody", chat.User{}, true)
	f.wantRooms(t, b)
	f.wantPrivate(t, mina, a)
	f.wantPrivate(t, jun, c)
	f.wantPrivate(t, chat.User{})
	f.wantPrivate(t, chat.User{ID: 1 << 40})
	for _, want := range []chat.Room{a, nobodys} {
		if got, err := f.store.RoomByKey(f.ctx, want.Key); err != nil || got != want {
			t.Fatalf("RoomByKey: %+v, %v; want %+v", got, err, want)
		}
	}
	f.reopen(t)
	f.wantRooms(t, b)
	f.wantPrivate(t, mina, a)

	// A role makes the room one's own, whichever it is, but for a ban; also of who made it.
	role := func(r *chat.Room, whose chat.User, role chat.Role) {
		t.Helper()
		e := roleEvent(*r, r.LastSeq+1, mina, whose, role)
		f.commit(t, these(*r, e.Seq, e))
		r.LastSeq, r.LastMs, r.Ruled = e.Seq, e.TimeMs, true
	}
	role(&c, mina, chat.RoleReader)
	role(&b, mina, chat.RoleOwner)
	f.wantPrivate(t, mina, a, c)
	role(&c, mina, chat.RoleBanned)
	role(&a, mina, chat.RoleModerator)
	f.wantPrivate(t, mina, a)
	role(&a, mina, chat.RoleBanned)
	f.wantPrivate(t, mina)
	role(&a, mina, chat.RoleNone) // it is hers again
	f.wantPrivate(t, mina, a)
	role(&c, mina, chat.RoleNone)
	role(&nobodys, mina, chat.RoleMember)
	f.wantPrivate(t, mina, a, nobodys)
	f.wantPrivate(t, jun, c)
	for after, want := range map[chat.RoomID]chat.RoomID{0: a.ID, a.ID - 1: a.ID, a.ID: nobodys.ID, nobodys.ID: 0} {
		got, err := f.store.PrivateRooms(f.ctx, mina.ID, after, 1)
		if err != nil || len(got) > 1 || len(got) == 0 != (want == 0) || len(got) == 1 && got[0].ID != want {
			t.Fatalf("PrivateRooms after %d: %+v, %v; want %d", after, got, err, want)
		}
	}
}

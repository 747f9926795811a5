package storetest

import (
	"testing"

	"sarang/chat"
)

func (f *fixture) wantProfiles(t *testing.T, of []chat.UserID, want ...chat.ProfileRecord) {
	t.Helper()
	got, err := f.store.Profiles(f.ctx, of)
	if err != nil {
		t.Fatalf("Profiles: %v", err)
	}
	wantSame(t, got, want)
}

func testProfiles(t *testing.T, f *fixture) {
	mina, jun, sora := f.user(t, "mina"), f.user(t, "jun"), f.user(t, "sora")
	all := []chat.UserID{sora.ID, mina.ID, 1 << 63, jun.ID, 0}
	f.wantProfiles(t, all)
	f.wantProfiles(t, nil)
	name, about, none, yes, no := "Mina 🌱", "two\nlines", "", true, false
	change := func(u chat.UserID, c chat.ProfileChange, want chat.Profile) {
		t.Helper()
		got, err := f.store.ChangeProfile(f.ctx, u, c)
		if err != nil || got != want {
			t.Fatalf("ChangeProfile: %+v, %v; want %+v", got, err, want)
		}
	}
	change(mina.ID, chat.ProfileChange{DisplayName: &name}, chat.Profile{DisplayName: name})
	p := chat.Profile{DisplayName: name, About: about, Hidden: true}
	for range 2 {
		change(mina.ID, chat.ProfileChange{About: &about, Hidden: &yes}, p)
	}
	q := chat.Profile{Status: name}
	change(sora.ID, chat.ProfileChange{Status: &name}, q)
	change(jun.ID, chat.ProfileChange{Status: &name}, q)
	change(jun.ID, chat.ProfileChange{Status: &none, Hidden: &no}, chat.Profile{})
	for _, nobody := range []chat.UserID{0, sora.ID + 1, 1 << 63} {
		_, err := f.store.ChangeProfile(f.ctx, nobody, chat.ProfileChange{Status: &name})
		wantCode(t, err, chat.CodeNoUser)
	}
	f.reopen(t)
	f.wantProfiles(t, all, chat.ProfileRecord{User: mina.ID, Profile: p}, chat.ProfileRecord{User: sora.ID, Profile: q})
	f.wantProfiles(t, []chat.UserID{sora.ID}, chat.ProfileRecord{User: sora.ID, Profile: q})
	f.wantProfiles(t, []chat.UserID{jun.ID})
	if err := f.store.EraseUser(f.ctx, mina.ID, 2000); err != nil {
		t.Fatalf("EraseUser: %v", err)
	}
	f.wantProfiles(t, all, chat.ProfileRecord{User: sora.ID, Profile: q})
}

func (f *fixture) rename(t *testing.T, u chat.User, r chat.Rename, want chat.Code) {
	t.Helper()
	r.User, r.Name = u.ID, "The "+r.Key
	err := f.store.Rename(f.ctx, r)
	if want == 0 && err != nil {
		t.Fatalf("Rename to %q: %v", r.Key, err)
	}
	if want != 0 {
		wantCode(t, err, want)
	}
}

// Who takes another name is the same user. Nobody else gets the one that he had before its
// time, and he logs in by it until then.
func testRename(t *testing.T, f *fixture) {
	const late = 1000 * dayMs
	claim := func(key string, nowMs int64) chat.Claim {
		return chat.Claim{Name: key, Key: key, Look: key, Fresh: token("fresh " + key), NowMs: nowMs, ReservedSinceMs: nowMs - 30*dayMs}
	}
	first := claim("mina", late)
	mina, jun := f.entered(t, first).User, f.entered(t, claim("jun", late)).User
	f.setPassword(t, mina, "", "$one")
	r := f.room(t, "hall")
	f.commit(t, run(r, 1, 1, mina, "hello"))

	to := func(key string, nowMs int64) chat.Rename {
		return chat.Rename{Key: key, Look: key, NowMs: nowMs, ReservedSinceMs: nowMs - 30*dayMs, NamesMax: 2}
	}
	f.rename(t, mina, to("jun", late), chat.CodeNameTaken)
	look := to("j0n", late)
	look.Look = "jun"
	f.rename(t, mina, look, chat.CodeNameTaken)
	for range 2 {
		f.rename(t, mina, to("sora", late+1), 0)
	}
	mina.Name, mina.Key, mina.Account, mina.SentCount = "The sora", "sora", true, 1
	f.wantUser(t, mina.ID, mina)
	if u, err := f.store.UserByKey(f.ctx, "sora"); err != nil || u != mina {
		t.Fatalf("UserByKey: %+v, %v", u, err)
	}
	_, err := f.store.UserByKey(f.ctx, "mina")
	wantCode(t, err, chat.CodeNoUser)
	said := message(r, 1, mina, "hello")
	f.wantHistory(t, r, 0, said) // by the name of today

	f.reopen(t)
	other := claim("mina", late+29*dayMs)
	other.Fresh = token("other")
	_, err = f.store.ClaimUser(f.ctx, other)
	wantCode(t, err, chat.CodeNameTaken)
	like := claim("m1na", late+29*dayMs)
	like.Look = "mina"
	_, err = f.store.ClaimUser(f.ctx, like)
	wantCode(t, err, chat.CodeNameTaken)
	f.rename(t, jun, to("mina", late+29*dayMs), chat.CodeNameTaken)

	// By the old name he is who he is now.
	f.wantPassword(t, "mina", chat.Secret{User: mina.ID, Password: "$one"})
	his := claim("mina", late+2)
	his.Resume = token("fresh mina")
	if in := f.entered(t, his); in.User != mina {
		t.Fatalf("by the old name: %+v, want %+v", in.User, mina)
	}
	his.Resume, his.Fresh, his.Proven = chat.TokenHash{}, token("by password"), mina.ID
	if in := f.entered(t, his); in.User != mina || in.Device == 0 {
		t.Fatalf("by the old name and a password: %+v", in)
	}
	his.Proven = jun.ID
	_, err = f.store.ClaimUser(f.ctx, his)
	wantCode(t, err, chat.CodeBadPassword)

	f.rename(t, mina, to("nari", late+3), 0)
	f.rename(t, mina, to("yuna", late+4), chat.CodeTooMany) // mina and sora are kept
	f.rename(t, mina, to("mina", late+4), 0)                // one of them: sora and nari are
	f.rename(t, mina, to("yuna", late+5), chat.CodeTooMany)
	f.rename(t, mina, to("yuna", late+40*dayMs), 0) // their time is over
	taken := claim("sora", late+41*dayMs)
	taken.Fresh = token("new sora")
	if in := f.entered(t, taken); in.ID == mina.ID {
		t.Fatalf("a free name: %+v", in)
	}
	for _, nobody := range []chat.UserID{0, mina.ID + 50, 1 << 63} {
		f.rename(t, chat.User{ID: nobody}, to("nobody", late), chat.CodeNoUser)
	}
	// A guest whom nobody has seen for long loses his name to a rename, as to a login.
	guest := f.entered(t, claim("hana", late)).User
	f.rename(t, jun, to("hana", late+29*dayMs), chat.CodeNameTaken)
	online := to("hana", late+60*dayMs)
	online.Online = func(u chat.UserID) bool { return u == guest.ID }
	f.rename(t, jun, online, chat.CodeNameTaken)
	f.rename(t, jun, to("hana", late+60*dayMs), 0)
	guest.Key = ""
	f.wantUser(t, guest.ID, guest)
	jun.Name, jun.Key = "The hana", "hana"
	f.wantUser(t, jun.ID, jun)
}

func (f *fixture) wantBlocks(t *testing.T, u chat.User, after chat.UserID, itemsMax int, want ...chat.Person) {
	t.Helper()
	got, err := f.store.Blocks(f.ctx, u.ID, after, itemsMax)
	if err != nil {
		t.Fatalf("Blocks: %v", err)
	}
	wantSame(t, got, want)
}

func testBlocks(t *testing.T, f *fixture) {
	mina, jun, sora, nari := f.user(t, "mina"), f.user(t, "jun"), f.user(t, "sora"), f.user(t, "nari")
	block := func(whom chat.UserID, remove bool, want chat.Code) {
		t.Helper()
		err := f.store.Block(f.ctx, chat.BlockChange{Block: chat.Block{User: mina.ID, Whom: whom}, Remove: remove, Most: 2})
		if want == 0 && err != nil {
			t.Fatalf("Block: %v", err)
		}
		if want != 0 {
			wantCode(t, err, want)
		}
	}
	for range 2 {
		block(sora.ID, false, 0)
	}
	block(jun.ID, false, 0)
	block(nari.ID, false, chat.CodeTooMany)
	block(jun.ID, false, 0) // it is there
	for _, nobody := range []chat.UserID{0, nari.ID + 1, 1 << 63} {
		block(nobody, false, chat.CodeNoUser)
	}
	is := func(u chat.User) chat.Person { return chat.Person{ID: u.ID, Name: u.Name} }
	f.reopen(t)
	f.wantBlocks(t, mina, 0, 10, is(jun), is(sora))
	f.wantBlocks(t, mina, 0, 1, is(jun))
	f.wantBlocks(t, mina, jun.ID, 10, is(sora))
	f.wantBlocks(t, jun, 0, 10)
	f.wantBlocks(t, chat.User{ID: 1 << 63}, 1<<63, 10)

	// What somebody does whom one blocks brings one into no room.
	r, seq := f.room(t, "hall"), chat.Seq(0)
	enter := func(u, by chat.User) chat.MemberChange {
		return chat.MemberChange{Kind: chat.MemberEnters, User: u.ID, Room: r.ID, Seq: seq, By: by.ID}
	}
	f.change(t, []chat.MemberChange{enter(mina, sora), enter(jun, sora)}, chat.Membership{}, chat.Membership{User: jun.ID, Room: r.ID})
	f.change(t, []chat.MemberChange{enter(mina, nari)}, chat.Membership{User: mina.ID, Room: r.ID})
	f.change(t, []chat.MemberChange{enter(mina, sora)}, chat.Membership{User: mina.ID, Room: r.ID}) // he belongs to it

	block(sora.ID, true, 0)
	block(sora.ID, true, 0)
	block(nari.ID, false, 0)
	f.wantBlocks(t, mina, 0, 10, is(jun), is(nari))
	if err := f.store.EraseUser(f.ctx, mina.ID, 2000); err != nil {
		t.Fatalf("EraseUser: %v", err)
	}
	f.wantBlocks(t, mina, 0, 10)
}

func testRoomMarks(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	r, other := f.room(t, "hall"), f.room(t, "other")
	f.commit(t, run(r, 1, 3, mina, "x"))
	want := []chat.Membership{{User: mina.ID, Room: r.ID, Since: 1, Mark: 1}, {User: jun.ID, Room: r.ID, Since: 1, Mark: 3}}
	if _, err := f.store.ChangeMembers(f.ctx, []chat.MemberChange{
		{Kind: chat.MemberEnters, User: jun.ID, Room: r.ID, Seq: 1},
		{Kind: chat.MemberEnters, User: mina.ID, Room: r.ID, Seq: 1},
		{Kind: chat.MemberEnters, User: mina.ID, Room: other.ID},
		{Kind: chat.MemberMarks, User: jun.ID, Room: r.ID, Seq: 3},
	}, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		room     chat.RoomID
		itemsMax int
		want     []chat.Membership
	}{{r.ID, 10, want}, {r.ID, 1, want[:1]}, {other.ID, 10, []chat.Membership{{User: mina.ID, Room: other.ID}}}, {99, 10, nil}, {1 << 63, 10, nil}} {
		got, err := f.store.RoomMarks(f.ctx, c.room, c.itemsMax)
		if err != nil {
			t.Fatalf("RoomMarks: %v", err)
		}
		wantSame(t, got, c.want)
	}
}

package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarang/chat"
)

func (f *fixture) wantUser(t *testing.T, id chat.UserID, want chat.User) {
	t.Helper()
	got, err := f.store.User(f.ctx, id)
	if err != nil {
		t.Fatalf("User %d: %v", id, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("user %d, want -, got +:\n%s", id, diff)
	}
}

func testClaimAndLogin(t *testing.T, f *fixture) {
	c := chat.Claim{Name: "MinJi", Key: "minji", Fresh: token("1"), NowMs: 100}
	made, err := f.claim(c)
	if err != nil {
		t.Fatalf("ClaimUser: %v", err)
	}
	want := chat.User{ID: made.ID, Name: "MinJi", Key: "minji", CreatedMs: 100, SeenMs: 100}
	if made.ID == 0 || made != want {
		t.Fatalf("ClaimUser made %+v", made)
	}
	f.wantUser(t, made.ID, want)

	// A login keeps the name as it was claimed and the token as it was.
	login := chat.Claim{Name: "MINJI", Key: "minji", Resume: token("1"), Fresh: token("2"), NowMs: 250}
	want.SeenMs = 250
	for range 2 {
		got, err := f.claim(login)
		if err != nil || got != want {
			t.Fatalf("login: %+v, %v; want %+v", got, err, want)
		}
	}
	f.wantUser(t, made.ID, want)

	login.NowMs = 200 // a clock that went back does not move SeenMs back
	if got, err := f.claim(login); err != nil || got != want {
		t.Fatalf("login: %+v, %v; want %+v", got, err, want)
	}
	f.wantUser(t, made.ID, want)
}

// A login writes only when it is due; and where nobody new is to be made, nobody is, and no
// name changes hands.
func testClaimOfTheKnown(t *testing.T, f *fixture) {
	const day = 24 * 60 * 60 * 1000
	made := f.user(t, "mina") // at 1000
	login := func(atMs int64) chat.Claim {
		return chat.Claim{Name: "mina", Key: "mina", Resume: token("mina"), NowMs: atMs, ReservedSinceMs: atMs - 30*day, KnownOnly: true}
	}
	for _, c := range []struct{ atMs, seenMs int64 }{
		{1000 + day - 1, 1000}, {1000 + day, 1000 + day}, {1000 + 2*day - 1, 1000 + day}, {1000 + 40*day, 1000 + 40*day},
	} {
		u, err := f.claim(login(c.atMs))
		made.SeenMs = c.seenMs
		if err != nil || u != made {
			t.Fatalf("a login at %d: %+v, %v; want %+v", c.atMs, u, err, made)
		}
	}
	f.wantUser(t, made.ID, made)
	stranger := login(1000 + 100*day)
	stranger.Resume, stranger.Fresh = chat.TokenHash{}, token("other")
	_, err := f.claim(stranger)
	wantCode(t, err, chat.CodeUnavailable)
	f.wantUser(t, made.ID, made)
	stranger.Name, stranger.Key = "jun", "jun"
	_, err = f.claim(stranger)
	wantCode(t, err, chat.CodeUnavailable)
	stranger.KnownOnly = false
	if _, err = f.claim(stranger); err != nil {
		t.Fatalf("somebody new: %v", err)
	}
}

func testClaimCollisions(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	if mina.ID == jun.ID {
		t.Fatal("two users with one id")
	}
	for _, c := range []struct {
		name   string
		resume chat.TokenHash
		code   chat.Code
	}{
		{"no token", chat.TokenHash{}, chat.CodeNameTaken},
		{"unknown token", token("nobody"), chat.CodeBadToken},
		{"somebody else's token", token("jun"), chat.CodeBadToken},
	} {
		_, err := f.claim(chat.Claim{
			Name: "Mina", Key: "mina", Resume: c.resume, Fresh: token("new"), NowMs: 1500, ReservedSinceMs: 1000,
		})
		if chat.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %d", c.name, err, c.code)
		}
	}
	f.wantUser(t, mina.ID, mina)
	for _, c := range []chat.Claim{{Name: "x"}, {Key: "x"}, {}} {
		_, err := f.claim(c)
		wantCode(t, err, chat.CodeBadRequest)
	}
	// A token that is nobody's does not hinder a claim to a free name.
	u, err := f.claim(chat.Claim{Name: "sora", Key: "sora", Resume: token("old"), Fresh: token("sora"), NowMs: 1})
	if err != nil || u.ID == mina.ID || u.ID == jun.ID {
		t.Fatalf("claim to a free name: %+v, %v", u, err)
	}
}

func testClaimTakeover(t *testing.T, f *fixture) {
	r, old := f.room(t, "r"), f.user(t, "mina") // seen at 1000
	f.commit(t, run(r, 1, 3, old, "by the old one"))
	claim := chat.Claim{Name: "MINA", Key: "mina", Fresh: token("new"), NowMs: 9000, ReservedSinceMs: 1000}
	_, err := f.claim(claim)
	wantCode(t, err, chat.CodeNameTaken) // seen since 1000: at 1000
	claim.ReservedSinceMs = 1001
	claim.Resume = token("nobody") // the key is free, so the wrong token does not matter
	next, err := f.claim(claim)
	if err != nil || next.ID == old.ID || next.Name != "MINA" || next.SentCount != 0 {
		t.Fatalf("takeover: %+v, %v", next, err)
	}
	f.commit(t, run(r, 4, 4, next, "by the new one"))
	f.wantUser(t, old.ID, chat.User{ID: old.ID, Name: "mina", SentCount: 3, CreatedMs: 1000, SeenMs: 1000})
	f.wantUser(t, next.ID, chat.User{ID: next.ID, Name: "MINA", Key: "mina", SentCount: 1, CreatedMs: 9000, SeenMs: 9000})
	f.wantHistory(t, r, 2, message(r, 3, old, "by the old one"), message(r, 4, next, "by the new one"))

	// The old token opens nothing any more.
	_, err = f.claim(chat.Claim{Name: "mina", Key: "mina", Resume: token("mina"), NowMs: 9001})
	wantCode(t, err, chat.CodeBadToken)

	// A token that is right takes an expired name back before anybody else does.
	back, err := f.claim(chat.Claim{
		Name: "x", Key: "mina", Resume: token("new"), Fresh: token("3"), NowMs: 99000, ReservedSinceMs: 98000,
	})
	if err != nil || back.ID != next.ID || back.SeenMs != 99000 {
		t.Fatalf("login to an expired name: %+v, %v", back, err)
	}
}

func testSeen(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun") // seen at 1000
	seen := func(nowMs int64, users ...chat.UserID) {
		t.Helper()
		if err := f.store.Seen(f.ctx, users, nowMs); err != nil {
			t.Fatalf("Seen: %v", err)
		}
	}
	seen(5000, mina.ID, 0, jun.ID+1, 1<<62)
	seen(4000, mina.ID) // never back
	seen(9000)
	mina.SeenMs = 5000
	f.wantUser(t, mina.ID, mina)
	f.wantUser(t, jun.ID, jun)
	for i := range int64(4) {
		seen(6000+i, mina.ID, jun.ID)
	}
	mina.SeenMs, jun.SeenMs = 6003, 6003
	f.wantUser(t, mina.ID, mina)
	f.reopen(t)
	f.wantUser(t, jun.ID, jun)
}

// Who is online keeps his name, whenever he was seen.
func testClaimOfOnline(t *testing.T, f *fixture) {
	mina := f.user(t, "mina")
	online := true
	c := chat.Claim{
		Name: "MINA", Key: "mina", Fresh: token("new"), NowMs: 9000, ReservedSinceMs: 8000,
		Online: func(u chat.UserID) bool { return online && u == mina.ID },
	}
	_, err := f.claim(c)
	wantCode(t, err, chat.CodeNameTaken)
	c.Resume = token("wrong")
	_, err = f.claim(c)
	wantCode(t, err, chat.CodeBadToken)
	f.wantUser(t, mina.ID, mina)
	online = false
	if u, err := f.claim(c); err != nil || u.ID == mina.ID {
		t.Fatalf("after he has gone: %+v, %v", u, err)
	}
}

// A new name is refused that looks like one that somebody has, as long as he has it.
func testClaimOfLookalike(t *testing.T, f *fixture) {
	claim := func(name, look string, nowMs int64, code chat.Code) chat.User {
		t.Helper()
		u, err := f.claim(chat.Claim{
			Name: name, Key: name, Look: look, Fresh: token(name), NowMs: nowMs, ReservedSinceMs: nowMs - 1000,
		})
		if err != nil || code != 0 {
			wantCode(t, err, code)
		}
		return u
	}
	none := claim("none", "", 100, 0) // came without
	admin := claim("paypal", "paypal", 100, 0)
	claim("раураӏ", "paypal", 200, chat.CodeNameTaken)
	claim("other", "other", 200, 0)
	claim("nonе", "none", 200, 0) // nobody looks like who has no look
	f.reopen(t)
	claim("paypaӏ", "paypal", 900, chat.CodeNameTaken)
	if again := claim("paypal", "paypal", 1000, 0); again.ID != admin.ID { // a login moves SeenMs
		t.Fatalf("a login made user %d", again.ID)
	}
	claim("раураӏ", "paypal", 1900, chat.CodeNameTaken)
	next := claim("раураӏ", "paypal", 3000, 0) // nobody uses the first one
	claim("paypaӏ", "paypal", 3001, chat.CodeNameTaken)
	if again := claim("paypal", "paypal", 3002, 0); again.ID != admin.ID || again.ID == next.ID { // its owner comes back
		t.Fatalf("the owner of an old name is user %d", again.ID)
	}
	// Refused, it takes nothing from the one who had the very name.
	claim("nоbody", "nobody", 3002, 0)
	claim("nobody", "nobody", 4500, 0) // the first one is free by then
	_, err := f.claim(chat.Claim{
		Name: "nоbody", Key: "nоbody", Look: "nobody", Fresh: token("x"), NowMs: 5000, ReservedSinceMs: 4000,
	})
	wantCode(t, err, chat.CodeNameTaken)
	if u := claim("nоbody", "nobody", 5001, 0); u.Key != "nоbody" {
		t.Fatalf("the one who had the name is %+v", u)
	}
	// Who came without a look has one from his next login on.
	if again := claim("none", "none", 3003, 0); again.ID != none.ID {
		t.Fatalf("a login made user %d", again.ID)
	}
	claim("nоne", "none", 3004, chat.CodeNameTaken)
}

func testClaimAgain(t *testing.T, f *fixture) {
	c := chat.Claim{Name: "mina", Key: "mina", Fresh: token("f"), NowMs: 10}
	first, err := f.claim(c)
	if err != nil {
		t.Fatalf("ClaimUser: %v", err)
	}
	again, err := f.claim(c)
	if err != nil || again != first {
		t.Fatalf("the same claim again: %+v, %v; want %+v", again, err, first)
	}
	// A zero hash is no token and equals nothing.
	none := chat.Claim{Name: "jun", Key: "jun", NowMs: 10}
	if _, err := f.claim(none); err != nil {
		t.Fatalf("ClaimUser: %v", err)
	}
	_, err = f.claim(none)
	wantCode(t, err, chat.CodeNameTaken)
}

func testClaimsAtOnce(t *testing.T, f *fixture) {
	const users = 200
	made := make([]chat.User, users)
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() {
			name := fmt.Sprintf("user%d", i)
			var err error
			made[i], err = f.claim(chat.Claim{Name: name, Key: name, Fresh: token(name), NowMs: 10})
			if err != nil || made[i].Name != name {
				t.Errorf("ClaimUser %q: %+v, %v", name, made[i], err)
			}
		})
	}
	wg.Wait()
	seen := make(map[chat.UserID]bool)
	for _, u := range made {
		if seen[u.ID] {
			t.Fatalf("two users have the id %d", u.ID)
		}
		seen[u.ID] = true
		f.wantUser(t, u.ID, u)
	}
}

func testClaimsOfOneName(t *testing.T, f *fixture) {
	const claimers = 50
	errs := make([]error, claimers)
	var wg sync.WaitGroup
	for i := range claimers {
		wg.Go(func() {
			_, errs[i] = f.claim(chat.Claim{Name: "mina", Key: "mina", Fresh: token(fmt.Sprint(i)), NowMs: 10})
		})
	}
	wg.Wait()
	winners := 0
	for _, err := range errs {
		if err == nil {
			winners++
			continue
		}
		wantCode(t, err, chat.CodeNameTaken)
	}
	if winners != 1 {
		t.Fatalf("%d claimers got one name", winners)
	}
}

func testUserUnknown(t *testing.T, f *fixture) {
	u := f.user(t, "u")
	for _, id := range []chat.UserID{0, u.ID + 1, 1 << 63} {
		_, err := f.store.User(f.ctx, id)
		wantCode(t, err, chat.CodeBadRequest)
	}
}

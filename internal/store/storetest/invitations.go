package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"sarang/chat"
)

func testInvitations(t *testing.T, f *fixture) {
	var want []chat.Invitation
	for i := range 5 {
		x := chat.Invitation{Code: token(fmt.Sprint("i", i)), Note: fmt.Sprint("for 벗 ", i), UsesLeft: i, ExpiresMs: int64(i%2) * 5000, CreatedMs: int64(i)}
		want = append(want, x)
		if err := f.store.AddInvitation(f.ctx, want[len(want)-1]); err != nil {
			t.Fatal(err)
		}
	}
	want[2].Note = "again"
	if err := f.store.AddInvitation(f.ctx, want[2]); err != nil {
		t.Fatal(err)
	}
	f.reopen(t)
	for _, itemsMax := range []int{0, 2, 5, 9} {
		var got []chat.Invitation
		for after := (chat.TokenHash{}); ; after = got[len(got)-1].Code {
			page, err := f.store.Invitations(f.ctx, after, itemsMax)
			if err != nil || len(page) > max(itemsMax, 1) {
				t.Fatalf("Invitations: %d of at most %d, %v", len(page), itemsMax, err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		wantSame(t, got, want)
	}
	for _, c := range []struct {
		code  string
		nowMs int64
		holds bool
	}{{"i0", 1, false}, {"i1", 4999, true}, {"i1", 5000, false}, {"i2", 1 << 50, true}, {"nothing", 1, false}} {
		_, err := f.store.Invitation(f.ctx, token(c.code), c.nowMs)
		if err != nil || !c.holds {
			wantCode(t, err, chat.CodeNoRegistration)
		}
	}
}

// However many come with a code at once, it is used as often as it says.
func testInvitationIsUsedOnce(t *testing.T, f *fixture) {
	guest := f.user(t, "guest")
	if err := f.store.AddInvitation(f.ctx, chat.Invitation{Code: token("code"), UsesLeft: 4, ExpiresMs: 5000}); err != nil {
		t.Fatal(err)
	}
	claim := func(name string, nowMs int64) error {
		_, err := f.store.ClaimUser(f.ctx, chat.Claim{
			Name: name, Key: name, Fresh: token("of " + name), Password: "$x", Invitation: token("code"), NowMs: nowMs,
		})
		return err
	}
	wantCode(t, claim("late", 5000), chat.CodeNoRegistration)
	wantCode(t, claim("guest", 1000), chat.CodeNameTaken) // it is not used
	errs := make([]error, 20)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = claim(fmt.Sprint("user", i), 1000) })
	}
	wg.Wait()
	in := 0
	for i, err := range errs {
		if err == nil {
			in++
			if err := claim(fmt.Sprint("user", i), 1000); err != nil { // the same claim again
				t.Errorf("again: %v", err)
			}
			continue
		}
		wantCode(t, err, chat.CodeNoRegistration)
	}
	if in != 4 {
		t.Fatalf("%d came in by a code for 4", in)
	}
	p := chat.PasswordChange{User: guest.ID, To: "$y", Invitation: token("code"), NowMs: 1000}
	wantCode(t, f.store.SetPassword(f.ctx, p), chat.CodeNoRegistration)
	f.wantPassword(t, "guest", chat.Secret{User: guest.ID})
	if err := f.store.AddInvitation(f.ctx, chat.Invitation{Code: token("code"), UsesLeft: 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the same again does not use it again
		if err := f.store.SetPassword(f.ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, claim("another", 1000), chat.CodeNoRegistration)
}

// Where there are no guests nobody is made without a password, and a claim does not tell who
// has a name.
func testNoGuests(t *testing.T, f *fixture) {
	f.user(t, "guest")
	account := f.user(t, "account")
	f.setPassword(t, account, "", "$x")
	answers := map[string]bool{}
	for _, c := range []struct{ name, token string }{{"nobody", "x"}, {"guest", "guest"}, {"guest", "x"}, {"account", "x"}} {
		_, err := f.store.ClaimUser(f.ctx, chat.Claim{
			Name: c.name, Key: c.name, Resume: token(c.token), Fresh: token(c.token), NowMs: 5000, ReservedSinceMs: 4000, NoGuests: true,
		})
		wantCode(t, err, chat.CodeBadToken)
		var e *chat.Error
		if errors.As(err, &e) {
			answers[e.Message[:20]] = true
		}
	}
	if len(answers) != 1 {
		t.Fatalf("the answers differ: %v", answers)
	}
	for name, register := range map[string]string{"account": "", "new": "$y"} {
		if _, err := f.store.ClaimUser(f.ctx, chat.Claim{
			Name: name, Key: name, Resume: token(name), Fresh: token(name), Password: register, NowMs: 5000, NoGuests: true,
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testEraseUser(t *testing.T, f *fixture) {
	r, mina := f.room(t, "r"), f.user(t, "mina")
	f.setPassword(t, mina, "", "$x")
	f.commit(t, run(r, 1, 2, mina, "said"))
	for range 2 {
		if err := f.store.EraseUser(f.ctx, mina.ID, 7000); err != nil {
			t.Fatal(err)
		}
	}
	for _, nobody := range []chat.UserID{0, mina.ID + 1, 1 << 63} {
		wantCode(t, f.store.EraseUser(f.ctx, nobody, 7000), chat.CodeNoUser)
	}
	f.reopen(t)
	f.wantUser(t, mina.ID, chat.User{ID: mina.ID, Name: chat.ErasedName, Key: "mina", SentCount: 2, CreatedMs: 1000, SeenMs: 7000})
	f.wantPassword(t, "mina", chat.Secret{User: mina.ID})
	f.wantDevices(t, mina.ID)
	events, _ := f.history(t, r, chat.Page{ItemsMax: 10, BytesMax: 1000})
	if len(events) != 2 || events[0].Name != chat.ErasedName || events[0].Text != "said" {
		t.Fatalf("what was said is %+v", events)
	}
	// Nobody has the name before its time.
	claim := chat.Claim{Name: "mina", Key: "mina", Resume: token("mina"), Fresh: token("mina"), NowMs: 9000, ReservedSinceMs: 7000}
	_, err := f.store.ClaimUser(f.ctx, claim)
	wantCode(t, err, chat.CodeBadToken)
	claim.ReservedSinceMs = 7001
	if u := f.entered(t, claim); u.ID == mina.ID {
		t.Fatalf("who was erased came back: %+v", u)
	}
}

func testExternal(t *testing.T, f *fixture) {
	claim := func(name, external string, nowMs int64) chat.User {
		t.Helper()
		return f.entered(t, chat.Claim{
			Name: name, Key: name, Fresh: token(name), Password: chat.ExternalPassword, External: external, NowMs: nowMs,
		}).User
	}
	want := func(external string, u chat.UserID) {
		t.Helper()
		got, err := f.store.External(f.ctx, external)
		if u == 0 {
			wantCode(t, err, chat.CodeNoUser)
		} else if err != nil || got != u {
			t.Fatalf("External %q: %d, %v; want %d", external, got, err, u)
		}
	}
	mina := claim("mina", "https://id.example\n벗 1", 1000)
	jun := claim("jun", "https://id.example\n벗 2", 1000)
	if !mina.Account {
		t.Fatalf("whom another program knows is %+v", mina)
	}
	f.reopen(t)
	want("https://id.example\n벗 1", mina.ID)
	want("https://id.example\n벗 2", jun.ID)
	for _, nobody := range []string{"", "mina", "https://id.example\n벗", "https://id.example\n벗 1 "} {
		want(nobody, 0)
	}
	if err := f.store.EraseUser(f.ctx, mina.ID, 2000); err != nil {
		t.Fatal(err)
	}
	want("https://id.example\n벗 1", 0)
	want("https://id.example\n벗 2", jun.ID)
}

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"sarang/chat"
)

const (
	hourMs = 60 * 60 * 1000
	dayMs  = 24 * hourMs
)

func (f *fixture) setPassword(t *testing.T, u chat.User, from, to string) {
	t.Helper()
	if err := f.store.SetPassword(f.ctx, chat.PasswordChange{User: u.ID, From: from, To: to}); err != nil {
		t.Fatalf("SetPassword: %v", err)
	}
}

func (f *fixture) wantPassword(t *testing.T, key string, want chat.Secret) {
	t.Helper()
	got, err := f.store.Password(f.ctx, key)
	if err != nil || got != want {
		t.Fatalf("Password of %q: %+v, %v; want %+v", key, got, err, want)
	}
}

// entered is a claim that has to let somebody in.
func (f *fixture) entered(t *testing.T, c chat.Claim) chat.Claimed {
	t.Helper()
	in, err := f.store.ClaimUser(f.ctx, c)
	if err != nil {
		t.Fatalf("ClaimUser: %v", err)
	}
	return in
}

func (f *fixture) wantDevices(t *testing.T, u chat.UserID, want ...chat.Device) {
	t.Helper()
	got, err := f.store.Devices(f.ctx, u)
	if err != nil {
		t.Fatalf("Devices: %v", err)
	}
	slices.SortFunc(want, func(a, b chat.Device) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	wantSame(t, got, want)
}

func testPassword(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	f.wantPassword(t, "mina", chat.Secret{User: mina.ID})
	for _, key := range []string{"", "nobody", "Mina"} {
		_, err := f.store.Password(f.ctx, key)
		wantCode(t, err, chat.CodeNoUser)
	}
	wantCode(t, f.store.SetPassword(f.ctx, chat.PasswordChange{User: mina.ID, From: "$x", To: "$y"}), chat.CodeBadPassword)
	for range 2 { // the same again
		f.setPassword(t, mina, "", "$one")
	}
	mina.Account = true
	f.wantUser(t, mina.ID, mina)
	f.wantPassword(t, "mina", chat.Secret{User: mina.ID, Password: "$one"})
	wantCode(t, f.store.SetPassword(f.ctx, chat.PasswordChange{User: mina.ID, To: "$two"}), chat.CodeNotAccount)
	wantCode(t, f.store.SetPassword(f.ctx, chat.PasswordChange{User: mina.ID, From: "$two", To: "$three"}), chat.CodeBadPassword)
	f.wantPassword(t, "mina", chat.Secret{User: mina.ID, Password: "$one"})
	f.setPassword(t, mina, "$one", "$two")
	f.setPassword(t, mina, "$one", "$two")
	for _, nobody := range []chat.UserID{0, jun.ID + 1, 1 << 63} {
		wantCode(t, f.store.SetPassword(f.ctx, chat.PasswordChange{User: nobody, To: "$x"}), chat.CodeNoUser)
	}
	f.reopen(t)
	f.wantPassword(t, "mina", chat.Secret{User: mina.ID, Password: "$two"})
	f.wantUser(t, mina.ID, mina)
	f.wantUser(t, jun.ID, jun)
	if err := f.store.SetPassword(f.ctx, chat.PasswordChange{User: mina.ID, To: "$reset", Any: true}); err != nil {
		t.Fatalf("a reset: %v", err)
	}
	f.wantPassword(t, "mina", chat.Secret{User: mina.ID, Password: "$reset"})
}

// The name of an account is never given to others, however long nobody has seen it, nor is
// one that looks like it.
func testAccountKeepsItsName(t *testing.T, f *fixture) {
	guest := chat.Claim{Name: "mina", Key: "mina", Look: "mina", Fresh: token("mina"), NowMs: 1000}
	mina := f.entered(t, guest).User
	f.setPassword(t, mina, "", "$x")
	made := f.entered(t, chat.Claim{Name: "jun", Key: "jun", Look: "jun", Fresh: token("jun"), Password: "$jun", NowMs: 1000})
	if !made.Account {
		t.Fatalf("who came with a password is %+v", made)
	}
	f.wantPassword(t, "jun", chat.Secret{User: made.ID, Password: "$jun"})
	late := int64(1000 * dayMs)
	for _, c := range []chat.Claim{
		{Name: "mina", Key: "mina", Look: "mina"}, {Name: "jun", Key: "jun", Look: "jun"}, {Name: "m1na", Key: "m1na", Look: "mina"},
	} {
		c.Fresh, c.NowMs, c.ReservedSinceMs = token("other"), late, late-1
		_, err := f.store.ClaimUser(f.ctx, c)
		wantCode(t, err, chat.CodeNameTaken)
	}
	guest.Resume, guest.Fresh, guest.NowMs = token("mina"), token("x"), late
	if in := f.entered(t, guest); in.ID != mina.ID || !in.Account {
		t.Fatalf("the owner is %+v", in)
	}
}

func testDevices(t *testing.T, f *fixture) {
	c := chat.Claim{Name: "mina", Key: "mina", Fresh: token("1"), NowMs: 1000, DeviceName: "phone", Address: "192.0.2.1"}
	made := f.entered(t, c)
	phone := chat.Device{ID: chat.NewDeviceID(token("1")), Name: "phone", Address: "192.0.2.1", CreatedMs: 1000, SeenMs: 1000}
	if made.Device != phone.ID || made.Renewed {
		t.Fatalf("made %+v, want device %d", made, phone.ID)
	}
	f.wantDevices(t, made.ID, phone)
	f.wantDevices(t, made.ID+1)
	f.wantDevices(t, 0)
	c.Resume, c.Fresh = token("1"), token("other")
	c.NowMs = 2000
	f.entered(t, c) // the same, soon after: nothing is written
	f.wantDevices(t, made.ID, phone)
	c.NowMs, c.Address, c.DeviceName = 3000, "2001:db8::1", ""
	f.entered(t, c)
	phone.Address, phone.SeenMs = "2001:db8::1", 3000
	f.wantDevices(t, made.ID, phone)
	c.NowMs, c.Address = 3000+hourMs, ""
	f.entered(t, c)
	phone.SeenMs = c.NowMs
	f.wantDevices(t, made.ID, phone)

	// A second one, by a password.
	c = chat.Claim{Name: "mina", Key: "mina", Fresh: token("2"), NowMs: 9000, DeviceName: "laptop", Proven: made.ID}
	f.setPassword(t, made.User, "", "$x")
	laptop := chat.Device{ID: chat.NewDeviceID(token("2")), Name: "laptop", CreatedMs: 9000, SeenMs: 9000}
	for range 2 {
		if in := f.entered(t, c); in.ID != made.ID || in.Device != laptop.ID {
			t.Fatalf("by a password: %+v", in)
		}
	}
	f.wantDevices(t, made.ID, phone, laptop)
	f.reopen(t)
	f.wantDevices(t, made.ID, phone, laptop)

	// Their ends.
	end := func(which chat.DeviceSet) {
		t.Helper()
		for range 2 {
			if err := f.store.EndDevices(f.ctx, made.ID, which); err != nil {
				t.Fatalf("EndDevices: %v", err)
			}
		}
	}
	login := func(name string, code chat.Code) {
		t.Helper()
		_, err := f.store.ClaimUser(f.ctx, chat.Claim{Name: "mina", Key: "mina", Resume: token(name), NowMs: 9000})
		if err != nil || code != 0 {
			wantCode(t, err, code)
		}
	}
	end(chat.DeviceSet{Only: 12345})
	f.wantDevices(t, made.ID, phone, laptop)
	end(chat.DeviceSet{Except: laptop.ID})
	f.wantDevices(t, made.ID, laptop)
	login("1", chat.CodeBadToken)
	login("2", 0)
	end(chat.DeviceSet{Only: laptop.ID})
	login("2", chat.CodeBadToken)
	f.entered(t, c)
	end(chat.DeviceSet{})
	f.wantDevices(t, made.ID)
	if err := f.store.EndDevices(f.ctx, made.ID+1, chat.DeviceSet{}); err != nil {
		t.Fatalf("EndDevices of nobody: %v", err)
	}
}

func testDevicesAreBounded(t *testing.T, f *fixture) {
	u := f.user(t, "mina")
	f.setPassword(t, u, "", "$x")
	for i := range int64(6) {
		f.entered(t, chat.Claim{
			Name: "mina", Key: "mina", Proven: u.ID, Fresh: token(fmt.Sprint("d", i)), NowMs: 2000 - 100*i, DevicesMax: 3,
		})
	}
	devices, err := f.store.Devices(f.ctx, u.ID)
	if err != nil || len(devices) != 3 {
		t.Fatalf("Devices: %v, %v", devices, err)
	}
	// The newest one is there though its clock went back, and those that were seen last.
	want := []chat.DeviceID{chat.NewDeviceID(token("d0")), chat.NewDeviceID(token("d1")), chat.NewDeviceID(token("d5"))}
	for _, d := range devices {
		if !slices.Contains(want, d.ID) {
			t.Fatalf("device %+v stays", d)
		}
	}
}

// A token of an account that was not used for long lets nobody in; one of a guest does, who
// has nothing else.
func testDevicesExpire(t *testing.T, f *fixture) {
	guest, account := f.user(t, "guest"), f.user(t, "account") // seen at 1000
	f.setPassword(t, account, "", "$x")
	login := func(name string, expiredMs int64, code chat.Code) {
		t.Helper()
		_, err := f.store.ClaimUser(f.ctx, chat.Claim{
			Name: name, Key: name, Resume: token(name), Fresh: token("new"), NowMs: 1500, ExpiredMs: expiredMs,
		})
		if err != nil || code != 0 {
			wantCode(t, err, code)
		}
	}
	login("account", 1000, 0)
	login("account", 1001, chat.CodeBadToken)
	login("guest", 1001, 0)
	// It may be the token of a device again, by a password.
	again := f.entered(t, chat.Claim{
		Name: "account", Key: "account", Proven: account.ID, Resume: token("account"), Fresh: token("account"), NowMs: 1600, ExpiredMs: 1001,
	})
	login("account", 1001, 0)
	f.wantDevices(t, account.ID, chat.Device{ID: again.Device, CreatedMs: 1600, SeenMs: 1600})
	_ = guest
}

// A token that is old is replaced; it is good until the new one is used.
func testTokenIsRenewed(t *testing.T, f *fixture) {
	u := f.user(t, "mina") // at 1000
	login := func(shown string, next string, nowMs, renewMs int64, code chat.Code) chat.Claimed {
		t.Helper()
		in, err := f.store.ClaimUser(f.ctx, chat.Claim{
			Name: "mina", Key: "mina", Resume: token(shown), Next: token(next), NowMs: nowMs, RenewMs: renewMs,
		})
		if err != nil || code != 0 {
			wantCode(t, err, code)
		}
		return in
	}
	if in := login("mina", "b", 2000, 1000, 0); in.Renewed {
		t.Fatal("a new token is replaced")
	}
	first := login("mina", "b", 2000, 1001, 0)
	if !first.Renewed || first.ID != u.ID {
		t.Fatalf("an old token: %+v", first)
	}
	if in := login("mina", "c", 3000, 1001, 0); in.Renewed || in.Device != first.Device { // b is on its way
		t.Fatalf("again, at once: %+v", in)
	}
	if in := login("mina", "c", 2000+hourMs, 1001, 0); !in.Renewed { // b was lost
		t.Fatalf("again, later: %+v", in)
	}
	login("b", "d", 2001+hourMs, 1001, chat.CodeBadToken)
	f.reopen(t)
	login("mina", "d", 2002+hourMs, 1001, 0)
	if in := login("c", "d", 2003+hourMs, 1001, 0); in.Renewed || in.Device != first.Device {
		t.Fatalf("the new token: %+v", in)
	}
	login("mina", "d", 2004+hourMs, 1001, chat.CodeBadToken)
	login("c", "d", 2005+hourMs, 1001, 0)
}

func testClaimOfTheProven(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	claim := func(key string, proven chat.UserID) error {
		_, err := f.store.ClaimUser(f.ctx, chat.Claim{Name: key, Key: key, Fresh: token("p" + key), Proven: proven, NowMs: 1 << 50, ReservedSinceMs: 1 << 49})
		return err
	}
	// Who has the name is not he any more, or nobody has it: nobody is made.
	wantCode(t, claim("mina", jun.ID), chat.CodeBadPassword)
	wantCode(t, claim("nobody", jun.ID), chat.CodeBadPassword)
	wantCode(t, claim("mina", 1<<40), chat.CodeBadPassword)
	if err := claim("mina", mina.ID); err != nil {
		t.Fatal(err)
	}
	if in := f.entered(t, chat.Claim{Name: "mina", Key: "mina", Resume: token("pmina"), NowMs: 1}); in.ID != mina.ID {
		t.Fatalf("the token of the device: %+v", in)
	}
}

func testArchiveDevices(t *testing.T, f *fixture) {
	a := f.archive(t)
	mina, jun := f.user(t, "mina"), f.user(t, "jun")
	for _, u := range []chat.User{mina, jun} {
		if err := f.store.EndDevices(f.ctx, u.ID, chat.DeviceSet{}); err != nil {
			t.Fatal(err)
		}
	}
	var want []chat.DeviceRecord
	for i := range 7 {
		d := chat.DeviceRecord{User: mina.ID, Token: token(fmt.Sprint(i)), RenewedMs: int64(i)}
		d.ID, d.Name, d.Address, d.CreatedMs, d.SeenMs = chat.DeviceID(100-10*(i%4)), fmt.Sprint("기기 ", i), "::1", int64(i), int64(2*i)
		if i >= 4 {
			d.User = jun.ID
			d.Next, d.NextMs = token(fmt.Sprint("next", i)), 9
		}
		want = append(want, d)
	}
	if err := a.AddDevices(f.ctx, want[:3]); err != nil {
		t.Fatal(err)
	}
	if err := a.AddDevices(f.ctx, want[3:]); err != nil {
		t.Fatal(err)
	}
	wantCode(t, a.AddDevices(f.ctx, []chat.DeviceRecord{{User: jun.ID + 1}}), chat.CodeBadRequest)
	slices.Reverse(want[:4])
	slices.Reverse(want[4:])
	for _, itemsMax := range []int{0, 1, 2, 10} {
		var got []chat.DeviceRecord
		for after := (chat.DeviceRef{}); ; after = got[len(got)-1].Ref() {
			page, err := a.AllDevices(f.ctx, after, itemsMax)
			if err != nil || len(page) > max(itemsMax, 1) {
				t.Fatalf("AllDevices: %d of at most %d, %v", len(page), itemsMax, err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		wantSame(t, got, want)
	}
}

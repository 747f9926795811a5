package hub_test

import (
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/password"
)

func quickPasswords(l hub.Limits) hubtest.Config {
	l.AddressesMax = 100
	return hubtest.Config{Workers: 2, Hub: hub.Config{PasswordCost: password.Cost{MemoryKiB: password.MemoryKiBMin, Passes: 1}, Limits: l}}
}

// account makes an account and leaves it logged in.
func account(t *testing.T, r *hubtest.Rig, name, secret string) *hubtest.Client {
	t.Helper()
	c := r.Enter(name, nil)
	c.Register(secret)
	r.Settle()
	if c.Last().Kind != "Done" {
		t.Fatalf("registering: %+v", c.Last())
	}
	return c
}

// A login is under way, and its token has been found good, when its session is ended: nobody is
// let in by it.
func TestSessionEndsWhileItLogsIn(t *testing.T) {
	r := newRig(t, quickPasswords(hub.Limits{}))
	ann := account(t, r, "ann", "correct horse")
	ann.Hangup()
	r.Settle()
	back := r.Dial(nil)
	back.Login("ann", ann.Token)
	for r.Hub.Steps() > 0 {
		r.Hub.Step(0) // the store has answered, and the worker has not read it
	}
	if err := r.Hub.EndSessions(t.Context(), ann.User.ID, chat.DeviceSet{Only: ann.Device}); err != nil {
		t.Fatal(err)
	}
	r.Settle()
	if last := back.Last(); last.Kind != "Failed" || last.Err.Code != chat.CodeBadToken {
		t.Fatalf("he is told %+v", last)
	}
	// Another session of his is let in.
	back.LoginAs(hub.LoginRequest{Name: "ann", Password: "correct horse"})
	r.Settle()
	if back.Last().Kind != "LoggedIn" || back.Device == ann.Device {
		t.Fatalf("by the password: %+v", back.Last())
	}
}

// Who tries passwords waits, for that name; who has the token does not, and what was right
// counts for nothing.
func TestWrongPasswordsSlowDown(t *testing.T) {
	r := newRig(t, quickPasswords(hub.Limits{PasswordTriesPerMinute: 6, PasswordTriesBurst: 3}))
	ann := account(t, r, "ann", "correct horse")
	account(t, r, "ben", "battery staple")
	try := func(name, secret string) hubtest.Record {
		c := r.Dial(nil)
		c.LoginAs(hub.LoginRequest{Name: name, Password: secret})
		r.Settle()
		return c.Last()
	}
	for range 10 {
		if last := try("ann", "correct horse"); last.Kind != "LoggedIn" {
			t.Fatalf("what is right counts: %+v", last)
		}
	}
	for range 3 {
		if last := try("ann", "battery staple"); last.Kind != "Failed" || last.Err.Code != chat.CodeBadPassword {
			t.Fatalf("a wrong one: %+v", last)
		}
	}
	last := try("ann", "correct horse")
	if last.Kind != "Failed" || last.Err.Code != chat.CodeTooFast || last.Err.RetryAfter < 8*time.Second {
		t.Fatalf("after three: %+v", last)
	}
	if last := try("ben", "battery staple"); last.Kind != "LoggedIn" {
		t.Fatalf("another name: %+v", last)
	}
	again := r.Dial(nil)
	again.Login("ann", ann.Token)
	r.Settle()
	if again.Last().Kind != "LoggedIn" {
		t.Fatalf("by the token: %+v", again.Last())
	}
	r.Pass(12 * time.Second)
	if last := try("ann", "correct horse"); last.Kind != "LoggedIn" {
		t.Fatalf("after a while: %+v", last)
	}
}

// Where too many passwords wait, others are sent away at once and told when to come again.
func TestPasswordsThatWaitAreBounded(t *testing.T) {
	c := quickPasswords(hub.Limits{})
	c.Hub.PasswordQueueMax = 3
	r := newRig(t, c)
	var all []*hubtest.Client
	for range 5 {
		all = append(all, r.Dial(nil))
	}
	for _, c := range all {
		c.LoginAs(hub.LoginRequest{Name: "nobody", Password: "correct horse"})
	}
	shed := 0
	for _, c := range all {
		if last := c.Last(); last.Kind == "Failed" && last.Err.Code == chat.CodeUnavailable && last.Err.RetryAfter > 0 {
			shed++
		}
	}
	if n := r.Hub.Stats().PasswordsWaiting; shed != 2 || n != 3 {
		t.Errorf("%d are sent away, %d wait", shed, n)
	}
	r.Settle()
	for _, c := range all[:3] {
		if last := c.Last(); last.Kind != "Failed" || last.Err.Code != chat.CodeBadPassword {
			t.Errorf("who has waited is told %+v", last)
		}
	}
}

package hub_test

import (
	"fmt"
	"slices"
	"testing"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// noting is a disk that works, and notes what it was asked.
type noting struct{ calls []string }

func (n *noting) Next(call string) storesim.Fault {
	n.calls = append(n.calls, call)
	return storesim.FaultNone
}

func (n *noting) Kept() bool { return true }

// work is what a login costs: the questions to the store, in order, and the passwords that are hashed.
func work(t *testing.T, r *hubtest.Rig, disk *storesim.Disk, m hub.LoginRequest) (did string, told hubtest.Record) {
	t.Helper()
	c := r.Dial(nil)
	n := &noting{}
	disk.SetTrouble(n)
	defer disk.SetTrouble(nil)
	before := r.Hub.Stats().PasswordsChecked
	c.LoginAs(m)
	r.Settle()
	return fmt.Sprint(n.calls, r.Hub.Stats().PasswordsChecked-before), c.Last()
}

// A wrong password costs the same, and is told the same, whether somebody has the name, had it, has no
// password, or nobody has it.
func TestWrongPasswordTellsNothing(t *testing.T) {
	disk := storesim.NewDisk(nil)
	config := quickPasswords(hub.Limits{})
	config.Store = disk.Open()
	r := newRig(t, config)
	account(t, r, "ann", "correct horse")
	renamed := account(t, r, "ben", "correct horse")
	renamed.Rename("benjamin")
	r.Enter("guest", nil)
	r.Settle()
	if renamed.Last().Kind != "Renamed" {
		t.Fatalf("renaming: %+v", renamed.Last())
	}
	want, first := work(t, r, disk, hub.LoginRequest{Name: "ann", Password: "battery staple"})
	if first.Kind != "Failed" || first.Err.Code != chat.CodeBadPassword || want[len(want)-1] != '1' {
		t.Fatalf("a wrong password is told %+v, for %s", first, want)
	}
	for _, name := range []string{"nobody", "guest", "ben", "benjamin"} {
		did, told := work(t, r, disk, hub.LoginRequest{Name: name, Password: "battery staple"})
		if did != want || told.Err == nil || *told.Err != *first.Err {
			t.Errorf("%s: it costs %s, and %s for ann; told %+v", name, did, want, told.Err)
		}
	}
}

// Where nobody can register and no guests are let in, nothing that a login asks for tells whether
// anybody has a name: neither what it is told, nor what it costs.
func TestClosedServerTellsNothing(t *testing.T) {
	disk := storesim.NewDisk(nil)
	config := quickPasswords(hub.Limits{})
	config.Store = disk.Open()
	open := newRig(t, config)
	account(t, open, "ann", "correct horse")
	config.Hub.NoGuests, config.Hub.Registration = true, hub.RegistrationClosed
	config.Port, config.Seed = 7001, 2
	closed := newRig(t, config)
	for what, m := range map[string]hub.LoginRequest{
		"nothing":  {},
		"a token":  {Token: []byte("made up by a client")},
		"password": {Password: "battery staple"},
		"register": {Password: "battery staple", Register: true},
		"a code":   {Password: "battery staple", Register: true, Invitation: "K7QD-M2XA-9999-9999"},
	} {
		var did, told []string
		for _, name := range []string{"ann", "bob"} {
			m.Name = name
			d, x := work(t, closed, disk, m)
			if x.Kind != "Failed" {
				t.Fatalf("%s lets %s in: %+v", what, name, x)
			}
			did = append(did, d)
			told = append(told, fmt.Sprint(x.Err.Code, len(x.Err.Message)))
		}
		if did[0] != did[1] || told[0] != told[1] {
			t.Errorf("%s: of somebody %s for %s, of nobody %s for %s", what, told[0], did[0], told[1], did[1])
		}
		if what == "nothing" && slices.Contains(did, "") {
			t.Error("nothing was counted")
		}
	}
}

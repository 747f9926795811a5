package hub_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

func lookUp(t *testing.T, r *hubtest.Rig, c *hubtest.Client, whom hub.Whom) hub.UserInfo {
	t.Helper()
	c.LookUp(whom)
	r.Settle()
	if x := c.Last(); x.Kind != "Profile" {
		t.Fatalf("asked for %+v, and told %+v", whom, x)
	}
	return c.Last().Profile
}

func yes(b bool) *bool { return &b }

// A profile is what its user says, and what others see, on whatever worker they are.
func TestProfile(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 3})
	ann, bob := account(t, r, "ann", "correct horse"), r.Enter("bob", nil)
	phone := another(r, ann)
	if u := lookUp(t, r, bob, hub.Whom{Name: "ANN"}); u.ID != ann.User.ID || u.Name != "ann" || !u.Account || u.Profile != (chat.Profile{}) || u.Presence != hub.PresenceOnline {
		t.Errorf("before she has said something she is %+v", u)
	}
	ann.SetProfile(chat.ProfileChange{DisplayName: new("Ann of the Hill"), Status: new("reading"), About: new("two\nlines")})
	r.Settle()
	want := chat.Profile{DisplayName: "Ann of the Hill", Status: "reading", About: "two\nlines"}
	for _, c := range []*hubtest.Client{ann, phone} {
		if x := c.Last(); x.Kind != "Profile" || x.Profile.Profile != want || (x.Ref.Request != 0) != (c == ann) {
			t.Errorf("her session was told %+v", x)
		}
	}
	phone.SetProfile(chat.ProfileChange{Status: new("")})
	r.Settle()
	want.Status = ""
	if u := lookUp(t, r, bob, hub.Whom{ID: ann.User.ID}); u.Profile != want {
		t.Errorf("bob sees %+v", u)
	}
	if u := lookUp(t, r, ann, hub.Whom{}); u.ID != ann.User.ID || u.Profile != want {
		t.Errorf("she sees %+v", u)
	}
	for _, c := range []struct {
		what chat.ProfileChange
		code chat.Code
	}{
		{chat.ProfileChange{Status: new("two\nlines")}, chat.CodeBadText},
		{chat.ProfileChange{Status: new("\u202eturned")}, chat.CodeBadText},
		{chat.ProfileChange{DisplayName: new(" ann")}, chat.CodeBadText},
		{chat.ProfileChange{DisplayName: new("Adm1n")}, chat.CodeBadName},
		{chat.ProfileChange{DisplayName: new("s e r v e r")}, chat.CodeBadName},
		{chat.ProfileChange{DisplayName: new(strings.Repeat("x", chat.DisplayNameBytesMax+1))}, chat.CodeBadText},
		{chat.ProfileChange{About: new(strings.Repeat("x", chat.AboutBytesMax+1))}, chat.CodeBadText},
		{chat.ProfileChange{About: new("\xff")}, chat.CodeBadText},
	} {
		ann.SetProfile(c.what)
		r.Settle()
		wantFailed(t, ann, c.code)
	}
	bob.LookUp(hub.Whom{Name: "nobody"})
	r.Settle()
	wantFailed(t, bob, chat.CodeNoUser)
	bob.LookUp(hub.Whom{ID: 1 << 62})
	r.Settle()
	wantFailed(t, bob, chat.CodeNoUser)
	stranger := r.Dial(nil)
	for _, ask := range []func(){
		func() { stranger.LookUp(hub.Whom{Name: "ann"}) }, func() { stranger.SetProfile(chat.ProfileChange{Status: new("x")}) },
		func() { stranger.Rename("eve") }, func() { stranger.Away(true) }, func() { stranger.Block(ann.User.ID, false) },
		func() { stranger.Blocks(0, 0) }, func() { stranger.SeenBy(1) },
	} {
		ask()
		r.Settle()
		wantFailed(t, stranger, chat.CodeNotLoggedIn)
	}
}

// Whether somebody is online is told to who looks, and not of who hides it.
func TestPresence(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Workers: 2, Store: disk.Open()})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	phone := another(r, ann)
	room := joined(t, r, bob, "room").ID
	joined(t, r, ann, "room")
	is := func(want hub.Presence) {
		t.Helper()
		if u := lookUp(t, r, bob, hub.Whom{ID: ann.User.ID}); u.Presence != want || u.LastMs != 0 {
			t.Errorf("she is %d since %d, want %d", u.Presence, u.LastMs, want)
		}
		bob.Members(room, 0, 0)
		r.Settle()
		if m := bob.Last().Members; len(m) != 2 || m[0].ID != ann.User.ID || m[0].Presence != want || m[1].Presence != hub.PresenceOnline {
			t.Errorf("of those present: %+v, want her %d", m, want)
		}
	}
	is(hub.PresenceOnline)
	for range 2 { // saying it twice is saying it once
		ann.Away(true)
		r.Settle()
		if ann.Last().Kind != "Done" {
			t.Fatalf("she was told %+v", ann.Last())
		}
	}
	is(hub.PresenceOnline) // her phone is not
	phone.Away(true)
	r.Settle()
	is(hub.PresenceAway)
	ann.Away(false)
	r.Settle()
	is(hub.PresenceOnline)
	ann.SetProfile(chat.ProfileChange{Hidden: yes(true)})
	r.Settle()
	is(hub.PresenceNotTold)
	if u := lookUp(t, r, ann, hub.Whom{}); u.Presence != hub.PresenceOnline || !u.Hidden {
		t.Errorf("to herself she is %+v", u)
	}
	ann.SetProfile(chat.ProfileChange{Hidden: yes(false)})
	r.Settle()
	ann.Hangup()
	r.Settle()
	is(hub.PresenceAway) // her phone is left
	r.Pass(3 * time.Hour)
	left := hubtest.Epoch.Add(r.World.Now()).UnixMilli() / 60_000 * 60_000
	phone.Hangup()
	r.Settle()
	for range 2 { // from memory, then from the store
		if u := lookUp(t, r, bob, hub.Whom{ID: ann.User.ID}); u.Presence != hub.PresenceOffline || u.LastMs != left {
			t.Errorf("she is %d since %d, want offline since %d", u.Presence, u.LastMs, left)
		}
		r.Pass(5 * time.Minute)
	}
	if u, err := disk.Open().User(t.Context(), ann.User.ID); err != nil || u.SeenMs != left {
		t.Errorf("the store saw her %d, %v; want %d", u.SeenMs, err, left)
	}
	bob.SetProfile(chat.ProfileChange{Hidden: yes(true)})
	r.Settle()
	back := r.Dial(nil)
	back.Login("ann", ann.Token)
	r.Settle()
	bob.Hangup()
	r.Settle()
	if u := lookUp(t, r, back, hub.Whom{ID: bob.User.ID}); u.Presence != hub.PresenceNotTold || u.LastMs != 0 || u.Hidden {
		t.Errorf("who hides it is %+v", u)
	}
}

// Another name is had at once: by all sessions, in rooms, and by a login that was under way.
func TestRename(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 3, Hub: hub.Config{UserNamesMax: 2}})
	ann, bob := account(t, r, "ann", "correct horse"), r.Enter("bob", nil)
	phone := another(r, ann)
	room := joined(t, r, bob, "room").ID
	joined(t, r, phone, "room")
	late := r.Dial(nil)
	late.Login("ann", ann.Token)
	for r.Hub.Steps() > 0 {
		r.Hub.Step(0) // the store has answered, and the worker has not read it
	}
	ann.Rename("Anna")
	for r.Hub.Steps() > 0 {
		r.Hub.Step(0)
	}
	r.Settle()
	for _, c := range []*hubtest.Client{ann, phone} {
		if x := c.Last(); x.Kind != "Renamed" || x.Name != "Anna" || (x.Ref.Request != 0) != (c == ann) || c.Session.Name != "Anna" {
			t.Errorf("a session is %q, and was told %+v", c.Session.Name, x)
		}
	}
	if late.Session.Name != "Anna" || late.User.Name != "Anna" {
		t.Errorf("who logged in meanwhile is %q", late.Session.Name)
	}
	phone.Publish(room, 1, "it is me")
	bob.Members(room, 0, 0)
	r.Settle()
	if m := bob.Last().Members; len(m) != 2 || m[0].Name != "Anna" {
		t.Errorf("those present are %+v", m)
	}
	bob.History(room, 0, 0, 10)
	r.Settle()
	if e := bob.Last().Events; len(e) == 0 || e[len(e)-1].Name != "Anna" || e[len(e)-1].User != ann.User.ID {
		t.Errorf("what was said is %+v", e)
	}
	bob.Rename("ann")
	r.Settle()
	wantFailed(t, bob, chat.CodeNameTaken)
	bob.Rename("anna")
	r.Settle()
	wantFailed(t, bob, chat.CodeNameTaken)
	bob.Rename("admin")
	r.Settle()
	wantFailed(t, bob, chat.CodeBadName)
	old := r.Dial(nil)
	old.LoginAs(hub.LoginRequest{Name: "ann", Password: "correct horse"})
	r.Settle()
	if old.User.ID != ann.User.ID || old.User.Name != "Anna" {
		t.Errorf("by the old name she is %+v, %+v", old.User, old.Last())
	}
	old.ChangePassword(hub.PasswordRequest{Old: "correct horse", New: "another horse"})
	r.Settle()
	if old.Last().Kind != "Done" {
		t.Errorf("with the new name, a password: %+v", old.Last())
	}
	for i, want := range []string{"", "", "Failed"} {
		bob.Rename("bob" + strings.Repeat("o", i+1))
		r.Settle()
		if x := bob.Last(); (x.Kind == "Failed") != (want == "Failed") {
			t.Errorf("rename %d: %+v", i, x)
		}
	}
	wantFailed(t, bob, chat.CodeTooMany)
}

// Who is blocked is on a list that all sessions have, and brings nobody into a room.
func TestBlock(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 3, Hub: hub.Config{UserBlocksMax: 2}})
	ann, bob, eve := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("eve", nil)
	phone := another(r, ann)
	eve.Direct(hub.Whom{ID: ann.User.ID})
	r.Settle()
	room := eve.Last().Info.ID
	joined := func(c *hubtest.Client, room chat.RoomID) {
		t.Helper()
		c.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		if c.Last().Kind != "Joined" {
			t.Fatalf("joining: %+v", c.Last())
		}
	}
	joined(eve, room)
	eve.Publish(room, 1, "psst")
	r.Pass(pace)
	if m := mine(t, r, ann); len(m) != 1 || m[0].Unread != 1 {
		t.Fatalf("before, she has %+v", m)
	}
	joined(phone, room)
	ann.Block(eve.User.ID, false)
	r.Pass(pace)
	told := func(c *hubtest.Client, request, removed bool) {
		t.Helper()
		i := slices.IndexFunc(c.Records, func(x hubtest.Record) bool {
			return x.Kind == "Blocked" && x.Users[0].ID == eve.User.ID && x.Removed == removed && (x.Ref.Request != 0) == request
		})
		if i < 0 {
			t.Errorf("a session was not told of it: %+v", c.Records)
		}
	}
	told(ann, true, false)
	told(phone, false, false)
	wantRemoved(t, phone, chat.CodeLeft, 0)
	if m := mine(t, r, ann); len(m) != 0 {
		t.Errorf("she still has %+v", m)
	}
	before := len(eve.Records)
	eve.Publish(room, 2, "psst again")
	eve.Direct(hub.Whom{ID: ann.User.ID})
	r.Pass(time.Second)
	if eve.Acked(room, 2) == 0 || kinds(eve, before)["Created"] != 1 || slices.ContainsFunc(eve.Records[before:], func(x hubtest.Record) bool { return x.Kind == "Failed" }) {
		t.Errorf("eve notices: %+v", eve.Records[before:])
	}
	if m := mine(t, r, ann); len(m) != 0 {
		t.Errorf("what eve says brings her %+v", m)
	}
	if slices.ContainsFunc(ann.Records, func(x hubtest.Record) bool { return x.Kind == "Belongs" && len(ann.Records) > 0 && x.Ref.Room != room }) {
		t.Errorf("she was told %+v", ann.Records)
	}
	if u := lookUp(t, r, ann, hub.Whom{Name: "eve"}); !u.Blocked {
		t.Errorf("eve is %+v", u)
	}
	if u := lookUp(t, r, eve, hub.Whom{Name: "ann"}); u.Blocked || u.Presence != hub.PresenceOnline {
		t.Errorf("to eve she is %+v", u)
	}
	// A room of three: what eve says in it brings her nothing, what bob says does, also in one breath.
	eve.Direct(hub.Whom{ID: ann.User.ID}, hub.Whom{ID: bob.User.ID})
	r.Settle()
	three := eve.Last().Info.ID
	joined(eve, three)
	joined(bob, three)
	eve.Publish(three, 3, "all of you")
	r.Pass(pace)
	if m := mine(t, r, ann); len(m) != 0 {
		t.Errorf("what eve says to three brings her %+v", m)
	}
	eve.Publish(three, 4, "and again")
	bob.Publish(three, 1, "hello ann")
	r.Pass(pace)
	if m := mine(t, r, ann); len(m) != 1 || m[0].ID != three {
		t.Errorf("what bob says brings her %+v", m)
	}
	// It is taken back.
	phone.Block(bob.User.ID, false)
	r.Settle()
	phone.Block(phone.User.ID, false)
	r.Settle()
	wantFailed(t, phone, chat.CodeBadRequest)
	ann.Blocks(0, 1)
	r.Settle()
	if x := ann.Last(); x.Kind != "Blocks" || len(x.Users) != 1 || x.Users[0].Name != "bob" || !x.More {
		t.Errorf("her list is %+v", x)
	}
	ann.Blocks(bob.User.ID, 10)
	r.Settle()
	if x := ann.Last(); len(x.Users) != 1 || x.Users[0].Name != "eve" || x.More {
		t.Errorf("her list goes on with %+v", x)
	}
	dan := r.Enter("dan", nil)
	ann.Block(dan.User.ID, false)
	r.Settle()
	wantFailed(t, ann, chat.CodeTooMany)
	ann.Block(eve.User.ID, true)
	r.Settle()
	told(ann, true, true)
	eve.Publish(room, 5, "hello")
	r.Pass(pace)
	if m := mine(t, r, ann); len(m) != 2 {
		t.Errorf("afterwards she has %+v", m)
	}
}

// Who has read how far is told in small rooms, to who may see who is there, of who lets it be
// told.
func TestSeenBy(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 2, Hub: hub.Config{SeenByMembersMax: 3}})
	ann, bob, eve := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("eve", nil)
	ann.JoinAs(0, hub.JoinRequest{Name: "room", Create: true, Private: true})
	r.Settle()
	room := ann.Last().Info.ID
	ann.GiveRole(room, 1, bob.User.ID, chat.RoleMember)
	r.Settle()
	ann.Publish(room, 2, "hello")
	r.Settle()
	bob.JoinAs(room, hub.JoinRequest{HistoryItemsWant: 10})
	r.Pass(pace)
	last := ann.Acked(room, 2)
	bob.Mark(room, last)
	r.Pass(pace)
	seen := func(c *hubtest.Client) []hub.SeenMark {
		t.Helper()
		c.SeenBy(room)
		r.Settle()
		if c.Last().Kind != "SeenBy" || c.Last().Ref.Room != room {
			t.Fatalf("told %+v", c.Last())
		}
		return c.Last().Marks
	}
	if m := seen(ann); len(m) != 2 || m[0].User != ann.User.ID || m[0].Seq >= last || m[1] != (hub.SeenMark{User: bob.User.ID, Seq: last}) {
		t.Errorf("she sees %+v", m)
	}
	bob.SetProfile(chat.ProfileChange{Hidden: yes(true)})
	r.Settle()
	if m := seen(ann); len(m) != 1 || m[0].User != ann.User.ID {
		t.Errorf("of who hides it she sees %+v", m)
	}
	if m := seen(bob); len(m) != 2 {
		t.Errorf("he sees %+v", m)
	}
	eve.SeenBy(room)
	r.Settle()
	wantFailed(t, eve, chat.CodeNoRoom)
	for i, name := range []string{"eve", "dan"} {
		c := eve
		if name == "dan" {
			c = r.Enter(name, nil)
		}
		ann.GiveRole(room, chat.Nonce(10+i), c.User.ID, chat.RoleMember)
		r.Settle()
		c.JoinAs(room, hub.JoinRequest{})
		r.Pass(pace)
	}
	ann.SeenBy(room)
	r.Settle()
	wantFailed(t, ann, chat.CodeTooMany)
}

// Who is gone before the answer is told nothing; what was stored is stored, and his other sessions
// hear of it.
func TestGoneBeforeTheAnswer(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Workers: workers})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := joined(t, r, ann, "room").ID
		phone := another(r, ann)
		for i, ask := range []func(c *hubtest.Client){
			func(c *hubtest.Client) { c.SetProfile(chat.ProfileChange{Status: new("on a train")}) },
			func(c *hubtest.Client) { c.Rename("anna") },
			func(c *hubtest.Client) { c.Block(bob.User.ID, false) },
			func(c *hubtest.Client) { c.LookUp(hub.Whom{Name: "bob"}) },
			func(c *hubtest.Client) { c.Blocks(0, 10) },
			func(c *hubtest.Client) { c.SeenBy(room) },
			func(c *hubtest.Client) { c.Members(room, 0, 10) },
			func(c *hubtest.Client) { c.Away(true) },
		} {
			c, from := another(r, phone), len(phone.Records)
			ask(c)
			c.Hangup()
			r.Settle()
			if !c.Over {
				t.Fatalf("request %d: the session goes on", i)
			}
			kinds := kinds(phone, from)
			if want := []string{"Profile", "Renamed", "Blocked"}; i < len(want) && kinds[want[i]] != 1 || i >= len(want) && len(kinds) != 0 {
				t.Errorf("request %d: his other session was told %v", i, kinds)
			}
		}
		if u := lookUp(t, r, bob, hub.Whom{ID: ann.User.ID}); u.Name != "anna" || u.Status != "on a train" || u.Presence != hub.PresenceOnline {
			t.Errorf("%d workers: in the end she is %+v", workers, u)
		}
	}
}

// Where the store does not answer, nothing is changed and it is said; of those present their names are
// told, and nothing that the store would have to say.
func TestPeopleWithoutTheStore(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Workers: 2, Store: disk.Open()})
	ann := r.Enter("ann", nil)
	room := joined(t, r, ann, "room").ID
	for _, c := range []struct {
		call string
		ask  func()
	}{
		{"Profiles", func() { ann.LookUp(hub.Whom{}) }},
		{"ChangeProfile", func() { ann.SetProfile(chat.ProfileChange{Status: new("x")}) }},
		{"Rename", func() { ann.Rename("anna") }},
		{"UserByKey", func() { ann.LookUp(hub.Whom{Name: "bob"}) }},
		{"Blocks", func() { ann.Blocks(0, 0) }},
		{"RoomMarks", func() { ann.SeenBy(room) }},
	} {
		disk.SetTrouble(refusingCall(c.call))
		c.ask()
		r.Settle()
		disk.SetTrouble(nil)
		wantFailed(t, ann, chat.CodeUnavailable)
	}
	disk.SetTrouble(refusingCall("Profiles"))
	ann.Members(room, 0, 0)
	r.Settle()
	disk.SetTrouble(nil)
	if m := ann.Last().Members; len(m) != 1 || m[0] != (hub.MemberInfo{ID: ann.User.ID, Name: "ann"}) {
		t.Errorf("those present are %+v", ann.Last())
	}
	if ann.Session.Name != "ann" {
		t.Errorf("she is %q", ann.Session.Name)
	}
}

package hub_test

import (
	"fmt"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// council makes a private room, whose owner is in it.
func council(t *testing.T, r *hubtest.Rig, owner *hubtest.Client) chat.RoomID {
	t.Helper()
	owner.CreateAs(hub.NewRoom{Name: "council", Private: true})
	r.Settle()
	room := owner.Last().Info.ID
	owner.JoinAs(room, hub.JoinRequest{})
	r.Settle()
	if owner.Last().Kind != "Joined" {
		t.Fatalf("the owner is told %+v", owner.Last())
	}
	return room
}

func makeLink(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID, last time.Duration, uses int) (hub.LinkInfo, string) {
	t.Helper()
	c.MakeLink(room, last, uses)
	r.Settle()
	x := c.Last()
	if x.Kind != "MadeLink" || x.Code == "" || len(x.Links) != 1 {
		t.Fatalf("who makes a link is told %+v", x)
	}
	return x.Links[0], x.Code
}

// come has somebody come by a link, and returns what he is told.
func come(r *hubtest.Rig, c *hubtest.Client, code string) hubtest.Record {
	from := len(c.Records)
	c.JoinLink(code)
	r.Pass(pace)
	for _, x := range c.Records[from:] {
		if x.Kind == "Created" || x.Kind == "Failed" {
			return x
		}
	}
	return hubtest.Record{}
}

// wantNoLink looks at the answer to a code that lets nobody in: it is always the same.
func wantNoLink(t *testing.T, what string, x hubtest.Record) {
	t.Helper()
	if x.Kind != "Failed" || x.Err.Code != chat.CodeNoRoom || x.Err.Message != chat.NoRoomLink().Message || x.Err.RetryAfter != 0 || x.Ref.Room != 0 {
		t.Errorf("%s: %+v", what, x)
	}
}

func TestJoinLink(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		r := newRig(t, hubtest.Config{Seed: uint64(workers), Port: uint16(7360 + workers), Workers: workers, Hub: hub.Config{RoomIdle: time.Second, AwayGrace: time.Second}})
		ann, bob, cid, dan := r.Enter("ann", nil), r.Enter("bob", nil), r.Enter("cid", nil), r.Enter("dan", nil)
		room := council(t, r, ann)
		link, code := makeLink(t, r, ann, room, time.Hour, 1)
		if link.ByName != "ann" || link.By != ann.User.ID || link.UsesMax != 1 || link.ExpiresMs-link.CreatedMs != time.Hour.Milliseconds() {
			t.Errorf("made is %+v", link)
		}
		wantNoLink(t, "no code", come(r, bob, "nonsense"))
		wantNoLink(t, "another code", come(r, bob, "AAAA-BBBB-CCCC-DDDD"))
		x := come(r, bob, "https://chat.example/"+chat.RoomLinkMark+code+" ")
		if x.Kind != "Created" || x.Info.ID != room || x.Info.Name != "council" || x.Ref.Room != 0 {
			t.Fatalf("bob is told %+v", x)
		}
		if m := mine(t, r, bob); len(m) != 1 || m[0].ID != room || m[0].Role != chat.RoleMember {
			t.Errorf("bob has %+v", m)
		}
		bob.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		if bob.Last().Kind != "Joined" {
			t.Errorf("bob joins: %+v", bob.Last())
		}
		e := ann.Events[len(ann.Events)-1] // bob joins
		if n := len(ann.Events); n < 2 || e.Kind != chat.EventJoin || ann.Events[n-2].Kind != chat.EventRole || ann.Events[n-2].Subject != bob.User.ID {
			t.Errorf("the room is told %+v", ann.Events)
		}
		wantNoLink(t, "a link that was used", come(r, cid, code))
		if x := come(r, bob, code); x.Kind != "Failed" {
			t.Errorf("who looks for a link that is used up finds %+v", x)
		}

		// Who is in already uses nothing; nor does who is banned.
		link, code = makeLink(t, r, ann, room, 0, 1)
		for _, c := range []*hubtest.Client{ann, bob, bob} {
			if x := come(r, c, code); x.Kind != "Created" || x.Info.ID != room {
				t.Errorf("%s, who is in, is told %+v", c.User.Name, x)
			}
		}
		ann.GiveRole(room, 1, dan.User.ID, chat.RoleBanned)
		r.Settle()
		wantNoLink(t, "who is banned", come(r, dan, code))
		ann.Set(room, 2, chat.Setting{Kind: chat.EventArchive, Value: 1})
		r.Settle()
		if x := come(r, cid, code); x.Kind != "Failed" || x.Err.Code != chat.CodeArchived {
			t.Errorf("an archived room: %+v", x)
		}
		ann.MakeLink(room, 0, 0)
		r.Settle()
		wantFailed(t, ann, chat.CodeArchived)
		ann.Set(room, 3, chat.Setting{Kind: chat.EventArchive})
		r.Settle()
		if x := come(r, cid, code); x.Kind != "Created" {
			t.Errorf("nobody has used it, and cid is told %+v", x)
		}

		// An invitation that was taken back is given again by a link, but a ban is not lifted.
		ann.GiveRole(room, 4, cid.User.ID, chat.RoleNone)
		r.Settle()
		wantNoLink(t, "once more", come(r, cid, code))
		link, code = makeLink(t, r, ann, room, time.Minute, 0)
		if x := come(r, cid, code); x.Kind != "Created" {
			t.Errorf("cid is told %+v", x)
		}
		ann.RevokeLink(room, link.ID+1<<40)
		r.Settle()
		wantFailed(t, ann, chat.CodeBadRequest)
		ann.Links(room, 0, 10)
		r.Settle()
		if x := ann.Last(); x.Kind != "Links" || x.More || len(x.Links) != 1 || x.Links[0].Uses != 1 || x.Links[0].ByName != "ann" {
			t.Errorf("the links are %+v", x)
		}
		ann.RevokeLink(room, link.ID)
		r.Settle()
		if ann.Last().Kind != "Done" {
			t.Fatalf("who revokes is told %+v", ann.Last())
		}
		wantNoLink(t, "a revoked link", come(r, r.Enter("eve", nil), code))
		if s := r.Hub.Stats(); s.LinksMade != 3 || s.LinksUsed != 3 || s.LinksWrong == 0 {
			t.Errorf("counted are %d links, %d uses, %d wrong", s.LinksMade, s.LinksUsed, s.LinksWrong)
		}
	}
}

// Links are for private rooms, and for those who may invite.
func TestWhoMakesLinks(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{RoomLinksMax: 2}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := council(t, r, ann)
	open := joined(t, r, ann, "open").ID
	ann.MakeLink(open, 0, 0)
	r.Settle()
	wantFailed(t, ann, chat.CodeBadRequest)
	ann.Direct(hub.Whom{ID: bob.User.ID})
	r.Settle()
	ann.MakeLink(ann.Last().Info.ID, 0, 0)
	r.Settle()
	wantFailed(t, ann, chat.CodeForbidden)
	for what, ask := range map[string]func(){
		"too long": func() { ann.MakeLink(room, chat.RoomLinkForMax+1, 0) },
		"too many": func() { ann.MakeLink(room, 0, chat.RoomLinkUsesMax+1) },
	} {
		ask()
		r.Settle()
		if x := ann.Last(); x.Kind != "Failed" || x.Err.Code != chat.CodeBadRequest {
			t.Errorf("%s: %+v", what, x)
		}
	}
	for _, ask := range []func(){
		func() { bob.MakeLink(room, 0, 0) }, func() { bob.Links(room, 0, 10) }, func() { bob.RevokeLink(room, 1) },
	} {
		ask()
		r.Settle()
		wantFailed(t, bob, chat.CodeNoRoom) // it is hidden
	}
	for range 2 {
		makeLink(t, r, ann, room, 0, 0)
	}
	ann.MakeLink(room, 0, 0)
	r.Settle()
	wantFailed(t, ann, chat.CodeTooMany)
	ann.Links(room, 0, 1)
	r.Settle()
	first := ann.Last()
	if !first.More || len(first.Links) != 1 {
		t.Fatalf("a page is %+v", first)
	}
	ann.Links(room, first.Links[0].ID, 1)
	r.Settle()
	if x := ann.Last(); x.More || len(x.Links) != 1 || x.Links[0].ID <= first.Links[0].ID {
		t.Errorf("the next page is %+v", x)
	}
}

// A link lets as many in as it says, who come at once, from wherever; one who comes from several
// sessions is one.
func TestManyComeAtOnce(t *testing.T) {
	r := newRig(t, hubtest.Config{Workers: 3})
	ann := r.Enter("ann", nil)
	room := council(t, r, ann)
	link, code := makeLink(t, r, ann, room, 0, 5)
	var all []*hubtest.Client
	for n := range 12 {
		c := r.Enter(fmt.Sprintf("user%d", n), nil)
		twin := r.Dial(nil)
		twin.LoginAs(hub.LoginRequest{Name: c.User.Name, Token: c.Token})
		r.Settle()
		all = append(all, c, twin)
	}
	for _, c := range all {
		c.JoinLink(code)
	}
	r.Pass(pace)
	in := map[chat.UserID]bool{}
	for _, c := range all {
		for _, x := range c.Records {
			in[c.User.ID] = in[c.User.ID] || x.Kind == "Created"
		}
	}
	let := 0
	for _, is := range in {
		if is {
			let++
		}
	}
	if let != 5 {
		t.Errorf("%d came by a link for 5", let)
	}
	ann.Links(room, link.ID-1, 10)
	r.Settle()
	if x := ann.Last(); len(x.Links) != 1 || x.Links[0].Uses != 5 {
		t.Errorf("the links are %+v", x.Links)
	}
	if roles := rolesIn(t, r, ann, room); roles != 5 {
		t.Errorf("%d role events", roles)
	}
}

func rolesIn(t *testing.T, r *hubtest.Rig, c *hubtest.Client, room chat.RoomID) (n int) {
	t.Helper()
	c.History(room, 0, 0, 100)
	r.Settle()
	for _, e := range c.Last().Events {
		if e.Kind == chat.EventRole {
			n++
		}
	}
	return n
}

// Who tries codes has to wait; those that were right do not count.
func TestLinkTriesAreBounded(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{Limits: hub.Limits{AddressLinkTriesPerMinute: 1, AddressLinkTriesBurst: 3}}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := council(t, r, ann)
	_, code := makeLink(t, r, ann, room, 0, 0)
	for range 6 {
		if x := come(r, bob, code); x.Kind != "Created" {
			t.Fatalf("bob is told %+v", x)
		}
	}
	for n := range 3 {
		wantNoLink(t, "a wrong code", come(r, bob, fmt.Sprintf("AAAA-AAAA-AAAA-AAA%c", 'A'+n)))
	}
	if x := come(r, bob, "AAAA-AAAA-AAAA-AAAH"); x.Kind != "Failed" || x.Err.Code != chat.CodeTooFast || x.Err.RetryAfter <= 0 {
		t.Errorf("the next one is told %+v", x)
	}
	if x := come(r, bob, code); x.Kind != "Failed" || x.Err.Code != chat.CodeTooFast {
		t.Errorf("and so with the right one: %+v", x)
	}
	r.Pass(2 * time.Minute)
	if x := come(r, bob, code); x.Kind != "Created" {
		t.Errorf("later: %+v", x)
	}
}

// Who belongs to as many rooms as he may does not come, and uses nothing.
func TestLinkAndMemberships(t *testing.T) {
	r := newRig(t, hubtest.Config{Hub: hub.Config{UserMembershipsMax: 1}})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := council(t, r, ann)
	_, code := makeLink(t, r, ann, room, 0, 1)
	other := joined(t, r, bob, "other").ID
	r.Pass(pace)
	if x := come(r, bob, code); x.Kind != "Failed" || x.Err.Code != chat.CodeTooMany {
		t.Errorf("bob is told %+v", x)
	}
	bob.LeaveForGood(other)
	r.Pass(pace)
	if x := come(r, bob, code); x.Kind != "Created" {
		t.Errorf("bob is told %+v", x)
	}
}

// troubled has commits fail while it is on.
type troubled struct{ on bool }

func (x *troubled) Next(call string) storesim.Fault {
	if x.on && call == "Commit" {
		return storesim.FaultUnavailable
	}
	return storesim.FaultNone
}

func (x *troubled) Kept() bool { return true }

// A use is taken back if nobody came.
func TestLinkUseIsTakenBack(t *testing.T) {
	disk := storesim.NewDisk(nil)
	r := newRig(t, hubtest.Config{Store: disk.Open(), Workers: 2})
	ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
	room := council(t, r, ann)
	_, code := makeLink(t, r, ann, room, 0, 1)
	trouble := &troubled{on: true}
	disk.SetTrouble(trouble)
	if x := come(r, bob, code); x.Kind != "Failed" || x.Err.Code != chat.CodeUnavailable {
		t.Errorf("while nothing can be stored: %+v", x)
	}
	trouble.on = false
	r.Pass(time.Second)
	if x := come(r, bob, code); x.Kind != "Created" {
		t.Errorf("bob is told %+v", x)
	}
}

// A ban that is on its way when somebody comes by a link holds.
func TestLinkBehindBan(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t, hubtest.Config{Seed: seed, Workers: 1 + int(seed)%3})
		ann, bob := r.Enter("ann", nil), r.Enter("bob", nil)
		room := council(t, r, ann)
		_, code := makeLink(t, r, ann, room, 0, 1)
		if seed%2 == 0 {
			ann.GiveRole(room, 1, bob.User.ID, chat.RoleBanned)
			bob.JoinLink(code)
		} else {
			bob.JoinLink(code)
			ann.GiveRole(room, 1, bob.User.ID, chat.RoleBanned)
		}
		r.Pass(pace)
		if ann.Acked(room, 1) == 0 {
			t.Fatalf("the ban is not in the log: %+v", ann.Last())
		}
		bob.JoinAs(room, hub.JoinRequest{})
		r.Settle()
		if bob.Last().Kind != "Failed" {
			t.Errorf("seed %d: bob, who is banned, is told %+v", seed, bob.Last())
		}
	}
}

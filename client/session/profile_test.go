package session_test

import (
	"testing"

	"sarang/chat"
	"sarang/client/session"
	sarangv1 "sarang/proto/sarang/v1"
)

func (r *teller) Profile(_ *session.Session, p session.Profile) {
	r.tell("profile #%d %d %s %q %q %q %s seen=%v hidden=%v blocked=%v", p.Request, p.User, p.Name, p.DisplayName, p.About, p.Status, p.Presence,
		p.Seen.UnixMilli(), p.Hidden, p.Blocked)
}

func (r *teller) Renamed(_ *session.Session, n session.Renamed) {
	r.tell("renamed #%d %s", n.Request, n.Name)
}

func (r *teller) Blocked(_ *session.Session, b session.Blocked) {
	r.tell("blocked #%d %d removed=%v", b.Request, b.User, b.Removed)
}

func (r *teller) BlockPage(_ *session.Session, p session.BlockPage) {
	r.tell("blocks #%d %v more=%v", p.Request, p.Users, p.More)
}

func (r *teller) SeenBy(_ *session.Session, l session.SeenBy) {
	r.tell("seen by #%d room=%d %v", l.Request, l.Room, l.Marks)
}

// What is said of people is asked and answered, or comes by itself.
func TestProfiles(t *testing.T) {
	r := newRig(t)
	p := r.login()
	type message interface{ MarshalVT() ([]byte, error) }
	ask := func(id uint16, want message, request func(s *session.Session) (uint32, error)) {
		t.Helper()
		r.request(request)
		p.Want(id, want)
	}
	ask(sarangv1.CProfile, &sarangv1.LookUp{Request: 1, Name: "Bob"}, func(s *session.Session) (uint32, error) { return s.LookUp(0, "Bob") })
	p.Send(sarangv1.SProfile, &sarangv1.UserProfile{
		Request: 1, User: 8, Name: "Bob", DisplayName: "B\x00", About: "a\nb", Status: "s", Presence: 1, SeenMs: 60_000, Blocked: true,
	})
	r.wants(`profile #1 8 Bob "B\x00" "a\nb" "s" offline seen=60000 hidden=false blocked=true`)
	status, hidden := "at tea", false
	ask(sarangv1.CSetProfile, &sarangv1.SetProfile{Request: 2, Status: &status, Hidden: &hidden}, func(s *session.Session) (uint32, error) {
		return s.SetProfile(chat.ProfileChange{Status: &status, Hidden: &hidden})
	})
	p.Send(sarangv1.SSetProfile, &sarangv1.UserProfile{Request: 2, User: 7, Name: "Ann", Status: "at tea", Presence: 99})
	r.wants(`profile #2 7 Ann "" "" "at tea"  seen=-62135596800000 hidden=false blocked=false`)
	p.Send(sarangv1.SSetProfile, &sarangv1.UserProfile{User: 7, Name: "Ann", Presence: 3, Hidden: true})
	r.wants(`profile #0 7 Ann "" "" "" online seen=-62135596800000 hidden=true blocked=false`)
	r.on(func(s *session.Session) {
		bad := "two\nlines"
		if _, err := s.SetProfile(chat.ProfileChange{Status: &bad}); chat.CodeOf(err) != chat.CodeBadText {
			t.Errorf("a status of two lines: %v", err)
		}
	})
	ask(sarangv1.CRename, &sarangv1.Rename{Request: 3, Name: "anna"}, func(s *session.Session) (uint32, error) { return s.Rename("anna") })
	p.Send(sarangv1.SRename, &sarangv1.Rename{Request: 3, Name: "Anna"})
	r.wants("renamed #3 Anna")
	p.Send(sarangv1.SRename, &sarangv1.Rename{Name: "Anne"})
	r.wants("renamed #0 Anne")
	r.on(func(s *session.Session) {
		if name := s.State().Name(); name != "Anne" {
			t.Errorf("the next login is by the name %q", name)
		}
	})
	ask(sarangv1.CAway, &sarangv1.Away{Request: 4, Away: true}, func(s *session.Session) (uint32, error) { return s.SetAway(true) })
	p.Send(sarangv1.SDone, &sarangv1.Done{Request: 4})
	r.wants("done #4")
	ask(sarangv1.CBlock, &sarangv1.Block{Request: 5, User: 8, Remove: true}, func(s *session.Session) (uint32, error) { return s.Block(8, "", true) })
	p.Send(sarangv1.SBlock, &sarangv1.Blocked{Request: 5, User: 8, Removed: true})
	r.wants("blocked #5 8 removed=true")
	p.Send(sarangv1.SBlock, &sarangv1.Blocked{User: 9})
	r.wants("blocked #0 9 removed=false")
	ask(sarangv1.CBlocks, &sarangv1.Blocks{Request: 6, After: 3, ItemsMax: 2}, func(s *session.Session) (uint32, error) { return s.Blocks(3, 2) })
	p.Send(sarangv1.SBlocks, &sarangv1.BlockPage{Request: 6, More: true, Users: []*sarangv1.Member{{User: 9, Name: "Eve"}, nil}})
	r.wants("blocks #6 [{9 Eve  } {0   }] more=true")
	ask(sarangv1.CSeenBy, &sarangv1.SeenBy{Request: 7, Room: 3}, func(s *session.Session) (uint32, error) { return s.AskSeenBy(3) })
	p.Send(sarangv1.SSeenBy, &sarangv1.SeenByList{Request: 7, Room: 3, Marks: []*sarangv1.SeenMark{{User: 8, Seq: 5}, nil}})
	r.wants("seen by #7 room=3 [{8 5} {0 0}]")
	p.Send(sarangv1.SBlock, &sarangv1.Blocked{Request: 77, User: 9})
	r.wants("fault *session.UnexpectedError client: packet 107 from the server (request 77, room 0, nonce 0x0): it answers no request")
}

package tui_test

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

func TestLinkCommands(t *testing.T) {
	s := newStage(t, 100, 20, nil)
	if got := s.enter("/join ABCD-EFGH-JKMN-PQRS"); len(got) != 1 || got[0] != (tui.ComeIn{Code: "ABCD-EFGH-JKMN-PQRS"}) {
		t.Errorf("a link: %+v", got)
	}
	if got := s.enter("/invite-link"); len(got) != 0 {
		t.Errorf("a link into no room: %+v", got)
	}
	s.join(lobby, "lobby", 0, 0)
	for line, want := range map[string]tui.Effect{
		"/invite-link 1d 5": tui.MakeLink{Room: lobby, For: 24 * time.Hour, UsesMax: 5},
		"/invite-links":     tui.ListLinks{Room: lobby},
		"/revoke-link 12":   tui.RevokeLink{Room: lobby, ID: 12},
	} {
		if got := s.enter(line); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
	s.m.Update(tui.LinksListed{})
	s.wants("no links lead into this room", 1)
	s.m.Update(tui.LinksListed{Links: []client.RoomLink{
		{ID: 12, ByName: "ann\x1b[2J", Uses: 1, UsesMax: 5, Expires: s.now.Add(time.Hour)}, {ID: 13, ByName: "ann", Uses: 1},
	}})
	s.wants("12 by ann␛[2J · until 2026-11-23 10:30 · used 1 of 5 times", 1)
	s.wants("13 by ann · until it is revoked · used 1 time", 1)
	e := s.rule(chat.EventRole, chat.RoleMember, ann, ann, "ann")
	s.m.Update(e)
	s.wants("· ann came by an invitation", 1)
}

// Ann makes a link on a real server, and Bob comes by what she passes on.
func TestComingByALink(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.dial("ann", nil), h.dial("bob", nil)
	joined, err := ann.Join(t.Context(), client.Join{Name: "council", Create: true, Private: true})
	if err != nil {
		t.Fatal(err)
	}
	room := joined.Room.ID
	made := tui.Perform(t.Context(), ann, tui.MakeLink{Room: room, For: time.Hour, UsesMax: 2}).(tui.Notice)
	_, code, _ := strings.Cut(made.Text, "/join ")
	code, _, _ = strings.Cut(code, " ")
	c, err := tui.ParseCommand("/join " + code)
	if err != nil || c.Code != code || !strings.Contains(made.Text, "used 0 of 2 times") {
		t.Fatalf("%q: %+v, %v", made.Text, c, err)
	}
	in := tui.Perform(t.Context(), bob, tui.ComeIn{Code: code}).(tui.Batch)
	if len(in) != 2 || in[0].(client.Joined).Room.Name != "council" || in[1] != (tui.Opened{Room: room}) {
		t.Fatalf("bob comes: %+v", in)
	}
	if again := tui.Perform(t.Context(), bob, tui.ComeIn{Code: code}); again != (tui.Opened{Room: room}) {
		t.Errorf("bob, who is there: %+v", again)
	}
	all := tui.Perform(t.Context(), ann, tui.ListLinks{Room: room}).(tui.LinksListed)
	if len(all.Links) != 1 || all.Links[0].Uses != 1 {
		t.Fatalf("%+v", all)
	}
	id := all.Links[0].ID
	if got := tui.Perform(t.Context(), ann, tui.RevokeLink{Room: room, ID: id}); !strings.Contains(got.(tui.Notice).Text, "any more") {
		t.Errorf("%+v", got)
	}
	for what, e := range map[string]tui.Effect{
		"a link that was revoked": tui.ComeIn{Code: code}, "once more": tui.RevokeLink{Room: room, ID: id},
		"a room that is not there": tui.ListLinks{Room: 99}, "the same": tui.MakeLink{Room: 99},
	} {
		if got, is := tui.Perform(t.Context(), bob, e).(tui.Failed); !is || got.Err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

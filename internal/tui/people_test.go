package tui_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// rule is an event about somebody else.
func (s *stage) rule(kind chat.EventKind, role chat.Role, by, subject chat.UserID, name string) chat.Event {
	e := s.event(lobby, kind, by, name, "")
	e.Subject, e.Role = subject, role
	return e
}

func TestRolesAreShown(t *testing.T) {
	s := newStage(t, 100, 20, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(tui.MembersLoaded{Room: lobby, Members: []client.Member{{User: ann, Name: "ann"}, {User: me, Name: "민지"}}})
	s.says(lobby, mall, "mall\x1b[2Jory", "hello")
	for _, c := range []struct {
		event chat.Event
		text  string
		until int64
		want  string
	}{
		{event: s.rule(chat.EventRole, chat.RoleModerator, ann, me, "ann"), want: "· ann made 민지 a moderator"},
		{event: s.rule(chat.EventRole, chat.RoleOwner, ann, me, "ann"), want: "· ann made 민지 an owner"},
		{event: s.rule(chat.EventRole, chat.RoleNone, ann, 77, "ann"), want: "· ann took back what user 77 was given"},
		{event: s.rule(chat.EventRole, chat.RoleReader, ann, mall, "ann"), text: "shouts\x1b[2J", want: "mall␛[2Jory a reader, who may not speak: shouts␛[2J"},
		{event: s.rule(chat.EventRole, chat.RoleBanned, ann, mall, "ann"), until: s.now.Add(time.Hour).UnixMilli(), want: "· ann banned mall␛[2Jory until 2026-11-23 10:30"},
		{event: s.rule(chat.EventKick, 0, ann, mall, "ann"), want: "· ann sent mall␛[2Jory out"},
	} {
		c.event.Text, c.event.UntilMs = c.text, c.until
		s.m.Update(c.event)
		s.wants(c.want, 1)
	}
	s.fits()
	until := s.now.Add(time.Hour).UnixMilli()
	s.m.Update(client.Left{Room: lobby, UntilMs: until, Err: chat.Errorf(chat.CodeBanned, "you were banned from the room by ann")})
	s.wants("you are no longer in #lobby: you were banned from the room by ann (until 2026-11-23 10:30)", 1)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(client.Left{Room: lobby, Err: chat.Errorf(chat.CodeKicked, "you were sent out")})
	s.wants("sent out; /join #lobby goes back", 1)
}

func TestCommandsAboutOthers(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	if effects := s.enter("/ban bob"); len(effects) != 0 {
		t.Errorf("banned in no room: %v", effects)
	}
	s.join(lobby, "lobby", 0, 0)
	for _, c := range []struct {
		line string
		want tui.Rule
	}{
		{"/role bob owner", tui.Rule{Room: lobby, Name: "bob", Role: chat.RoleOwner}},
		{"/kick bob", tui.Rule{Room: lobby, Name: "bob", Kick: true}},
		{"/ban bob 1d spam", tui.Rule{Room: lobby, Name: "bob", Role: chat.RoleBanned, For: 24 * time.Hour, Reason: "spam"}},
		{"/invite bob", tui.Rule{Room: lobby, Name: "bob", Role: chat.RoleMember}},
		{"/unban bob", tui.Rule{Room: lobby, Name: "bob"}},
		{"/mute bob", tui.Rule{Room: lobby, Name: "bob", Role: chat.RoleReader}},
	} {
		if got := s.enter(c.line); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v, want %+v", c.line, got, c.want)
		}
	}
}

func TestCommandsAreCompleted(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(tui.MembersLoaded{Room: lobby, Members: []client.Member{{User: ann, Name: "ann"}, {User: me, Name: "민지"}}})
	for _, part := range []string{"/ro", "an", "own"} {
		s.typed(part)
		if part == "/ro" {
			s.wants("> /ro", 1)
			s.key(tea.KeyPressMsg{Code: tea.KeyTab}) // /role and /rooms
			s.wants("/role /rooms", 1)
			s.typed("l")
		}
		s.key(tea.KeyPressMsg{Code: tea.KeyTab})
	}
	s.wants("> /role ann owner", 1)
}

// It is done to a real server, which says what became of it.
func TestBanningOnAServer(t *testing.T) {
	h := newHouse(t)
	ann := h.dial("ann", nil)
	in, out := io.Pipe()
	defer out.Close()
	var said bytes.Buffer
	joined, err := ann.Join(t.Context(), client.Join{Name: "lobby", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	c := plain(h.dial("bob", nil), "", &said, io.Discard)
	c.Room, c.In, c.Follow = "lobby", in, true
	go func() { done <- tui.Plain(t.Context(), c) }()
	for e := range ann.Events() {
		if e, ok := e.(client.RoomEvent); ok && e.Name == "bob" {
			break
		}
	}
	room := joined.Room.ID
	if got := tui.Perform(t.Context(), ann, tui.Rule{Room: room, Name: "nobody", Kick: true}); got.(tui.Failed).Err.Error() != "there is no user of that name" {
		t.Errorf("nobody is sent out: %+v", got)
	}
	if got := tui.Perform(t.Context(), ann, tui.Rule{Room: room, Name: "bob", Role: chat.RoleBanned, Reason: "spam"}); len(got.(tui.Batch)) != 0 {
		t.Errorf("the ban: %+v", got)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "you were banned from the room by ann: spam") {
		t.Errorf("bob's program ended with %v", err)
	}
	if !strings.Contains(said.String(), "* ann banned bob: spam") {
		t.Errorf("bob was shown %s", said.String())
	}
}

// What is asked for is done, and told by its event.
func TestChangingOnAServer(t *testing.T) {
	ann := newHouse(t).dial("ann", nil)
	joined, err := ann.Join(t.Context(), client.Join{Name: "lobby", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	room := joined.Room.ID
	said, err := ann.Publish(t.Context(), room, "helo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change tui.Change
		kind   chat.EventKind
	}{
		{tui.Change{Verb: tui.VerbEdit, Text: "hello"}, chat.EventEdit},
		{tui.Change{Verb: tui.VerbReact, Text: "👍"}, chat.EventReact},
		{tui.Change{Verb: tui.VerbReply, Text: "so?"}, chat.EventMessage},
		{tui.Change{Verb: tui.VerbDelete}, chat.EventDelete},
	} {
		c.change.Room, c.change.Target = room, said
		if got := tui.Perform(t.Context(), ann, c.change); got == nil || len(got.(tui.Batch)) != 0 {
			t.Fatalf("%+v: %+v", c.change, got)
		}
		for e := range ann.Events() {
			if e, ok := e.(client.RoomEvent); ok && e.Kind == c.kind && e.Target == said {
				break
			}
		}
	}
	got := tui.Perform(t.Context(), ann, tui.Change{Room: room, Target: said, Verb: tui.VerbEdit, Text: "again"})
	if failed, ok := got.(tui.Failed); !ok || failed.Err == nil {
		t.Errorf("a deleted message is edited: %+v", got)
	}
}

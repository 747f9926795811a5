package tui_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// said notes what a connection was asked for.
type said struct {
	*fake
	asked   []string
	profile chat.ProfileChange
	away    bool
}

func (s *said) LookUp(_ context.Context, name string) (client.Profile, error) {
	if s.asked = append(s.asked, "look up "+name); name == "nobody" {
		return client.Profile{}, chat.Errorf(chat.CodeNoUser, "there is no user of that name")
	}
	return client.Profile{Name: name}, nil
}

func (s *said) SetProfile(_ context.Context, p chat.ProfileChange) (client.Profile, error) {
	s.asked, s.profile = append(s.asked, "profile"), p
	return client.Profile{Name: "민지"}, nil
}

func (s *said) Rename(_ context.Context, name string) (string, error) {
	s.asked = append(s.asked, "rename "+name)
	return name, nil
}

func (s *said) SetAway(_ context.Context, away bool) error {
	s.asked, s.away = append(s.asked, "away"), away
	return nil
}

func (s *said) Block(_ context.Context, name string) (chat.UserID, error) {
	s.asked = append(s.asked, "block "+name)
	return ann, nil
}

func (s *said) Unblock(_ context.Context, name string) (chat.UserID, error) {
	s.asked = append(s.asked, "unblock "+name)
	return ann, nil
}

func (s *said) Blocks(context.Context) ([]client.Member, error) {
	s.asked = append(s.asked, "blocks")
	return []client.Member{{User: mall}}, nil
}

func (s *said) SeenBy(context.Context, chat.RoomID) ([]client.SeenMark, error) {
	s.asked = append(s.asked, "seen")
	return []client.SeenMark{{User: ann, Seq: 99}, {User: me, Seq: 99}, {User: mall, Seq: 1}}, nil
}

// What is typed about people is asked for, and shown.
func TestPeopleCommands(t *testing.T) {
	s := newStage(t, 100, 24, nil)
	s.join(lobby, "lobby", 0, 0)
	conn := &said{fake: newFake()}
	for _, c := range []struct{ line, asked, shown string }{
		{"/whois ann", "look up ann", "ann · a guest"},
		{"/whois nobody", "look up nobody", "there is no user of that name"},
		{"/profile status at tea", "profile", "민지 · a guest"},
		{"/profile hidden on", "profile", "민지 · a guest"},
		{"/profile", "look up ", "· a guest"},
		{"/name minji", "rename minji", "you are minji now"},
		{"/away", "away", "you are away"},
		{"/away off", "away", "you are back"},
		{"/block @ann", "block ann", "you do not see any more"},
		{"/unblock ann", "unblock ann", "you see ann again"},
		{"/seen", "seen", "read by ann"},
	} {
		s.m.Update(s.event(lobby, chat.EventMessage, ann, "ann", "hello"))
		effects := s.enter(c.line)
		if len(effects) != 1 {
			t.Fatalf("%s asks for %v", c.line, effects)
		}
		s.m.Update(tui.Perform(t.Context(), conn, effects[0]))
		if !slices.Equal(conn.asked, []string{c.asked}) {
			t.Errorf("%s: the server is asked for %q", c.line, conn.asked)
		}
		conn.asked = nil
		s.wants(c.shown, 1)
		switch c.line {
		case "/profile status at tea":
			if p := conn.profile; p.Status == nil || *p.Status != "at tea" || p.About != nil || p.Hidden != nil {
				t.Errorf("said %+v", p)
			}
		case "/profile hidden on":
			if p := conn.profile; p.Hidden == nil || !*p.Hidden || p.Status != nil {
				t.Errorf("said %+v", p)
			}
		case "/away off":
			if conn.away {
				t.Error("still away")
			}
		}
		s = newStage(t, 100, 24, nil)
		s.join(lobby, "lobby", 0, 0)
	}
	for _, line := range []string{"/whois a b", "/profile colour red", "/profile hidden maybe", "/name", "/away x", "/seen x"} {
		if effects := s.enter(line); len(effects) != 0 {
			t.Errorf("%s asks for %v", line, effects)
		}
	}
}

// Of who is blocked it is shown that he says something, and not what; it counts for nothing.
func TestBlockedIsNotShown(t *testing.T) {
	s := newStage(t, 100, 20, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(tui.BlocksLoaded{Users: []client.Member{{User: mall}}})
	s.m.Update(s.event(lobby, chat.EventMessage, mall, "mallory", "spam spam"))
	s.m.Update(s.event(lobby, chat.EventMessage, ann, "ann", "hello"))
	s.m.Update(client.Typing{Room: lobby, User: mall, Name: "mallory"})
	s.wants("spam", 0)
	s.wants("(you block him)", 1)
	s.wants("hello", 1)
	s.wants("is typing", 0)
	s.m.Update(client.Blocked{User: mall, Removed: true}) // on the telephone
	s.m.Update(s.event(lobby, chat.EventMessage, mall, "mallory", "sorry"))
	s.wants("sorry", 1)
	s.m.Update(tui.Found{Profile: client.Profile{
		Name: "ann\x1b[2J", DisplayName: "Ann", Account: true, About: "one\ntwo", Status: "at tea", Presence: client.PresenceOffline,
		Seen: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Blocked: true,
	}})
	s.wants("ann␛[2J (Ann) · an account · offline since 2026-11-30", 1)
	s.wants("you block him", 2)
	s.wants("at tea", 1)
	s.wants("two", 1)
}

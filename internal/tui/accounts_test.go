package tui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// A password is asked for, is not on the screen while it is typed, and can not be called back.
func TestPasswordIsNotShown(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(client.LoggedIn{User: me, Name: "민지", Limits: client.Limits{PasswordRunesMin: 8}})
	if e := s.enter("/register K7QD-M2XA"); len(e) != 0 {
		t.Fatalf("before the password: %v", e)
	}
	s.typed("correct horse")
	if screen := s.screen(); strings.Contains(screen, "horse") || !strings.Contains(screen, strings.Repeat("*", 13)) || !strings.Contains(screen, "password") {
		t.Errorf("the screen is\n%s", screen)
	}
	s.key(tea.KeyPressMsg{Code: tea.KeyEnter})
	s.key(tea.KeyPressMsg{Code: tea.KeyUp})
	if screen := s.screen(); strings.Contains(screen, "horse") || strings.Contains(screen, "register") {
		t.Errorf("the screen is\n%s", screen)
	}
	if got, want := s.enter("correct horse"), []tui.Effect{tui.Register{Password: "correct horse", Invitation: "K7QD-M2XA"}}; !slices.Equal(got, want) {
		t.Errorf("asked for %v, want %v", got, want)
	}
	s.key(tea.KeyPressMsg{Code: tea.KeyUp})
	if screen := s.screen(); strings.Contains(screen, "horse") {
		t.Errorf("the screen is\n%s", screen)
	}
	s.m.Update(tui.Notice{Text: "you have an account now"})
	if screen := s.screen(); !strings.Contains(screen, "you have an account now") {
		t.Errorf("the screen is\n%s", screen)
	}
}

func TestPasswordTwice(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(client.LoggedIn{User: me, Name: "민지", Limits: client.Limits{PasswordRunesMin: 8}})
	for _, lines := range [][]string{{"/register", "short"}, {"/register", "correct horse", "correct horsE"}} {
		for _, line := range lines {
			if e := s.enter(line); len(e) != 0 {
				t.Errorf("%q asks for %v", line, e)
			}
		}
	}
	s.enter("/password")
	s.enter("correct horse")
	s.enter("battery staple")
	if got, want := s.enter("battery staple"), []tui.Effect{tui.ChangePassword{Old: "correct horse", New: "battery staple"}}; !slices.Equal(got, want) {
		t.Errorf("asked for %v, want %v", got, want)
	}
	s.enter("/password")
	s.key(tea.KeyPressMsg{Code: tea.KeyEscape})
	if e := s.enter("hello"); len(e) != 1 {
		t.Errorf("after Esc a line asks for %v", e)
	} else if p, ok := e[0].(tui.Publish); !ok || p.Text != "hello" {
		t.Errorf("after Esc a line asks for %v", e)
	}
}

func TestSessions(t *testing.T) {
	s := newStage(t, 100, 20, nil)
	s.join(lobby, "lobby", 0, 0)
	if got := s.enter("/sessions"); !slices.Equal(got, []tui.Effect{tui.Sessions{}}) {
		t.Fatalf("asked for %v", got)
	}
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s.m.Update(tui.SessionsListed{All: []client.DeviceSession{
		{ID: 7, Device: "phone\x1b[2J", Address: "192.0.2.1", Created: at, Seen: at, Connections: 1},
		{ID: 9, Created: at, Seen: at, Current: true, Connections: 1},
	}})
	screen := s.screen()
	for _, want := range []string{"1 phone␛[2J · since 2026-11-30", "192.0.2.1 · online", "2 a device", "this one"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen has no %q:\n%s", want, screen)
		}
	}
	for line, want := range map[string]tui.Effect{
		"/sessions end 1": tui.EndSession{ID: chat.DeviceID(7)}, "/sessions end others": tui.EndSession{Others: true},
	} {
		if got := s.enter(line); !slices.Equal(got, []tui.Effect{want}) {
			t.Errorf("%s asks for %v", line, got)
		}
	}
	for _, line := range []string{"/sessions end 3", "/sessions end x", "/sessions all", "/register a b"} {
		if got := s.enter(line); len(got) != 0 {
			t.Errorf("%s asks for %v", line, got)
		}
		s.key(ctrl('u'))
	}
}

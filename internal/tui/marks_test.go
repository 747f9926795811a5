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

// tick lets a second pass and returns how far rooms were read, as the server is told.
func (s *stage) tick() (marks []tui.Mark) {
	s.now = s.now.Add(time.Second)
	for _, e := range s.m.Update(tui.Tick{Now: s.now}) {
		if m, ok := e.(tui.Mark); ok {
			marks = append(marks, m)
		}
	}
	return marks
}

// The server is told what was on the screen, and not what has arrived; once, and not for who
// comes and goes.
func TestMarksWhatWasSeen(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.join(lobby, "lobby", 0, 0)
	s.join(dev, "dev", 0, 0)
	want := func(when string, want ...tui.Mark) {
		t.Helper()
		if got := s.tick(); !slices.Equal(got, want) {
			t.Errorf("%s: the server is told %v, want %v", when, got, want)
		}
	}
	want("nothing was said")
	s.says(lobby, ann, "ann", "one")
	s.says(dev, ann, "ann", "elsewhere")
	s.says(lobby, ann, "ann", "two")
	want("one room is shown", tui.Mark{Room: lobby, Seq: 2})
	want("it was told")
	s.m.Update(s.event(lobby, chat.EventLeave, ann, "ann", ""))
	want("somebody left")
	s.m.Update(tea.BlurMsg{})
	s.says(lobby, ann, "ann", "three")
	want("nobody looks")
	s.m.Update(tea.FocusMsg{})
	want("somebody looks", tui.Mark{Room: lobby, Seq: 4})
	s.key(ctrl('n'))
	want("the other room is shown", tui.Mark{Room: dev, Seq: 1})
	s.m.Update(tui.Lost{Why: "gone", RetryAt: s.now})
	s.says(dev, ann, "ann", "late")
	want("there is no connection")
	s.m.Update(client.LoggedIn{User: me, Name: "민지"})
	want("it is back", tui.Mark{Room: dev, Seq: 2})
}

// What was read on another device is not new here.
func TestReadElsewhere(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.join(lobby, "lobby", 0, 0)
	s.join(dev, "dev", 0, 0)
	for range 3 {
		s.says(dev, ann, "ann", "news")
	}
	s.wants("#dev (3)", 1)
	s.m.Update(client.Marked{Room: dev, Seq: 2})
	s.wants("#dev (1)", 1)
	s.m.Update(client.Marked{Room: dev, Seq: 1}) // late
	s.m.Update(client.Marked{Room: 99, Seq: 7})
	s.wants("#dev (1)", 1)
	s.m.Update(tui.Mine{Rooms: []client.MyRoom{{Room: client.RoomInfo{ID: dev}, Mark: 3}}})
	s.wants("#dev (", 0)
	if got := s.tick(); len(got) > 0 {
		t.Errorf("the server is told what it has said: %v", got)
	}
	if e := s.enter("/hush #dev"); len(e) != 1 || e[0] != (tui.Hush{Room: dev, Muted: true}) {
		t.Fatalf("hush: %+v", e)
	}
	s.m.Update(client.Muted{Room: dev, Muted: true})
	s.says(dev, ann, "ann", "more news")
	s.wants("#dev (", 0)
	if title := s.m.View().WindowTitle; strings.HasPrefix(title, "(") {
		t.Errorf("the title is %q", title)
	}
	if e := s.enter("/hush #dev"); len(e) != 1 || e[0] != (tui.Hush{Room: dev}) {
		t.Fatalf("hush again: %+v", e)
	}
	s.m.Update(client.Muted{Room: dev})
	s.wants("#dev (1)", 1)
	s.m.Update(tui.RoomsListed{
		Rooms: []client.RoomInfo{{ID: dev, Name: "dev"}},
		Mine: []client.MyRoom{{
			Room: client.RoomInfo{ID: 77, Name: "far\x1b[2J"}, Role: chat.RoleOwner, Unread: 1234, Muted: true,
			Last: chat.Event{Seq: 9, Name: "ann", Text: "look\nhere"},
		}},
	})
	s.wants("your rooms:", 1)
	s.wants("1234 unread · hushed · owner · ann:", 1)
	s.wants("\x1b[2J", 0)
}

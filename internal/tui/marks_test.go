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

// A message to somebody alone goes to the room that the server has for it, and what is being
// typed stays; a room in which somebody talks to us opens by itself.
func TestDirectMessage(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.join(lobby, "lobby", 0, 0)
	effects := s.enter("/msg @ann see you  later")
	if len(effects) != 1 || effects[0] != (tui.Direct{Name: "ann", Text: "see you later"}) {
		t.Fatalf("msg: %+v", effects)
	}
	s.typed("half a")
	joined := client.Joined{Room: client.RoomInfo{ID: dev, Name: "@ann,민지", Epoch: 5}}
	joined.Room.Direct[0], joined.Room.Direct[1] = me, ann
	effects = s.m.Update(tui.Batch{joined, tui.Opened{Room: dev, Text: "see you later"}})
	i := slices.IndexFunc(effects, func(e tui.Effect) bool {
		p, ok := e.(tui.Publish)
		return ok && p.Room == dev && p.Text == "see you later"
	})
	if i < 0 {
		t.Fatalf("opened: %+v", effects)
	}
	s.wants(" @ann,민지 · ", 1)
	s.wants("> half a", 1)
	if names := s.m.Joined(); !slices.Equal(names, []string{"lobby"}) {
		t.Errorf("to be gone into by name the next time: %v", names)
	}
	if e := s.m.Update(client.Belongs{Room: 9}); len(e) != 1 || e[0] != (tui.Open{Room: 9}) {
		t.Errorf("somebody talks to us: %+v", e)
	}
	mine := client.MyRoom{Room: client.RoomInfo{ID: 9, Name: "@cid,민지"}, Unread: 1}
	mine.Room.Direct[0] = me
	if e := s.m.Update(tui.Mine{Rooms: []client.MyRoom{mine, {Room: client.RoomInfo{ID: 10, Name: "far"}, Unread: 5}}}); len(e) != 1 || e[0] != (tui.Open{Room: 9}) {
		t.Errorf("somebody has talked to us: %+v", e)
	}
	if e := s.m.Update(tui.Opened{Room: 99, Text: "lost"}); len(e) != 0 {
		t.Errorf("in a room that was left: %+v", e)
	}
	s.key(ctrl('u'))
	if e := s.enter("/msg ann"); len(e) != 0 {
		t.Errorf("nothing is said: %+v", e)
	}
}

// Who types is shown for some seconds, or until he says it; and others are told of us.
func TestTyping(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(client.LoggedIn{User: me, Name: "민지"})
	s.m.Update(client.Typing{Room: lobby, User: ann, Name: "ann\x1b[2J"})
	s.wants("ann␛[2J is typing…", 1)
	s.m.Update(client.Typing{Room: lobby, User: mall, Name: "mallory"})
	s.m.Update(client.Typing{Room: lobby, User: me, Name: "민지"})
	s.wants("ann␛[2J, mallory are typing…", 1)
	s.says(lobby, ann, "ann", "there")
	s.wants("mallory is typing…", 1)
	for range 7 {
		s.tick()
	}
	s.wants("typing", 0)
	told := 0
	for i, k := range "hello /x" {
		for _, e := range s.m.Update(tea.KeyPressMsg{Code: k, Text: string(k)}) {
			if e == (tui.Type{Room: lobby}) {
				told++
			}
		}
		if i == 4 {
			s.tick()
			s.tick()
		}
	}
	if told != 2 {
		t.Errorf("in three seconds the server is told %d times", told)
	}
	s.key(ctrl('u'))
	for range 3 {
		s.tick()
	}
	s.typed("/j")
	if e := s.m.Update(tea.KeyPressMsg{Code: 'o', Text: "o"}); len(e) > 0 {
		t.Errorf("of a command the server is told %v", e)
	}
}

package tui_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// wants checks that the screen has a text, or that it has it so often.
func (s *stage) wants(text string, times int) {
	s.t.Helper()
	if n := strings.Count(s.screen(), text); n != times {
		s.t.Errorf("%q is on the screen %d times, want %d:\n%s", text, n, times, s.screen())
	}
}

func TestOwnMessageIsShownOnce(t *testing.T) {
	// The event and the answer come in either order.
	for _, eventFirst := range []bool{true, false} {
		s := newStage(t, 60, 16, nil)
		s.join(lobby, "lobby", 0, 0)
		p := s.enter("hello there")[0].(tui.Publish)
		if p.Room != lobby || p.Text != "hello there" {
			t.Fatalf("the effect is %+v", p)
		}
		s.wants("hello there …", 1)
		e := s.event(lobby, chat.EventMessage, me, "민지", "hello there")
		e.Nonce = p.Nonce
		answer := tui.Published{Room: lobby, Nonce: p.Nonce, Seq: e.Seq}
		if eventFirst {
			s.m.Update(tui.Batch{e, answer})
		} else {
			s.m.Update(answer)
			s.wants("hello there", 1)
			s.wants("…", 0)
			if n := s.m.Unanswered(); n != 0 {
				t.Errorf("%d messages wait after the answer", n)
			}
			s.m.Update(e)
		}
		s.wants("hello there", 1)
		s.wants("…", 0)
	}
}

func TestEventsAreShownOnce(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	early := chat.Event{Room: lobby, Seq: 1, Kind: chat.EventMessage, User: ann, Name: "ann", Text: "before the answer"}
	s.m.Start("lobby")
	s.m.Update(early) // the room's events may come before the answer to the join
	s.join(lobby, "lobby", 0, 1)
	s.wants("before the answer", 1)
	s.m.Update(early)
	s.wants("before the answer", 1)
	s.m.Update(chat.Event{Room: 99, Seq: 1, Kind: chat.EventMessage, User: ann, Name: "ann", Text: "another room"})
	s.wants("another room", 0)
}

func TestUnreadAndSwitching(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.m.Start("lobby")
	s.join(lobby, "lobby", 0, 0)
	s.join(dev, "dev", 0, 0)
	s.says(dev, ann, "ann", "one")
	s.says(dev, ann, "ann", "two")
	s.m.Update(s.event(dev, chat.EventLeave, ann, "ann", "")) // not worth a number
	s.wants("2 #dev (2)", 1)
	if title := s.m.View().WindowTitle; !strings.HasPrefix(title, "(2) #lobby") {
		t.Errorf("the title is %q", title)
	}
	s.key(ctrl('n'))
	s.wants("new messages", 1)
	s.wants("(2)", 0)
	s.key(ctrl('p'))
	s.key(ctrl('n'))
	s.wants("new messages", 0)
	s.key(alt('9'))
	s.wants("no room 9", 1)
	s.enter("/switch #lobby")
	s.wants(" #lobby · ", 1)
	s.m.Update(tea.BlurMsg{})
	s.says(lobby, ann, "ann", "while you looked elsewhere")
	s.wants("new messages", 1)
	s.m.Update(tea.FocusMsg{})
	if title := s.m.View().WindowTitle; strings.HasPrefix(title, "(") {
		t.Errorf("the title is %q after a look", title)
	}
	seen := s.m.Seen()
	for name, seq := range map[string]chat.Seq{"lobby": 1, "dev": 3} {
		if c := seen[name]; c.Epoch != 5 || c.Seq != seq || c.TimeMs == 0 {
			t.Errorf("seen: %v", seen)
		}
	}
}

// The rooms of last time come back in their order, with what is unread in them.
func TestStart(t *testing.T) {
	s := newStage(t, 60, 16, map[string]client.Cursor{"lobby": {Epoch: 5, Seq: 1}, "dev": {Epoch: 5, Seq: 1}})
	if e := s.m.Start("lobby", "gone", "dev"); len(e) != 1 || e[0] != (tui.Join{Name: "lobby", Create: true}) {
		t.Fatalf("first: %+v", e)
	}
	if e := s.join(lobby, "lobby", 0, 2); len(e) != 3 || e[0] != (tui.Join{Name: "gone"}) {
		t.Fatalf("second: %+v", e)
	}
	if c := s.m.Seen()["lobby"]; c.Seq != 1 { // who ends now has not forgotten what he knew
		t.Errorf("seen before anything came: %+v", c)
	}
	if e := s.m.Update(tui.Failed{What: "#gone", Err: errors.New("no such room")}); len(e) != 1 || e[0] != (tui.Join{Name: "dev"}) {
		t.Fatalf("third: %+v", e)
	}
	s.join(dev, "dev", 0, 3)
	for _, room := range []chat.RoomID{lobby, dev} {
		s.says(room, ann, "ann", "read last time")
		s.says(room, ann, "ann", "not read")
	}
	s.says(dev, ann, "ann", "not read")
	s.wants("1 #lobby   2 #dev (2)", 1)
	s.wants("new messages", 1)
	s.key(alt('2'))
	rows := strings.Split(s.screen(), "\n")
	if i := len(rows) - 6; !strings.Contains(rows[i], "new messages") || !strings.Contains(rows[i-1], "read last time") {
		t.Errorf("the line \"new messages\" is at the wrong place:\n%s", s.screen())
	}
	if got := s.m.Joined(); len(got) != 2 || got[0] != "lobby" || got[1] != "dev" {
		t.Errorf("joined: %v", got)
	}
}

func TestScrollAndHistory(t *testing.T) {
	s := newStage(t, 60, 13, nil) // ten rows for the room
	s.join(lobby, "lobby", 100, 100)
	for i := range 20 {
		s.says(lobby, ann, "ann", fmt.Sprintf("line %d.", 101+i))
	}
	s.wants("line 120.", 1)
	pgup := tea.KeyPressMsg{Code: tea.KeyPgUp}
	if effects := s.key(pgup); len(effects) != 0 {
		t.Fatalf("half way up: %v", effects)
	}
	s.wants("line 111.", 1)
	s.wants("line 120.", 0)
	before := strings.Split(s.screen(), "\n")[1:11]
	s.says(lobby, ann, "ann", "line 121.")
	if after := strings.Split(s.screen(), "\n")[1:11]; strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("what one reads has moved:\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	s.wants("1 new message below", 1)

	effects := s.key(pgup)
	if len(effects) != 1 || effects[0] != (tui.History{Room: lobby, Before: 101, Items: 100}) {
		t.Fatalf("at the top: %+v", effects)
	}
	if effects := s.key(pgup); len(effects) != 0 {
		t.Fatalf("asked twice: %+v", effects)
	}
	page := client.HistoryPage{Room: lobby, Epoch: 5, More: false}
	for seq := chat.Seq(95); seq <= 101; seq++ { // one too many, as it may be
		page.Events = append(page.Events, chat.Event{
			Room: lobby, Seq: seq, Kind: chat.EventMessage, User: ann, Name: "ann",
			Text: fmt.Sprintf("line %d.", seq), TimeMs: s.now.UnixMilli(),
		})
	}
	s.m.Update(tui.HistoryLoaded{Room: lobby, Page: page})
	s.key(pgup)
	s.wants("line 95.", 1)
	s.wants("line 101.", 1)
	if effects := s.key(pgup); len(effects) != 0 {
		t.Fatalf("above the beginning: %+v", effects)
	}
	s.wants("where the room begins", 1)
	s.key(tea.KeyPressMsg{Code: tea.KeyEscape})
	s.wants("line 121.", 1)
	s.m.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	s.wants("line 121.", 0)
	s.m.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	s.wants("line 121.", 1)
}

func TestHistoryThatFailed(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	s.join(lobby, "lobby", 50, 50)
	if effects := s.enter("/history"); len(effects) != 1 {
		t.Fatalf("effects %v", effects)
	}
	s.m.Update(tui.HistoryLoaded{Room: lobby, Err: errors.New("no time")})
	s.wants("older messages: no time", 1)
	if effects := s.enter("/history"); len(effects) != 1 {
		t.Fatalf("effects %v after a failure", effects)
	}
	// A page of a life of the log that has ended in the meantime is not mixed in.
	s.m.Update(tui.HistoryLoaded{Room: lobby, Page: client.HistoryPage{Room: lobby, Epoch: 4, Events: []chat.Event{
		{Room: lobby, Seq: 1, Kind: chat.EventMessage, Name: "ann", Text: "long ago"},
	}}})
	s.wants("long ago", 0)
}

func TestGap(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	s.join(lobby, "lobby", 0, 0)
	s.says(lobby, ann, "ann", "first")
	s.m.Update(client.Gap{Room: lobby, Epoch: 5, From: 2, To: 41})
	s.wants("40 events are not available", 1)
	s.seq[lobby] = 41
	s.says(lobby, ann, "ann", "after the gap")
	s.wants("after the gap", 1)
	s.m.Update(client.Gap{Room: lobby, Epoch: 6, From: 1, To: 0, EpochChanged: true})
	s.wants("began anew", 1)
	s.seq[lobby] = 0
	s.says(lobby, ann, "ann", "a new life")
	s.wants("a new life", 1)
	if c := s.m.Seen()["lobby"]; c.Epoch != 6 || c.Seq != 1 || c.TimeMs == 0 {
		t.Errorf("seen: %v", c)
	}
}

func TestMembers(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	effects := s.join(lobby, "lobby", 0, 3)
	if len(effects) != 2 || effects[0] != (tui.Members{Room: lobby, Names: 512}) || effects[1] != (tui.MyRooms{}) {
		t.Fatalf("effects of joining: %+v", effects)
	}
	s.m.Update(s.event(lobby, chat.EventJoin, mall, "mallory", "")) // long ago: has no effect
	s.m.Update(s.event(lobby, chat.EventLeave, mall, "mallory", ""))
	s.m.Update(s.event(lobby, chat.EventJoin, me, "민지", ""))
	s.wants("2 members", 1)
	s.m.Update(tui.MembersLoaded{Room: lobby, Members: []client.Member{{User: me, Name: "민지"}, {User: ann, Name: "ann\x1b[2J"}}})
	s.key(tea.KeyPressMsg{Code: tea.KeyF2})
	s.wants("│ ann␛[2J", 1)
	s.m.Update(s.event(lobby, chat.EventJoin, mall, "mallory", ""))
	s.wants("│ mallory", 1)
	s.wants("3 members", 2)
	s.m.Update(s.event(lobby, chat.EventLeave, ann, "ann", ""))
	s.wants("│ ann", 0)
	s.m.Update(tui.Lost{Why: "gone"})
	if again := s.m.Update(client.LoggedIn{User: me, Name: "민지"}); len(again) != 3 || again[0] != (tui.Members{Room: lobby, Names: 512}) {
		t.Errorf("effects of a new connection: %+v", again)
	}
}

func TestCommandsHaveEffects(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	if effects := s.enter("nobody hears"); len(effects) != 0 {
		t.Errorf("said in no room: %v", effects)
	}
	s.key(ctrl('u'))
	s.join(lobby, "lobby", 0, 0)
	for _, c := range []struct {
		line string
		want tui.Effect
	}{
		{"/join #dev", tui.Join{Name: "dev"}},
		{"/create dev -e", tui.Create{Name: "dev", Ephemeral: true}},
		{"/leave", tui.Leave{Room: lobby}},
		{"/rooms", tui.Rooms{}},
		{"/quit", tui.Quit{}},
	} {
		if got := s.enter(c.line); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v, want %+v", c.line, got, c.want)
		}
	}
	if got := s.enter("/join #LOBBY"); len(got) != 0 {
		t.Errorf("joined twice: %v", got)
	}
	if got := s.enter("/nonsense"); len(got) != 0 {
		t.Errorf("nonsense: %v", got)
	}
	s.wants("> /nonsense", 1) // to be mended
	s.key(ctrl('u'))
	s.m.Update(tui.RoomsListed{Rooms: []client.RoomInfo{{ID: lobby, Name: "lobby", Members: 1}, {ID: 5, Name: "x", Ephemeral: true}}})
	s.wants("#lobby · 1 member · joined", 1)
	s.wants("#x · 0 members · ephemeral", 1)
	s.m.Update(tui.Failed{What: "#dev", Err: errors.New("no such room")})
	s.wants("#dev: no such room", 1)
	s.m.Update(client.Left{Room: lobby})
	s.wants("you are no longer in #lobby", 1)
}

func TestTextThatIsTooLong(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(tea.PasteMsg{Content: strings.Repeat("가", 400)}) // 1200 bytes, 1000 are allowed
	if effects := s.key(tea.KeyPressMsg{Code: tea.KeyEnter}); len(effects) != 0 {
		t.Errorf("sent: %v", effects)
	}
	s.wants("too long: 1200 bytes, the server takes 1000", 1)
}

func TestLeavingWithUnansweredMessages(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	s.join(lobby, "lobby", 0, 0)
	s.enter("hello")
	if effects := s.key(ctrl('c')); len(effects) != 0 {
		t.Fatalf("left at once: %v", effects)
	}
	s.wants("1 message not sent yet", 1)
	if effects := s.key(ctrl('c')); len(effects) != 1 || effects[0] != (tui.Quit{}) {
		t.Fatalf("the second time: %v", effects)
	}
}

// A busy room does not grow without end, and what was forgotten can be loaded again.
func TestRoomIsBounded(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	s.join(lobby, "lobby", 0, 0)
	const many = 20000
	for range many {
		s.says(lobby, ann, "ann", "x")
	}
	effects := s.key(tea.KeyPressMsg{Code: tea.KeyHome, Mod: tea.ModCtrl})
	if len(effects) != 1 {
		t.Fatalf("at the top: %v", effects)
	}
	if h := effects[0].(tui.History); h.Before < many/2 || h.Before > many {
		t.Errorf("%d entries are kept", many-h.Before)
	}
}

// Where nobody would let the program go on, Ctrl-Z does not stop it.
func TestSuspend(t *testing.T) {
	s := newStage(t, 60, 13, nil)
	if effects := s.key(ctrl('z')); len(effects) != 0 {
		t.Errorf("without a shell: %v", effects)
	}
	s.wants("no shell to go back to", 1)
	s.m = tui.New(tui.Options{Name: "mina", Now: s.now, JobControl: true})
	if effects := s.key(ctrl('z')); len(effects) != 1 || effects[0] != (tui.Suspend{}) {
		t.Errorf("with one: %v", effects)
	}
}

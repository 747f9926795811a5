package tui_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// stage is a Model with fake happenings.
type stage struct {
	t     *testing.T
	m     *tui.Model
	now   time.Time
	nonce chat.Nonce
	seq   map[chat.RoomID]chat.Seq
	width int
}

const (
	me   chat.UserID = 7
	ann  chat.UserID = 8
	mall chat.UserID = 9

	lobby chat.RoomID = 1
	dev   chat.RoomID = 2
)

// newStage is a person called 민지, on a screen of that size, connected, in no room.
func newStage(t *testing.T, width, height int, seen map[string]client.Cursor) *stage {
	s := &stage{t: t, now: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), seq: map[chat.RoomID]chat.Seq{}}
	s.m = tui.New(tui.Options{
		Server: "chat.example.org:7777", Name: "민지", Now: s.now, Location: time.UTC, Seen: seen,
		NewNonce: func() chat.Nonce { s.nonce++; return s.nonce },
	})
	s.resize(width, height)
	s.m.Update(client.LoggedIn{User: me, Name: "민지", Limits: client.Limits{TextBytesMax: 1000}})
	return s
}

func (s *stage) resize(width, height int) {
	s.width = width
	s.m.Update(tea.WindowSizeMsg{Width: width, Height: height})
}

// join brings us into a room of two, whose log has ended at last and is shown from after.
func (s *stage) join(id chat.RoomID, name string, after, last chat.Seq) []tui.Effect {
	s.seq[id] = after
	return s.m.Update(client.Joined{After: after, Room: client.RoomInfo{
		ID: id, Name: name, Epoch: 5, LastSeq: last, Members: 2,
	}})
}

// event is the next entry of a room's log.
func (s *stage) event(id chat.RoomID, kind chat.EventKind, user chat.UserID, name, text string) chat.Event {
	s.seq[id]++
	return chat.Event{
		Room: id, Seq: s.seq[id], Kind: kind, User: user, Name: name, Text: text,
		TimeMs: s.now.Add(time.Duration(s.seq[id]) * time.Minute).UnixMilli(),
	}
}

// says is somebody saying something in a room.
func (s *stage) says(id chat.RoomID, user chat.UserID, name, text string) {
	s.m.Update(s.event(id, chat.EventMessage, user, name, text))
}

func (s *stage) key(k tea.KeyPressMsg) []tui.Effect { return s.m.Update(k) }

func (s *stage) typed(text string) {
	for _, r := range text {
		s.key(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func (s *stage) enter(text string) []tui.Effect {
	s.typed(text)
	return s.key(tea.KeyPressMsg{Code: tea.KeyEnter})
}

func ctrl(r rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: r, Mod: tea.ModCtrl} }
func alt(r rune) tea.KeyPressMsg  { return tea.KeyPressMsg{Code: r, Mod: tea.ModAlt} }

// screen is what is seen, without colours, and where the cursor stands.
func (s *stage) screen() string {
	v := s.m.View()
	var b strings.Builder
	for l := range strings.SplitSeq(ansi.Strip(v.Content), "\n") {
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	return b.String()
}

// check compares the screen with the golden one of that name.
func (s *stage) check(name string) {
	s.t.Helper()
	v := s.m.View()
	got := s.screen() + fmt.Sprintf("-- cursor %d,%d\n", v.Cursor.X, v.Cursor.Y)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("%s: the screen is\n%s\nand should be\n%s", name, got, want)
	}
	s.fits()
}

// fits checks that nothing is wider or higher than the terminal.
func (s *stage) fits() {
	s.t.Helper()
	v := s.m.View()
	lines := strings.Split(v.Content, "\n")
	for _, l := range lines {
		if n := ansi.StringWidth(l); n > s.width {
			s.t.Errorf("a line of %d cells on a screen of %d: %q", n, s.width, ansi.Strip(l))
		}
	}
	if v.Cursor.X >= s.width || v.Cursor.Y >= len(lines) {
		s.t.Errorf("the cursor is at %d,%d", v.Cursor.X, v.Cursor.Y)
	}
}

// talk fills a room with what people say.
func (s *stage) talk() {
	s.join(lobby, "사랑방", 0, 2)
	s.m.Update(tui.MembersLoaded{Room: lobby, Members: []client.Member{{User: ann, Name: "ann"}, {User: me, Name: "민지"}}})
	s.m.Update(s.event(lobby, chat.EventJoin, me, "민지", ""))
	s.says(lobby, ann, "ann", "안녕하세요! 처음 뵙겠습니다")
	s.says(lobby, me, "민지", "어서 오세요 👋")
	s.says(lobby, ann, "ann", "this is a line that is so long that it does not fit into the width of the screen and goes on below")
	s.says(lobby, mall, "mallory", "\x1b[2Jhidden?\u202e\n09:35 ann: I never said that")
}

func TestScreen(t *testing.T) {
	s := newStage(t, 60, 16, nil)
	s.check("empty")
	s.talk()
	s.check("talk")
	s.key(ctrl('b'))
	s.check("members")
	s.key(tea.KeyPressMsg{Code: tea.KeyF1})
	s.check("help")
}

func TestScreenNarrow(t *testing.T) {
	s := newStage(t, 40, 12, nil)
	s.talk()
	s.join(dev, "dev", 0, 0)
	s.says(dev, ann, "ann", "over here")
	s.typed("한글로 쓰는 아주 긴 문장은 옆으로 흘러갑니다")
	s.check("narrow")
	s.key(ctrl('b'))
	s.check("narrow-members")
	for _, width := range []int{1, 5, 10, 20, 31, 39, 200} {
		for _, height := range []int{1, 2, 4, 7, 50} {
			s.resize(width, height)
			s.fits()
			if n := strings.Count(s.m.View().Content, "\n") + 1; n > height {
				t.Errorf("%d rows on a screen of %d", n, height)
			}
		}
	}
}

func TestScreenOffline(t *testing.T) {
	s := newStage(t, 60, 14, nil)
	s.talk()
	s.m.Update(tui.Lost{Why: "the server is going down", RetryAt: s.now.Add(4 * time.Second)})
	s.m.Update(tui.Tick{Now: s.now.Add(1500 * time.Millisecond)})
	s.enter("쓰는 동안 연결이 없었어요")
	p := s.enter("second")[0].(tui.Publish)
	s.check("offline")

	// The connection is back: the first one comes as an event, the second is refused.
	s.m.Update(client.LoggedIn{User: me, Name: "민지", Resumed: true})
	e := s.event(lobby, chat.EventMessage, me, "민지", "쓰는 동안 연결이 없었어요")
	e.Nonce = 1
	s.m.Update(tui.Batch{tui.Published{Room: lobby, Nonce: 1, Seq: e.Seq}, e})
	s.m.Update(tui.Published{Room: lobby, Nonce: p.Nonce, Err: chat.Errorf(chat.CodeTooFast, "you write too fast")})
	s.check("resumed")
}

func TestScreenNewMessages(t *testing.T) {
	s := newStage(t, 60, 16, map[string]client.Cursor{"사랑방": {Epoch: 5, Seq: 2}})
	s.now = time.Date(2026, 11, 22, 23, 57, 0, 0, time.UTC)
	s.join(lobby, "사랑방", 0, 4)
	s.says(lobby, ann, "ann", "before midnight")
	s.says(lobby, ann, "ann", "the last one that was read")
	s.says(lobby, ann, "ann", "after midnight, unread")
	s.says(lobby, ann, "ann", "unread, too")
	s.join(dev, "dev", 0, 0)
	s.says(dev, ann, "ann", "one")
	s.says(dev, ann, "ann", "two")
	s.check("new-messages")
	s.key(alt('2'))
	s.check("new-messages-2")
}

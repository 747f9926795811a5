package tui_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/tui"
)

// FuzzScreen has a server say anything, and a person press and paste anything, on a
// screen of any size. Whatever it is, the screen must hold what it shows, and nothing on
// it may be a command to the terminal that we have not given.
func FuzzScreen(f *testing.F) {
	f.Add([]byte{0, 2, 2, 17, 13, 5, 2, 18, 16, 16}, "사랑방", "hello\x1b[2J\u202e\nworld", uint64(3))
	f.Add([]byte{0, 1, 3, 4, 5, 6, 7, 20, 17, 13, 60, 22, 22}, "a", "👨‍👩‍👧 e\u0301", uint64(1<<64-1))
	f.Add([]byte{13, 0, 0, 14, 10, 11, 12, 8, 23, 9}, "/join #x", strings.Repeat("가나다 ", 60), uint64(1<<63))
	f.Add([]byte{0, 15, 19, 14, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33}, "\xff\xfe", "\u009b31m\x9b", uint64(0))
	f.Add([]byte{0, 12, 2, 7, 6, 8, 14}, "\x1b]0;owned\x07", "\x9b2J", uint64(2))
	colour := regexp.MustCompile("\x1b\\[[0-9;:]*m")
	f.Fuzz(func(t *testing.T, acts []byte, one, two string, n uint64) {
		s := newStage(t, 40, 12, nil)
		p := puppet{stage: s, one: one[:min(len(one), 2000)], two: two[:min(len(two), 2000)], n: n, colour: colour}
		height := 12
		for i, act := range acts[:min(len(acts), 200)] {
			if act%actKinds == actResize {
				size := append(acts[i+1:len(acts):len(acts)], 0, 0)
				height = int(size[1]%50) + 1
				s.resize(int(size[0])+widthMin, height)
			} else {
				p.act(act % actKinds)
			}
			p.check(height)
			if t.Failed() {
				t.Fatalf("after act %d of % x", i, acts)
			}
		}
	})
}

// puppet does what a fuzzer says.
type puppet struct {
	*stage
	one, two string
	n        uint64
	asked    tui.Publish
	colour   *regexp.Regexp // the one kind of sequence that is ours
}

const (
	actResize = 13
	actKinds  = 36
	widthMin  = 7 // cells that a name takes when it is cut short, with what stands around it
)

// act does one thing; most of them are what a server says.
func (p *puppet) act(act byte) {
	seq, bad := chat.Seq(p.n), errors.New(p.one)
	switch act {
	case 0:
		p.join(lobby, p.one, seq/2, seq)
	case 1:
		p.join(dev, p.two, 0, seq)
	case 2:
		p.says(lobby, ann, p.one, p.two)
		p.says(dev, me, p.two, p.one)
	case 3:
		p.m.Update(chat.Event{Room: lobby, Seq: seq, Kind: chat.EventKind(p.n), User: chat.UserID(p.n), Name: p.one, Text: p.two, TimeMs: int64(p.n)})
	case 4:
		p.m.Update(client.Gap{Room: lobby, Epoch: chat.Epoch(p.n), From: seq / 3, To: seq, EpochChanged: p.n%2 == 0})
	case 5:
		page := client.HistoryPage{Room: lobby, Epoch: 5, More: true, Events: []chat.Event{{Room: lobby, Seq: seq / 4, Name: p.one, Text: p.two}, {Room: lobby, Seq: seq / 2, Kind: 2, Name: p.two}}}
		p.m.Update(tui.HistoryLoaded{Room: lobby, Page: page})
	case 6:
		p.m.Update(tui.MembersLoaded{Room: lobby, Members: []client.Member{{User: ann, Name: p.one}, {User: ann, Name: p.two}, {Name: ""}}})
	case 7:
		p.m.Update(tui.RoomsListed{Rooms: []client.RoomInfo{{ID: lobby, Name: p.one, Members: int(int32(p.n))}, {Name: p.two, Ephemeral: true}}})
	case 8:
		p.m.Update(tui.Lost{Why: p.one, RetryAt: p.now.Add(time.Duration(p.n)), Final: p.n%3 == 0})
	case 9:
		p.m.Update(client.LoggedIn{User: chat.UserID(p.n), Name: p.two, Limits: client.Limits{TextBytesMax: int(p.n % 5000)}})
	case 10:
		p.m.Update(tui.Published{Room: p.asked.Room, Nonce: p.asked.Nonce, Err: bad})
	case 11:
		p.m.Update(tui.Published{Room: p.asked.Room, Nonce: p.asked.Nonce, Seq: seq})
	case 12:
		p.m.Update(tui.Warning{Room: lobby, Text: p.one})
		p.m.Update(tui.Failed{What: p.two, Err: bad})
		p.m.Update(tui.HistoryLoaded{Room: lobby, Err: bad})
		p.m.Update(tui.MembersLoaded{Room: lobby, Err: bad})
		p.m.Update(tui.RoomsListed{Err: bad})
	case 14:
		for _, effect := range p.enter(p.one) {
			if asked, ok := effect.(tui.Publish); ok {
				p.asked = asked
			}
		}
	case 22:
		p.m.Update(client.Left{Room: lobby})
	case 23:
		p.now = p.now.Add(time.Duration(p.n))
		p.m.Update(tui.Tick{Now: p.now})
	default:
		p.press(act)
	}
}

// press does what a person does.
func (p *puppet) press(act byte) {
	switch act {
	case 15:
		p.m.Update(tea.PasteMsg{Content: p.two})
	case 16:
		p.key(tea.KeyPressMsg{Code: tea.KeyPgUp})
	case 18:
		p.key(tea.KeyPressMsg{Code: tea.KeyF1})
	case 19:
		p.key(tea.KeyPressMsg{Code: tea.KeyTab})
	case 21:
		p.m.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	case 24:
		p.m.Update(tea.BlurMsg{})
	case 25:
		p.m.Update(tea.FocusMsg{})
	case 26, 27, 28, 29, 30, 31, 32, 33:
		p.key(tea.KeyPressMsg{Code: [...]rune{
			tea.KeyUp, tea.KeyDown, tea.KeyLeft, tea.KeyRight, tea.KeyBackspace, tea.KeyDelete, tea.KeyHome, tea.KeyPgDown,
		}[act-26]})
	case 34:
		p.m.Update(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeSet})
	default:
		p.key(ctrl([]rune("bnpuwked")[act%8]))
	}
}

// check looks at the screen.
func (p *puppet) check(height int) {
	p.t.Helper()
	v := p.m.View()
	lines := strings.Split(v.Content, "\n")
	if len(lines) > height || v.Cursor.Y >= height || v.Cursor.X < 0 || v.Cursor.Y < 0 || v.Cursor.X >= p.width {
		p.t.Errorf("%d lines and the cursor at %d,%d on a screen of %d by %d", len(lines), v.Cursor.X, v.Cursor.Y, p.width, height)
	}
	for _, l := range lines {
		if n := ansi.StringWidth(l); n > p.width && ansi.StringWidthWc(l) > p.width {
			p.t.Errorf("a line of %d cells on a screen of %d: %q", n, p.width, l)
		}
	}
	for _, text := range []string{strings.Join(lines, ""), v.WindowTitle} {
		for _, r := range p.colour.ReplaceAllString(text, "") {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				p.t.Errorf("%U is on the screen, and not of a colour: %q", r, text)
			}
		}
		if !utf8.ValidString(text) {
			p.t.Errorf("%q is on the screen: not UTF-8", text)
		}
	}
	for _, name := range p.m.Joined() {
		if _, known := p.m.Seen()[name]; !known {
			p.t.Errorf("room %q is joined, and not known how far it was read", name)
		}
	}
}

package tui_test

import (
	"runtime"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"sarang/internal/tui"
)

// line is the input line and the column of the cursor.
func (s *stage) line() (string, int) {
	rows := strings.Split(strings.TrimRight(s.screen(), "\n"), "\n")
	return strings.TrimPrefix(rows[len(rows)-1], ">"), s.m.View().Cursor.X - 2
}

func TestEditing(t *testing.T) {
	press := func(codes ...rune) (all []tea.KeyPressMsg) {
		for _, c := range codes {
			all = append(all, tea.KeyPressMsg{Code: c})
		}
		return all
	}
	const family = "👨\u200d👩\u200d👧"
	for _, c := range []struct {
		name, typed string
		keys        []tea.KeyPressMsg
		want        string
		cursor      int
	}{
		{"typing", "안녕 hi", nil, " 안녕 hi", 7},
		{"a syllable goes at once", "안녕", press(tea.KeyBackspace), " 안", 2},
		{"into the middle", "안녕", press(tea.KeyLeft, tea.KeyBackspace), " 녕", 0},
		{"delete", "안녕", press(tea.KeyHome, tea.KeyDelete), " 녕", 0},
		{"a letter with its mark goes at once", "ae\u0301", press(tea.KeyBackspace), " a", 1},
		{"an emoji of three goes at once", "a" + family, press(tea.KeyBackspace), " a", 1},
		{"word left", "하나 둘 셋", []tea.KeyPressMsg{{Code: tea.KeyLeft, Mod: tea.ModCtrl}, {Code: tea.KeyLeft, Mod: tea.ModCtrl}}, " 하나 둘 셋", 5},
		{"word right", "하나 둘", []tea.KeyPressMsg{ctrl('a'), alt('f')}, " 하나 둘", 4},
		{"kill a word", "하나 둘", []tea.KeyPressMsg{ctrl('w')}, " 하나", 5},
		{"kill to the end", "하나 둘", []tea.KeyPressMsg{ctrl('a'), alt('f'), ctrl('k')}, " 하나", 4},
		{"kill to the start", "하나 둘", []tea.KeyPressMsg{{Code: tea.KeyLeft}, ctrl('u')}, " 둘", 0},
		{"kill a word ahead", "하나 둘", []tea.KeyPressMsg{ctrl('a'), alt('d')}, "  둘", 0},
		{"a line break", "a", []tea.KeyPressMsg{{Code: tea.KeyEnter, Mod: tea.ModAlt}}, " a↵", 2},
		{"beyond the ends", "a", press(tea.KeyLeft, tea.KeyLeft, tea.KeyBackspace, tea.KeyRight, tea.KeyRight, tea.KeyDelete), " a", 1},
	} {
		s := newStage(t, 40, 10, nil)
		s.typed(c.typed)
		for _, k := range c.keys {
			s.key(k)
		}
		if line, at := s.line(); line != c.want || at != c.cursor {
			t.Errorf("%s: %q with the cursor at %d, want %q at %d", c.name, line, at, c.want, c.cursor)
		}
	}
}

func TestSentLinesComeBack(t *testing.T) {
	s := newStage(t, 40, 10, nil)
	s.join(lobby, "lobby", 0, 0)
	s.enter("first")
	s.enter("둘째")
	s.typed("draft")
	up, down := tea.KeyPressMsg{Code: tea.KeyUp}, tea.KeyPressMsg{Code: tea.KeyDown}
	for i, c := range []struct {
		key  tea.KeyPressMsg
		want string
	}{{up, " 둘째"}, {up, " first"}, {up, " first"}, {down, " 둘째"}, {down, " draft"}, {down, " draft"}} {
		s.key(c.key)
		if line, _ := s.line(); line != c.want {
			t.Errorf("step %d: %q, want %q", i, line, c.want)
		}
	}
}

func TestPaste(t *testing.T) {
	s := newStage(t, 60, 10, nil)
	s.join(lobby, "lobby", 0, 0)
	s.m.Update(tea.PasteMsg{Content: "one\ntwo\x1b[2J\x07"})
	if line, _ := s.line(); line != " one↵two␛[2J␇" {
		t.Errorf("pasted: %q", line)
	}
	s.m.Update(tea.PasteMsg{Content: strings.Repeat("가", 100_000)})
	s.fits()
}

func TestCompletion(t *testing.T) {
	s := newStage(t, 60, 12, nil)
	s.talk()
	tab := tea.KeyPressMsg{Code: tea.KeyTab}
	s.typed("AN")
	s.key(tab)
	if line, at := s.line(); line != " ann:" || at != 5 {
		t.Errorf("completed to %q, %d", line, at)
	}
	s.typed("민")
	s.key(tab)
	if line, _ := s.line(); line != " ann: 민지" {
		t.Errorf("completed to %q", line)
	}
}

// Wherever the cursor goes in a long line, it is on the screen and between the right
// characters.
func TestLongLineMovesSideways(t *testing.T) {
	s := newStage(t, 20, 10, nil)
	s.typed(strings.Repeat("가a", 30))
	for _, code := range []rune{tea.KeyLeft, tea.KeyRight} {
		for range 61 {
			s.key(tea.KeyPressMsg{Code: code})
			line, at := s.line()
			if at < 0 || at > 17 || len(line) == 0 {
				t.Fatalf("the cursor is at %d of %q", at, line)
			}
			s.fits()
		}
	}
}

// What a screen can not show is sent all the same: it is shown cleaned, and the text is
// the writer's.
func TestWhatWasTypedIsSent(t *testing.T) {
	for _, text := range []string{
		"\u200fשלום\u200e (ok)", "a\u202eb\u202c", "pay\u200bpal", "soft\u00adhyphen", "if x:\n\treturn\ty", "می\u200cخواهم",
		"z" + strings.Repeat("\u0301", 9), "\u2066a\u2069", "one\u2028two", "\ufeffBOM",
	} {
		for name, write := range map[string]func(s *stage){
			"typed":  func(s *stage) { s.typed(text) },
			"pasted": func(s *stage) { s.m.Update(tea.PasteMsg{Content: strings.ReplaceAll(text, "\n", "\r")}) },
		} {
			if name == "typed" && strings.ContainsAny(text, "\n\t") {
				continue // these are keys of their own
			}
			s := newStage(t, 60, 12, nil)
			s.join(lobby, "lobby", 0, 0)
			write(s)
			wantClean(t, "the input line", s.screen())
			s.fits()
			effects := s.key(tea.KeyPressMsg{Code: tea.KeyEnter})
			if len(effects) != 1 || effects[0].(tui.Publish).Text != text {
				t.Errorf("%s %q: sent %+q", name, text, effects)
			}
			wantClean(t, "the room", s.screen())
			s.key(tea.KeyPressMsg{Code: tea.KeyUp})
			if effects := s.key(tea.KeyPressMsg{Code: tea.KeyEnter}); len(effects) != 1 || effects[0].(tui.Publish).Text != text {
				t.Errorf("%s %q and called back: sent %+q", name, text, effects)
			}
		}
	}
}

// Enter that was pressed before the screen stood comes as a line feed: each line is a
// message or a command of its own.
func TestLineFeedIsEnter(t *testing.T) {
	s := newStage(t, 60, 12, nil)
	s.join(lobby, "lobby", 0, 0)
	s.typed("hello")
	if effects := s.key(ctrl('j')); len(effects) != 1 || effects[0].(tui.Publish).Text != "hello" {
		t.Errorf("hello: %+v", effects)
	}
	s.typed("/rooms")
	if effects := s.key(ctrl('j')); len(effects) != 1 || effects[0] != (tui.Rooms{}) {
		t.Errorf("/rooms: %+v", effects)
	}
	s.m.Update(tea.PasteMsg{Content: "one\ntwo"}) // in brackets it is a line break
	if effects := s.key(tea.KeyPressMsg{Code: tea.KeyEnter}); len(effects) != 1 || effects[0].(tui.Publish).Text != "one\ntwo" {
		t.Errorf("pasted: %+v", effects)
	}
}

// A paste that comes as keys costs the same for each of them, at the end of the line and
// within it. What is allocated is taken for the work: who copies the line shows there.
func TestTypingIsLinear(t *testing.T) {
	const letters = 4000
	for _, behind := range []string{"", strings.Repeat("b", letters)} {
		s := newStage(t, 60, 12, nil)
		s.m.Update(tea.PasteMsg{Content: behind})
		s.key(ctrl('a'))
		var from, to runtime.MemStats
		runtime.ReadMemStats(&from)
		s.typed(strings.Repeat("a가", letters/2))
		for range letters / 2 {
			s.key(tea.KeyPressMsg{Code: tea.KeyBackspace})
		}
		runtime.ReadMemStats(&to)
		if each := (to.TotalAlloc - from.TotalAlloc) / letters; each > 2000 {
			t.Errorf("%d bytes a key with %d letters behind the cursor", each, len(behind))
		}
		s.fits()
	}
}

// Wherever something is typed, the line has the characters that the whole of it has.
func TestTypingFindsCharactersAnew(t *testing.T) {
	const flags = "🇰🇷🇺🇸🇫🇷"
	for _, c := range []struct {
		name, behind, typed, want string
		right                     int // cursor, counted from the right
	}{
		{"half a flag before flags", flags, "🇩", "🇩" + flags, 3},
		{"a mark before a letter", "x", "e\u0301", "e\u0301x", 1},
		{"a joiner between two", "👩", "👨\u200d", "👨\u200d👩", 0},
	} {
		s := newStage(t, 60, 12, nil)
		s.m.Update(tea.PasteMsg{Content: c.behind})
		s.key(ctrl('a'))
		s.typed(c.typed)
		line, _ := s.line()
		if strings.TrimPrefix(line, " ") != c.want {
			t.Errorf("%s: %q", c.name, line)
		}
		for range c.right + 1 {
			s.key(tea.KeyPressMsg{Code: tea.KeyRight})
		}
		if _, at := s.line(); at != tui.Cells(c.want) {
			t.Errorf("%s: the end is at %d, want %d", c.name, at, tui.Cells(c.want))
		}
	}
}

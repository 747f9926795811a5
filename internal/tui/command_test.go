package tui_test

import (
	"strings"
	"testing"

	"sarang/internal/tui"
)

func TestParseCommand(t *testing.T) {
	for _, c := range []struct {
		line string
		want tui.Command
	}{
		{"hello", tui.Command{Verb: tui.VerbSay, Text: "hello"}},
		{" /join", tui.Command{Verb: tui.VerbSay, Text: " /join"}},
		{"//usr/bin", tui.Command{Verb: tui.VerbSay, Text: "/usr/bin"}},
		{"/join #dev", tui.Command{Verb: tui.VerbJoin, Room: "dev"}},
		{"/JOIN  dev ", tui.Command{Verb: tui.VerbJoin, Room: "dev"}},
		{"/join #사랑방", tui.Command{Verb: tui.VerbJoin, Room: "사랑방"}},
		{"/leave", tui.Command{Verb: tui.VerbLeave}},
		{"/leave #dev", tui.Command{Verb: tui.VerbLeave, Room: "dev"}},
		{"/create #x --ephemeral", tui.Command{Verb: tui.VerbCreate, Room: "x", Ephemeral: true}},
		{"/create -e x", tui.Command{Verb: tui.VerbCreate, Room: "x", Ephemeral: true}},
		{"/switch 2", tui.Command{Verb: tui.VerbSwitch, Number: 2}},
		{"/switch #2", tui.Command{Verb: tui.VerbSwitch, Room: "2"}},
		{"/switch dev", tui.Command{Verb: tui.VerbSwitch, Room: "dev"}},
		{"/rooms", tui.Command{Verb: tui.VerbRooms}},
		{"/members", tui.Command{Verb: tui.VerbMembers}},
		{"/history", tui.Command{Verb: tui.VerbHistory}},
		{"/help", tui.Command{Verb: tui.VerbHelp}},
		{"/quit", tui.Command{Verb: tui.VerbQuit}},
	} {
		got, err := tui.ParseCommand(c.line)
		if err != nil || got != c.want {
			t.Errorf("ParseCommand(%q) = %+v, %v; want %+v", c.line, got, err, c.want)
		}
	}
}

func TestParseCommandHints(t *testing.T) {
	for _, c := range []struct{ line, say string }{
		{"/", "/help"},
		{"/jion #x", "did you mean /join?"},
		{"/q", "did you mean /quit?"},
		{"/histroy", "did you mean /history?"},
		{"/xyzzy", "/help lists all"},
		{"/join", "usage: /join #room"},
		{"/join a b", `"b" is not understood; usage: /join`},
		{"/join ##", "usage: /join"},
		{"/switch 0", "counted from 1"},
		{"/switch", "which room?"},
		{"/rooms now", "not understood"},
		{"/\x1b[2J", "␛[2j"},
	} {
		_, err := tui.ParseCommand(c.line)
		if err == nil || !strings.Contains(err.Error(), c.say) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("ParseCommand(%q): %v; want %q in it", c.line, err, c.say)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add("/join #a")
	f.Add("/create --ephemeral 가")
	f.Fuzz(func(t *testing.T, line string) {
		c, err := tui.ParseCommand(line)
		if err == nil && c.Verb == tui.VerbSay && c.Text != line && "/"+c.Text != line {
			t.Fatalf("%q says %q", line, c.Text)
		}
	})
}

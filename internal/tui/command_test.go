package tui_test

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
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
		{"/join ABCD-EFGH-JKMN-PQRS", tui.Command{Verb: tui.VerbJoin, Code: "ABCD-EFGH-JKMN-PQRS"}},
		{"/join https://chat.example/#/join/ABCD-EFGH-JKMN-PQRS", tui.Command{Verb: tui.VerbJoin, Code: "ABCD-EFGH-JKMN-PQRS"}},
		{"/join abcd-efgh-jkmn-pqrs", tui.Command{Verb: tui.VerbJoin, Room: "abcd-efgh-jkmn-pqrs"}},
		{"/invite-link", tui.Command{Verb: tui.VerbMakeLink, For: 7 * 24 * time.Hour}},
		{"/invite-link 1d 5", tui.Command{Verb: tui.VerbMakeLink, For: 24 * time.Hour, Number: 5}},
		{"/invite-link EVER", tui.Command{Verb: tui.VerbMakeLink}},
		{"/invite-link 3", tui.Command{Verb: tui.VerbMakeLink, For: 7 * 24 * time.Hour, Number: 3}},
		{"/invite-links", tui.Command{Verb: tui.VerbLinks}},
		{"/revoke-link 12", tui.Command{Verb: tui.VerbRevokeLink, Number: 12}},
		{"/filter", tui.Command{Verb: tui.VerbFilter}},
		{"/filter +Buy  now", tui.Command{Verb: tui.VerbFilter, Text: "+Buy now"}},
		{"/filter LINKS off", tui.Command{Verb: tui.VerbFilter, Text: "links off"}},
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
		{"/role bob moderator", tui.Command{Verb: tui.VerbRole, Who: "bob", Role: chat.RoleModerator}},
		{"/role @Bob None", tui.Command{Verb: tui.VerbRole, Who: "Bob", Role: chat.RoleNone}},
		{"/role bob reader 10m shout", tui.Command{Verb: tui.VerbRole, Who: "bob", Role: chat.RoleReader, For: 10 * time.Minute, Reason: "shout"}},
		{"/kick bob: too loud", tui.Command{Verb: tui.VerbKick, Who: "bob", Reason: "too loud"}},
		{"/ban bob", tui.Command{Verb: tui.VerbBan, Who: "bob", Role: chat.RoleBanned}},
		{"/rename #Tea", tui.Command{Verb: tui.VerbRename, Room: "Tea"}},
		{"/delete-room tea", tui.Command{Verb: tui.VerbDeleteRoom, Room: "tea"}},
		{"/archive", tui.Command{Verb: tui.VerbArchive, Setting: chat.Setting{Kind: chat.EventArchive, Value: 1}}},
		{"/archive off", tui.Command{Verb: tui.VerbArchive, Setting: chat.Setting{Kind: chat.EventArchive}}},
		{"/slow 5m", tui.Command{Verb: tui.VerbSlow, Setting: chat.Setting{Kind: chat.EventSlow, Value: 300}}},
		{"/retention 30d", tui.Command{Verb: tui.VerbRetain, Setting: chat.Setting{Kind: chat.EventRetain, Value: 30 * 86400}}},
		{"/retention off", tui.Command{Verb: tui.VerbRetain, Setting: chat.Setting{Kind: chat.EventRetain}}},
		{"/slow off", tui.Command{Verb: tui.VerbSlow, Setting: chat.Setting{Kind: chat.EventSlow}}},
		{"/describe all of it", tui.Command{Verb: tui.VerbDescribe, Text: "all of it"}},
		{"/ban bob 1d", tui.Command{Verb: tui.VerbBan, Who: "bob", Role: chat.RoleBanned, For: 24 * time.Hour}},
		{"/ban bob 2w it was 1d", tui.Command{Verb: tui.VerbBan, Who: "bob", Role: chat.RoleBanned, For: 14 * 24 * time.Hour, Reason: "it was 1d"}},
		{"/ban bob 0d", tui.Command{Verb: tui.VerbBan, Who: "bob", Role: chat.RoleBanned, Reason: "0d"}},
		{"/create #x -p", tui.Command{Verb: tui.VerbCreate, Room: "x", Private: true}},
		{"/invite bob", tui.Command{Verb: tui.VerbInvite, Who: "bob", Role: chat.RoleMember}},
		{"/unban 민지", tui.Command{Verb: tui.VerbUnban, Who: "민지"}},
		{"/mute bob 30s", tui.Command{Verb: tui.VerbMute, Who: "bob", Role: chat.RoleReader, For: 30 * time.Second}},
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
		{"/join", "usage: /join #room|CODE"},
		{"/join a b", `"b" is not understood; usage: /join`},
		{"/join ##", "usage: /join"},
		{"/switch 0", "counted from 1"},
		{"/switch", "which room?"},
		{"/invite-link 2y", "not understood"},
		{"/invite-link 60w", "a year is the longest"},
		{"/invite-link 5 5", "not understood"},
		{"/revoke-link", "which one?"},
		{"/revoke-link all", "which one?"},
		{"/filter spam", "is not taken any more"},
		{"/filter +", "is not taken any more"},
		{"/kick", "who?; usage: /kick NAME"},
		{"/role bob", "which role"},
		{"/role bob king", "which role"},
		{"/role b/b member", "contains '/'"},
		{"/unban bob 1d", "not understood"},
		{"/slow", "how long"},
		{"/retention", "how long"},
		{"/retention 59s", "how long"},
		{"/retention 11y", "how long"},
		{"/rename", "which room"},
		{"/slow 7h", "how long"},
		{"/archive maybe", "archived, or it is not"},
		{"/invite bob now", "not understood"},
		{"/ban bob 4000w", "ten years"},
		{"/ban bob " + strings.Repeat("x", 600), "too long"},
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

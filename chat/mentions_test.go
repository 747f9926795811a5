package chat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sarang/chat"
)

func TestMentions(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "[]",
		"hi [@Ann](user:7)!":              "[7 Ann 3:17]",
		"[@room](user:all)":               "[0 room 0:17]",
		"[@a](user:7)[@b](user:7)":        "[7 a 0:12 7 b 12:24]",
		"[@안녕 하나](user:18)":               "[18 안녕 하나 0:25]",
		`\[@Ann](user:7)`:                 "[]",
		"[@Ann](user:0)":                  "[]",
		"[@Ann](user:07)":                 "[]",
		"[@Ann](user:7 )":                 "[]",
		"[@Ann](user:-7)":                 "[]",
		"[@Ann](user:)":                   "[]",
		"[@](user:7)":                     "[]",
		"[Ann](user:7)":                   "[]",
		"[@A]n](user:7)":                  "[]",
		"[@[@Ann](user:7)":                "[7 Ann 2:16]",
		"[@A\nn](user:7)":                 "[]",
		"[@a](user:x)[@b](user:8)":        "[8 b 12:24]",
		"[@a](user:[@b](user:8)":          "[8 b 10:22]",
		"[@x](user:9223372036854775807)":  "[9223372036854775807 x 0:30]",
		"[@x](user:9223372036854775808)":  "[]",
		"[@x](user:18446744073709551616)": "[]",
		"[@" + strings.Repeat("a", chat.MentionNameBytesMax) + "](user:7)":   fmt.Sprintf("[7 %s 0:%d]", strings.Repeat("a", chat.MentionNameBytesMax), chat.MentionNameBytesMax+11),
		"[@" + strings.Repeat("a", chat.MentionNameBytesMax+1) + "](user:7)": "[]",
	} {
		var got []string
		for m := range chat.Mentions(text) {
			got = append(got, fmt.Sprintf("%d %s %d:%d", m.User, m.Name, m.Start, m.End))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q mentions %v, want %s", text, got, want)
		}
	}
	if text := chat.MentionText(7, "[A]n\\n\n"); text != "[@Ann](user:7)" {
		t.Errorf("%q", text)
	}
	long := chat.MentionText(7, strings.Repeat("가", 100))
	if users := chat.MentionedUsers(long); !slices.Equal(users, []chat.UserID{7}) || !utf8.ValidString(long) {
		t.Errorf("%q mentions %v", long, users)
	}
	var many strings.Builder
	for u := range chat.UserID(chat.MentionsPerMessageMax) {
		many.WriteString(chat.MentionText(u, "x") + chat.MentionText(u, "y"))
	}
	if err := chat.CheckMentions(many.String()); err != nil || !chat.MentionsAll(many.String()) {
		t.Errorf("as many as may be: %v", err)
	}
	many.WriteString(chat.MentionText(1000, "x"))
	if err := chat.CheckMentions(many.String()); chat.CodeOf(err) != chat.CodeTooMany {
		t.Errorf("one too many: %v", err)
	}
	if n := len(chat.MentionedUsers(many.String())); n != chat.MentionsPerMessageMax {
		t.Errorf("%d are mentioned", n)
	}
}

// FuzzMentions gives any text: what is found stands there, in order, and is found again in what
// MentionText writes; the quick questions have the answers of the slow one.
func FuzzMentions(f *testing.F) {
	for _, s := range []string{"", "[@Ann](user:7)", `\[@Ann](user:7)[@room](user:all)`, "[@[@a](user:1)](user:2)", "[@\xff](user:18446744073709551615)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end, all := 0, false
		for m := range chat.Mentions(text) {
			if m.Start < end || m.End > len(text) || !strings.HasPrefix(text[m.Start:], "[@"+m.Name+"](user:") || text[m.End-1] != ')' {
				t.Fatalf("%q has a mention %+v behind %d", text, m, end)
			}
			if m.Start > 0 && text[m.Start-1] == '\\' {
				t.Fatalf("%q: %+v stands behind a backslash", text, m)
			}
			if clear := !strings.ContainsFunc(m.Name, func(r rune) bool { return r < ' ' || r == utf8.RuneError }); clear {
				if again := chat.MentionText(m.User, m.Name); again != text[m.Start:m.End] {
					t.Fatalf("%q is written %q", text[m.Start:m.End], again)
				}
			}
			end, all = m.End, all || m.User == 0
		}
		if chat.MentionsAll(text) != all {
			t.Fatalf("%q mentions everybody: %v", text, !all)
		}
		if e := (chat.Event{Kind: chat.EventMessage, Text: text}); end > 0 && !e.Links() {
			t.Fatalf("%q mentions somebody, and has no links", text)
		}
		if users := chat.MentionedUsers(text); len(users) > chat.MentionsPerMessageMax || (end > 0) != (len(users) > 0) {
			t.Fatalf("%q mentions %v", text, users)
		}
	})
}

package tui_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"sarang/internal/tui"
)

func TestCleanText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "hello, world", "hello, world"},
		{"Korean", "안녕하세요", "안녕하세요"},
		{"clear screen", "a\x1b[2Jb", "a␛[2Jb"},
		{"title", "\x1b]0;owned\x07", "␛]0;owned␇"},
		{"C1 introducer", "a\u009b31mb", "a�31mb"},
		{"raw C1 byte", "a\x9b31mb", "a�31mb"},
		{"delete", "a\x7f", "a␡"},
		{"backspaces", "good\b\b\b\bevil", "good␈␈␈␈evil"},
		{"carriage return", "a\rb", "a\nb"},
		{"line break of Windows", "a\r\nb", "a\nb"},
		{"line and paragraph separator", "a\u2028b\u2029c\u0085d", "a\nb\nc\nd"},
		{"tab", "a\tb", "a    b"},
		{"right-to-left override", "abc\u202Etxt.exe", "abc�txt.exe"},
		{"isolates", "\u2066a\u2069", "�a�"},
		{"zero-width space", "pay\u200bpal\ufeff", "paypal"},
		{"family", "👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"},
		{"Persian with a non-joiner", "می\u200cخواهم", "می\u200cخواهم"},
		{"decomposed", "e\u0301", "e\u0301"},
		{"not UTF-8", "a\xff\xfeb", "a��b"},
		{"annotations", "\ufff9a\ufffb", "�a�"},
		{"NUL", "a\x00b", "a␀b"},
	} {
		if got := tui.CleanText(c.in); got != c.want {
			t.Errorf("%s: CleanText(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
	if got := tui.CleanText("z" + strings.Repeat("\u0301", 500)); len(got) > 20 {
		t.Errorf("500 marks on one letter become %d bytes", len(got))
	}
	if got := tui.CleanLine("a\nb\r\nc"); got != "a↵b↵c" {
		t.Errorf("CleanLine = %q", got)
	}
}

// What comes out is text and nothing else, however odd what goes in.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"a\x1b[2J", "\u009b1m", "한글\u202e", "\xff\x9b", "e\u0301\u0301", "\x1b]8;;http://x\x1b\\y", "👨\u200d👩"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := tui.CleanText(s)
		if !utf8.ValidString(text) {
			t.Fatalf("%q became %q: not UTF-8", s, text)
		}
		for _, r := range text {
			if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q became %q with %U", s, text, r)
			}
		}
		if ansi.Strip(text) != text {
			t.Fatalf("%q became %q: a terminal sees a sequence in it", s, text)
		}
		if again := tui.CleanText(text); again != text {
			t.Fatalf("%q became %q, and that %q", s, text, again)
		}
		if line := tui.CleanLine(s); strings.ContainsAny(line, "\n\r\x1b") {
			t.Fatalf("%q became the line %q", s, line)
		}
	})
}

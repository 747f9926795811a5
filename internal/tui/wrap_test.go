package tui_test

import (
	"slices"
	"strings"
	"testing"

	"sarang/internal/tui"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, in      string
		first, others int
		want          []string
	}{
		{"fits", "hello", 10, 10, []string{"hello"}},
		{"empty", "", 10, 10, []string{""}},
		{"words", "the quick brown fox", 9, 9, []string{"the quick", "brown fox"}},
		{"a narrower first line", "the quick brown fox", 4, 9, []string{"the", "quick", "brown fox"}},
		{"a word that is too long", "abcdefghij", 4, 4, []string{"abcd", "efgh", "ij"}},
		{"a long word after a short one", "ab cdefghij", 4, 4, []string{"ab", "cdef", "ghij"}},
		{"Korean breaks at spaces", "안녕하세요 여러분", 12, 12, []string{"안녕하세요", "여러분"}},
		{"Korean without spaces, two cells each", "가나다라마바사", 7, 7, []string{"가나다", "라마바", "사"}},
		{"Chinese breaks anywhere", "ab 我能吞下玻璃", 8, 8, []string{"ab 我能", "吞下玻璃"}},
		{"line breaks", "a\n\nb", 5, 5, []string{"a", "", "b"}},
		{"marks have no width", "e\u0301e\u0301e\u0301", 3, 3, []string{"e\u0301e\u0301e\u0301"}},
		{"spaces at the break", "abc    def", 3, 3, []string{"abc", "def"}},
		{"wider than the line", "가", 1, 1, []string{"?"}},
	} {
		if got := tui.Wrap(c.in, c.first, c.others); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// No line is wider than asked for, and nothing but spaces is lost.
func FuzzWrap(f *testing.F) {
	f.Add("hello 안녕하세요 world 👨\u200d👩\u200d👧 x", 10, 7)
	f.Add("a  b   c", 1, 2)
	f.Add("가나다abc def", 3, 5)
	f.Fuzz(func(t *testing.T, s string, first, others int) {
		first, others = 2+abs(first)%80, 2+abs(others)%80
		if others < first {
			first, others = others, first
		}
		s = tui.CleanText(s)
		lines := tui.Wrap(s, first, others)
		for i, l := range lines {
			width := others
			if i == 0 {
				width = first
			}
			if n := tui.Cells(l); n > width {
				t.Fatalf("%q in %d and %d cells: line %d is %q with %d", s, first, others, i, l, n)
			}
		}
		squeeze := strings.NewReplacer(" ", "", "\n", "")
		if got, want := squeeze.Replace(strings.Join(lines, "")), squeeze.Replace(s); got != want && !strings.Contains(got, "?") {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return max(-n, 0)
	}
	return n
}

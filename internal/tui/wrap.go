package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cluster cuts the first character, as a person would count, from s, and tells how
// many cells it takes on a terminal. s is clean.
func cluster(s string) (first, rest string, cells int) {
	if s[0] < 0x80 && (len(s) == 1 || s[1] < 0x80) {
		return s[:1], s[1:], 1
	}
	first, cells = ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return first, s[len(first):], max(cells, ansi.WcWidth.StringWidth(first))
}

// cellsOf is the width of a clean s without line breaks.
func cellsOf(s string) (cells int) {
	for s != "" {
		var n int
		_, s, n = cluster(s)
		cells += n
	}
	return cells
}

// cut returns the longest beginning of s that fits into cells, with "…" at its end if
// that is not all of s.
func cut(s string, cells int) string {
	if cellsOf(s) <= cells {
		return s
	}
	if cells < 1 {
		return ""
	}
	used, end := 0, 0
	for rest := s; rest != ""; {
		first, next, n := cluster(rest)
		if used+n > cells-1 {
			break
		}
		used, end, rest = used+n, end+len(first), next
	}
	return s[:end] + "…"
}

// pad returns s followed by spaces up to cells, cut if it is longer.
func pad(s string, cells int) string {
	s = cut(s, cells)
	return s + strings.Repeat(" ", max(0, cells-cellsOf(s)))
}

// wrap breaks s into lines of at most the given cells: at its line breaks, else at
// spaces, else wherever a line is full. The first line may be narrower than the
// others. A character that is wider than a whole line is shown as "?".
func wrap(s string, first, others int) []string {
	first, others = max(first, 1), max(others, 1)
	var lines []string
	width := first
	for paragraph := range strings.SplitSeq(s, "\n") {
		lines = wrapParagraph(lines, paragraph, width, others)
		width = others
	}
	return lines
}

func wrapParagraph(lines []string, s string, width, others int) []string {
	var (
		line  string // what is on the line for sure
		word  string // what follows, up to the next space
		lineN int    // cells of both
		wordN int
	)
	next := func(keep string) {
		lines, width = append(lines, strings.TrimRight(keep, " ")), others
	}
	for s != "" {
		first, rest, n := cluster(s)
		s = rest
		if n > others {
			first, n = "?", 1
		}
		for lineN+wordN+n > width {
			if first == " " { // the break itself needs no place
				break
			}
			if line == "" || wordN+n > others {
				next(line + word)
				line, word, lineN, wordN = "", "", 0, 0
				continue
			}
			next(line)
			line, lineN = "", 0
		}
		if word, wordN = word+first, wordN+n; first == " " || n > 1 && breaksAnywhere(first[0]) {
			line, lineN, word, wordN = line+word, lineN+wordN, "", 0
		}
	}
	return append(lines, strings.TrimRight(line+word, " "))
}

// breaksAnywhere reports whether a wide character that begins with the byte b may be
// parted from the next one: Chinese, Japanese and emoji have no spaces to break at,
// Korean has.
func breaksAnywhere(b byte) bool { return b >= 0xe3 && b <= 0xe9 || b >= 0xf0 }

package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// marksMax is how many combining marks are kept on one character. No writing system
// needs more; more of them paint over the lines above and below.
const marksMax = 6

// CleanText returns s so that a terminal shows it and does nothing else: valid UTF-8,
// no control character but "\n", no escape sequence, nothing that turns the direction
// of what follows. Control characters become the symbols that Unicode has for them,
// tabs become spaces, and the other line breaks of Unicode become "\n".
func CleanText(s string) string { return clean(s, "\n") }

// CleanLine is CleanText for what must stay on one line, such as a name: a line break
// becomes "↵".
func CleanLine(s string) string { return clean(s, "↵") }

func clean(s, lineBreak string) string {
	if plainASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if unicode.Is(unicode.M, r) {
			if marks++; marks > marksMax {
				continue
			}
		} else if r != '\u200d' { // a joiner binds what is before it to what comes
			marks = 0
		}
		switch {
		case r == '\r' && strings.HasPrefix(s[i:], "\n"):
			// the "\n" stands for both
		case r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			b.WriteString(lineBreak)
		case r == '\t':
			b.WriteString("    ")
		default:
			writeVisible(&b, r)
		}
	}
	return b.String()
}

// plainASCII reports whether s is nothing but printable ASCII, as most lines are.
func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// writeVisible writes r, or what stands for it.
func writeVisible(b *strings.Builder, r rune) {
	switch {
	case r < ' ':
		b.WriteRune('\u2400' + r) // the symbols for C0
	case r == 0x7f:
		b.WriteRune('\u2421')
	case r >= 0x80 && r < 0xa0, hidden(r):
		b.WriteRune(utf8.RuneError) // C1: 0x9b alone begins a sequence on some terminals
	case unicode.Is(unicode.Cf, r) && !joins(r):
		// invisible and of no use on a terminal: zero-width spaces, soft hyphens
	default:
		b.WriteRune(r)
	}
}

// hidden are the characters that change how their neighbours are shown: the marks
// and overrides of writing direction, with which a text can pose as another one.
func hidden(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r) || r >= 0xfff9 && r <= 0xfffb || unicode.Is(unicode.Cs, r)
}

// joins are the invisible characters that letters and emoji are made with.
func joins(r rune) bool {
	return r == '\u200c' || r == '\u200d' || r >= 0xe0020 && r <= 0xe007f || unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

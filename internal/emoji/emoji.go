// Package emoji says what may be put on a message.
package emoji

import (
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"sarang/chat"
)

// Is reports whether s is one emoji: one grapheme cluster (UAX 29) of bounded length that
// begins with a character which is shown as a picture, or is a flag or a keycap. Emojis that
// are newer than the program's tables are known by their blocks.
func Is(s string) bool {
	if s == "" || len(s) > chat.EmojiBytesMax || !utf8.ValidString(s) {
		return false
	}
	cluster, rest, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
	if cluster != s || rest != "" {
		return false
	}
	first, size := utf8.DecodeRuneInString(s)
	switch {
	case first >= flagFirst && first <= flagLast:
		second, n := utf8.DecodeRuneInString(s[size:])
		return second >= flagFirst && second <= flagLast && size+n == len(s)
	case first < utf8.RuneSelf:
		return keycap(s[size:]) && (first == '#' || first == '*' || first >= '0' && first <= '9')
	case first >= toneFirst && first <= toneLast:
		return false // it belongs to what is in front of it
	}
	return pictured(first) && joined(s[size:])
}

const (
	flagFirst, flagLast = 0x1f1e6, 0x1f1ff // regional indicators, two of which are a flag
	toneFirst, toneLast = 0x1f3fb, 0x1f3ff // skin tones
	variation           = 0xfe0f           // as a picture
	enclosing           = 0x20e3           // the cap of a key
	joiner              = 0x200d
	tagFirst, tagLast   = 0xe0020, 0xe007f // flags of parts of countries
)

// keycap reports whether rest makes a keycap of a digit.
func keycap(rest string) bool {
	return rest == string(rune(variation))+string(rune(enclosing)) || rest == string(rune(enclosing))
}

// joined reports whether there is nothing in the rest of a cluster but what emojis are made of.
func joined(rest string) bool {
	for _, r := range rest {
		switch {
		case r == variation, r == joiner, r == enclosing, r >= toneFirst && r <= toneLast, r >= tagFirst && r <= tagLast, pictured(r):
		default:
			return false
		}
	}
	return true
}

// pictured reports whether r is shown as a picture: what emoji-data.txt has as
// Extended_Pictographic, and some symbols beside it.
func pictured(r rune) bool {
	switch {
	case r >= 0x1f000 && r <= 0x1faff:
		return r < flagFirst || r > flagLast
	case r >= 0x2800 && r <= 0x28ff: // Braille
		return false
	case r >= 0x2190 && r <= 0x2bff:
		return unicode.In(r, unicode.So, unicode.Sm)
	}
	switch r {
	case 0xa9, 0xae, 0x203c, 0x2049, 0x2122, 0x2139, 0x3030, 0x303d, 0x3297, 0x3299:
		return true
	}
	return false
}

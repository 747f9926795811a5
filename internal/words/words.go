// Package words cuts texts into words, for all stores in the same way: what a search finds does
// not depend on the database. It knows no store and does no I/O.
//
// # Basics
//
// A text is a sequence of units. Letters and digits that stand together are one unit, with case
// and accents taken off. Of scripts that put no spaces between words (Han, Hiragana, Katakana,
// Thai and others), and of Hangul, whose words carry their endings with them, each character is a
// unit, which may be glued to the one before it.
//
// An index keeps the Terms of a text: its words, and of glued characters the pairs. A Query is
// looked up by its own Terms; then Query.Find says of each text that has all of them whether it is
// really found, and where.
//
// # Caveats
//
// Terms must never be told otherwise for the same text while an index is there that was made
// of them: what is taken out of it is what Terms says. Version tells when that has changed.
package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Version is another one when MessageTerms may say something else of a message. An index that was made
// with another Version has to be made anew.
func Version() string { return "2/" + norm.Version + "/" + unicode.Version }

// TermBytesMax bounds a term. A longer word is found by what stands in front of that.
const TermBytesMax = 64

// unit is a word, or a character of a script that is written without spaces.
type unit struct {
	text     string // folded
	from, to int    // in the original, in bytes
	alone    bool   // a character
	glued    bool   // it stands right behind another character
}

// class says what a rune is to the splitter.
type class uint8

const (
	classNone  class = iota // between words
	classWord               // of a word
	classAlone              // a word by itself, which may be glued to the one before
	classMark               // belongs to what stands before it
)

// solid are the scripts of which each character is a unit.
var solid = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Yi,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

const (
	prolonged         = 0x30FC // ー
	prolongedHalf     = 0xFF70
	squaredFirst      = 0x3300 // words of Katakana in one character
	squaredLast       = 0x3357
	joiner, nonJoiner = 0x200D, 0x200C
)

func classOf(r rune) class {
	if r < utf8.RuneSelf {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return classWord
		}
		return classNone
	}
	switch {
	case common(r):
		return classAlone
	case joins(r):
		return classMark
	case r == prolonged || r == prolongedHalf || r >= squaredFirst && r <= squaredLast:
		return classAlone
	case !unicode.In(r, unicode.L, unicode.N, unicode.M):
		return classNone
	case unicode.In(r, solid...):
		return classAlone
	case unicode.Is(unicode.M, r):
		return classMark
	}
	return classWord
}

// common reports whether r is one of the characters that most texts of Korean, Japanese and
// Chinese consist of. They fold to themselves.
func common(r rune) bool {
	return r >= 0x3041 && r <= 0x3096 || r >= 0x30A1 && r <= 0x30FA || r >= 0x4E00 && r <= 0x9FFF || r >= 0xAC00 && r <= 0xD7A3
}

// joins reports whether r is no character of its own, whatever its script: what makes syllables of
// Hangul and voiced kana of their parts, variation selectors, and joiners.
func joins(r rune) bool {
	return r >= 0x1160 && r <= 0x11FF || r == 0x3099 || r == 0x309A || r == 0xFF9E || r == 0xFF9F ||
		r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF || r == joiner || r == nonJoiner
}

// units calls each with the units of a text, in order, until it returns false.
func units(text string, each func(unit) bool) {
	last := -1 // where the character that the next one may be glued to ends
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		from, c := i, classOf(r)
		i += size
		switch c {
		case classNone, classMark:
			continue
		case classWord:
			i = after(text, i, classWord, classMark)
			if s := fold(text[from:i]); s != "" && !each(unit{text: s, from: from, to: i}) {
				return
			}
		case classAlone:
			i = after(text, i, classMark, classMark)
			for _, r := range fold(text[from:i]) {
				if !each(unit{text: string(r), from: from, to: i, alone: true, glued: last == from || last == i}) {
					return
				}
				last = i // the rest of what it was folded to, and the next one, are glued to it
			}
		}
	}
}

// after is where the first rune behind i stands that is of neither class.
func after(text string, i int, a, b class) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if c := classOf(r); c != a && c != b {
			break
		}
		i += size
	}
	return i
}

// fold takes case, accents and compatibility forms off a word.
func fold(s string) string {
	if lower, ascii := foldASCII(s); ascii {
		return lower
	}
	if r, size := utf8.DecodeRuneInString(s); size == len(s) && common(r) {
		return s
	}
	// Twice, for what is folded may come apart once more.
	for range 2 {
		s = strings.Map(keep, norm.NFKD.String(s))
		s = cases.Fold().String(s)
	}
	return norm.NFC.String(strings.Map(keep, norm.NFKD.String(s)))
}

func foldASCII(s string) (string, bool) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// keep maps a decomposed rune to what is left of it, -1 for nothing.
func keep(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		if classOf(r) != classWord {
			return -1
		}
		return r
	case r >= 0x300 && r <= 0x36F, // accents of Latin, Greek and Cyrillic
		r >= 0x591 && r <= 0x5C7,             // points of Hebrew
		r >= 0x64B && r <= 0x65F, r == 0x670, // vowels of Arabic
		r == 0x640, // and what stretches its letters
		joins(r) && (r < 0x1160 || r > 0x11FF) && r != 0x3099 && r != 0x309A:
		return -1
	case !unicode.In(r, unicode.L, unicode.N, unicode.M):
		return -1
	}
	if plain, is := strokes[r]; is {
		return plain
	}
	return r
}

// strokes are letters whose accent is part of them, and not decomposed.
var strokes = map[rune]rune{
	'ø': 'o', 'Ø': 'o', 'ł': 'l', 'Ł': 'l', 'đ': 'd', 'Đ': 'd', 'ħ': 'h', 'Ħ': 'h', 'ı': 'i', 'ŧ': 't', 'Ŧ': 't',
}

// Terms are what an index keeps of a text: each once, in the order in which they come.
func Terms(text string) []string {
	seen := make(map[string]bool)
	var terms []string
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			terms = append(terms, s)
		}
	}
	before := "" // a character that the next one may make a pair with
	units(text, func(u unit) bool {
		switch {
		case u.glued && before != "":
			add(before + u.text)
		case before != "":
			add(before) // the last of a run: who looks for one character finds it by this
		}
		before = ""
		if u.alone {
			before = u.text
		} else {
			add(cut(u.text))
		}
		return true
	})
	if before != "" {
		add(before)
	}
	return terms
}

// cut is the beginning of a word that is a term.
func cut(s string) string {
	if len(s) <= TermBytesMax {
		return s
	}
	n := TermBytesMax
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// HasLink reports whether a text has an address of the web in it.
func HasLink(text string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], "://")
		if i < 0 {
			return false
		}
		i += at
		at = i + len("://")
		scheme := strings.ToLower(text[max(i-len("https"), 0):i])
		if !strings.HasSuffix(scheme, "http") && scheme != "https" {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(text[at:]); unicode.IsLetter(r) || unicode.IsDigit(r) || r == '[' {
			return true
		}
	}
}

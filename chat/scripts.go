package chat

import "unicode"

// scriptsMix reports whether s mixes scripts in a way that can imitate another name,
// such as a Cyrillic "а" among Latin letters. Allowed are (after the "moderately
// restrictive" level of Unicode Technical Standard 39, section 5.2):
//
//   - one script;
//   - Latin with Han, Hiragana and Katakana; with Han and Hangul; with Han and
//     Bopomofo: the ways Japanese, Korean and Chinese are written;
//   - Latin with one other script, but for Cyrillic, Greek and Cherokee, whose
//     letters look like Latin ones.
//
// Digits, marks and punctuation that all scripts share do not count. A name that
// imitates another wholly in one script is not found by this.
func scriptsMix(s string) bool {
	var latin, han, hangul, kana, bopomofo bool
	var other *unicode.RangeTable
	for _, r := range s {
		switch {
		case r < 0x80:
			latin = latin || unicode.IsLetter(r)
		case unicode.In(r, unicode.Common, unicode.Inherited):
		case unicode.Is(unicode.Hangul, r):
			hangul = true
		case unicode.Is(unicode.Han, r):
			han = true
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana = true
		case unicode.Is(unicode.Bopomofo, r):
			bopomofo = true
		case unicode.Is(unicode.Latin, r):
			latin = true
		case other == nil:
			other = scriptOf(r)
		case !unicode.Is(other, r):
			return true
		}
	}
	eastern := count(hangul, kana, bopomofo)
	if other != nil {
		likeLatin := other == unicode.Cyrillic || other == unicode.Greek || other == unicode.Cherokee
		return eastern > 0 || han || latin && likeLatin
	}
	return eastern > 1
}

func count(flags ...bool) int {
	n := 0
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}

// scriptOf returns the table of the script that r belongs to, an empty one if it
// is in none: such a letter mixes with nothing.
func scriptOf(r rune) *unicode.RangeTable {
	for _, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return table
		}
	}
	return &unicode.RangeTable{}
}

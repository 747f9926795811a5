package chat

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// confusable is a letter and what it looks like.
type confusable struct {
	from rune
	to   string
}

// Skeleton returns the form by which the comparison forms of names look alike: two names
// with one skeleton can be taken for each other, such as "admın" for "admin", or Cyrillic
// "сара" for "capa". It is for comparing alone, and no name. It is the skeleton of UTS 39,
// section 4, but for ASCII, which stays as it is: "corn" and "com", or "a1" and "al", are
// left to the reader's eyes.
func Skeleton(key string) string {
	if isASCII(key) {
		return key
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(key) {
		at, found := slices.BinarySearchFunc(confusables[:], r, func(c confusable, r rune) int { return cmp.Compare(c.from, r) })
		if found {
			b.WriteString(confusables[at].to)
		} else {
			b.WriteRune(r)
		}
	}
	return norm.NFD.String(b.String())
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// foldCase is Unicode's simple case folding, to the small letter that belongs to the capital:
// the final sigma is a sigma. What has no other case stays.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsMark(r) {
			return r
		}
		small := unicode.ToLower(unicode.ToUpper(r))
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			if o == small {
				return small
			}
		}
		return r // a dotless i is no form of i
	}, s)
}

// punctuation is what may stand in names beside letters, marks and digits.
const punctuation = "-_.・"

// reservedForm is what the reserved names are compared by: what a name looks like, without
// the punctuation around it, and with the digits taken for letters that are used for them.
func reservedForm(key string) string {
	s := strings.Trim(Skeleton(key), punctuation)
	return lookalikes().Replace(s)
}

// lookalikes takes digits and letters for those that they are used for.
var lookalikes = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("0", "o", "1", "i", "l", "i", "rn", "m")
})

// reservedNames would seem to speak for the server. The Korean words are "administrator",
// "operator" and "server".
func reservedNames() []string {
	return []string{
		"server", "system", "admin", "administrator", "sarang", "root", "operator",
		"관리자", "운영자", "서버", "사랑방",
	}
}

// reservedForms are the forms of the reserved names: every login is compared with them.
var reservedForms = sync.OnceValue(func() map[string]bool {
	forms := map[string]bool{}
	for _, name := range reservedNames() {
		forms[reservedForm(name)] = true
	}
	return forms
})

// userNameReserved reports whether a name can be taken for one of these.
func userNameReserved(key string) bool {
	return reservedForms()[reservedForm(key)]
}

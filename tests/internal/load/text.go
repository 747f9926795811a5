package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// letters are what texts are made of: one, two, three and four bytes each.
func letters() []rune { return []rune("abcdefgh ijklmno.éßñ안녕하세요사랑방🍵👋") }

// textOf is the text of an author's message: the same for the same numbers, so that
// the ledger need not hold it. Most are short, a few go up to bytesMax.
func textOf(seed uint64, author string, counter, bytesMax int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d ", author, counter)
	rng := rand.New(rand.NewPCG(seed^hashOf(author), uint64(counter)))
	most := 120
	switch rng.IntN(20) {
	case 0:
		most = bytesMax
	case 1, 2:
		most = 2000
	}
	all := letters()
	for size := rng.IntN(most); b.Len() < size; {
		b.WriteRune(all[rng.IntN(len(all))])
	}
	text := b.String()
	if len(text) > bytesMax {
		text = strings.ToValidUTF8(text[:bytesMax], "")
	}
	return text
}

// hashOf spreads a name over 64 bits (FNV-1a).
func hashOf(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

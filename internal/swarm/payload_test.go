package swarm

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestPayloadCanBeMadeAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(SizeBytesMin, 3000).Draw(t, "size")
		p := newPayloads(rapid.Uint64().Draw(t, "seed"), size)
		m := message{
			publisher: rapid.Uint32Range(0, ClientsMax).Draw(t, "publisher"),
			counter:   rapid.Uint32Min(1).Draw(t, "counter"),
			scheduled: rapid.Int64Range(0, 1<<50).Draw(t, "scheduled"),
		}
		text := string(p.append(nil, m))
		if len(text) != size || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			t.Fatalf("%d bytes (want %d), valid %v: %q", len(text), size, utf8.ValidString(text), text)
		}
		got, ok := p.check(text)
		if !ok || got != m {
			t.Fatalf("check(%q) = %+v, %v; want %+v", text, got, ok, m)
		}
	})
}

func TestPayloadChangeIsFound(t *testing.T) {
	p := newPayloads(7, 200)
	text := string(p.append(nil, message{publisher: 3, counter: 9, scheduled: 123456789}))
	for i := range len(text) {
		for bit := range 8 {
			b := []byte(text)
			b[i] ^= 1 << bit
			if m, ok := p.check(string(b)); ok {
				t.Fatalf("bit %d of byte %d was flipped, and the text is still right: %+v", bit, i, m)
			}
		}
		if _, ok := p.check(text[:i]); ok {
			t.Fatalf("the text cut to %d bytes is still right", i)
		}
	}
	if _, ok := newPayloads(8, 200).check(text); ok {
		t.Fatal("a text of another run is right")
	}
	if _, ok := p.check(text + "x"); ok {
		t.Fatal("a text that is too long is right")
	}
}

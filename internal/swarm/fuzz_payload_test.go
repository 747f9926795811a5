package swarm

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzPayload reads any text as one of a run. One that counts as right is the very text
// that its publisher makes, and no other; and what it says of itself fits the header.
func FuzzPayload(f *testing.F) {
	for _, size := range []int{SizeBytesMin, 100, 200} {
		p := newPayloads(7, size)
		text := string(p.append(nil, message{publisher: 3, counter: 9, scheduled: 123456789}))
		f.Add(text, size, byte(0))
		f.Add(text[:len(text)-1], size, byte(5))
		f.Add(strings.ToUpper(text), size, byte(20))
		f.Add(text[:headerBytes], size, byte(255))
		f.Add(strings.Replace(text, " ", "_", 3), size, byte(60))
	}
	f.Add("S1 63cbe1e4 00001 00000001 00000000000000 00000000 abc", SizeBytesMin, byte(0))
	f.Add("S1 ", 64, byte(0))
	f.Add("", 128, byte(0))
	f.Fuzz(func(t *testing.T, text string, size int, flip byte) {
		size = SizeBytesMin + (size&0x7fffffff)%4096
		p := newPayloads(7, size)
		m, mine := p.parse(text)
		if mine {
			if m.publisher >= 1<<(4*publisherDigits) || m.scheduled < 0 || m.scheduled >= 1<<(4*scheduledDigits) {
				t.Fatalf("%q is %+v", text, m)
			}
			made := p.append([]byte("before"), m)
			if !bytes.HasPrefix(made, []byte("before")) || len(made) != len("before")+size || !utf8.Valid(made) {
				t.Fatalf("%+v makes %q", m, made)
			}
			if again, ok := p.parse(string(made[len("before"):])); !ok || again != m {
				t.Fatalf("%+v makes %q, which is %+v, %t", m, made, again, ok)
			}
			if _, ok := p.check(text); ok != (string(made[len("before"):]) == text) {
				t.Fatalf("check(%q): %t; %+v makes %q", text, ok, m, made)
			}
			text = string(made[len("before"):]) // and from here on it is right
		}
		checked, right := p.check(text)
		if right != mine {
			t.Fatalf("check(%q): %t", text, right)
		}
		if !right {
			return
		}
		if checked != m {
			t.Fatalf("check(%q) = %+v; want %+v", text, checked, m)
		}
		b := []byte(text)
		b[int(flip)%len(b)] ^= 1 << (flip % 8)
		if _, ok := p.check(string(b)); ok {
			t.Fatalf("%q is right, and so is %q", text, b)
		}
		if _, ok := newPayloads(8, size).check(text); ok {
			t.Fatalf("%q is right in another run", text)
		}
	})
}

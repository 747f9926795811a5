package swarm

import (
	"bytes"
	"fmt"
	"testing"
)

// FuzzStat reads anything as what the system tells of a process, and the figures of one
// with any name at all: who runs a program chooses its name.
func FuzzStat(f *testing.F) {
	f.Add([]byte("sarang"))
	f.Add([]byte(") S 1 (x"))
	f.Add([]byte("a b\nc)"))
	f.Add([]byte("1 (sarang) S 1 1 1 0 -1 4194304 1 0 0 0 9223372036854775808 1 0 0 20 0 1 0 1 1 1"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, b []byte) {
		given := bytes.Clone(b)
		if u, err := parseStat(b); err != nil && u != (usage{}) {
			t.Fatalf("%q: %+v, %v", b, u, err)
		}
		want, err := parseStat(fmt.Appendf(nil, "7 (x) S 1 1 1 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 1 0 1 1 3 0 0\n"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseStat(fmt.Appendf(nil, "7 (%s) S 1 1 1 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 1 0 1 1 3 0 0\n", b))
		if err != nil || got != want {
			t.Fatalf("a process named %q: %+v, %v; want %+v", b, got, err, want)
		}
		if !bytes.Equal(b, given) {
			t.Fatalf("%q became %q", given, b)
		}
	})
}

package simulate_test

import (
	"flag"
	"fmt"
	"testing"

	"sarang/internal/simulate"
)

var (
	everyMoment = flag.Bool("everymoment", false, "for TestEveryMoment: no moment is left out")
	strikeKind  = flag.Int("strike", -1, "for TestSeed: the kind of a Strike")
	strikeAt    = flag.Int("at", 0, "for TestSeed: its moment")
)

// TestEveryMoment takes a world in which nothing goes wrong, and does one thing to it:
// a reset at the first byte, at the second, ...; a kill at the first step, at the
// second, ...; the same for each call of the disk.
func TestEveryMoment(t *testing.T) {
	if slow {
		t.Skip("with checks in everything each moment takes ten seconds")
	}
	for kind := range simulate.StrikeKind(simulate.StrikeKinds) {
		t.Run(kind.String(), func(t *testing.T) {
			stride, tried := 1, 0
			if !*everyMoment {
				stride = 23
				if kind >= simulate.StrikeRefuse {
					stride = howMany(2, 4, 4) // there are fewer calls than bytes
				}
			}
			seeds := []uint64{2, 1}[:howMany(2, 1, 1)]
			for _, s := range seeds {
				for at := 0; ; at += stride {
					r := simulate.Run(s, simulate.Options{Strike: &simulate.Strike{Kind: kind, At: at}})
					if r.Failure != "" {
						t.Fatalf("moment %d: %s\n%s\nreplay: %s -strike=%d -at=%d", at, r.Failure, r.Stack, replay(r), kind, at)
					}
					if !r.Struck {
						break // the run was over before
					}
					tried++
				}
			}
			if tried < 2 {
				t.Errorf("only %d moments were there to strike", tried)
			}
			fmt.Printf("%-40s %5d moments\n", kind, tried)
		})
	}
}

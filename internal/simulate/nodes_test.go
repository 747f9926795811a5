package simulate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sarang/internal/simulate"
)

// checkNodes runs a seed with several nodes. A failure says how to see it again.
func checkNodes(t testing.TB, s uint64) simulate.Result {
	t.Helper()
	r := simulate.RunNodes(s, simulate.Options{Size: *size})
	if r.Failure != "" {
		t.Errorf("seed %d with several nodes fails after %v: %s\n%s\nreplay: %s", s, r.At, r.Failure, r.Stack, replay(r))
	}
	return r
}

func TestNodesFixedSeeds(t *testing.T) {
	for _, s := range fixed()[:howMany(30, 15, 1)] {
		checkNodes(t, s)
	}
}

func TestNodesRandomSeeds(t *testing.T) {
	for range howMany(20, 5, 0) {
		checkNodes(t, rand.Uint64()>>1)
	}
}

// TestNodesSeed replays one run with several nodes, with its transcript.
func TestNodesSeed(t *testing.T) {
	if *seed == 0 {
		t.Skip("it replays -seed=N")
	}
	r := simulate.RunNodes(*seed, simulate.Options{Size: *size, Transcript: func(line string) { fmt.Println(line) }})
	fmt.Printf("plan: %s\n", r.Plan)
	if r.Failure != "" {
		t.Errorf("seed %d with several nodes fails after %v: %s\n%s", *seed, r.At, r.Failure, r.Stack)
	}
}

// A transcript must not change a run with several nodes, nor must chance.
func TestNodesSameSeedSameRun(t *testing.T) {
	for _, s := range fixed()[:howMany(10, 5, 0)] {
		lines := 0
		silent := simulate.RunNodes(s, simulate.Options{})
		spoken := simulate.RunNodes(s, simulate.Options{Transcript: func(string) { lines++ }})
		if silent != spoken {
			t.Errorf("seed %d: without a transcript %+v\nwith one %+v", s, silent, spoken)
		}
	}
}

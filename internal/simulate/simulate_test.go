package simulate_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"sarang/internal/simulate"
)

var (
	seed = flag.Uint64("seed", 0, "for TestSeed: the run to replay")
	size = flag.Float64("size", 1, "how long one run is")
)

// fixed are the seeds that every check runs.
func fixed() []uint64 {
	seeds := make([]uint64, 30)
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	return seeds
}

// howMany is a number of seeds: for a whole test, for a short one, for a slow one.
func howMany(whole, short, slowly int) int {
	switch {
	case slow:
		return slowly
	case testing.Short():
		return short
	}
	return whole
}

// shortSize is the size of runs whose transcripts are wanted, for these cost.
func shortSize() float64 {
	if slow {
		return 0.1
	}
	return 1
}

// check runs a seed. A failure says how to see it again.
func check(t testing.TB, s uint64) simulate.Result {
	t.Helper()
	r := simulate.Run(s, simulate.Options{Size: *size})
	if r.Failure != "" {
		t.Errorf("seed %d fails after %v: %s\n%s\nreplay: %s", s, r.At, r.Failure, r.Stack, replay(r))
	}
	return r
}

func replay(r simulate.Result) string {
	test := "TestSeed"
	if r.Nodes {
		test = "TestNodesSeed"
	}
	command := fmt.Sprintf("go test ./internal/simulate -run '%s$' -seed=%d -v", test, r.Seed)
	if *size != 1 {
		command += fmt.Sprintf(" -size=%g", *size)
	}
	return command
}

func TestFixedSeeds(t *testing.T) {
	seeds := fixed()[:howMany(30, 8, 2)]
	var all simulate.Counts
	for _, s := range seeds {
		all.Add(check(t, s).Counts)
	}
	if len(seeds) >= 8 && (all.WebSockets == all.TLS || all.TLS == 0) {
		t.Error("nobody talks over WebSocket, or nobody over TLS, or all")
	}
}

func TestRandomSeeds(t *testing.T) {
	for range howMany(10, 3, 1) {
		check(t, rand.Uint64()>>1)
	}
}

// TestLimitsAreMet keeps the seeds such that limits are met: a judge who has nothing to
// judge finds nothing.
func TestLimitsAreMet(t *testing.T) {
	if slow || testing.Short() {
		t.Skip("it takes some dozen seeds")
	}
	var all simulate.Counts
	for s := range uint64(40) {
		all.Add(check(t, 100+s).Counts)
	}
	l := all.Limits
	for what, n := range map[string]int{
		"connections let in": l.LetIn, "connections told why not": l.Told, "connections not told": l.Silent,
		"too many connections": l.AddressConnections, "too fast connections": l.AddressConnects, "full tables": l.AddressTable,
		"logins": l.AddressLogins, "guesses": l.SentAway, "answers": l.Answers, "messages": l.MessagesTooFast,
		"requests": l.RequestsTooFast, "holds": l.Holds, "rooms": l.RoomsJoined, "requests at the store": l.RequestsInFlight,
		"loads": l.LoadTried, "publishes": l.LoadPublishes, "entries": l.LoadEntries, "reads": l.LoadReads,
	} {
		if n == 0 {
			t.Errorf("in 40 seeds there were no %s", what)
		}
	}
}

// TestSeed replays one run, with its transcript.
func TestSeed(t *testing.T) {
	if *seed == 0 {
		t.Skip("it replays -seed=N")
	}
	o := simulate.Options{Size: *size, Transcript: func(line string) { fmt.Println(line) }}
	if *strikeKind >= 0 {
		o.Strike = &simulate.Strike{Kind: simulate.StrikeKind(*strikeKind), At: *strikeAt}
	}
	r := simulate.Run(*seed, o)
	fmt.Printf("plan: %s\n", r.Plan)
	if r.Failure != "" {
		t.Errorf("seed %d fails after %v: %s\n%s", *seed, r.At, r.Failure, r.Stack)
	}
}

// TestSameSeedSameRun holds the transcripts of two runs of a seed against each other.
func TestSameSeedSameRun(t *testing.T) {
	for _, s := range fixed()[:howMany(6, 2, 1)] {
		var sums [][]byte
		var lines [2][]string
		for i := range lines {
			h := sha256.New()
			simulate.Run(s, simulate.Options{Size: shortSize(), Transcript: func(line string) {
				fmt.Fprintln(h, line)
				lines[i] = append(lines[i], line)
			}})
			sums = append(sums, h.Sum(nil))
		}
		if !slices.Equal(sums[0], sums[1]) {
			for i := range min(len(lines[0]), len(lines[1])) {
				if lines[0][i] != lines[1][i] {
					t.Errorf("seed %d: line %d is\n%s\nand then\n%s", s, i, lines[0][i], lines[1][i])
					break
				}
			}
			t.Errorf("seed %d gave two different runs, of %d and %d lines", s, len(lines[0]), len(lines[1]))
		}
	}
}

// A transcript must not change a run, or a failure could not be looked at.
func TestTranscriptChangesNothing(t *testing.T) {
	s := fixed()[0]
	silent := simulate.Run(s, simulate.Options{Size: shortSize()})
	spoken := simulate.Run(s, simulate.Options{Size: shortSize(), Transcript: func(string) {}})
	if silent != spoken {
		t.Errorf("seed %d: without a transcript %+v\nwith one %+v", s, silent, spoken)
	}
}

package simulate_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	first   = flag.Uint64("first", 0, "for TestLong: the first seed; 0: random ones")
	long    = flag.Duration("long", 0, "for TestLong: how long to run")
	most    = flag.Int("most", 0, "for TestLong: how many seeds at most; 0: no limit")
	jobs    = flag.Int("jobs", 0, "for TestLong: how many runs at once; 0: one per processor")
	figures = flag.String("json", "", "for TestLong: a file for the counts")
)

// TestLong runs seeds for a while: scripts/simulate.sh. Runs share nothing, so several
// go on at once.
func TestLong(t *testing.T) {
	if *long == 0 {
		t.Skip("it runs for -long=DURATION")
	}
	n := *jobs
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	p := &progress{began: time.Now(), terminal: isTerminal(os.Stderr)}
	var begun atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for time.Since(p.began) < *long && !p.over() {
				i := begun.Add(1) - 1
				if *most > 0 && i >= int64(*most) {
					return
				}
				s := *first + uint64(i)
				if *first == 0 {
					s = rand.Uint64() >> 1
				}
				p.add(check(t, s), checkNodes(t, s))
			}
		})
	}
	wg.Wait()
	if err := p.end(*figures, *markdown); err != nil {
		t.Error(err)
	}
	if p.runs == 0 {
		t.Error("no seed was run")
	}
}

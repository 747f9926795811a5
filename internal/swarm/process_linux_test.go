package swarm

import (
	"math"
	"os"
	"strings"
	"testing"
)

func TestUsageOfThisProcess(t *testing.T) {
	before, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	own := ownCPU()
	// Three of the units in which the system tells: a process that works is seen to.
	for ownCPU()-own < 30_000_000 {
	}
	after, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used := after.user + after.system - before.user - before.system; used <= 0 {
		t.Errorf("30 ms of work count as %v", used)
	}
	if after.rssBytes < 1<<20 {
		t.Errorf("%d bytes resident", after.rssBytes)
	}
}

func TestUsageOfNobody(t *testing.T) {
	if _, err := usageOf(math.MaxInt32); err == nil || !strings.Contains(err.Error(), "--server-pid") {
		t.Errorf("error %v", err)
	}
}

package swarm

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimetable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := timetable{rate: rapid.Float64Range(1, 1e6).Draw(t, "rate")}
		k := rapid.Uint64Range(0, 1<<32).Draw(t, "k")
		at := table.at(k)
		if at%int64(paceGrid) != 0 || table.at(k+1) < at {
			t.Fatalf("message %d is due at %d, the next at %d", k, at, table.at(k+1))
		}
		if ideal := float64(k) / table.rate * 1e9; float64(at) < ideal-1 || float64(at) > ideal+float64(paceGrid) {
			t.Fatalf("message %d is due at %d, far from %g", k, at, ideal)
		}
		if n := table.due(at); n <= k {
			t.Fatalf("message %d is due at %d, but only %d are due then", k, at, n)
		}
		if n := table.due(at - 1); n > k {
			t.Fatalf("message %d is due at %d, but %d are due before", k, at, n)
		}
	})
}

func TestTimetableWithin(t *testing.T) {
	if n := (timetable{2000}).within(5 * time.Second); n != 10000 {
		t.Fatalf("%d messages in 5 s at 2000/s", n)
	}
	if n := (timetable{0.5}).within(time.Second); n != 1 {
		t.Fatalf("%d messages in 1 s at 0.5/s, want the one at the start", n)
	}
}

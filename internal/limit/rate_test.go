package limit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"sarang/internal/limit"
)

func TestTake(t *testing.T) {
	r := limit.NewRate(20, time.Second, 3)
	var m limit.Meter
	now := time.Minute
	for i := range 3 {
		if wait := m.Take(r, now); wait != 0 {
			t.Fatalf("number %d of the burst has to wait %v", i, wait)
		}
	}
	if wait := m.Take(r, now); wait != 50*time.Millisecond {
		t.Errorf("after the burst: wait %v, want 50ms", wait)
	}
	if wait := m.Take(r, now+49*time.Millisecond); wait != time.Millisecond {
		t.Errorf("1ms too early: wait %v", wait)
	}
	if wait := m.Take(r, now+50*time.Millisecond); wait != 0 {
		t.Errorf("in time: wait %v", wait)
	}
	if m.Rested(now + 199*time.Millisecond) {
		t.Error("rested too early")
	}
	if !m.Rested(now + 200*time.Millisecond) {
		t.Error("four units at 20 per second have not come back after 200ms")
	}
}

func TestSpend(t *testing.T) {
	r := limit.NewRate(1000, time.Second, 500)
	var m limit.Meter
	if wait := m.Spend(r, 0, 500); wait != 0 {
		t.Errorf("the burst has to wait %v", wait)
	}
	if wait := m.Spend(r, 0, 2000); wait != 2*time.Second {
		t.Errorf("2000 more: wait %v, want 2s", wait)
	}
	if wait := m.Debt(r, 1500*time.Millisecond); wait != 500*time.Millisecond {
		t.Errorf("after 1.5s: debt %v", wait)
	}
	if wait := m.Debt(r, 2*time.Second); wait != 0 {
		t.Errorf("after 2s: debt %v", wait)
	}
}

func TestNoRate(t *testing.T) {
	var m limit.Meter
	for _, r := range []limit.Rate{{}, limit.NewRate(0, time.Second, 5), limit.NewRate(-1, time.Second, 5)} {
		if !r.None() || m.Take(r, 0) != 0 || m.Spend(r, 0, 1<<40) != 0 || m.Debt(r, 0) != 0 {
			t.Errorf("%v limits", r)
		}
	}
}

// A clock that was set back does not lock anybody out for longer than the burst takes.
func TestTakeClockSetBack(t *testing.T) {
	r := limit.NewRate(1, time.Second, 2)
	var m limit.Meter
	m.Take(r, 1000*time.Hour)
	m.Take(r, 1000*time.Hour)
	if wait := m.Take(r, 0); wait != time.Second {
		t.Errorf("wait %v, want 1s", wait)
	}
}

// What is taken in any span of time is at most the rate times the span and the burst,
// and who waits as long as he is told is let through.
func TestTakeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.IntRange(1, 1000).Draw(t, "units")
		burst := rapid.IntRange(1, 100).Draw(t, "burst")
		r := limit.NewRate(units, time.Second, burst)
		var m limit.Meter
		var taken []time.Duration
		now := time.Duration(0)
		for range rapid.IntRange(1, 300).Draw(t, "tries") {
			wait := m.Take(r, now)
			if wait < 0 {
				t.Fatalf("wait %v", wait)
			}
			if wait == 0 {
				taken = append(taken, now)
			}
			switch rapid.IntRange(0, 2).Draw(t, "then") {
			case 0:
				now += time.Duration(rapid.IntRange(0, 100_000_000).Draw(t, "nanos"))
			case 1:
				if wait > 0 {
					now += wait
					if again := m.Take(r, now); again != 0 {
						t.Fatalf("waited %v as told, and has to wait %v more", wait, again)
					}
					taken = append(taken, now)
				}
			}
		}
		for i := range taken {
			for j := i; j < len(taken); j++ {
				span := taken[j] - taken[i]
				if most := float64(burst) + float64(units)*span.Seconds(); float64(j-i+1) > most+1e-3 {
					t.Fatalf("%d taken within %v, at most %.3f are allowed", j-i+1, span, most)
				}
			}
		}
	})
}

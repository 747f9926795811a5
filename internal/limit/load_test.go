package limit_test

import (
	"testing"
	"time"

	"sarang/internal/limit"
)

func TestLevels(t *testing.T) {
	l := limit.LevelNone
	for i, step := range []struct {
		load float64
		want limit.Level
	}{
		{0.49, limit.LevelNone},
		{0.5, limit.LevelEphemeral},
		{0.41, limit.LevelEphemeral}, // not at once back
		{0.69, limit.LevelEphemeral},
		{0.7, limit.LevelReads},
		{0.61, limit.LevelReads},
		{0.59, limit.LevelEphemeral},
		{0.85, limit.LevelEntries},
		{1, limit.LevelPublishes},
		{0.91, limit.LevelPublishes},
		{0.89, limit.LevelEntries},
		{0.39, limit.LevelNone},
		{2, limit.LevelPublishes}, // all at once
		{0, limit.LevelNone},
	} {
		if l = l.Next(step.load); l != step.want {
			t.Fatalf("step %d: at %.2f the level is %v, want %v", i, step.load, l, step.want)
		}
	}
}

func TestLag(t *testing.T) {
	var l limit.Lag
	l.Add(0, 0, time.Hour)
	if got := l.Add(time.Second, time.Second, time.Hour+time.Second); got != time.Second/2 {
		t.Errorf("one stall of 1s counts %v, want half of it", got)
	}
	var seldom limit.Lag
	seldom.Add(0, 0, time.Hour)
	if got := seldom.Add(time.Second, time.Second, 2*time.Hour); got != 0 {
		t.Errorf("a stall of an hour ago counts %v", got)
	}
	now := time.Hour + time.Second
	for range 40 {
		now += 300 * time.Millisecond
		l.Add(300*time.Millisecond, 300*time.Millisecond, now)
	}
	if got := l.Add(0, 0, now); got < 290*time.Millisecond || got > 310*time.Millisecond {
		t.Errorf("rounds of 300ms count %v", got)
	}
	for range 40 {
		now += 600 * time.Millisecond
		l.Add(300*time.Millisecond, 300*time.Millisecond, now)
	}
	if got := l.Add(0, 0, now); got < 100*time.Millisecond || got > 200*time.Millisecond {
		t.Errorf("rounds of 300ms, half of the time, count %v", got)
	}
	if got := l.Add(0, 0, now+2*time.Second); got != 0 {
		t.Errorf("after 2s of nothing: %v", got)
	}
}

func TestSample(t *testing.T) {
	var s limit.Sample
	if n := s.Add(time.Hour); n != 1 {
		t.Errorf("the first: tell %d", n)
	}
	for range 10 {
		if n := s.Add(time.Hour + 999*time.Millisecond); n != 0 {
			t.Errorf("within the second: tell %d", n)
		}
	}
	if n := s.Add(time.Hour + time.Second); n != 11 {
		t.Errorf("after a second: tell %d, want 11", n)
	}
	if n := s.Add(0); n != 1 {
		t.Errorf("after the clock was set back: tell %d", n)
	}
	if s.Count() != 13 {
		t.Errorf("count %d", s.Count())
	}
}

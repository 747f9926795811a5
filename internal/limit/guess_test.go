package limit_test

import (
	"fmt"
	"testing"
	"time"

	"sarang/internal/limit"
)

func guesses(namesMax int) *limit.Guesses {
	return limit.NewGuesses(limit.GuessConfig{
		NamesMax: namesMax, Here: limit.NewRate(6, time.Minute, 3), Network: limit.NewRate(60, time.Minute, 10),
		Name: limit.NewRate(1, time.Minute, 5),
	})
}

// Who guesses waits, for the name and for all names; others do not.
func TestGuesses(t *testing.T) {
	g := guesses(100)
	want := func(key string, network uint64, now, want time.Duration) {
		t.Helper()
		if got := g.Ask(key, network, now); got != want {
			t.Errorf("%s from %d at %v waits %v, want %v", key, network, now, got, want)
		}
	}
	for range 3 {
		want("mina", 7, 0, 0)
	}
	want("mina", 7, 0, 10*time.Second)
	want("mina", 8, 0, 0) // the owner, elsewhere
	want("mina", 0, 0, 0)
	for i := range 7 {
		want(fmt.Sprint("name", i), 7, 0, 0)
	}
	want("jun", 7, 0, time.Second) // all names
	want("jun", 8, 0, 0)
	want("mina", 7, 10*time.Second, 0)

	// What was right counts for nothing.
	for range 50 {
		want("sora", 9, 0, 0)
		g.Right("sora", 9, false)
	}
}

func TestGuessesOfStrangers(t *testing.T) {
	g := guesses(100)
	for range 5 {
		if w := g.AskStrange("mina", 0); w != 0 {
			t.Fatalf("waits %v", w)
		}
	}
	if w := g.AskStrange("mina", 0); w != time.Minute {
		t.Errorf("waits %v, want a minute", w)
	}
	if w := g.AskStrange("jun", 0); w != 0 {
		t.Errorf("another name waits %v", w)
	}
	g.Right("mina", 3, true)
	if w := g.AskStrange("mina", 0); w != 0 {
		t.Errorf("after one was right: waits %v", w)
	}
}

// Names that nobody has are no way to fill the memory, and those that rest are forgotten.
func TestGuessesAreBounded(t *testing.T) {
	g := guesses(50)
	for i := range 10_000 {
		if w := g.Ask(fmt.Sprint("name", i), uint64(i+1), 0); w != 0 {
			t.Fatalf("name %d waits %v", i, w)
		}
	}
	if n := g.Len(); n > 50 {
		t.Errorf("%d are remembered", n)
	}
	g = guesses(1 << 20)
	for i := range 10_000 {
		g.Ask(fmt.Sprint("name", i), uint64(i+1), time.Duration(i)*time.Second)
	}
	if n := g.Len(); n > 100 {
		t.Errorf("%d are remembered, of which most rest", n)
	}
}

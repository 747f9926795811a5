package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each moment is chosen, and what a seed chooses stays.
func TestPick(t *testing.T) {
	r, again := newRun(options{seed: 5}, nil), newRun(options{seed: 5}, nil)
	chosen := map[moment]int{}
	for i := range 200 {
		m := r.pick(i)
		chosen[m]++
		if m != again.pick(i) {
			t.Fatal("the same seed chose differently")
		}
	}
	for _, m := range allMoments() {
		if chosen[m] == 0 {
			t.Errorf("%v was not chosen", m)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var all []time.Duration
	for i := range 101 {
		all = append(all, time.Duration(100-i)*time.Millisecond)
	}
	if q := quantilesOf(all); q.P50 != 50 || q.P99 != 99 || q.Max != 100 || q.Count != 101 {
		t.Errorf("%+v", q)
	}
	if q := quantilesOf(nil); q.Count != 0 {
		t.Errorf("%+v", q)
	}
}

func TestFlags(t *testing.T) {
	c := command()
	c.SetArgs([]string{"--kills", "0"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "--kills") {
		t.Error(err)
	}
}

package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFlags(t *testing.T) {
	c := command()
	c.SetArgs([]string{"--faults", "0"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), "--faults") {
		t.Error(err)
	}
}

// A run that found something, or nothing at all, is not called good.
func TestReport(t *testing.T) {
	r := newRun(options{seed: 1}, nil)
	var out strings.Builder
	r.write(&out, time.Second)
	if r.ok() || out.Len() > 0 {
		t.Errorf("a run that never began says %q", out.String())
	}
	r.protocol.Messages = 5
	if !r.ok() {
		t.Error("a good run is called broken")
	}
	r.doubled = 1
	if r.ok() {
		t.Error("doubled messages are called good")
	}
}

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// A small storm is measured whole; the figures mean nothing here.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real server")
	}
	var out bytes.Buffer
	if err := run(t.Context(), options{storm: 8, clients: 5, rate: 50, duration: time.Second, workers: 1}, &out); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 6 {
		t.Errorf("it says:\n%s", out.String())
	}
}

//go:build unix

package main

import (
	"bytes"
	"strings"
	"testing"

	"sarang/aio"
	"sarang/tests/internal/proc"
)

// A few kills with every driver of this machine; the long run is make crash.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the real server")
	}
	bin, err := proc.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			if _, _, err := aio.Choose(kind); err != nil {
				t.Skipf("not available here: %v", err)
			}
			var out bytes.Buffer
			o := options{kills: 8, io: kind, workers: 1 + i%2, sync: "power-safe", rooms: 2, rate: 100, binary: bin}
			if err := crash(t.Context(), o, &out); err != nil {
				t.Errorf("%v\n%s", err, &out)
			}
			if !strings.Contains(out.String(), "every promise was kept") {
				t.Errorf("the report says nothing: %s", &out)
			}
		})
	}
}

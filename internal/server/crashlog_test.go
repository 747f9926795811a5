package server

import (
	"log/slog"
	"testing"
)

func TestCrashLoggerWaitsForErrors(t *testing.T) {
	flushed := 0
	l := crashLogger(slog.New(slog.DiscardHandler), func() { flushed++ })
	l.Warn("accepting failed")
	if flushed != 0 {
		t.Error("a worker waits for a warning")
	}
	l = slog.New(crashHandler{slog.NewTextHandler(nowhere{}, nil), func() { flushed++ }})
	l.With("a", 1).WithGroup("g").Error("the program is broken")
	if flushed != 1 {
		t.Errorf("flushed %d times; want once", flushed)
	}
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

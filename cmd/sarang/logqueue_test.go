package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// gatedLog is where a log goes that somebody may stop reading, or close.
type gatedLog struct {
	text strings.Builder
	gate chan error // each write waits for what to return
}

func (g *gatedLog) Write(b []byte) (int, error) {
	if err := <-g.gate; err != nil {
		return 0, err
	}
	return g.text.Write(b)
}

func (g *gatedLog) Close() error { return nil }

func startLog(t *testing.T) (*serverLog, *gatedLog) {
	t.Helper()
	g := &gatedLog{gate: make(chan error)}
	l, err := logSettings{level: "info", format: "text"}.start(g, false)
	if err != nil {
		t.Fatal(err)
	}
	return l, g
}

// Who logs does not wait for whoever reads the log; what had no room is counted, and said
// when there is room again.
func TestLogDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, g := startLog(t)
		l.Info("first")
		synctest.Wait() // it is being written
		const lines = 2000
		long := strings.Repeat("x", 1024)
		for i := range lines {
			l.Info(long, "i", i)
		}
		lost := l.queue.linesLost()
		if lost == 0 || lost >= lines {
			t.Errorf("%d lines lost of %d", lost, lines)
		}
		close(g.gate)
		l.close()
		text := g.text.String()
		if got := strings.Count(text, long); uint64(got)+lost != lines {
			t.Errorf("%d lines written and %d lost, of %d", got, lost, lines)
		}
		if !strings.Contains(text, "i=0\n") || strings.Index(text, "first") > strings.Index(text, "i=0\n") {
			t.Error("the oldest are not there, in order")
		}
	})
}

func TestLogOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, g := startLog(t)
		for _, err := range []error{errors.New("nobody reads"), nil, nil} {
			l.Info("a line")
			g.gate <- err
			synctest.Wait()
		}
		if lost := l.queue.linesLost(); lost != 1 {
			t.Errorf("%d lines lost; want 1", lost)
		}
		close(g.gate)
		l.close()
		if text := g.text.String(); strings.Count(text, "a line") != 2 || strings.Count(text, "lines=1\n") != 1 {
			t.Errorf("the log is %q; want two lines and one about the loss", text)
		}
	})
}

// A flush waits for the lines before it, and not for ever.
func TestLogFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, g := startLog(t)
		l.Error("the program is broken")
		l.queue.flush(time.Second) // nobody reads yet
		go func() { g.gate <- nil }()
		l.queue.flush(time.Second)
		if text := g.text.String(); !strings.Contains(text, "broken") {
			t.Errorf("the log is %q", text)
		}
		close(g.gate)
		l.close()
		l.queue.flush(time.Second)
	})
}

// The end of the program waits for the log, for a while.
func TestLogCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, g := startLog(t)
		l.Info("never read")
		l.close()
		close(g.gate) // the test's end wants the goroutine's
	})
}

func TestLogFileThatCanNotBe(t *testing.T) {
	if _, err := (logSettings{path: "no/such/folder/log", level: "info", format: "auto"}).open(); err == nil || !strings.Contains(err.Error(), "log-file") {
		t.Errorf("%v; want something about log-file", err)
	}
}

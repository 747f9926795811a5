package engine_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sarang/engine"
)

// crashEnv has the test binary be a program that breaks; its value says how, and
// crashDirEnv where its report goes.
const (
	crashEnv    = "SARANG_ENGINE_CRASH"
	crashDirEnv = "SARANG_ENGINE_CRASH_DIR"
)

// breaker is a handler that breaks when it is told to.
type breaker struct {
	engine.NopHandler
	how string
}

func (b breaker) Received(_ *engine.Session, frame []byte) {
	switch p := packetIn(frame); {
	case p.ID != 4:
	case b.how == "invariant":
		engine.Invariant(len(p.Payload) == 0, "a packet 4 has no payload")
	default:
		_ = p.Payload[1:][4] // beyond the end, as faults go
	}
}

// crashChild serves one connection of its own, over which the end comes.
func crashChild(how string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(0) // the tests want a failure, and this is the wrong one
	}
	svc, err := engine.New(engine.Config{
		Name: "victim", CrashDir: os.Getenv(crashDirEnv), Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fail(err)
	}
	if err := svc.Start(); err != nil {
		fail(err)
	}
	at, err := svc.Listen(netip.MustParseAddrPort("127.0.0.1:0"), packets(func(*engine.Worker) engine.Handler { return breaker{how: how} }))
	if err != nil {
		fail(err)
	}
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		fail(err)
	}
	for range 40 { // fewer than the completions that a report shows: the accept is one of these
		if _, err := c.Write(pack(2, 'x')); err != nil {
			fail(err)
		}
	}
	if _, err := c.Write(pack(4, 'x')); err != nil {
		fail(err)
	}
	_, err = io.ReadAll(c)
	fail(errors.Join(errors.New("the program goes on"), err))
}

// A panic on a worker ends the program, and leaves a report for who was not there.
func TestCrashReport(t *testing.T) {
	for how, cause := range map[string]string{
		"invariant": "invariant broken: a packet 4 has no payload",
		"panic":     "index out of range",
	} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), crashEnv+"="+how, crashDirEnv+"="+dir)
			out, err := child.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				if strings.Contains(string(out), "not available") {
					t.Skip("no driver on this system")
				}
				t.Fatalf("the program ended with %v\n%s", err, out)
			}
			files, err := filepath.Glob(filepath.Join(dir, "victim-crash-*.txt"))
			if err != nil || len(files) != 1 {
				t.Fatalf("reports: %v, %v\n%s", files, err, out)
			}
			b, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{
				"victim crash report", cause, "worker: 0 of 1", "sessions: 1", "breaker.Received",
				"last completions", "recv", "accept", "all goroutines", "goroutine ",
			} {
				if !strings.Contains(string(b), want) {
					t.Errorf("the report does not have %q", want)
				}
			}
			if !strings.Contains(string(out), filepath.Base(files[0])) || !strings.Contains(string(out), cause) {
				t.Errorf("the log does not tell of the report:\n%s", out)
			}
			if others, err := othersMayRead(files[0]); err != nil || others {
				t.Errorf("others may read the report: %v, %v", others, err)
			}
		})
	}
}

// Reasons have names of their own, which metrics use.
func TestReasonNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range engine.ReasonCodes() {
		name := c.String()
		if seen[name] || name == "" || name == "none" || name == "unknown" || strings.ToLower(name) != name {
			t.Errorf("reason %d is called %q", c, name)
		}
		seen[name] = true
	}
	if len(seen) < 10 || engine.ReasonCode(200).String() != "unknown" {
		t.Errorf("%d reasons", len(seen))
	}
	why := engine.Reason{Code: engine.ReasonBroken, Err: io.ErrUnexpectedEOF}
	if s := why.String(); s != "broken: unexpected EOF" {
		t.Error(s)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"sarang/aio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs a command line as main does.
func run(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out, said bytes.Buffer
	c := command()
	c.SetOut(&out)
	c.SetErr(&said)
	c.SetArgs(args)
	err = c.ExecuteContext(ctx)
	return out.String(), said.String(), err
}

// outcome is what a test wants to know of results.json.
type outcome struct {
	Samples []struct {
		Workload, Server string
		Values           map[string]float64
	}
	NotMeasured []struct{ Workload, Server, Reason string } `json:"not_measured"`
}

// TestSmoke runs the whole suite small, against Sarang on every driver, and the floor.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts servers")
	}
	servers := []string{"floor-uring", "floor-send", "relay-send", "echo-c-epoll", "echo-go-net"}
	for _, kind := range aio.Kinds() {
		servers = append(servers, "sarang-"+kind, "echo-engine-"+kind)
	}
	out, data := t.TempDir(), t.TempDir()
	stdout, stderr, err := run(t, t.Context(), "--quick", "--seconds", "0.05", "--warm", "0.02", "--json", "--out", out, "--data-dir", data, "--server", strings.Join(servers, ","))
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	var got outcome
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Samples {
		if s.Values["lost"]+s.Values["repeated"]+s.Values["wrong_length"] > 0 {
			t.Errorf("%s on %s: %v", s.Workload, s.Server, s.Values)
		}
	}
	checkMeasured(t, &got, stderr)
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("the run has left %v: %v", left, err)
	}
	for _, name := range []string{"report.md", "results.json", "fanout.svg"} {
		if f, err := os.Stat(filepath.Join(out, name)); err != nil || f.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checkMeasured wants a figure of everything that can not be missing on any machine.
// io_uring and a C compiler can; then there must be a reason.
func checkMeasured(t *testing.T, got *outcome, stderr string) {
	t.Helper()
	samples, reasons := map[string]bool{}, map[string]string{}
	for _, s := range got.Samples {
		samples[s.Workload+" "+s.Server] = true
	}
	for _, d := range got.NotMeasured {
		reasons[d.Workload+" "+d.Server] = d.Reason
	}
	for _, w := range []string{"window-1", "window-16", "window-64", "rate-100k", "mixed-sizes", "rooms-1000", "room-15000", "unicast-10k", "stored", "sessions-10k"} {
		for _, s := range []string{"sarang-epoll", "sarang-portable"} {
			if !samples[w+" "+s] {
				t.Errorf("%s on %s was not measured: %s", w, s, reasons[w+" "+s])
			}
		}
		if !samples[w+" sarang-uring"] && reasons[w+" sarang-uring"] == "" {
			t.Errorf("%s on sarang-uring is neither measured nor excused", w)
		}
	}
	for _, s := range []string{"echo-engine-epoll", "echo-engine-portable", "echo-go-net"} {
		if !samples["echo-1000 "+s] {
			t.Errorf("%s was not measured: %s", s, reasons["echo-1000 "+s])
		}
	}
	if t.Failed() {
		t.Log(stderr)
	}
}

// progress ends a run at the first line that has a word.
type progress struct {
	bytes.Buffer
	word string
	stop func()
}

func (p *progress) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(p.word)) {
		p.stop()
	}
	return p.Buffer.Write(b)
}

// Ctrl-C in the middle: what was measured is reported, and no server is left.
func TestInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts servers")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, data := t.TempDir(), t.TempDir()
	c := command()
	var stdout bytes.Buffer
	said := &progress{word: "window-1 ", stop: stop}
	c.SetOut(&stdout)
	c.SetErr(said)
	c.SetArgs([]string{"--quick", "--repeat", "100", "--seconds", "0.1", "--workload", "window-1,window-16", "--server", "sarang-epoll", "--out", out, "--data-dir", data})
	if err := c.ExecuteContext(ctx); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Fatalf("error %v, want that it was interrupted\n%s", err, said.String())
	}
	if report := stdout.String(); !strings.Contains(report, "interrupted") || !strings.Contains(report, "| sarang-epoll |") {
		t.Errorf("the report is\n%s", report)
	}
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("the run has left %v: %v", left, err)
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--repeat", "0"},
		{"--seconds", "0"},
		{"--warm", "-1"},
		{"--divide", "0"},
		{"--server", "apache"},
		{"--workload", "window-2"},
		{"--root", "/"},
	} {
		_, _, err := run(t, t.Context(), append(args, "--out", t.TempDir())...)
		var usage usageError
		if !errors.As(err, &usage) {
			t.Errorf("bench %v: error %v, want a usageError", args, err)
		}
	}
}

func TestList(t *testing.T) {
	out, _, err := run(t, t.Context(), "--list")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"window-1 ", "echo-1000 ", "sarang-uring ", "redis ", "(only when asked for)"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list has no %q:\n%s", want, out)
		}
	}
}

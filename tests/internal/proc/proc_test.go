//go:build unix

package proc_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/tests/internal/proc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, c proc.Config) *proc.Server {
	t.Helper()
	s, err := proc.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	return s
}

func TestServer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the real server")
	}
	bin, err := proc.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	config := proc.Config{Binary: bin, Data: filepath.Join(t.TempDir(), "data")}

	t.Run("runs", func(t *testing.T) {
		s := start(t, config)
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		m, err := s.Metrics(t.Context())
		if err != nil || m["sarang_accepted_total"] > 1 || m.Sum("sarang_store_readers") <= 0 {
			t.Errorf("metrics %v, %v", m, err)
		}
		u, err := s.Usage()
		if runtime.GOOS != "linux" {
			if !errors.Is(err, proc.ErrNoUsage) {
				t.Errorf("usage: %v", err)
			}
		} else if err != nil || u.RSSBytes < 1<<20 || u.PeakBytes < u.RSSBytes || u.OpenFiles < 3 || u.Threads < 2 || u.CoreAllowed == "" {
			t.Errorf("usage %+v, %v", u, err)
		}
		if r, err := s.Swarm(t.Context(), "--clients", "4", "--messages", "100"); err != nil || r.Acked != 100 || !r.OK() {
			t.Errorf("swarm %+v, %v", r, err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if !strings.Contains(s.Log(), "draining") || len(s.CrashReports()) != 0 {
			t.Errorf("log %q, reports %q", s.Log(), s.CrashReports())
		}
	})

	t.Run("killed and back at its address", func(t *testing.T) {
		s := start(t, config)
		if exit := s.Kill(); exit.Signal != syscall.SIGKILL {
			t.Errorf("killed: %v", exit)
		}
		var end *proc.ExitError
		if err := s.Stop(t.Context()); !errors.As(err, &end) {
			t.Errorf("stopping what was killed: %v", err)
		}
		again := start(t, s.Config())
		if again.Addr() != s.Addr() || again.PID() == s.PID() {
			t.Errorf("was at %s, is at %s", s.Addr(), again.Addr())
		}
	})

	t.Run("says why it ends", func(t *testing.T) {
		c := config
		c.Args = []string{"--workers", "no"}
		_, err := proc.Start(t.Context(), c)
		var end *proc.ExitError
		if !errors.As(err, &end) || end.Exit.Code != 2 || !strings.Contains(end.Log, "workers") {
			t.Errorf("a flag that makes no sense: %v", err)
		}
	})

	t.Run("does not wait for ever", func(t *testing.T) {
		if _, err := os.Stat("/bin/sh"); err != nil {
			t.Skip(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		c := config
		c.Wrap = []string{"/bin/sh", "-c", "exec sleep 60"}
		if _, err := proc.Start(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a server that never listens: %v", err)
		}
	})

	t.Run("not a program", func(t *testing.T) {
		if s, err := proc.Launch(proc.Config{Binary: filepath.Join(t.TempDir(), "none"), Data: "x"}); s != nil || err == nil {
			t.Errorf("launched what is not there: %v", err)
		}
	})
}

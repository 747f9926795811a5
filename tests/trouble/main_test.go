//go:build unix

package trouble

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/aio"
	"sarang/internal/store/sqlite"
	"sarang/tests/internal/load"
	"sarang/tests/internal/proc"
	"sarang/tests/internal/wire"
)

// binaryVariable names the server to test. TestMain builds one unless it is set.
const binaryVariable = "TEST_SARANG_BINARY"

func TestMain(m *testing.M) { goleak.VerifyTestMain(withBinary{m}) }

// withBinary builds the server before the tests and removes it after them.
type withBinary struct{ *testing.M }

// Run is what goleak calls for the tests.
func (w withBinary) Run() int {
	if os.Getenv(binaryVariable) != "" {
		return w.M.Run()
	}
	dir, err := os.MkdirTemp("", "sarang-trouble-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin, err := proc.Build(context.Background(), dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv(binaryVariable, bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return w.M.Run()
}

// patience is for anything that a server has to do on a busy machine.
const patience = 30 * time.Second

// config is a server's with a data folder of its own.
func config(t *testing.T) proc.Config {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the real server")
	}
	return proc.Config{
		Binary: os.Getenv(binaryVariable), Data: filepath.Join(t.TempDir(), "data"),
		Listen: proc.FreeAddr(), HTTP: "none",
	}
}

// eachDriver runs a test with every driver of this machine.
func eachDriver(t *testing.T, test func(t *testing.T, c proc.Config)) {
	t.Helper()
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			if _, _, err := aio.Choose(kind); err != nil {
				t.Skipf("not available here: %v", err)
			}
			c := config(t)
			c.IO = kind
			test(t, c)
		})
	}
}

func start(t *testing.T, c proc.Config) *proc.Server {
	t.Helper()
	s, err := proc.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	return s
}

// stop ends a server in order.
func stop(t *testing.T, s *proc.Server) {
	t.Helper()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := s.CrashReports(); len(found) > 0 {
		t.Fatalf("crash reports: %q", found)
	}
}

// refusesToStart expects a server to end by itself, soon, with exit status 1, and to
// say all of wants in its last words.
func refusesToStart(t *testing.T, c proc.Config, wants ...string) {
	t.Helper()
	s, err := proc.Start(t.Context(), c)
	if err == nil {
		s.Kill()
		t.Fatalf("it started; its log:\n%s", s.Log())
	}
	var end *proc.ExitError
	if !errors.As(err, &end) || end.Exit.Code != 1 {
		t.Fatalf("%v; want exit status 1", err)
	}
	lines := strings.Split(strings.TrimSpace(end.Log), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "sarang: ") {
		t.Errorf("the last words are %q; want a sentence", last)
	}
	for _, want := range wants {
		if !strings.Contains(last, want) {
			t.Errorf("the last words are %q; want something about %q", last, want)
		}
	}
	if strings.Contains(end.Log, "goroutine ") {
		t.Errorf("it panicked:\n%s", end.Log)
	}
}

func user(t *testing.T, s *proc.Server, name string) *wire.User {
	t.Helper()
	u, err := wire.Login(t.Context(), s.Addr(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

func join(t *testing.T, u *wire.User, name string) uint64 {
	t.Helper()
	j, err := u.Join(name)
	if err != nil {
		t.Fatal(err)
	}
	return j.Room.Id
}

func publish(t *testing.T, u *wire.User, room, nonce uint64, text string) uint64 {
	t.Helper()
	seq, err := u.Publish(room, nonce, text)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// talk puts load on a server, which has to be at c.Listen.
func talk(t *testing.T, c proc.Config) *load.Load {
	t.Helper()
	l := load.Start(load.Config{Addr: c.Listen, Rooms: 2, Seed: 1})
	t.Cleanup(l.Stop)
	return l
}

// waitFor waits until k has happened n times more often than since.
func waitFor(t *testing.T, l *load.Load, k load.Kind, since, n uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.WaitFor(ctx, k, since, n); err != nil {
		t.Fatalf("%v; faults %q", err, l.Faults())
	}
}

// allKept has the load settle on a server that is up, stops both, and compares what was
// promised with what is stored.
func allKept(t *testing.T, l *load.Load, s *proc.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.Settle(ctx); err != nil {
		t.Fatalf("%v; faults %q", err, l.Faults())
	}
	byProtocol, err := l.CheckHistory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l.Stop()
	stop(t, s)
	byFile, err := l.CheckFile(ctx, filepath.Join(s.Config().Data, sqlite.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	stats := l.Stats()
	for from, a := range map[string]load.Audit{"protocol": byProtocol, "file": byFile} {
		if !a.OK() || a.Messages != stats.Messages || stats.Acked != stats.Messages {
			t.Errorf("by %s: %+v (%s); %+v", from, a, a.First(), stats)
		}
	}
	if faults := l.Faults(); len(faults) > 0 {
		t.Errorf("faults: %q", faults)
	}
}

// boundPort is an address that is taken: bound by the test until it ends.
func boundPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", proc.FreeAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

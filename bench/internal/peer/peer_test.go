package peer_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"sarang/bench/internal/peer"
)

// The test binary is its own server: asked to by its environment, it listens, with a
// few habits of servers that tests want.
const (
	roleVariable = "SARANG_BENCH_TEST_ROLE"
	addrVariable = "SARANG_BENCH_TEST_ADDR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		goleak.VerifyTestMain(m)
	case "fails":
		os.Stderr.WriteString("there is no such option\n")
		os.Exit(3)
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		listen()
	default:
		listen()
	}
}

func listen() {
	l, err := net.Listen("tcp4", os.Getenv(addrVariable))
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

// command starts this test binary in a role.
func command(t *testing.T, role string) func(string, netip.AddrPort) (peer.Command, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(_ string, addr netip.AddrPort) (peer.Command, error) {
		return peer.Command{
			Args: []string{self}, Env: []string{roleVariable + "=" + role, addrVariable + "=" + addr.String()},
			File: map[string]string{"some.conf": "text"},
		}, nil
	}
}

func start(t *testing.T, role string, pins peer.Pins) *peer.Process {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	p, err := peer.Start(t.Context(), t.TempDir(), role, pins, command(t, role))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStartAndStop(t *testing.T) {
	p := start(t, "listens", peer.Pins{})
	if b, err := os.ReadFile(filepath.Join(p.Dir(), "some.conf")); err != nil || string(b) != "text" {
		t.Errorf("its file has %q: %v", b, err)
	}
	if cpu, err := peer.CPUOf(p.PID()); err != nil || cpu.Total <= 0 {
		t.Errorf("it has used %+v: %v", cpu, err)
	}
	m, err := peer.MemoryOf(p.PID())
	if err != nil || m.RSS < 1<<20 || m.PSS > m.RSS || m.Anonymous > m.RSS {
		t.Errorf("it has %+v: %v", m, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(p.Dir()); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
	if _, err := net.Dial("tcp", p.Addr.String()); err == nil {
		t.Error("it still listens")
	}
}

func TestStopKills(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a server is given to end")
	}
	p := start(t, "deaf", peer.Pins{})
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(p.PID(), 0); err == nil {
		t.Error("it lives")
	}
}

func TestServerThatEndsByItself(t *testing.T) {
	p := start(t, "listens", peer.Pins{})
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v; it should say that the server was killed", err)
	}
}

func TestStartFails(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	base := t.TempDir()
	_, err := peer.Start(t.Context(), base, "bad", peer.Pins{}, command(t, "fails"))
	if err == nil || !strings.Contains(err.Error(), "there is no such option") {
		t.Errorf("error %v; it should have the server's words", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if p, err := peer.Start(ctx, base, "late", peer.Pins{}, command(t, "fails")); err == nil {
		p.Stop()
		t.Error("a run that was interrupted starts servers")
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPinned(t *testing.T) {
	pins, err := peer.Cores()
	if err != nil {
		t.Fatal(err)
	}
	if !pins.Pinned {
		t.Skip("this machine has one core")
	}
	p := start(t, "listens", pins)
	defer p.Stop()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	if want := "Cpus_allowed_list:\t" + strconv.Itoa(pins.Server) + "\n"; !strings.Contains(string(b), want) {
		t.Errorf("no %q in its status:\n%s", want, b)
	}
}

func TestGather(t *testing.T) {
	tools, err := peer.Gather(t.Context(), "../../..", "", t.TempDir(), []string{peer.ToolFloor, "no-such-program"}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if tools.Path[peer.ToolFloor] == "" && tools.Missing[peer.ToolFloor] == "" {
		t.Error("the floor is neither there nor missing")
	}
	if tools.Missing["no-such-program"] == "" {
		t.Error("a program that does not exist is not missing")
	}
	for _, s := range peer.Servers() {
		if _, err := s.Command(tools, 10)(t.TempDir(), netip.MustParseAddrPort("127.0.0.1:1")); err == nil {
			t.Errorf("%s has a command without its program", s.Name)
		}
	}
}

package swarm

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sarang/aio"
	"sarang/engine/tlscodec/tlstest"
	"sarang/internal/server"
	"sarang/internal/store"
)

// driver is the kind that these tests run on: epoll where it is, for every Linux lets
// a program have it, and the best one elsewhere.
func driver() string {
	if kinds := aio.Kinds(); !slices.Contains(kinds, "epoll") {
		return kinds[0]
	}
	return "epoll"
}

// newServer starts a real server.
func newServer(t *testing.T, change func(c *server.Config)) *server.Server {
	t.Helper()
	c := server.Default()
	c.Web = server.Address{}
	c.Listen = server.Native(netip.MustParseAddrPort("127.0.0.1:0"))
	c.HTTP, c.IO, c.DataDir, c.Sync = server.Nowhere, driver(), t.TempDir(), store.ProcessSafe
	c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	if change != nil {
		change(&c)
	}
	s, err := server.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startServer starts a server for the length of a test and returns its address.
func startServer(t *testing.T) string {
	t.Helper()
	s := newServer(t, nil)
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	})
	return s.Addrs()[0].Addr.String()
}

func runSwarm(t *testing.T, c Config) *Report {
	t.Helper()
	c.IO = driver()
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func textOf(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRunIsExact(t *testing.T) {
	addr := startServer(t)
	for name, c := range map[string]Config{
		"closed loop": {Clients: 50, Rooms: 5, Messages: 200, Window: 4},
		"open loop":   {Clients: 20, Rooms: 3, Messages: 200, Rate: 1000, Publishers: 7},
		"ephemeral":   {Clients: 20, Rooms: 2, Messages: 200, Ephemeral: true},
		"one speaks":  {Clients: 40, Messages: 200, Publishers: 1, Window: 32, Workers: 2},
		"few words":   {Clients: 10, Rooms: 2, Messages: 3},
		"large words": {Clients: 4, Messages: 40, SizeBytes: 16 << 10, Window: 16},
	} {
		t.Run(name, func(t *testing.T) {
			c.Addr = addr
			r := runSwarm(t, c)
			members := uint64(0) // of each message's room, summed over the messages
			for k := range r.Published {
				room := int(k) % r.Publishers % r.Rooms
				members += uint64((r.Clients - room + r.Rooms - 1) / r.Rooms)
			}
			if !r.OK() || r.Published != uint64(c.Messages) || r.Acked != r.Published ||
				r.Expected != members || r.Delivered != members || uint64(r.Latency.Count) != members {
				t.Errorf("%d deliveries wanted:\n%s", members, textOf(t, r))
			}
		})
	}
}

// TestRunWithChanges has everything done that can be done to a message, by who is always there,
// who comes back and who is behind.
func TestRunWithChanges(t *testing.T) {
	addr := startServer(t)
	for name, c := range map[string]Config{
		"closed loop": {Clients: 20, Rooms: 3, Messages: 1500, Window: 4, Workers: 2, Changes: 70},
		"churn":       {Clients: 20, Rooms: 2, Messages: 2000, Rate: 1000, Workers: 2, Stalled: 4, Churn: 60, Changes: 60},
	} {
		t.Run(name, func(t *testing.T) {
			c.Addr = addr
			r := runSwarm(t, c)
			n := r.Changes
			if !r.OK() || r.Published != uint64(c.Messages) || r.Acked+r.Refused != r.Published || n.Overtaken != r.Refused {
				t.Fatalf("not as it should be:\n%s", textOf(t, r))
			}
			if n.Pictures != uint64(c.Clients+c.Rooms) || n.Lists < uint64(c.Clients) || n.Pages < uint64(c.Rooms) {
				t.Errorf("not everything was compared: %+v", n)
			}
			all := n.Messages
			for _, some := range []uint64{n.Replies, n.ThreadMessages, n.Mentions, n.Edits, n.Deletions, n.Reactions, n.Unreactions} {
				if all += some; some == 0 {
					t.Errorf("something was never done: %+v", n)
				}
			}
			if all != r.Acked {
				t.Errorf("%d of %d acknowledged are counted: %+v", all, r.Acked, n)
			}
		})
	}
}

func TestRunWithStalledClientsAndChurn(t *testing.T) {
	r := runSwarm(t, Config{
		Addr: startServer(t), Clients: 50, Rooms: 5, Workers: 2, Window: 2, Duration: 1500 * time.Millisecond,
		Rate: 2000, Stalled: 10, Churn: 40,
	})
	if !r.OK() || r.Published != 3000 || r.Expected != 30000 || r.Delivered != r.Expected ||
		r.Broken == 0 || r.Reconnects < r.Broken || r.Disconnects != 0 {
		t.Errorf("not as it should be:\n%s", textOf(t, r))
	}
}

// runAcrossRestart runs c on a server that is stopped when publishing has begun, and
// started again with the same data at the same address.
func runAcrossRestart(t *testing.T, c Config) *Report {
	t.Helper()
	dir := t.TempDir()
	s := newServer(t, func(c *server.Config) {
		c.DataDir, c.RetryAfterMin, c.RetryAfterMax = dir, time.Millisecond, 2*time.Millisecond
	})
	at, first := s.Addrs()[0].Addr, newSignal()
	c.Addr, c.IO, c.Progress = at.String(), driver(), first
	var r *Report
	failed := make(chan error, 1)
	go func() {
		var err error
		r, err = Run(t.Context(), c)
		failed <- err
	}()
	select {
	case <-first.seen:
	case err := <-failed:
		_ = s.Stop(context.Background())
		t.Fatalf("the run ended before anything was published: %v", err)
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	s = newServer(t, func(c *server.Config) { c.DataDir, c.Listen = dir, server.Native(at) })
	defer func() { _ = s.Stop(context.Background()) }()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunSurvivesARestart(t *testing.T) {
	r := runAcrossRestart(t, Config{Clients: 20, Rooms: 2, Messages: 2000, Rate: 2000})
	if !r.OK() || r.Reconnects < 20 || r.Goodbyes == 0 || r.Published != 2000 {
		t.Errorf("not as it should be:\n%s", textOf(t, r))
	}
}

// TestRunWhoseRoomsBeginAnew has a restart forget what was in memory only.
func TestRunWhoseRoomsBeginAnew(t *testing.T) {
	r := runAcrossRestart(t, Config{Clients: 10, Rooms: 2, Messages: 1000, Rate: 1000, Ephemeral: true})
	if r.OK() || r.Gaps != 10 || r.Published != 1000 || r.Unanswered != 0 || r.Misacked != 0 {
		t.Errorf("not as it should be:\n%s", textOf(t, r))
	}
}

// signal is a terminal that tells when publishing is shown on it.
type signal struct {
	seen chan struct{}
	told bool
}

func newSignal() *signal { return &signal{seen: make(chan struct{})} }

func (s *signal) Write(b []byte) (int, error) {
	if !s.told && strings.Contains(string(b), "publishing") {
		s.told = true
		close(s.seen)
	}
	return len(b), nil
}

func TestRunEndsEarlyWithAReport(t *testing.T) {
	addr := startServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := newSignal()
	go func() {
		<-first.seen
		cancel()
	}()
	r, err := Run(ctx, Config{Addr: addr, IO: driver(), Clients: 10, Duration: time.Hour, Rate: 100, Progress: first})
	if err != nil || !r.Interrupted || !r.OK() || r.Published == 0 {
		t.Fatalf("report %+v, error %v", r, err)
	}
}

func TestRunWithoutAServer(t *testing.T) {
	s := newServer(t, nil)
	addr := s.Addrs()[0].Addr.String()
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), Config{Addr: addr, IO: driver(), Clients: 3, ResumeTimeout: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "refused") || r == nil || r.OK() || r.Joined != 0 || r.ConnectsFailed == 0 {
		t.Fatalf("report %+v, error %v", r, err)
	}
}

func TestRunWhoseServerGoesAway(t *testing.T) {
	s := newServer(t, func(c *server.Config) { c.RetryAfterMin, c.RetryAfterMax = time.Millisecond, 2*time.Millisecond })
	first := newSignal()
	stopped := make(chan error, 1)
	go func() {
		<-first.seen
		stopped <- s.Stop(context.Background())
	}()
	r, err := Run(t.Context(), Config{
		Addr: s.Addrs()[0].Addr.String(), IO: driver(), Clients: 5, Duration: time.Hour, Rate: 500,
		ResumeTimeout: 200 * time.Millisecond, Settle: 100 * time.Millisecond, Progress: first,
	})
	if e := <-stopped; e != nil {
		t.Error(e)
	}
	if err == nil || r == nil || r.OK() || r.Failure == "" || r.GaveUp == 0 {
		t.Fatalf("report %+v, error %v", r, err)
	}
}

// TestRunFasterThanItCan has a timetable that a window of one message can not keep.
func TestRunFasterThanItCan(t *testing.T) {
	r := runSwarm(t, Config{
		Addr: startServer(t), Clients: 2, Publishers: 1, Rate: 1e6, Window: 1,
		Duration: 100 * time.Millisecond, Settle: 100 * time.Millisecond,
	})
	if !r.OK() || r.Unsent == 0 || r.Published+r.Unsent != 100000 || r.Latency.Max < 50 {
		t.Errorf("not as it should be:\n%s", textOf(t, r))
	}
}

func TestRunIdle(t *testing.T) {
	r := runSwarm(t, Config{Addr: startServer(t), Clients: 100, Rooms: 4, Idle: true, Duration: 50 * time.Millisecond})
	if !r.OK() || r.Published != 0 || r.Expected != 0 || r.JoinSeconds <= 0 {
		t.Errorf("not as it should be:\n%s", textOf(t, r))
	}
}

func TestRunTooLargeForTheServer(t *testing.T) {
	_, err := Run(t.Context(), Config{Addr: startServer(t), IO: driver(), Clients: 2, SizeBytes: 20000})
	if err == nil || !strings.Contains(err.Error(), "--size is 20000") {
		t.Fatalf("error %v", err)
	}
}

func TestRunWithASeedThatWasUsed(t *testing.T) {
	c := Config{Addr: startServer(t), Clients: 2, Messages: 2, Seed: 5}
	if r := runSwarm(t, c); !r.OK() {
		t.Fatalf("the first run:\n%s", textOf(t, r))
	}
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "--seed") {
		t.Fatalf("the second run: error %v", err)
	}
}

func TestReportJSON(t *testing.T) {
	r := runSwarm(t, Config{Addr: startServer(t), Clients: 4, Messages: 8})
	var b strings.Builder
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"clients", "rooms", "published", "acked", "expected", "delivered", "lost", "duplicated", "reordered",
		"corrupted", "deliveries_per_second", "latency_ms", "join_seconds", "errors",
	} {
		if _, ok := got[key]; !ok {
			t.Errorf("%q is missing", key)
		}
	}
	if _, ok := got["server_user_seconds"]; ok {
		t.Error("the server's CPU is there, and was not asked for")
	}
	latency, _ := got["latency_ms"].(map[string]any)
	for _, key := range []string{"p50", "p90", "p99", "p999", "max"} {
		if _, ok := latency[key]; !ok {
			t.Errorf("latency_ms.%s is missing", key)
		}
	}
}

// A name may have an address of each family, and a server only one.
func TestSecondAddressAnswers(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	at, nobody := open.Addr().(*net.TCPAddr).AddrPort(), closed.Addr().(*net.TCPAddr).AddrPort()
	for _, c := range []struct {
		all  []netip.AddrPort
		want netip.AddrPort
	}{
		{[]netip.AddrPort{nobody, at}, at},
		{[]netip.AddrPort{at, nobody}, at},
		{[]netip.AddrPort{nobody, nobody}, nobody},
		{[]netip.AddrPort{nobody}, nobody},
	} {
		if got := answering(t.Context(), c.all); got != c.want {
			t.Errorf("%v: %v", c.all, got)
		}
	}
}

// Everything that the swarm checks, over WebSocket and TLS: broken connections and stalled
// readers.
func TestRunOverWebSocketAndTLS(t *testing.T) {
	cert := tlstest.Write(t, t.TempDir(), 1)
	any := netip.MustParseAddrPort("127.0.0.1:0")
	for _, c := range []struct {
		web     string
		listen  string
		address func(*server.Server) string
	}{
		{"http", "tcp", func(s *server.Server) string { return "ws://" + s.WebAddr().Addr.String() + "/ws" }},
		{"https", "tcp", func(s *server.Server) string { return "wss://" + s.WebAddr().Addr.String() + "/ws" }},
		{"http", "tcp", func(s *server.Server) string { return "ws+json://" + s.WebAddr().Addr.String() + "/ws" }},
		{"https", "tcp", func(s *server.Server) string { return "wss+json://" + s.WebAddr().Addr.String() + "/ws" }},
		{"http", "tls", func(s *server.Server) string { return "tls://" + s.Addrs()[0].Addr.String() }},
	} {
		t.Run(c.web+" "+c.listen, func(t *testing.T) {
			s := newServer(t, func(config *server.Config) {
				config.Listen = []server.Address{{Scheme: c.listen, Addr: any}}
				config.Web = server.Address{Scheme: c.web, Addr: any}
				config.TLSCert, config.TLSKey = cert.CertFile, cert.KeyFile
			})
			t.Cleanup(func() {
				if err := s.Stop(context.Background()); err != nil {
					t.Errorf("stopping the server: %v", err)
				}
			})
			report := runSwarm(t, Config{
				Addr: c.address(s), TLS: &tls.Config{RootCAs: cert.Pool}, Clients: 40, Rooms: 2, Publishers: 10, Messages: 500,
				Rate: 1500, Stalled: 5, Churn: 50, Workers: 2,
			})
			if !report.OK() || report.Reconnects == 0 {
				t.Errorf("%+v", report)
			}
		})
	}
}

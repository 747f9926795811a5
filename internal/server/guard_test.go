package server_test

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sarang/internal/server"
)

// quiet is a server that is only asked over HTTP.
func quiet(t *testing.T, change func(*server.Config)) *running {
	t.Helper()
	c := server.Default()
	c.Web = server.Address{}
	c.Listen, c.HTTP, c.DataDir = server.Native(netip.MustParseAddrPort("127.0.0.1:0")), "127.0.0.1:0", t.TempDir()
	c.SessionsMax = 8
	change(&c)
	s := start(t, c)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop(t, s)
	})
	return s
}

// status is the answer's to a request that is asked by some name.
func status(t *testing.T, s *running, path, host string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTPAddr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// A page in a browser can not ask by a name of its own.
func TestHTTPHosts(t *testing.T) {
	s := quiet(t, func(c *server.Config) { c.HTTPHosts = []string{"Chat.example.org"} })
	for _, host := range []string{
		"localhost", "LOCALHOST:80", "localhost.", "127.0.0.1", "127.1.2.3:7780", "[::1]", "[::1]:7780",
		"chat.example.org", "chat.example.org:7780",
	} {
		if got := status(t, s, "/metrics", host); got != http.StatusOK {
			t.Errorf("%s: status %d", host, got)
		}
	}
	for _, host := range []string{"evil.example", "localhost.evil.example:7780", "127.0.0.1.evil.example", "192.0.2.1", "[2001:db8::1]:80"} {
		for _, path := range []string{"/metrics", "/healthz"} {
			if got := status(t, s, path, host); got != http.StatusForbidden && got != http.StatusBadRequest {
				t.Errorf("%s of %s: status %d", path, host, got)
			}
		}
	}
}

func TestPprofIsAskedFor(t *testing.T) {
	off := quiet(t, func(*server.Config) {})
	if got := status(t, off, "/debug/pprof/heap", "localhost"); got != http.StatusNotFound {
		t.Errorf("off: status %d", got)
	}
	on := quiet(t, func(c *server.Config) { c.Pprof = true })
	if got := status(t, on, "/debug/pprof/heap", "localhost"); got != http.StatusOK {
		t.Errorf("on: status %d", got)
	}
}

func TestLogLinesLostIsAMetric(t *testing.T) {
	s := quiet(t, func(c *server.Config) { c.LogLinesLost = func() uint64 { return 7 } })
	if _, text := get(t, s, "/metrics"); !strings.Contains(text, "sarang_log_lines_lost_total 7\n") {
		t.Error("it is not there")
	}
}

// Requests whose bodies never come are answered and over, at once.
func TestHTTPBodiesAreNotAwaited(t *testing.T) {
	s := quiet(t, func(*server.Config) {})
	for _, head := range []string{
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
		"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		c := raw(t, s)
		if _, err := io.WriteString(c, head); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		text, err := io.ReadAll(c)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%q: held for %v", head, took)
		}
		if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 400 ") {
			t.Errorf("%q: %q, %v", head, text, err)
		}
	}
}

// Whoever opens connections and says nothing does not keep the others out for long.
func TestHTTPOfTheSilent(t *testing.T) {
	s := quiet(t, func(*server.Config) {})
	for range server.OperatorsMax + 8 {
		raw(t, s)
	}
	if got := status(t, s, "/healthz", "localhost"); got != http.StatusOK {
		t.Errorf("status %d", got)
	}
}

// raw is a connection to the operators' side that gives up after a while.
func raw(t *testing.T, s *running) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

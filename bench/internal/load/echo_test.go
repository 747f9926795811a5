package load_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"sarang/bench/internal/load"
)

// echoServer gives back what comes, changed by twist.
func echoServer(t *testing.T, twist func(b []byte) []byte) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { // ends when the load closes its end
				defer c.Close()
				b := make([]byte, 4096)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					if _, err := c.Write(twist(b[:n])); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func echo(t *testing.T, addr netip.AddrPort) (*load.Result, int, error) {
	marks := 0
	count := func() error { marks++; return nil }
	r, err := load.Echo(t.Context(), load.EchoConfig{
		Addr: addr, Conns: 20, SizeBytes: 64, Warm: 10 * time.Millisecond, Measure: 100 * time.Millisecond, Connected: count, Mark: count,
	})
	return r, marks, err
}

func TestEcho(t *testing.T) {
	addr := echoServer(t, func(b []byte) []byte { return b })
	for range attempts {
		r, marks, err := echo(t, addr)
		if err != nil {
			t.Fatal(err)
		}
		if uint64(r.Latency.TotalCount()) != r.Deliveries || r.Bytes != 64*r.Deliveries || marks != 3 {
			t.Errorf("%d marks, %+v", marks, r)
		}
		if r.Deliveries > 0 {
			return
		}
	}
	t.Errorf("no echo in %d measurements", attempts)
}

func TestEchoFails(t *testing.T) {
	if _, _, err := echo(t, echoServer(t, func(b []byte) []byte { b[40] ^= 1; return b })); !errors.Is(err, load.ErrNotEcho) {
		t.Errorf("a changed byte: error %v, want ErrNotEcho", err)
	}
	if _, _, err := echo(t, echoServer(t, func(b []byte) []byte { return append(b, 'x') })); !errors.Is(err, load.ErrNotEcho) {
		t.Errorf("a byte too many: error %v, want ErrNotEcho", err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { io.ReadFull(c, make([]byte, 64)); c.Close() })
		}
	})
	if _, _, err := echo(t, l.Addr().(*net.TCPAddr).AddrPort()); !errors.Is(err, io.EOF) {
		t.Errorf("a server that closes: error %v, want EOF", err)
	}
	l.Close()
	all.Wait()
}

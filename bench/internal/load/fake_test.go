package load_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"sarang/bench/internal/wire"
)

// fake is a server for tests that speaks Relay, and does what a test's twist wants
// with each message.
type fake struct {
	t        *testing.T
	listener net.Listener
	twist    func(f *fake, n int, frame []byte) // n counts messages from 1; nil: send to all

	mu        sync.Mutex
	conns     []net.Conn
	receivers []net.Conn
	messages  int
	ended     sync.WaitGroup
}

func newFake(t *testing.T, twist func(f *fake, n int, frame []byte)) *fake {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, listener: l, twist: twist}
	f.ended.Go(f.accept)
	t.Cleanup(func() {
		l.Close()
		f.mu.Lock()
		for _, c := range f.conns {
			c.Close()
		}
		f.mu.Unlock()
		f.ended.Wait()
	})
	return f
}

func (f *fake) addr() netip.AddrPort { return f.listener.Addr().(*net.TCPAddr).AddrPort() }

func (f *fake) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns = append(f.conns, c)
		f.mu.Unlock()
		f.ended.Go(func() { f.serve(c) })
	}
}

func (f *fake) serve(c net.Conn) {
	b := make([]byte, 0, 1<<20)
	for {
		n, err := c.Read(b[len(b):cap(b)])
		if err != nil {
			return
		}
		b = b[:len(b)+n]
		for {
			frame, size, err := wire.Relay{}.Next(b)
			if err != nil {
				return
			}
			if size == 0 {
				break
			}
			f.handle(c, frame, b[:size])
			b = b[:copy(b, b[size:])]
		}
	}
}

func (f *fake) handle(c net.Conn, frame wire.Frame, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case frame.Kind == wire.Done:
		if b[len(b)-1] == 'J' {
			f.receivers = append(f.receivers, c)
		}
		c.Write(b)
	case f.twist != nil:
		f.messages++
		f.twist(f, f.messages, b)
	default:
		f.toAll(b)
	}
}

// toAll sends a frame to every receiver. Called by a twist, or with mu held.
func (f *fake) toAll(frame []byte) {
	for _, c := range f.receivers {
		c.Write(frame)
	}
}

// frame is a delivery with a text of the test's making.
func frame(text []byte) []byte {
	return wire.Relay{}.AppendPublish(nil, wire.Room{}, 1, text)
}

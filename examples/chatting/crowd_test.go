package main

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/packet"
)

// liar is a server that tells each client what a test wants it to hear.
type liar struct {
	listener *net.TCPListener
	mangle   func(to int, l line) []line // what client number to hears of l

	mu    sync.Mutex
	conns []net.Conn
	next  uint64
	all   sync.WaitGroup
}

func startLiar(t *testing.T, mangle func(to int, l line) []line) *liar {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{listener: listener, mangle: mangle, next: 1}
	l.all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.all.Go(func() { l.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); l.all.Wait() })
	return l
}

func (l *liar) serve(conn net.Conn) {
	defer conn.Close()
	var in []byte
	room := make([]byte, 4096)
	for {
		n, err := conn.Read(room)
		if err != nil {
			return
		}
		for in = append(in, room[:n]...); ; {
			p, n, _ := packet.Split(in)
			if n == 0 {
				break
			}
			l.answer(conn, p)
			in = in[n:]
		}
	}
}

func (l *liar) answer(conn net.Conn, p packet.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := packet.NewReader(p.Payload)
	switch p.ID {
	case idLogin:
		l.conns = append(l.conns, conn)
		m := welcome{Player: playerID(len(l.conns)), NextLine: l.next}
		b, _ := m.append(nil)
		_, _ = conn.Write(b)
	case idSay:
		said := line{Number: l.next, Player: 1, Name: "dummy0", Text: r.Text()}
		l.next++
		for i, to := range l.conns {
			for _, lie := range l.mangle(i, said) {
				b, _ := lie.append(nil)
				_, _ = to.Write(b)
			}
		}
	}
}

// The judge would be worth nothing if it let everything pass.
func TestCrowdFindsFaults(t *testing.T) {
	for name, test := range map[string]struct {
		want   string // in a fault; "" for none
		mangle func(to int, l line) []line
	}{
		"honest": {"", func(_ int, l line) []line { return []line{l} }},
		"lost": {"line 2 was next", func(to int, l line) []line {
			if to == 1 && l.Number == 2 {
				return nil
			}
			return []line{l}
		}},
		"lost at the end": {"1 lines did not come", func(to int, l line) []line {
			if to == 1 && l.Number == 6 {
				return nil
			}
			return []line{l}
		}},
		"repeated": {"line 2 came, line 3 was next", func(to int, l line) []line {
			if to == 0 && l.Number == 2 {
				return []line{l, l}
			}
			return []line{l}
		}},
		"not the same": {"not the same for everybody", func(to int, l line) []line {
			if to == 1 && l.Number == 3 {
				l.Text += "!"
			}
			return []line{l}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			l := startLiar(t, test.mangle)
			onEachDriver(t, func(t *testing.T, kind string) {
				l.mu.Lock()
				l.conns, l.next = nil, 1
				l.mu.Unlock()
				r, err := runCrowd(t.Context(), crowdConfig{
					addr: l.addr(), driver: kind, name: "dummy", clients: 2, messages: 3,
					interval: time.Millisecond, patience: patienceFor(test.want), logger: quiet(),
				})
				if err != nil {
					t.Fatal(err)
				}
				faults := strings.Join(r.Faults, "\n")
				if r.Failed() != (test.want != "") || !strings.Contains(faults, test.want) {
					t.Errorf("want a fault %q; report %+v", test.want, r)
				}
			})
		})
	}
}

// patienceFor is short where the end of patience is what the test is about.
func patienceFor(fault string) time.Duration {
	if fault == "" {
		return testTimeout
	}
	return 500 * time.Millisecond
}

func (l *liar) addr() netip.AddrPort { return l.listener.Addr().(*net.TCPAddr).AddrPort() }

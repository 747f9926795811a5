package proxyproto_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/aio"
	"sarang/engine"
	"sarang/engine/proxyproto"
)

// lines is a protocol of lines: who connects is told who he is, and so is who is refused.
type lines struct{}

func (lines) Split(b []byte) (int, error) { return strings.IndexByte(string(b), '\n') + 1, nil }

func (lines) Need(b []byte) int { return len(b) + 1 }

type greeter struct{ engine.NopHandler }

func (greeter) Connected(s *engine.Session) { _ = s.Send([]byte(s.Peer().String() + "\n")) }

func (greeter) Received(s *engine.Session, line []byte) { _ = s.Send(line) }

func (greeter) Farewell(to engine.Sender, why engine.Reason) {
	if why.Code == engine.ReasonRefused {
		_ = to.Send([]byte("refused: " + why.Err.Error() + "\n"))
	}
}

// counting is a gate that counts who is inside, and refuses one address.
type counting struct {
	mu     sync.Mutex
	inside map[netip.Addr]int
	wrong  []string
	told   bool // the refused are told
}

var errKeptOut = errors.New("not you")

var keptOut = netip.MustParseAddr("203.0.113.66")

func (c *counting) Enter(peer netip.AddrPort) engine.Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if peer.Addr() == keptOut {
		return engine.Refusal{Err: errKeptOut, Farewell: c.told}
	}
	c.inside[peer.Addr()]++
	return engine.Refusal{}
}

func (c *counting) Leave(peer netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inside[peer.Addr()]--; c.inside[peer.Addr()] < 0 {
		c.wrong = append(c.wrong, peer.String())
	}
}

func (c *counting) count(addr string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inside[netip.MustParseAddr(addr)]
}

// behind runs a test on each driver, with a listener of which connections from this machine are
// a proxy's, if trusted.
func behind(t *testing.T, trusted bool, test func(t *testing.T, g *counting, svc *engine.Service, say func(string) net.Conn, bad func() int)) {
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			if _, _, err := aio.Choose(kind); err != nil {
				t.Skip("a driver that this system does not have:", err)
			}
			g := &counting{inside: map[netip.Addr]int{}, told: true}
			svc, err := engine.New(engine.Config{
				Gate: g, Workers: 2, LoginDeadline: 20 * time.Second,
				OpenDriver: func(int) (aio.Driver, error) { return aio.Open(kind, aio.Config{SocketsMax: 64}) },
			})
			if err == nil {
				err = svc.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := svc.Close(); err != nil {
					t.Error(err)
				}
				for a, n := range g.inside {
					if n != 0 {
						t.Errorf("%d of %v are inside after the end", n, a)
					}
				}
				if len(g.wrong) > 0 {
					t.Errorf("left and had not entered: %v", g.wrong)
				}
			}()
			var mu sync.Mutex
			bad := 0
			at, err := svc.Listen(netip.MustParseAddrPort("127.0.0.1:0"), proxyproto.Over(&engine.Protocol{
				Name: "lines", Framer: lines{}, NewHandler: func(*engine.Worker) engine.Handler { return greeter{} },
			}, proxyproto.Config{
				Trusted: func(netip.AddrPort) bool { return trusted },
				Bad:     func(netip.AddrPort, error) { mu.Lock(); defer mu.Unlock(); bad++ },
			}))
			if err != nil {
				t.Fatal(err)
			}
			say := func(what string) net.Conn {
				c, err := net.Dial("tcp", at.String())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				if _, err := c.Write([]byte(what)); err != nil {
					t.Fatal(err)
				}
				return c
			}
			test(t, g, svc, say, func() int { mu.Lock(); defer mu.Unlock(); return bad })
		})
	}
}

// hears reads a text.
func hears(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("it says %q, %v; not %q", b[:n], err, want)
	}
}

// ended reads what is said until the end.
func ended(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the connection does not end")
	}
	return string(b)
}

func TestBehindAProxy(t *testing.T) {
	behind(t, true, func(t *testing.T, g *counting, svc *engine.Service, say func(string) net.Conn, bad func() int) {
		for _, header := range []string{good[0].header, v2(0x21, 0x11, v4...)} {
			c := say(header + "hello\nwor")
			hears(t, c, "203.0.113.9:40000\nhello\n")
			if g.count("203.0.113.9") != 1 || g.count("127.0.0.1") != 0 {
				t.Errorf("inside: %v", g.inside)
			}
			for _, b := range []byte("ld\n" + good[2].header) { // a second header is nobody's
				if _, err := c.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
			hears(t, c, "world\n"+good[2].header)
			c.Close()
			for g.count("203.0.113.9") != 0 {
				time.Sleep(time.Millisecond) // sleep: polling; the end of a session has no signal here
			}
		}
		c := say("")
		for _, b := range []byte(v2(0x21, 0x21, v6...) + "x\n") {
			if _, err := c.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		hears(t, c, "[2001:db8::7]:40001\nx\n")
		for _, own := range []string{"PROXY UNKNOWN\r\n", v2(0x20, 0)} {
			c := say(own + "x\n")
			hears(t, c, c.LocalAddr().String()+"\nx\n")
		}
		if g.count("127.0.0.1") != 2 {
			t.Errorf("inside: %v", g.inside)
		}
		refused := v2(0x21, 0x11, ends("203.0.113.66:1", "192.0.2.1:2")...)
		if got := ended(t, say(refused+"x\n")); got != "refused: not you\n" {
			t.Errorf("who is kept out is told %q", got)
		}
		g.mu.Lock()
		g.told = false
		g.mu.Unlock()
		if got := ended(t, say(refused)); got != "" {
			t.Errorf("who is kept out without a word is told %q", got)
		}
		if bad() != 0 {
			t.Errorf("%d headers were bad", bad())
		}
		for i, b := range []string{"hello\n", good[0].header[1:], v2(0x21, 0x12, v4...), v2(0x21, 0x11, append(v4, make([]byte, 2100)...)...)} {
			if got := ended(t, say(b)); got != "" || bad() != i+1 {
				t.Errorf("%.60q is answered with %q; %d were bad, not %d", b, got, bad(), i+1)
			}
		}
		if st := svc.Stats(); st.Refused[engine.RefusedByGate] != 2 {
			t.Errorf("%d were refused", st.Refused[engine.RefusedByGate])
		}
	})
}

// Who is no proxy can not say that he is another.
func TestNoProxy(t *testing.T) {
	behind(t, false, func(t *testing.T, g *counting, _ *engine.Service, say func(string) net.Conn, bad func() int) {
		c := say(good[0].header)
		hears(t, c, c.LocalAddr().String()+"\n"+good[0].header)
		if g.count("127.0.0.1") != 1 || g.count("203.0.113.9") != 0 || bad() != 0 {
			t.Errorf("inside: %v; %d were bad", g.inside, bad())
		}
	})
}

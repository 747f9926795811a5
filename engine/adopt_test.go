package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
)

// webListener hands detached connections to an http.Server.
type webListener struct {
	at    net.Addr
	conns chan net.Conn
	end   chan struct{}
	once  sync.Once
}

func (l *webListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}

func (l *webListener) Close() error   { l.once.Do(func() { close(l.end) }); return nil }
func (l *webListener) Addr() net.Addr { return l.at }

// web is the handler of connections that net/http is to have.
type web struct {
	engine.NopHandler
	t *testing.T
	l *webListener
}

func (h web) Connected(s *engine.Session) {
	c, err := s.Detach()
	if err != nil {
		h.t.Error(err)
		return
	}
	h.l.conns <- c // there is room for all of a test's
}

// passThrough takes what there is for a frame: nothing of it is the protocol's.
type passThrough struct{}

func (passThrough) Split(b []byte) (int, error) { return len(b), nil }
func (passThrough) Need(b []byte) int           { return len(b) }

// A web server on connections that the engine feeds, whose hijacked ones come back to it:
// nothing that the client has said meanwhile is lost.
func TestHTTPOnDetachedConnections(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open, Workers: 2, LoginDeadline: 5 * time.Second, HeartbeatInterval: -1, IdleTimeout: -1})
		upgraded := lines(func(*engine.Worker) engine.Handler { return echo{} })
		l := &webListener{conns: make(chan net.Conn, 100), end: make(chan struct{})}
		front := &engine.Protocol{
			Name: "web", Framer: passThrough{},
			NewHandler: func(*engine.Worker) engine.Handler { return web{t: t, l: l} },
		}
		at := listen(t, svc, "127.0.0.1:0", front)
		l.at = net.TCPAddrFromAddrPort(at)
		mux := http.NewServeMux()
		mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "hello %s", r.RemoteAddr)
		})
		mux.HandleFunc("POST /count", func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		})
		mux.HandleFunc("GET /lines", func(w http.ResponseWriter, _ *http.Request) {
			c, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\n")
			_ = rw.Flush()
			read, _ := rw.Reader.Peek(rw.Reader.Buffered())
			if err := svc.Adopt(c, read, upgraded, nil); err != nil {
				t.Error(err)
			}
		})
		server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
		served := make(chan error)
		go func() { served <- server.Serve(l) }()
		for i := range 20 {
			webConversation(t, at, i)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

func webConversation(t *testing.T, at netip.AddrPort, i int) {
	c := dial(t, at)
	r := bufio.NewReader(c)
	ask := func(request, want string) {
		t.Helper()
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		reply, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(reply.Body)
		if err != nil || string(body) != want {
			t.Fatalf("%q was answered %q, %v", request, body, err)
		}
	}
	for range 3 {
		ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "hello "+c.LocalAddr().String())
	}
	body := strings.Repeat("x", 200_000)
	ask(fmt.Sprintf("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body), fmt.Sprint(len(body), " <nil>"))
	// What is said right behind the request is for the lines: read ahead by bufio, held by
	// the connection, or on its way.
	early := "early\n" + strings.Repeat(strings.Repeat("y", 400)+"\n", i*2)
	if _, err := io.WriteString(c, "GET /lines HTTP/1.1\r\nHost: a\r\n\r\n"+early); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "later\n"); err != nil {
		t.Fatal(err)
	}
	if reply, err := http.ReadResponse(r, nil); err != nil || reply.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", reply, err)
	}
	readText(t, r, early+"later\n")
	if i%2 == 0 {
		c.Close()
	}
}

// A connection that Go's own listener has accepted, of which something was read already.
func TestAdoptAcceptedByGo(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		gate := &door{most: 3, farewell: true, inside: map[netip.AddrPort]bool{}}
		h := &adopted{t: t}
		svc := serve(t, engine.Config{OpenDriver: open, Workers: 2, Gate: gate, LoginDeadline: -1, DirectQueueBytesMax: 2 << 20})
		p := lines(func(*engine.Worker) engine.Handler { return h })
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		adopt := func(text string, read int) (net.Conn, net.Conn, error) {
			c := dial(t, netip.MustParseAddrPort(l.Addr().String()))
			mine, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, text); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, read)
			if _, err := io.ReadFull(mine, b); err != nil {
				t.Fatal(err)
			}
			return c, mine, svc.Adopt(mine, b, p, "data")
		}
		for i := range 3 {
			c, mine, err := adopt("one\ntwo\nthree", i*4+1)
			if cannotAdopt(t, err) {
				if _, err := io.WriteString(mine, "refused"); err != nil {
					t.Error(err)
				}
				readText(t, c, "refused")
				t.Skip("only Linux and the portable driver adopt; the refused connection still works:", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, " and four\n"); err != nil {
				t.Fatal(err)
			}
			readText(t, c, "one\ntwo\nthree and four\n")
			huge := strings.Repeat(strings.Repeat("z", 500)+"\n", 2000) // more than sockets hold
			go func() { _, _ = io.WriteString(c, huge) }()
			readText(t, c, huge)
			if _, err := mine.Write([]byte("x")); err == nil && mine.(*net.TCPConn) != nil && !portable(t) {
				t.Error("who has given a connection away can write to it")
			}
			defer c.Close()
		}
		c, _, err := adopt("one\n", 1)
		if !errors.Is(err, errDoor) {
			t.Errorf("Adopt of one too many gave %v", err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "BYE refused\n" {
			t.Errorf("one too many was told %q, %v", b, err)
		}
		if st := svc.Stats(); st.Accepted != 3 || st.Refused[engine.RefusedByGate] != 1 {
			t.Errorf("%d accepted, %v refused", st.Accepted, st.Refused)
		}
	})
}

// Deadlines hold for what was adopted as for what was accepted.
func TestAdoptedMustLogIn(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		ended := make(chan engine.Reason, 1)
		svc := serve(t, engine.Config{OpenDriver: open, LoginDeadline: 50 * time.Millisecond, LingerTimeout: 50 * time.Millisecond})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dial(t, netip.MustParseAddrPort(l.Addr().String()))
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		err = svc.Adopt(c, nil, lines(func(*engine.Worker) engine.Handler { return echo{ended: ended} }), nil)
		if cannotAdopt(t, err) {
			c.Close()
			t.Skip("only Linux and the portable driver adopt:", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if why := <-ended; why.Code != engine.ReasonLoginDeadline {
			t.Errorf("ended with %v", why)
		}
	})
}

// cannotAdopt reports whether a driver of another system than Linux has refused a
// connection; a driver that has to take it fails the test.
func cannotAdopt(t *testing.T, err error) bool {
	t.Helper()
	if !errors.Is(err, engine.ErrAdopt) {
		return false
	}
	if runtime.GOOS == "linux" || portable(t) {
		t.Fatal(err)
	}
	return true
}

// portable reports whether the test's driver takes connections as they are.
func portable(t *testing.T) bool { return strings.HasSuffix(t.Name(), "/portable") }

type adopted struct {
	echo
	t *testing.T
}

func (h *adopted) Connected(s *engine.Session) {
	if s.Data != "data" || !s.Peer().Addr().IsLoopback() {
		h.t.Errorf("session of %v with data %v", s.Peer(), s.Data)
	}
}

func (h *adopted) Farewell(to engine.Sender, why engine.Reason) {
	_ = to.Send(fmt.Appendf(nil, "BYE %v\n", why.Code))
}

// What can not be taken over stays with its owner.
func TestAdoptRefuses(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open})
		a, b := net.Pipe()
		defer a.Close()
		err := svc.Adopt(b, nil, lines(newEcho), nil)
		if portable(t) {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if !errors.Is(err, engine.ErrAdopt) {
			t.Errorf("Adopt of a pipe gave %v", err)
		}
		go func() { _, _ = b.Write([]byte("x")) }()
		readText(t, a, "x")
	})
	world := aiosim.NewWorld(aiosim.Config{AllowExternalWake: true})
	svc := serve(t, engine.Config{OpenDriver: func(int) (aio.Driver, error) { return world.NewDriver(aio.Config{}), nil }})
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if err := svc.Adopt(b, nil, lines(newEcho), nil); !errors.Is(err, engine.ErrAdopt) {
		t.Errorf("Adopt by the simulation gave %v", err)
	}
	if err := svc.Adopt(b, nil, nil, nil); err == nil {
		t.Error("a connection was adopted without a protocol")
	}
	if err := svc.Close(); err != nil {
		t.Error(err)
	}
	if err := svc.Adopt(b, nil, lines(newEcho), nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Adopt after Close gave %v", err)
	}
}

// A service that goes down, or is full, does not keep what it was given.
func TestAdoptWhileFullOrDraining(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		before := openFiles(t)
		svc := serve(t, engine.Config{OpenDriver: open, SessionsMax: 1, FarewellsMax: -1})
		p := lines(newEcho)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		give := func() (net.Conn, error) {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			mine, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			err = svc.Adopt(mine, nil, p, nil)
			if cannotAdopt(t, err) {
				mine.Close()
				c.Close()
				t.Skip("only Linux and the portable driver adopt:", err)
			}
			if errors.Is(err, engine.ErrClosed) {
				mine.Close()
			}
			return c, err
		}
		first, err := give()
		if err != nil {
			t.Error(err)
		}
		second, err := give()
		if !errors.Is(err, engine.ErrSessionsMax) {
			t.Errorf("Adopt of one too many gave %v", err)
		}
		if b, err := io.ReadAll(second); len(b) > 0 || err != nil && !isReset(err) {
			t.Errorf("one too many read %q, %v", b, err)
		}
		first.Close()
		svc.Drain(t.Context())
		third, err := give()
		if !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Adopt after Drain gave %v", err)
		}
		second.Close()
		third.Close()
		l.Close()
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
		if after := openFiles(t); after > before {
			t.Errorf("%d files were open before, %d are after", before, after)
		}
	})
}

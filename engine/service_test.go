package engine_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/packet"
)

// The tests from here on run services as programs do: with goroutines, on the real
// drivers, against plain connections of package net.

// onDrivers runs body for every real driver of this machine.
func onDrivers(t *testing.T, body func(t *testing.T, open func(int) (aio.Driver, error))) {
	t.Helper()
	for _, kind := range aio.Kinds() {
		t.Run(kind, func(t *testing.T) {
			if _, _, err := aio.Choose(kind); err != nil {
				t.Skip("a driver that this system does not have:", err)
			}
			body(t, func(int) (aio.Driver, error) {
				return aio.Open(kind, aio.Config{RecvBuffers: 64, SocketsMax: 8192})
			})
		})
	}
}

// serve starts a service and closes it at the end of the test; nothing may leak.
func serve(t *testing.T, c engine.Config) *engine.Service {
	t.Helper()
	svc, err := engine.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := svc.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := svc.Close(); err != nil {
			t.Errorf("a second Close: %v", err)
		}
		if n := svc.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
	return svc
}

func listen(t *testing.T, svc *engine.Service, addr string, p *engine.Protocol) netip.AddrPort {
	t.Helper()
	at, err := svc.Listen(netip.MustParseAddrPort(addr), p)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func dial(t *testing.T, at netip.AddrPort) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// roundTrip sends a packet and reads its echo.
func roundTrip(t *testing.T, c net.Conn, payload ...byte) {
	t.Helper()
	want := pack(idEcho, payload...)
	if _, err := c.Write(want); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Fatalf("got %x, not %x", got, want)
	}
}

// echo is a handler that answers with what it is told, and says who it is.
type echo struct {
	engine.NopHandler
	ended chan engine.Reason
}

func (echo) Received(s *engine.Session, frame []byte) { _ = s.Send(frame) }

func (e echo) Disconnected(_ *engine.Session, why engine.Reason) {
	if e.ended != nil {
		e.ended <- why
	}
}

func newEcho(*engine.Worker) engine.Handler { return echo{} }

func TestListenOnSeveralAddresses(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open, Workers: 2})
		for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "127.0.0.1:0", "0.0.0.0:0"} {
			at := listen(t, svc, addr, packets(newEcho))
			if at.Port() == 0 {
				t.Errorf("no port was picked for %s", addr)
			}
			if at.Addr().IsUnspecified() {
				at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at.Port())
			}
			roundTrip(t, dial(t, at), 'a')
		}
	})
}

func TestListenOnUsedPort(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open})
		at := listen(t, svc, "127.0.0.1:0", packets(newEcho))
		if _, err := svc.Listen(at, packets(newEcho)); err == nil || !strings.Contains(err.Error(), at.String()) {
			t.Errorf("listening twice gave %v", err)
		}
		roundTrip(t, dial(t, at), 'a')
	})
}

func TestConnectRefused(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := netip.MustParseAddrPort(l.Addr().String())
		l.Close()
		ended := make(chan engine.Reason, 1)
		svc := serve(t, engine.Config{OpenDriver: open})
		told := packets(func(*engine.Worker) engine.Handler { return echo{ended: ended} })
		if err := svc.Connect(at, told, nil); err != nil {
			t.Fatal(err)
		}
		if why := <-ended; why.Code != engine.ReasonConnect || why.Err == nil {
			t.Errorf("ended with %v", why)
		}
	})
}

// Accepted connections are dealt out to the workers in turn.
func TestWorkersShareSessions(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open, Workers: 3})
		at := listen(t, svc, "127.0.0.1:0", packets(newEcho))
		for i := range 30 {
			roundTrip(t, dial(t, at), byte(i))
		}
		for _, w := range svc.Workers() {
			count := make(chan int)
			w.Post(engine.MessageFunc(func(w *engine.Worker) {
				n := 0
				w.Each(func(s *engine.Session) {
					if s.Worker() != w || s.ID().Worker() != w.Index() || w.Session(s.ID()) != s || !s.Peer().IsValid() {
						t.Errorf("session %x is not at home", s.ID())
					}
					n++
				})
				count <- n
			}))
			if n := <-count; n != 10 {
				t.Errorf("worker %d has %d of 30 sessions", w.Index(), n)
			}
		}
		if st := svc.Stats(); st.Sessions != 30 || st.Accepted != 30 || st.Frames != 30 || svc.Sessions() != 30 {
			t.Errorf("%+v", st)
		}
	})
}

func TestSessionsMax(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		svc := serve(t, engine.Config{OpenDriver: open, SessionsMax: 2, Workers: 2})
		at := listen(t, svc, "127.0.0.1:0", packets(newEcho))
		a, b := dial(t, at), dial(t, at)
		roundTrip(t, a, 'a')
		roundTrip(t, b, 'b')
		c := dial(t, at)
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the third connection was not closed: %v", err)
		}
		if err := svc.Connect(at, packets(newEcho), nil); !errors.Is(err, engine.ErrSessionsMax) {
			t.Errorf("Connect gave %v", err)
		}
		if n := svc.Stats().Refused[engine.RefusedSessionsMax]; n != 1 {
			t.Errorf("%d are counted as refused", n)
		}
		a.Close()
		for svc.Sessions() > 1 { // the end of one makes room
			svc.Stats()
		}
		roundTrip(t, dial(t, at), 'd')
	})
}

// Accepting that fails is taken up again: nobody who waits at the door is lost.
func TestAcceptErrors(t *testing.T) {
	c := setup{simply: true, faults: aiosim.Faults{AcceptError: .5}}
	everywhere(t, c, func(h *harness) {
		for range 20 {
			h.connect()
		}
		if n := h.service.Stats().AcceptErrors; n < 3 {
			h.Errorf("only %d errors in 20 accepts were met; half was meant", n)
		}
	})
}

// A driver that has no more sockets turns connections away, and serves the others.
func TestDriverIsFull(t *testing.T) {
	c := setup{driver: aio.Config{SocketsMax: 3}} // one of them listens
	everywhere(t, c, func(h *harness) {
		h.packet = func(s *engine.Session, p packet.Packet) { _ = s.Send(pack(p.ID, p.Payload...)) }
		a, _ := h.connect()
		b, s := h.connect()
		c := h.peers.connect(h, h.at, aio.SocketOptions{})
		h.until("the third peer to be turned away", func() bool { return c.end != nil })
		if err := h.service.Connect(h.at, h.packets, nil); !errors.Is(err, aio.ErrTooMany) {
			h.Errorf("Connect gave %v", err)
		}
		for _, p := range []*peer{a, b} {
			p.write(pack(idEcho))
			h.until("an echo", func() bool { return len(p.take()) == 1 })
		}
		if n := h.service.Sessions(); n != 2 {
			h.Errorf("%d sessions", n)
		}
		s.Abort()
		h.until("room", func() bool { return len(h.ended) == 1 })
		h.connect()
	})
}

// A session's name finds it as long as it lives, and nobody afterwards.
func TestStaleSessionID(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		_, first := h.connect()
		id := first.ID()
		if h.worker.Session(id) != first || h.worker.Session(0) != nil || h.worker.Session(id+1) != nil {
			t.Error("names do not find what they name")
		}
		if h.worker.Session(id|1<<56) != nil {
			t.Error("another worker's session was found")
		}
		first.Abort()
		h.until("the end", func() bool { return len(h.ended) == 1 })
		if h.worker.Session(id) != nil || h.worker.Session(0) != nil {
			t.Error("a stale name finds a session")
		}
		_, second := h.connect()
		if second.ID() == id || h.worker.Session(id) != nil {
			t.Error("a stale name finds the slot's next owner")
		}
	})
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []engine.Config{
		{Workers: -1},
		{Workers: 129},
	} {
		if _, err := engine.New(c); err == nil {
			t.Errorf("New took %+v", c)
		}
	}
}

// One worker that can not start is an error of Start; the others end.
func TestStartFails(t *testing.T) {
	for _, manual := range []bool{false, true} {
		world := aiosim.NewWorld(aiosim.Config{AllowExternalWake: true})
		svc, err := engine.New(engine.Config{
			Workers: 3, Manual: manual,
			OpenDriver: func(i int) (aio.Driver, error) {
				if i == 1 {
					return nil, aio.ErrUnavailable
				}
				return world.NewDriver(aio.Config{}), nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := svc.Start(); !errors.Is(err, aio.ErrUnavailable) {
			t.Errorf("Start gave %v", err)
		}
		if err := svc.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// Before Start and after Close there is nobody to do anything.
func TestNotRunning(t *testing.T) {
	for _, manual := range []bool{false, true} {
		world := aiosim.NewWorld(aiosim.Config{AllowExternalWake: true})
		svc, err := engine.New(engine.Config{
			Manual:     manual,
			OpenDriver: func(int) (aio.Driver, error) { return world.NewDriver(aio.Config{}), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		at := netip.MustParseAddrPort("10.0.0.1:7777")
		refused := func(when string) {
			if _, err := svc.Listen(at, packets(newEcho)); !errors.Is(err, engine.ErrClosed) {
				t.Errorf("%s: Listen gave %v", when, err)
			}
			if err := svc.Connect(at, packets(newEcho), nil); !errors.Is(err, engine.ErrClosed) {
				t.Errorf("%s: Connect gave %v", when, err)
			}
			if svc.Workers()[0].Post(engine.MessageFunc(func(*engine.Worker) {})) {
				t.Errorf("%s: Post said true", when)
			}
			if manual {
				if err := svc.Step(); !errors.Is(err, engine.ErrClosed) {
					t.Errorf("%s: Step gave %v", when, err)
				}
			}
			svc.Stats()
		}
		refused("before Start")
		if err := svc.Start(); err != nil {
			t.Fatal(err)
		}
		if err := svc.Start(); !errors.Is(err, engine.ErrStarted) {
			t.Errorf("a second Start gave %v", err)
		}
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
		refused("after Close")
	}
}

// Close with everything in the middle of something leaks nothing.
func TestCloseInTheMiddle(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		before := openFiles(t)
		t.Run("service", func(t *testing.T) {
			var wg sync.WaitGroup
			t.Cleanup(wg.Wait)
			svc := serve(t, engine.Config{OpenDriver: open, Workers: 2, Debug: true})
			at := listen(t, svc, "127.0.0.1:0", packets(newEcho))
			for i := range 20 {
				c := dial(t, at)
				roundTrip(t, c, byte(i))
				wg.Add(1)
				go func() { // writes, and never reads
					defer wg.Done()
					for {
						if _, err := c.Write(pack(idEcho, make([]byte, 5000)...)); err != nil {
							return
						}
					}
				}()
			}
			for range 20 {
				_ = svc.Connect(at, packets(newEcho), nil)
			}
			if err := svc.Close(); err != nil {
				t.Error(err)
			}
		})
		if after := openFiles(t); after > before {
			t.Errorf("%d files were open before, %d are after", before, after)
		}
	})
}

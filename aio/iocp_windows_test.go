package aio_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"sarang/aio"
)

// patience bounds every wait; only a driver that is broken uses it up.
const patience = 20 * time.Second

var home = netip.MustParseAddrPort("127.0.0.1:0")

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// port is an IOCP driver with a listener that accepts.
type port struct {
	aio.Driver
	t        testing.TB
	listener aio.Socket
	at       netip.AddrPort
	room     []aio.Event
}

func newPort(t testing.TB, o aio.SocketOptions) *port {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	d, err := aio.Open("iocp", aio.Config{})
	must(t, err)
	t.Cleanup(func() { must(t, d.Release()) })
	p := &port{Driver: d, t: t, room: make([]aio.Event, 256)}
	p.listener, p.at, err = d.Listen(home, o, 1)
	must(t, err)
	must(t, d.Accept(p.listener))
	return p
}

// events waits once.
func (p *port) events() []aio.Event {
	p.t.Helper()
	n, err := p.Wait(p.room, patience)
	must(p.t, err)
	if n == 0 {
		p.t.Fatal("nothing happens")
	}
	return p.room[:n]
}

// next waits for an event of a kind and drops what comes before it and with it.
func (p *port) next(kind aio.Kind) aio.Event {
	p.t.Helper()
	for {
		for _, e := range p.events() {
			if e.Kind == kind {
				return e
			}
		}
	}
}

// join makes a connection with a plain socket at the far end.
func (p *port) join() (aio.Socket, *net.TCPConn) {
	p.t.Helper()
	c, err := net.Dial("tcp", p.at.String())
	must(p.t, err)
	s, err := p.Attach(p.next(aio.KindAccept).Conn, 2)
	must(p.t, err)
	return s, c.(*net.TCPConn)
}

// fill sends until the socket is full and returns how many bytes it took.
func (p *port) fill(s aio.Socket, message []byte) int {
	p.t.Helper()
	taken := 0
	for {
		must(p.t, p.Send(s, [][]byte{message}))
		e := p.next(aio.KindSend)
		if errors.Is(e.Err, aio.ErrWouldBlock) {
			return taken
		}
		must(p.t, e.Err)
		taken += e.N
	}
}

// fillUp fills the socket until the peer's end is full too, so that nothing moves.
func (p *port) fillUp(s aio.Socket, message []byte) int {
	p.t.Helper()
	const quiet = 200 * time.Millisecond
	taken := 0
	for {
		taken += p.fill(s, message)
		if n, err := p.Wait(p.room, quiet); n == 0 {
			must(p.t, err)
			return taken
		}
	}
}

var small = aio.SocketOptions{SendBufferBytes: 16 << 10, RecvBufferBytes: 16 << 10}

// TestIdleHoldsNoBuffer: a connection that is silent costs one control, and a full
// one costs one copy; both come back.
func TestIdleHoldsNoBuffer(t *testing.T) {
	p := newPort(t, small)
	s, far := p.join()
	defer far.Close()
	must(t, p.Recv(s))
	expect := func(when string, wantControls, wantCopies int) {
		t.Helper()
		requests, controls, copies, accepts := aio.InSystem(p.Driver)
		if controls != wantControls || copies != wantCopies || accepts != aio.AcceptsPosted ||
			requests != controls+copies+accepts {
			t.Fatalf("%s: %d requests, %d controls, %d copies, %d accepts", when, requests, controls, copies, accepts)
		}
	}
	expect("idle", 1, 0)
	p.fillUp(s, make([]byte, 10_000))
	expect("full", 1, 1)
	must(t, p.Close(s))
	p.next(aio.KindDisconnect)
	expect("closed", 0, 0)
}

// TestShutdownAfterCopy: the end of the stream comes after bytes that the system
// had no room for yet when it was asked for.
func TestShutdownAfterCopy(t *testing.T) {
	p := newPort(t, small)
	s, far := p.join()
	defer far.Close()
	taken := p.fillUp(s, make([]byte, 10_000))
	must(t, p.Shutdown(s))
	if _, _, copies, _ := aio.InSystem(p.Driver); copies != 1 {
		t.Fatal("there is no copy on its way")
	}
	got := readAll(far)
	if e := p.next(aio.KindWritable); e.Err != nil {
		t.Fatalf("writable: %v", e.Err)
	}
	must(t, p.Send(s, [][]byte{{1}}))
	if e := p.next(aio.KindSend); !errors.Is(e.Err, syscall.EPIPE) {
		t.Errorf("a send after Shutdown: %v", e.Err)
	}
	if n := <-got; n != taken {
		t.Errorf("%d bytes were taken and %d arrived", taken, n)
	}
}

// readAll counts what comes until the end of the stream; -1 if it ends otherwise.
func readAll(c net.Conn) <-chan int {
	count := make(chan int, 1)
	go func() {
		n, err := io.Copy(io.Discard, c)
		if err != nil {
			n = -1
		}
		count <- int(n)
	}()
	return count
}

// TestCloseDeliversCopy: so does the end of a connection that is closed.
func TestCloseDeliversCopy(t *testing.T) {
	p := newPort(t, small)
	s, far := p.join()
	defer far.Close()
	taken := p.fillUp(s, make([]byte, 10_000))
	must(t, p.Close(s))
	got := readAll(far)
	p.next(aio.KindDisconnect)
	if n := <-got; n != taken {
		t.Errorf("%d bytes were taken and %d arrived", taken, n)
	}
}

// TestLostCopyIsNoEnd: a peer that took too long to get what was sent must not take
// what it has for the whole.
func TestLostCopyIsNoEnd(t *testing.T) {
	p := newPort(t, small)
	s, far := p.join()
	defer far.Close()
	taken := p.fillUp(s, make([]byte, 10_000))
	must(t, p.Close(s))
	p.next(aio.KindDisconnect)
	if n := <-readAll(far); n >= 0 {
		// Wine forgets to tell a reader of a reset behind bytes. But a connection
		// that was reset takes no more bytes, and one that has ended does.
		if _, err := far.Write([]byte{1}); err == nil {
			t.Errorf("after %d bytes of %d the stream ended as if it were whole", n, taken)
		}
	}
}

// TestResetDoesNotWait: a socket that is to be cut off does not wait for its peer.
func TestResetDoesNotWait(t *testing.T) {
	o := small
	o.LingerResetOnClose = true
	p := newPort(t, o)
	s, far := p.join()
	defer far.Close()
	p.fillUp(s, make([]byte, 10_000))
	before := p.Now()
	must(t, p.Close(s))
	p.next(aio.KindDisconnect)
	if took := p.Now() - before; took > time.Second {
		t.Errorf("it took %v to cut off a peer that does not read", took)
	}
}

// TestPortableErrors: the system's errors have the names that they have elsewhere,
// and their own numbers.
func TestPortableErrors(t *testing.T) {
	p := newPort(t, aio.SocketOptions{})
	_, _, err := p.Listen(p.at, aio.SocketOptions{}, 1)
	if !errors.Is(err, syscall.EADDRINUSE) || !errors.Is(err, windows.WSAEADDRINUSE) {
		t.Errorf("a second listener: %v", err)
	}
	_, _, err = p.Listen(home, aio.SocketOptions{ReusePort: true}, 1)
	if !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("ReusePort: %v", err)
	}
	must(t, p.Close(p.listener))
	p.next(aio.KindDisconnect)
	_, err = p.Connect(p.at, aio.SocketOptions{}, 1)
	must(t, err)
	if e := p.next(aio.KindConnect); !errors.Is(e.Err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", e.Err)
	}
	if _, err = p.Connect(netip.AddrPort{}, aio.SocketOptions{}, 1); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("no address: %v", err)
	}
}

// TestResetHasItsName: a peer that cuts off is told by the name for it.
func TestResetHasItsName(t *testing.T) {
	p := newPort(t, aio.SocketOptions{})
	s, far := p.join()
	must(t, p.Recv(s))
	must(t, far.SetLinger(0))
	must(t, far.Close())
	e := p.next(aio.KindRecv)
	if !errors.Is(e.Err, syscall.ECONNRESET) && !errors.Is(e.Err, syscall.ECONNABORTED) {
		t.Errorf("receiving ended with %v", e.Err)
	}
}

// TestOptionsOfAccepted: what a listener has set, its connections have.
func TestOptionsOfAccepted(t *testing.T) {
	o := aio.SocketOptions{NoDelay: true, KeepAliveIdleSecs: 77, LingerResetOnClose: true, UnsentLowatBytes: 20_000}
	p := newPort(t, o)
	c, err := net.Dial("tcp", p.at.String())
	must(t, err)
	defer c.Close()
	conn := p.next(aio.KindAccept).Conn
	defer p.Discard(conn)
	for _, x := range []struct {
		name               string
		level, option, min int
	}{
		{"TCP_NODELAY", windows.IPPROTO_TCP, windows.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", windows.SOL_SOCKET, windows.SO_KEEPALIVE, 1},
		{"SO_LINGER", windows.SOL_SOCKET, windows.SO_LINGER, 1},
		{"SO_SNDBUF", windows.SOL_SOCKET, windows.SO_SNDBUF, o.UnsentLowatBytes},
	} {
		got, err := windows.GetsockoptInt(windows.Handle(conn.Handle), x.level, x.option)
		if err != nil || got < x.min {
			t.Errorf("%s is %d, want %d: %v", x.name, got, x.min, err)
		}
	}
	if conn.Local != p.at {
		t.Errorf("the near end is %v, want %v", conn.Local, p.at)
	}
}

// TestNoAllocationIocp: a steady load of events, sends and Waits allocates nothing.
func TestNoAllocationIocp(t *testing.T) {
	p := newPort(t, aio.SocketOptions{NoDelay: true})
	near, err := p.Connect(p.at, aio.SocketOptions{NoDelay: true}, 1)
	must(t, err)
	var far aio.Socket
	for connected := false; !connected || far == 0; {
		for _, e := range p.events() {
			must(t, e.Err)
			connected = connected || e.Kind == aio.KindConnect
			if e.Kind == aio.KindAccept {
				far, err = p.Attach(e.Conn, 2)
				must(t, err)
			}
		}
	}
	must(t, p.Recv(near))
	must(t, p.Recv(far))
	message := [][]byte{make([]byte, 30), make([]byte, 34)}
	round := func() {
		must(t, p.Send(near, message))
		for back, sends := false, 0; !back || sends < 2; {
			for _, e := range p.events() {
				switch {
				case e.Kind == aio.KindSend:
					sends++
				case e.Socket == far:
					must(t, p.Send(far, message))
				default:
					back = true
				}
			}
		}
	}
	for range 50 {
		round() // queues and slabs grow to their size
	}
	if n := testing.AllocsPerRun(100, round); n >= 1 {
		t.Errorf("%v allocations per echo", n)
	}
}

func TestChooseIocp(t *testing.T) {
	kind, reason, err := aio.Choose("auto")
	if kind != "iocp" || reason == "" || err != nil {
		t.Errorf("auto: %q, %q, %v", kind, reason, err)
	}
	var unknown *aio.UnknownKindError
	if _, _, err = aio.Choose("epoll"); !errors.As(err, &unknown) {
		t.Errorf("epoll: %v", err)
	}
	if kind, _, err = aio.Choose("iocp"); kind != "iocp" || err != nil {
		t.Errorf("iocp: %q, %v", kind, err)
	}
	if kind, _, err = aio.Choose("portable"); kind != "portable" || err != nil {
		t.Errorf("portable: %q, %v", kind, err)
	}
	if _, err = aio.Open("epoll", aio.Config{}); !errors.As(err, &unknown) {
		t.Errorf("epoll: %v", err)
	}
	var config *aio.ConfigError
	if _, err = aio.Open("iocp", aio.Config{RecvBuffers: 3}); !errors.As(err, &config) {
		t.Errorf("three buffers: %v", err)
	}
}

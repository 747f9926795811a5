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
	"unsafe"

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

// handles counts what the process has open in the system.
func handles(t *testing.T) int {
	t.Helper()
	var n uint32
	r, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetProcessHandleCount").
		Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&n)))
	if r == 0 {
		t.Skipf("handles can not be counted here: %v", err)
	}
	return int(n)
}

// TestSessionsLeaveNothing: 2,000 sessions come, say something and go, half of them
// by a reset. Each request has one last event, and in the end nothing is open.
func TestSessionsLeaveNothing(t *testing.T) {
	const sessions, atOnce = 2000, 100
	p := newPort(t, aio.SocketOptions{LingerResetOnClose: true})
	w := &wave{port: p, o: aio.SocketOptions{LingerResetOnClose: true}}
	w.run(atOnce) // what is opened once is open now
	before := handles(t)
	for w.ended = 0; w.ended < sessions; {
		w.o.LingerResetOnClose = !w.o.LingerResetOnClose
		w.run(atOnce)
	}
	if after := handles(t); after > before+atOnce/2 {
		t.Errorf("%d handles before, %d after", before, after)
	}
	requests, controls, copies, accepts := aio.InSystem(p.Driver)
	if requests != aio.AcceptsPosted || controls != 0 || copies != 0 || accepts != aio.AcceptsPosted {
		t.Errorf("in the end: %d requests, %d controls, %d copies, %d accepts", requests, controls, copies, accepts)
	}
}

// wave makes sessions, and keeps the account of their requests.
type wave struct {
	*port
	o       aio.SocketOptions
	pending map[request]bool
	open    int
	ended   int // sessions
}

type request struct {
	socket aio.Socket
	kind   aio.Kind
}

// run makes count sessions at once and waits for the end of them all.
func (w *wave) run(count int) {
	w.t.Helper()
	w.pending = make(map[request]bool)
	for range count {
		s, err := w.Connect(w.at, w.o, 3)
		must(w.t, err)
		w.pending[request{s, aio.KindConnect}] = true
		w.open += 2 // the far end will be accepted
	}
	for w.open > 0 || len(w.pending) > 0 {
		for _, e := range w.events() {
			w.take(e)
		}
	}
	w.ended += count
}

func (w *wave) begin(s aio.Socket, kind aio.Kind, err error) {
	w.t.Helper()
	must(w.t, err)
	w.pending[request{s, kind}] = true
}

func (w *wave) take(e aio.Event) {
	w.t.Helper()
	if e.Kind == aio.KindAccept {
		must(w.t, e.Err)
		s, err := w.Attach(e.Conn, 4)
		must(w.t, err)
		w.begin(s, aio.KindRecv, w.Recv(s))
		return
	}
	if !e.More {
		r := request{e.Socket, e.Kind}
		if !w.pending[r] {
			w.t.Fatalf("a last event that nobody waits for: %+v", e)
		}
		delete(w.pending, r)
	}
	switch {
	case e.Kind == aio.KindConnect:
		must(w.t, e.Err)
		w.begin(e.Socket, aio.KindSend, w.Send(e.Socket, [][]byte{[]byte("hello")}))
		w.begin(e.Socket, aio.KindRecv, w.Recv(e.Socket))
	case e.Kind == aio.KindRecv && e.More && e.Token == 4: // answered, and cut short
		w.begin(e.Socket, aio.KindSend, w.Send(e.Socket, [][]byte{e.Data}))
		w.begin(e.Socket, aio.KindDisconnect, w.Close(e.Socket))
	case e.Kind == aio.KindRecv && !e.More && e.Token == 3:
		w.begin(e.Socket, aio.KindDisconnect, w.Close(e.Socket))
	case e.Kind == aio.KindDisconnect:
		w.open--
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

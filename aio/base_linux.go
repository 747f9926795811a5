package aio

import (
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// state is what a socket is and which requests are in flight on it. A request's
// bit is set when it starts and cleared when its last event is delivered, never
// before: the bits of requests decide when a closing socket can go.
type state uint16

const (
	stateListener state = 1 << iota
	stateConnected
	stateClosing

	// Requests.
	stateAccepting
	stateConnecting
	stateReceiving
	stateSending

	// stateStopped: the end of receiving or accepting was asked for (StopRecv).
	stateStopped

	// stateBlocked: epoll: a send or a connect waits for the socket to become
	// writable; io_uring: so does a send, by a poll that is in flight.
	stateBlocked

	// stateArmed: io_uring: the kernel has the receive or accept; without it
	// the request waits in the driver to be handed over again.
	stateArmed

	// stateReadable: epoll: there may be something to read or accept.
	stateReadable

	// stateHungUp: epoll: the end of the stream, or of the connection, was seen.
	stateHungUp

	// stateQueued: epoll: the socket is in the ready queue.
	stateQueued

	// stateV6: the socket is of the IPv6 family.
	stateV6

	// stateSuspect: io_uring: see suspects.
	stateSuspect

	stateRequests = stateAccepting | stateConnecting | stateReceiving | stateSending
)

// socket is a slot of either driver's table. It holds no pointers, so that the
// collector need not look at a million of them.
type socket struct {
	token Token
	fd    int32
	op    int32 // io_uring: control block of the send or connect in flight
	state state
}

// notice is an event that the driver itself made and has not delivered yet.
type notice struct {
	socket Socket
	err    error
	n      int
	kind   Kind
	more   bool
}

// base is what both drivers have in common: names, options, and the events that do
// not come straight from the system.
type base struct {
	config    Config
	started   time.Time
	sockets   table[socket]
	notices   queue[notice]
	waker     waker
	room      sockaddr // for asking the system for addresses
	kindFlags int      // SOCK_NONBLOCK, or 0 where sockets are to block
	thread    int      // of the owner; kept for checks only
}

func (b *base) open(c Config, kindFlags int) error {
	b.config = c
	b.started = time.Now()
	b.sockets.max = c.SocketsMax
	b.kindFlags = kindFlags
	b.thread = unix.Gettid()
	return os.NewSyscallError("eventfd", b.waker.open())
}

// Now is the time since the driver was opened.
func (b *base) Now() time.Duration { return time.Since(b.started) }

// Wake makes the current or the next Wait return soon.
func (b *base) Wake() { b.waker.wake() }

// Discard closes a connection that nobody wants.
func (b *base) Discard(c Conn) { unix.Close(int(c.Handle)) }

// Listen opens a listening socket.
func (b *base) Listen(addr netip.AddrPort, o SocketOptions, t Token) (Socket, netip.AddrPort, error) {
	name, s, err := b.sockets.add()
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	fd, local, err := openListener(addr, &o, b.kindFlags)
	if err != nil {
		b.sockets.release(name)
		return 0, netip.AddrPort{}, err
	}
	*s = socket{token: t, fd: int32(fd), state: stateListener}
	if familyOf(addr) == unix.AF_INET6 {
		s.state |= stateV6
	}
	return name, local, nil
}

// adopt gives an open connection a slot; it closes the connection if it can not.
func (b *base) adopt(c Conn, t Token) (Socket, *socket, error) {
	name, s, err := b.sockets.add()
	if err != nil {
		b.Discard(c)
		return 0, nil, err
	}
	*s = socket{token: t, fd: int32(c.Handle), state: stateConnected}
	return name, s, nil
}

// find returns the slot of an open socket that is not closing.
func (b *base) find(name Socket) (*socket, error) {
	s := b.sockets.get(name)
	if s == nil || s.state&stateClosing != 0 {
		return nil, ErrBadSocket
	}
	return s, nil
}

// begin finds a socket on which a request may start: one that has all of want and
// not yet the request.
func (b *base) begin(name Socket, want, request state) (*socket, error) {
	s, err := b.find(name)
	switch {
	case err != nil:
		return nil, err
	case s.state&(request|stateConnecting) != 0:
		return nil, ErrBusy
	case s.state&want == 0 && want == stateConnected:
		return nil, syscall.ENOTCONN
	case s.state&want == 0:
		return nil, syscall.EINVAL
	}
	return s, nil
}

// tell queues an event of the driver's own making.
func (b *base) tell(name Socket, kind Kind, more bool, n int, err error) {
	b.notices.push(notice{socket: name, kind: kind, more: more, n: n, err: err})
}

// deliver moves queued notices into events.
func (b *base) deliver(events []Event) int {
	n := 0
	for n < len(events) && b.notices.count > 0 {
		x := b.notices.pop()
		s := b.sockets.get(x.socket)
		if s == nil {
			panic("aio: an event for a socket that is gone")
		}
		events[n] = Event{Kind: x.kind, More: x.more, N: x.n, Token: s.token, Socket: x.socket, Err: x.err}
		n++
		if !x.more {
			b.settle(x.socket, s, x.kind)
		}
	}
	return n
}

// settle notes that the last event of a request was delivered.
func (b *base) settle(name Socket, s *socket, kind Kind) {
	switch kind {
	case KindAccept:
		s.state &^= stateAccepting | stateStopped
	case KindConnect:
		s.state &^= stateConnecting
	case KindRecv:
		s.state &^= stateReceiving | stateStopped
	case KindSend, KindWritable:
		s.state &^= stateSending
	case KindDisconnect:
		b.sockets.release(name)
		return
	}
	b.closeIfIdle(name, s)
}

// closeIfIdle closes a closing socket when nothing is in flight on it any more.
func (b *base) closeIfIdle(name Socket, s *socket) {
	if s.state&stateClosing == 0 || s.state&stateRequests != 0 {
		return
	}
	unix.Close(int(s.fd))
	s.fd = -1
	b.tell(name, KindDisconnect, false, 0, nil)
}

// releaseSockets closes what is still open and the waker with it.
func (b *base) releaseSockets() error {
	b.sockets.each(func(_ Socket, s *socket) {
		if s.fd >= 0 {
			unix.Close(int(s.fd))
		}
	})
	return b.waker.close()
}

// checkOwner stops a program that calls from a thread which is not the owner's.
func (b *base) checkOwner() {
	if debugging && unix.Gettid() != b.thread {
		panic("aio: a driver was called from another thread than its owner's")
	}
}

// hungUp turns the poll bits of a socket that waited to become writable into the
// error of a connection that will not take another byte; nil if it may.
func hungUp(bits uint32) error {
	if bits&(unix.POLLERR|unix.POLLHUP) != 0 {
		return syscall.EPIPE
	}
	return nil
}

//go:build linux || windows

package aio

import (
	"syscall"
	"time"
)

// state is what a socket is and which requests are in flight on it. A request's
// bit is set when it starts and cleared when its last event is delivered, never
// before: the bits of requests decide when a closing socket can go.
type state uint32

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
	// writable; io_uring: so does a send, by a poll that is in flight; IOCP: so
	// does a send, by stateCopying.
	stateBlocked

	// stateArmed: the kernel has the receive (io_uring: or the accept; IOCP: or
	// the connect). Without it the request waits in the driver: io_uring is to
	// hand it over again, IOCP to read when its turn comes.
	stateArmed

	// stateReadable: epoll, IOCP: there may be something to read or to accept.
	stateReadable

	// stateQueued: epoll, IOCP: the socket is in the ready queue.
	stateQueued

	// stateCopying: IOCP: a copy of bytes that the socket had no room for is on
	// its way. Not a request, but it keeps a closing socket from going all the same.
	stateCopying

	stateRequests = stateAccepting | stateConnecting | stateReceiving | stateSending
	stateInFlight = stateRequests | stateCopying

	// stateOwn is the first of the bits that only one system has.
	stateOwn = 1 << 16
)

// pendingEvent is an event that the driver itself made and has not delivered yet.
type pendingEvent struct {
	socket Socket
	err    error
	n      int
	kind   Kind
	more   bool
}

// base is what the drivers over sockets of the system have in common: names, and the
// events that do not come straight from the system. The system's half of it is in
// the files that are named for the system.
type base struct {
	config  Config
	started time.Time
	sockets table[socket]
	pending queue[pendingEvent]
	waker   waker
	platform
}

// Now is the time since the driver was opened.
func (b *base) Now() time.Duration { return time.Since(b.started) }

// Wake makes the current or the next Wait return soon.
func (b *base) Wake() { b.waker.wake() }

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

// queueEvent queues an event of the driver's own making.
func (b *base) queueEvent(name Socket, kind Kind, more bool, n int, err error) {
	b.pending.push(pendingEvent{socket: name, kind: kind, more: more, n: n, err: err})
}

// deliver moves queued pending into events.
func (b *base) deliver(events []Event) int {
	n := 0
	for n < len(events) && b.pending.count > 0 {
		x := b.pending.pop()
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
	if s.state&stateClosing == 0 || s.state&stateInFlight != 0 {
		return
	}
	s.shut()
	b.queueEvent(name, KindDisconnect, false, 0, nil)
}

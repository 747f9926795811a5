package aio

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Wait collects completions, then gives pending events and ready sockets their turns.
func (d *iocp) Wait(events []Event, timeout time.Duration) (int, error) {
	d.checkOwner()
	d.takeBack()
	events = events[:min(len(events), d.config.EventsMax)]
	var end time.Duration
	if timeout > 0 {
		end = d.Now() + timeout
	}
	for {
		woken, err := d.collect(len(events) > 0, timeout)
		if err != nil {
			return 0, err
		}
		n := d.serve(events)
		if n > 0 || woken || timeout == 0 || len(events) == 0 {
			return n, nil
		}
		if timeout > 0 {
			if timeout = end - d.Now(); timeout <= 0 {
				return 0, nil
			}
		}
	}
}

// takeBack ends the loan of what the last Wait gave out.
func (d *iocp) takeBack() {
	if debugging {
		spoil(d.arena[:d.used])
	}
	d.used = 0
}

// collect fetches completions and notes them. It sleeps only when there is nothing
// to deliver already, and tells whether it was woken.
func (d *iocp) collect(maySleep bool, timeout time.Duration) (bool, error) {
	timeout = d.untilGrace(timeout)
	waiting := d.pending.count > 0 || d.ready.count > 0 || d.accepted.count > 0
	if timeout != 0 && (!maySleep || waiting || !d.waker.sleep()) {
		timeout = 0
	}
	n, err := d.fetch(timeout)
	woken := d.waker.awake()
	if err != nil {
		return woken, err
	}
	for i := range d.entries[:n] {
		if c := d.entries[i].control; c != nil {
			d.complete(c)
		}
	}
	d.endGraces()
	return woken, nil
}

// untilGrace shortens a timeout to the time that the oldest closing socket has.
func (d *iocp) untilGrace(timeout time.Duration) time.Duration {
	if d.grace.count == 0 || timeout == 0 {
		return timeout
	}
	left := max(d.grace.peek().until-d.Now(), 0)
	if timeout < 0 {
		return left
	}
	return min(timeout, left)
}

// fetch takes completions from the port. It waits in milliseconds, rounded up: a
// timer must not be found early.
func (d *iocp) fetch(timeout time.Duration) (int, error) {
	millis := uint32(windows.INFINITE)
	if timeout >= 0 {
		millis = uint32(min((timeout+time.Millisecond-1)/time.Millisecond, 1<<30))
	}
	r, _, errno := syscall.SyscallN(d.dequeue.Addr(), uintptr(d.port),
		uintptr(unsafe.Pointer(&d.entries[0])), uintptr(len(d.entries)),
		uintptr(unsafe.Pointer(&d.n)), uintptr(millis), 0)
	switch {
	case r != 0:
		return int(d.n), nil
	case errno == syscall.Errno(windows.WAIT_TIMEOUT):
		return 0, nil
	}
	return 0, os.NewSyscallError("GetQueuedCompletionStatusEx", errno)
}

// complete notes the end of a request. Its control is the system's no more.
func (d *iocp) complete(c *control) {
	d.inFlight--
	name := c.socket
	s := d.sockets.get(name)
	if s == nil {
		panic("aio: a completion for a socket that is gone")
	}
	var err error
	if c.overlapped.Internal != 0 {
		err = windows.WSAGetOverlappedResult(s.handle, &c.overlapped, &d.n, false, &d.flags)
	}
	switch c.op {
	case opReceive:
		d.controls.give(c.index)
		d.receiveEnded(name, s, err)
	case opConnect:
		d.controls.give(c.index)
		s.state &^= stateArmed
		d.connected(name, s, err)
	case opCopy:
		d.copies.give(c.index)
		d.copyEnded(name, s, err)
	case opAccept:
		d.acceptEnded(name, s, asControl[acceptance](c), err)
	default:
		panic("aio: a completion of no known request")
	}
}

// receiveEnded notes that there is something to read, or an error.
func (d *iocp) receiveEnded(name Socket, s *socket, err error) {
	s.state &^= stateArmed
	switch {
	case s.state&stateStopped != 0:
		d.queueEvent(name, KindRecv, false, 0, ErrCanceled)
	case err != nil:
		d.endReceiving(name, s, fault(err))
	default:
		s.state |= stateReadable
		d.enqueue(name, s)
	}
}

// enqueue puts a socket with something to read into the ready queue, once.
func (d *iocp) enqueue(name Socket, s *socket) {
	if s.state&stateQueued == 0 && d.hasWork(s) {
		s.state |= stateQueued
		d.ready.push(name)
	}
}

func (d *iocp) hasWork(s *socket) bool {
	return s.state&stateReadable != 0 && s.state&stateReceiving != 0 &&
		s.state&(stateStopped|stateClosing) == 0
}

// serve fills events. Notices and sockets take turns at being first: with room for
// few events neither may starve the other.
func (d *iocp) serve(events []Event) int {
	d.turn = !d.turn
	n := 0
	if d.turn {
		n = d.serveSockets(events)
	}
	n += d.deliverPending(events[n:])
	if !d.turn {
		n += d.serveSockets(events[n:])
	}
	return n
}

// deliverPending delivers pending events, and forgets the listeners that went with them.
func (d *iocp) deliverPending(events []Event) int {
	n := d.deliver(events)
	for i := range events[:n] {
		if events[i].Kind == KindDisconnect {
			delete(d.listeners, events[i].Socket)
		}
	}
	return n
}

func (d *iocp) serveSockets(events []Event) int {
	n := d.serveAccepted(events)
	return n + d.serveReady(events[n:])
}

// serveReady gives every ready socket one turn, as far as events and arena reach.
func (d *iocp) serveReady(events []Event) int {
	n := 0
	for range d.ready.count {
		if n == len(events) || d.used+d.config.RecvBufferBytes > len(d.arena) {
			break
		}
		name := d.ready.pop()
		s := d.sockets.get(name)
		if s == nil {
			continue
		}
		s.state &^= stateQueued
		if !d.hasWork(s) {
			continue
		}
		n += d.receive(name, s, &events[n])
		d.enqueue(name, s)
	}
	return n
}

// receive makes one read and tells whether it yielded an event.
func (d *iocp) receive(name Socket, s *socket, e *Event) int {
	room := d.arena[d.used : d.used+d.config.RecvBufferBytes : d.used+d.config.RecvBufferBytes]
	d.vector[0] = windows.WSABuf{Len: uint32(len(room)), Buf: &room[0]}
	d.flags = 0
	err := windows.WSARecv(s.handle, &d.vector[0], 1, &d.n, &d.flags, nil, nil)
	n := int(d.n)
	if err == windows.WSAEWOULDBLOCK {
		s.state &^= stateReadable
		d.arm(name, s)
		return 0
	}
	if err == nil && n > 0 {
		*e = Event{Kind: KindRecv, More: true, Token: s.token, Socket: name, Data: room[:n:n]}
		d.used += n
		if n < len(room) { // all read
			s.state &^= stateReadable
			d.arm(name, s)
		}
		return 1
	}
	if err = fault(err); err == nil {
		err = io.EOF
	}
	*e = Event{Kind: KindRecv, Token: s.token, Socket: name, Err: err}
	d.settle(name, s, KindRecv)
	return 1
}

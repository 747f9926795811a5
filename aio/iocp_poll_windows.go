package aio

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// poll fetches completions. It returns in time for the end of the oldest grace.
func (d *iocp) poll(timeout time.Duration) (int, error) {
	return d.fetch(d.untilGrace(timeout))
}

// apply notes what the completions say.
func (d *iocp) apply(n int) {
	for i := range d.entries[:n] {
		if c := d.entries[i].control; c != nil {
			d.complete(c)
		}
	}
	d.endGraces()
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

// read makes one read that does not wait, and asks the system to report what comes
// later when it has taken all there is.
func (d *iocp) read(name Socket, s *socket, b []byte) (int, error) {
	d.vector[0] = windows.WSABuf{Len: uint32(len(b)), Buf: &b[0]}
	d.flags = 0
	err := windows.WSARecv(s.handle, &d.vector[0], 1, &d.n, &d.flags, nil, nil)
	n := int(d.n)
	switch {
	case err == windows.WSAEWOULDBLOCK:
		n = 0
	case err != nil:
		return 0, fault(err)
	case n == 0:
		return 0, io.EOF
	case n == len(b):
		return n, nil // there may be more
	}
	s.state &^= stateReadable
	d.arm(name, s)
	return n, nil
}

package aio

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// acceptBatch is how many connections one listener may take in one Wait.
const acceptBatch = 64

// Wait collects edges, then gives pending events and ready sockets their turns.
func (d *epoll) Wait(events []Event, timeout time.Duration) (int, error) {
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
func (d *epoll) takeBack() {
	if debugging {
		spoil(d.arena[:d.used])
	}
	d.used = 0
}

// collect asks the system for edges and notes them. It sleeps only when there is
// nothing to deliver already, and tells whether it was woken.
func (d *epoll) collect(maySleep bool, timeout time.Duration) (bool, error) {
	if timeout != 0 && (!maySleep || d.pending.count > 0 || d.ready.count > 0 || !d.waker.sleep()) {
		timeout = 0
	}
	var n int
	var errno syscall.Errno
	if d.precise {
		n, errno = d.pwait2(timeout)
	} else {
		n, errno = d.pwait(timeout)
	}
	woken := d.waker.awake()
	if errno != 0 && errno != unix.EINTR {
		return woken, os.NewSyscallError("epoll_wait", errno)
	}
	for i := range max(n, 0) {
		d.note(&d.found[i])
	}
	return woken, nil
}

// pwait2 waits with the precision of the clock.
func (d *epoll) pwait2(timeout time.Duration) (int, syscall.Errno) {
	list, size := uintptr(unsafe.Pointer(&d.found[0])), uintptr(len(d.found))
	spec := unsafe.Pointer(&d.timespec)
	d.timespec = unix.NsecToTimespec(int64(timeout))
	if timeout == 0 {
		// Does not sleep, so the scheduler need not be told of it.
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(d.fd), list, size, uintptr(spec), 0, 0)
		return int(n), errno
	}
	if timeout < 0 {
		spec = nil
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(d.fd), list, size, uintptr(spec), 0, 0)
	return int(n), errno
}

// pwait waits in milliseconds, rounded up: a timer must not be found early.
func (d *epoll) pwait(timeout time.Duration) (int, syscall.Errno) {
	millis := -1
	if timeout >= 0 {
		millis = int(min((timeout+time.Millisecond-1)/time.Millisecond, 1<<30))
	}
	list, size := uintptr(unsafe.Pointer(&d.found[0])), uintptr(len(d.found))
	if millis == 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(d.fd), list, size, 0, 0, 0)
		return int(n), errno
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(d.fd), list, size, uintptr(millis), 0, 0)
	return int(n), errno
}

// hasPwait2 tries the newer call: kernels before 5.11 and some containers refuse it.
func (d *epoll) hasPwait2() bool {
	_, errno := d.pwait2(0)
	return errno == 0
}

// note remembers what an edge says.
func (d *epoll) note(e *unix.EpollEvent) {
	name := nameIn(e)
	s := d.sockets.get(name)
	if s == nil || s.state&stateClosing != 0 {
		return // the waker, or a socket on its way out
	}
	if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.state |= stateHungUp
	}
	if e.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 && s.state&stateBlocked != 0 {
		d.unblock(name, s, e.Events)
	}
	if e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.state |= stateReadable
		d.enqueue(name, s)
	}
}

// unblock ends the wait of a connect or of a send that met a full socket.
func (d *epoll) unblock(name Socket, s *socket, bits uint32) {
	if s.state&stateConnecting != 0 {
		code, err := unix.GetsockoptInt(int(s.fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && code != 0 {
			err = syscall.Errno(code)
		}
		d.connected(name, s, err)
		return
	}
	s.state &^= stateBlocked
	d.queueEvent(name, KindWritable, false, 0, hungUp(bits))
}

// enqueue puts a socket with something to do into the ready queue, once.
func (d *epoll) enqueue(name Socket, s *socket) {
	if s.state&stateQueued == 0 && d.hasWork(s) {
		s.state |= stateQueued
		d.ready.push(name)
	}
}

func (d *epoll) hasWork(s *socket) bool {
	return s.state&stateReadable != 0 &&
		s.state&(stateReceiving|stateAccepting) != 0 &&
		s.state&(stateStopped|stateClosing) == 0
}

// turnsMax is how many turns a socket may have in one Wait. What a peer has sent in one
// go is to be handled in one go, also if it is more than a buffer holds: its rest would
// be a batch of its own to all that follows, to the store and to every reader of a room.
const turnsMax = 8

// serve fills events. Notices and sockets take turns at being first: with room for
// few events neither may starve the other. A socket that has more to read has another
// turn when all have had theirs.
func (d *epoll) serve(events []Event) int {
	d.turn = !d.turn
	n := 0
	if d.turn {
		n = d.serveReady(events, true)
	}
	n += d.deliver(events[n:])
	if !d.turn {
		n += d.serveReady(events[n:], true)
	}
	for range turnsMax - 1 {
		more := d.serveReady(events[n:], false)
		if more == 0 {
			break
		}
		n += more
	}
	return n
}

// serveReady gives every ready socket one turn, as far as events and arena reach.
// Listeners have only their first: a crowd at the door is not to hold up who is inside.
func (d *epoll) serveReady(events []Event, first bool) int {
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
		switch {
		case s.state&stateListener == 0:
			n += d.receive(name, s, &events[n])
		case first:
			n += d.accept(name, s, events[n:])
		}
		d.enqueue(name, s)
	}
	return n
}

// accept takes waiting connections, at most acceptBatch.
func (d *epoll) accept(name Socket, s *socket, events []Event) int {
	n := 0
	for n < min(len(events), acceptBatch) {
		size := uint32(sockaddr6Bytes)
		fd, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(s.fd), uintptr(unsafe.Pointer(&d.room)),
			uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			events[n] = Event{
				Kind: KindAccept, More: true, Token: s.token, Socket: name,
				Conn: Conn{Handle: fd, Peer: d.room.get()},
			}
			n++
		case unix.EAGAIN:
			s.state &^= stateReadable
			return n
		case unix.EINTR, unix.ECONNABORTED:
			continue // that one left again; the next one may be here
		default:
			events[n] = Event{Kind: KindAccept, Token: s.token, Socket: name, Err: errno}
			d.settle(name, s, KindAccept)
			return n + 1
		}
	}
	return n
}

// receive makes one read and tells whether it yielded an event.
func (d *epoll) receive(name Socket, s *socket, e *Event) int {
	room := d.arena[d.used : d.used+d.config.RecvBufferBytes : d.used+d.config.RecvBufferBytes]
	n, _, errno := unix.Syscall(unix.SYS_READ, uintptr(s.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(room))), uintptr(len(room)))
	switch {
	case errno == unix.EAGAIN:
		s.state &^= stateReadable
		return 0
	case errno == unix.EINTR:
		return 0
	case errno == 0 && n > 0:
		if int(n) < len(room) && s.state&stateHungUp == 0 {
			// All read; more bytes, or the end, will make a new edge.
			s.state &^= stateReadable
		}
		*e = Event{Kind: KindRecv, More: true, Token: s.token, Socket: name, Data: room[:n:n]}
		d.used += int(n)
		return 1
	}
	err := error(io.EOF)
	if errno != 0 {
		err = errno
	}
	*e = Event{Kind: KindRecv, Token: s.token, Socket: name, Err: err}
	d.settle(name, s, KindRecv)
	return 1
}

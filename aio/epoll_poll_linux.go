package aio

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poll fetches edges.
func (d *epoll) poll(timeout time.Duration) (int, error) {
	var n int
	var errno syscall.Errno
	if d.precise {
		n, errno = d.pwait2(timeout)
	} else {
		n, errno = d.pwait(timeout)
	}
	switch errno {
	case 0:
		return n, nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, os.NewSyscallError("epoll_wait", errno)
}

// apply notes what the edges say.
func (d *epoll) apply(n int) {
	for i := range d.found[:n] {
		d.note(&d.found[i])
	}
}

// pwait2 waits with the precision of the clock.
func (d *epoll) pwait2(timeout time.Duration) (int, syscall.Errno) {
	list, size := uintptr(unsafe.Pointer(&d.found[0])), uintptr(len(d.found))
	spec := unsafe.Pointer(&d.timespec)
	d.timespec = unix.NsecToTimespec(int64(timeout))
	if timeout == 0 {
		// Does not sleep, so the scheduler need not know of it.
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

// accept takes waiting connections.
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

// read makes one read(2). An edge that was seen does not come again, so the socket
// counts as readable until a read finds less than it had room for.
func (d *epoll) read(_ Socket, s *socket, b []byte) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_READ, uintptr(s.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	n := int(r)
	switch {
	case errno == unix.EAGAIN:
		s.state &^= stateReadable
		return 0, nil
	case errno == unix.EINTR:
		return 0, nil
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, io.EOF
	case n < len(b) && s.state&stateHungUp == 0:
		// All read; more bytes, or the end, will make a new edge.
		s.state &^= stateReadable
	}
	return n, nil
}

package aio

import (
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// States of sockets on Linux alone.
const (
	// stateHungUp: epoll: the end of the stream, or of the connection, was seen.
	stateHungUp state = stateOwn << iota

	// stateV6: the socket is of the IPv6 family.
	stateV6

	// stateProbe: io_uring: a probe for a reset is queued; see resetProbes.
	stateProbe

	// stateBusy: io_uring: the socket has received again since.
	stateBusy

	// stateFed: io_uring: the receive that the kernel has, or had last, has yielded bytes.
	stateFed
)

// socket is a slot of either driver's table. It holds no pointers, so that the
// collector need not scan a million of them.
type socket struct {
	token Token
	fd    int32
	op    int32 // io_uring: control block of the send or connect in flight
	state state
}

// platform is what base needs beside on Linux.
type platform struct {
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
	return os.NewSyscallError("eventfd", b.waker.notifier.open())
}

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
	if familyOf(local) == unix.AF_INET6 {
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

// shut closes the connection; its slot stays.
func (s *socket) shut() {
	unix.Close(int(s.fd))
	s.fd = -1
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

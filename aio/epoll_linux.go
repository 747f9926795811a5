package aio

import (
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const kindEpoll = "epoll"

// epoll is the driver over edge-triggered readiness. Every socket is registered
// once, for everything; its state remembers what the edges said.
type epoll struct {
	readiness
	fd       int
	vector   vector // of the send that is being made
	found    []unix.EpollEvent
	precise  bool // epoll_pwait2 is there
	timespec unix.Timespec
}

// edges is what every connection is registered for. A peer that ends its stream
// must be told apart from one that pauses, hence RDHUP.
const edges = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// epollBatch is how many edges are fetched by one system call.
const epollBatch = 512

func openEpoll(c Config) (Driver, error) {
	d := &epoll{
		readiness: newReadiness(c),
		found:     make([]unix.EpollEvent, min(epollBatch, max(c.EventsMax, 1))),
	}
	d.system = d
	if err := d.open(c, unix.SOCK_NONBLOCK); err != nil {
		return nil, err
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		d.waker.close()
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	d.fd = fd
	// Name 0 is no socket: that is the waker.
	if err := d.register(d.waker.notifier.fd, 0, unix.EPOLLIN|unix.EPOLLET); err != nil {
		unix.Close(fd)
		d.waker.close()
		return nil, err
	}
	d.precise = d.hasPwait2()
	return d, nil
}

// Name is "epoll".
func (d *epoll) Name() string { return kindEpoll }

func (d *epoll) register(fd int, name Socket, bits uint32) error {
	e := unix.EpollEvent{Events: bits, Fd: int32(uint32(name)), Pad: int32(uint32(name >> 32))}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(d.fd, unix.EPOLL_CTL_ADD, fd, &e))
}

func nameIn(e *unix.EpollEvent) Socket {
	return Socket(uint32(e.Pad))<<32 | Socket(uint32(e.Fd))
}

// Listen opens a listening socket and registers it.
func (d *epoll) Listen(addr netip.AddrPort, o SocketOptions, t Token) (Socket, netip.AddrPort, error) {
	name, local, err := d.base.Listen(addr, o, t)
	if err != nil {
		return 0, local, err
	}
	s := d.sockets.get(name)
	if err := d.register(int(s.fd), name, unix.EPOLLIN|unix.EPOLLET); err != nil {
		d.drop(name, s)
		return 0, netip.AddrPort{}, err
	}
	return name, local, nil
}

// drop takes back a socket whose name the caller never got.
func (d *epoll) drop(name Socket, s *socket) {
	unix.Close(int(s.fd))
	d.sockets.release(name)
}

// Accept starts accepting on l.
func (d *epoll) Accept(l Socket) error {
	s, err := d.begin(l, stateListener, stateAccepting)
	if err != nil {
		return err
	}
	s.state |= stateAccepting
	d.enqueue(l, s)
	return nil
}

// Attach registers an accepted connection.
func (d *epoll) Attach(c Conn, t Token) (Socket, error) {
	name, s, err := d.adopt(c, t)
	if err != nil {
		return 0, err
	}
	if err := d.register(int(s.fd), name, edges); err != nil {
		d.drop(name, s)
		return 0, err
	}
	return name, nil
}

// Connect starts connecting a new socket.
func (d *epoll) Connect(addr netip.AddrPort, o SocketOptions, t Token) (Socket, error) {
	name, s, err := d.sockets.add()
	if err != nil {
		return 0, err
	}
	var sa sockaddr
	size, err := sa.put(addr)
	fd := -1
	if err == nil {
		fd, err = openSocket(addr, &o, d.kindFlags)
	}
	if err != nil {
		d.sockets.release(name)
		return 0, err
	}
	*s = socket{token: t, fd: int32(fd), state: stateConnecting}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(size))
	// Registered only now: a socket that is not connecting yet counts as hung up.
	if err := d.register(fd, name, edges); err != nil {
		d.drop(name, s)
		return 0, err
	}
	switch errno {
	case unix.EINPROGRESS, unix.EINTR:
		s.state |= stateBlocked
	case 0:
		d.connected(name, s, nil)
	default:
		d.connected(name, s, errno)
	}
	return name, nil
}

func (d *epoll) connected(name Socket, s *socket, err error) {
	s.state &^= stateBlocked
	if err == nil {
		s.state |= stateConnected
	}
	d.queueEvent(name, KindConnect, false, 0, err)
}

// Recv starts receiving.
func (d *epoll) Recv(name Socket) error {
	s, err := d.begin(name, stateConnected, stateReceiving)
	if err != nil {
		return err
	}
	s.state |= stateReceiving
	d.enqueue(name, s)
	return nil
}

// StopRecv ends receiving with the next Wait.
func (d *epoll) StopRecv(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	if s.state&stateReceiving != 0 {
		d.stop(name, s)
	}
	return nil
}

// stop queues the last event of a receive or accept, once.
func (d *epoll) stop(name Socket, s *socket) {
	if s.state&stateStopped != 0 {
		return
	}
	switch {
	case s.state&stateReceiving != 0:
		d.queueEvent(name, KindRecv, false, 0, ErrCanceled)
	case s.state&stateAccepting != 0:
		d.queueEvent(name, KindAccept, false, 0, ErrCanceled)
	default:
		return
	}
	s.state |= stateStopped
}

// Send makes the system call at once; the next Wait has the outcome.
func (d *epoll) Send(name Socket, v [][]byte) error {
	s, err := d.begin(name, stateConnected, stateSending)
	if err != nil {
		return err
	}
	first, another := firstFilled(v)
	if first < 0 {
		return ErrEmpty
	}
	s.state |= stateSending
	n, errno := d.transmit(int(s.fd), v, first, another)
	switch errno {
	case 0:
		d.queueEvent(name, KindSend, false, n, nil)
	case unix.EAGAIN, unix.EINTR:
		// The kernel has noted that the socket is full: an edge will follow.
		s.state |= stateBlocked
		d.queueEvent(name, KindSend, true, 0, ErrWouldBlock)
		if errno == unix.EINTR {
			d.unblock(name, s, 0)
		}
	default:
		d.queueEvent(name, KindSend, false, 0, errno)
	}
	return nil
}

func (d *epoll) transmit(fd int, v [][]byte, first int, another bool) (int, syscall.Errno) {
	const flags = unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT
	if !another {
		b := v[first]
		n, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		return int(n), errno
	}
	d.vector.fill(v[first:])
	n, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&d.vector.header)), flags)
	keep(v)
	return int(n), errno
}

// Shutdown ends the stream towards the peer.
func (d *epoll) Shutdown(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	return os.NewSyscallError("shutdown", unix.Shutdown(int(s.fd), unix.SHUT_WR))
}

// Close ends what is in flight and then the socket.
func (d *epoll) Close(name Socket) error {
	s, err := d.find(name)
	if err != nil {
		return err
	}
	s.state |= stateClosing
	d.stop(name, s)
	if s.state&stateBlocked != 0 {
		kind := KindWritable
		if s.state&stateConnecting != 0 {
			kind = KindConnect
		}
		s.state &^= stateBlocked
		d.queueEvent(name, kind, false, 0, ErrCanceled)
	}
	d.closeIfIdle(name, s)
	return nil
}

// Release closes everything.
func (d *epoll) Release() error {
	err := d.releaseSockets()
	if e := unix.Close(d.fd); err == nil {
		err = e
	}
	return os.NewSyscallError("close", err)
}

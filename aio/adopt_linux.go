package aio

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// AdoptConn makes a Conn for drivers of a kind out of a connection that package net has
// opened, with o set as far as its system lets it. The drivers of the system take a
// duplicate of its descriptor, and c is closed: a descriptor must not be with them and
// with Go's poller at once. On an error c is as it was; ErrAdopt is one for a kind of
// driver, or of connection, with which it can not be. Any goroutine may call it.
func AdoptConn(kind string, c net.Conn, o SocketOptions) (Conn, error) {
	switch kind {
	case kindPortable:
		return adoptPortable(c, &o), nil
	case kindUring, kindEpoll:
	default:
		return Conn{}, fmt.Errorf("%w: the driver is %s", ErrAdopt, kind)
	}
	fd, err := duplicate(c)
	if err != nil {
		return Conn{}, err
	}
	adopted := Conn{Handle: uintptr(fd), Peer: addrPortOf(c.RemoteAddr()), Local: addrPortOf(c.LocalAddr())}
	_ = c.Close() // the duplicate keeps the connection
	// Whether it blocks is a property of the open file, which both descriptors have shared.
	// Nobody but us has it now. An error means a descriptor that is not open.
	_ = unix.SetNonblock(fd, kind == kindEpoll)
	_ = setOptions(fd, &o)
	return adopted, nil
}

// duplicate returns a second descriptor of a stream. It does not ask for the os.File,
// which would set the open file to block under Go's poller.
func duplicate(c net.Conn) (int, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("%w: a %T has no descriptor", ErrAdopt, c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	err = descriptor(raw, func(old uintptr) error {
		kind, err := unix.GetsockoptInt(int(old), unix.SOL_SOCKET, unix.SO_TYPE)
		if err != nil {
			return os.NewSyscallError("getsockopt", err)
		}
		if kind != unix.SOCK_STREAM {
			return fmt.Errorf("%w: a %T is no stream", ErrAdopt, c)
		}
		fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
		return os.NewSyscallError("fcntl", err)
	})
	return fd, err
}

// CloseConn closes a Conn that AdoptConn has made and no driver was given.
func CloseConn(c Conn) {
	if conn, ok := c.Object.(net.Conn); ok {
		_ = conn.Close()
		return
	}
	_ = unix.Close(int(c.Handle))
}

// Local implements Driver.
func (b *base) Local(name Socket) netip.AddrPort {
	s, err := b.find(name)
	if err != nil {
		return netip.AddrPort{}
	}
	at, _ := localOf(int(s.fd))
	return at
}

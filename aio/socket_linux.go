package aio

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const listenBacklogDefault = 4096

// openSocket makes a TCP socket for a's family, with o set. kindFlags is 0 or
// SOCK_NONBLOCK.
func openSocket(a netip.AddrPort, o *SocketOptions, kindFlags int) (int, error) {
	fd, err := unix.Socket(familyOf(a), unix.SOCK_STREAM|unix.SOCK_CLOEXEC|kindFlags, unix.IPPROTO_TCP)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := setOptions(fd, o); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("setsockopt", err)
	}
	return fd, nil
}

// openListener makes a listening socket and returns the address that it got. What is
// set on it is inherited by the connections that it accepts.
func openListener(a netip.AddrPort, o *SocketOptions, kindFlags int) (int, netip.AddrPort, error) {
	if o.Inherited != 0 {
		local, err := takeOverListener(int(o.Inherited), o, kindFlags)
		return int(o.Inherited), local, err
	}
	fd, err := openSocket(a, o, kindFlags)
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	local, err := bindAndListen(fd, a, o)
	if err != nil {
		unix.Close(fd)
		return -1, netip.AddrPort{}, err
	}
	return fd, local, nil
}

func bindAndListen(fd int, a netip.AddrPort, o *SocketOptions) (netip.AddrPort, error) {
	// Without it a restarted server waits a minute for connections of its
	// former life to be forgotten.
	if err := setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("setsockopt", err)
	}
	if o.ReusePort {
		if err := setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return netip.AddrPort{}, os.NewSyscallError("setsockopt", err)
		}
	}
	if o.V6Only && !a.Addr().Is4() {
		if err := setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return netip.AddrPort{}, os.NewSyscallError("setsockopt", err)
		}
	}
	var sa sockaddr
	size, err := sa.put(a)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", err)
	}
	_, _, errno := unix.Syscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(size))
	if errno != 0 {
		return netip.AddrPort{}, os.NewSyscallError("bind", errno)
	}
	if err := unix.Listen(fd, cmp.Or(o.ListenBacklog, listenBacklogDefault)); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("listen", err)
	}
	return localOf(fd)
}

// takeOverListener makes a listening socket of another program's ours. On an error it
// stays as it is, open.
func takeOverListener(fd int, o *SocketOptions, kindFlags int) (netip.AddrPort, error) {
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockopt", err)
	}
	local, err := localOf(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if listens == 0 || !local.IsValid() {
		return netip.AddrPort{}, fmt.Errorf("aio: file %d is not a listening TCP socket", fd)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, kindFlags&unix.SOCK_NONBLOCK != 0); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("fcntl", err)
	}
	if err := setOptions(fd, o); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("setsockopt", err)
	}
	return local, nil
}

// localOf asks for the address that a socket is bound to.
func localOf(fd int) (netip.AddrPort, error) {
	var sa sockaddr
	size := uint32(sockaddr6Bytes)
	_, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd),
		uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", errno)
	}
	return sa.get(), nil
}

// setOptions sets what o asks for and leaves the rest as the system has it.
func setOptions(fd int, o *SocketOptions) error {
	if o.LingerResetOnClose {
		l := unix.Linger{Onoff: 1}
		if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l); err != nil {
			return err
		}
	}
	noDelay, keepAlive := 0, 0
	if o.NoDelay {
		noDelay = 1
	}
	if o.KeepAliveIdleSecs > 0 {
		keepAlive = 1
	}
	for _, x := range [...]struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, noDelay},
		{unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBufferBytes},
		{unix.SOL_SOCKET, unix.SO_RCVBUF, o.RecvBufferBytes},
		{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, o.UnsentLowatBytes},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, keepAlive},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, o.KeepAliveIdleSecs},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, o.UserTimeoutMillis},
	} {
		if x.value == 0 {
			continue
		}
		if err := setInt(fd, x.level, x.name, x.value); err != nil {
			return err
		}
	}
	return nil
}

func setInt(fd, level, name, value int) error {
	return unix.SetsockoptInt(fd, level, name, value)
}

// peerOf asks for the far end of a connection that a listener of IPv6 or IPv4 has
// accepted. SO_PEERNAME, unlike getpeername, knows it even when the connection was
// reset meanwhile; it wants the exact size. room is the caller's, so that asking
// does not allocate.
func peerOf(fd int, v6 bool, room *sockaddr) netip.AddrPort {
	size := uint32(sockaddr4Bytes)
	if v6 {
		size = sockaddr6Bytes
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERNAME,
		uintptr(unsafe.Pointer(room)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return netip.AddrPort{}
	}
	return room.get()
}

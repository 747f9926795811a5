package aio

import (
	"cmp"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	listenBacklogDefault = 4096
	backlogPlainMax      = 200 // the system takes more than that as a hint only
)

// fionbio is FIONBIO of winsock2.h: whether calls without an OVERLAPPED may block.
const fionbio = 0x8004667e

// openSocket makes a TCP socket of a family, with o set.
func openSocket(family int, o *SocketOptions) (windows.Handle, error) {
	h, err := windows.WSASocket(int32(family), windows.SOCK_STREAM, windows.IPPROTO_TCP, nil, 0,
		windows.WSA_FLAG_OVERLAPPED|windows.WSA_FLAG_NO_HANDLE_INHERIT)
	if err != nil {
		return windows.InvalidHandle, os.NewSyscallError("WSASocket", fault(err))
	}
	if o != nil {
		if err := setOptions(h, o); err != nil {
			_ = windows.Closesocket(h)
			return windows.InvalidHandle, os.NewSyscallError("setsockopt", fault(err))
		}
	}
	return h, nil
}

// openListener makes a listening socket and returns the address that it got.
func openListener(a netip.AddrPort, o *SocketOptions) (windows.Handle, netip.AddrPort, error) {
	if o.ReusePort {
		// SO_REUSEADDR is no substitute: it lets anybody take the port over.
		return windows.InvalidHandle, netip.AddrPort{}, os.NewSyscallError("setsockopt", fault(windows.WSAEOPNOTSUPP))
	}
	h, err := openSocket(familyOf(a), o)
	if err != nil {
		return windows.InvalidHandle, netip.AddrPort{}, err
	}
	local, err := bindAndListen(h, a, o)
	if err != nil {
		_ = windows.Closesocket(h)
		return windows.InvalidHandle, netip.AddrPort{}, err
	}
	return h, local, nil
}

// bindAndListen sets no SO_REUSEADDR: here a port is free as soon as its listener
// is gone, and the option means another thing.
func bindAndListen(h windows.Handle, a netip.AddrPort, o *SocketOptions) (netip.AddrPort, error) {
	sa, err := toSystem(a)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", err)
	}
	if !a.Addr().Is4() {
		only := 0 // this system's default is 1, all others' is 0
		if o.V6Only {
			only = 1
		}
		if err := windows.SetsockoptInt(h, windows.IPPROTO_IPV6, windows.IPV6_V6ONLY, only); err != nil {
			return netip.AddrPort{}, os.NewSyscallError("setsockopt", fault(err))
		}
	}
	if err := windows.Bind(h, sa); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", fault(err))
	}
	backlog := cmp.Or(o.ListenBacklog, listenBacklogDefault)
	if backlog > backlogPlainMax {
		backlog = -backlog // SOMAXCONN_HINT of winsock2.h
	}
	if err := windows.Listen(h, backlog); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("listen", fault(err))
	}
	sa, err = windows.Getsockname(h)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", fault(err))
	}
	return fromSystem(sa), nil
}

// bindAnywhere binds a socket that is to connect: ConnectEx wants that.
func bindAnywhere(h windows.Handle, family int) error {
	var any windows.Sockaddr = new(windows.SockaddrInet4)
	if family == syscall.AF_INET6 {
		any = new(windows.SockaddrInet6)
	}
	if err := windows.Bind(h, any); err != nil {
		return os.NewSyscallError("bind", fault(err))
	}
	return nil
}

// setOptions sets what o asks for and leaves the rest as the system has it.
func setOptions(h windows.Handle, o *SocketOptions) error {
	if o.LingerResetOnClose {
		l := windows.Linger{Onoff: 1}
		if err := windows.SetsockoptLinger(h, windows.SOL_SOCKET, windows.SO_LINGER, &l); err != nil {
			return err
		}
	}
	noDelay := 0
	if o.NoDelay {
		noDelay = 1
	}
	// There is no limit for unsent data alone here.
	sendBufferBytes := cmp.Or(o.SendBufferBytes, o.UnsentLowatBytes)
	for _, x := range [...]struct{ level, name, value int }{
		{windows.IPPROTO_TCP, windows.TCP_NODELAY, noDelay},
		{windows.SOL_SOCKET, windows.SO_SNDBUF, sendBufferBytes},
		{windows.SOL_SOCKET, windows.SO_RCVBUF, o.RecvBufferBytes},
	} {
		if x.value == 0 {
			continue
		}
		if err := windows.SetsockoptInt(h, x.level, x.name, x.value); err != nil {
			return err
		}
	}
	if o.KeepAliveIdleSecs > 0 {
		if err := setKeepAlive(h, o.KeepAliveIdleSecs); err != nil {
			return err
		}
	}
	return setUserTimeout(h, o.UserTimeoutMillis)
}

// setKeepAlive uses the control that every Windows has; the TCP_KEEPIDLE option is
// younger. Once idle for so long, a probe goes out each second.
func setKeepAlive(h windows.Handle, idleSecs int) error {
	const second = 1000 // in milliseconds
	k := windows.TCPKeepalive{OnOff: 1, Time: uint32(idleSecs) * second, Interval: second}
	var n uint32
	return windows.WSAIoctl(h, windows.SIO_KEEPALIVE_VALS,
		(*byte)(unsafe.Pointer(&k)), uint32(unsafe.Sizeof(k)), nil, 0, &n, nil, 0)
}

// setUserTimeout limits retransmission as well as it can be done: in seconds,
// rounded up, and not at all where the system does not know the option.
func setUserTimeout(h windows.Handle, millis int) error {
	if millis == 0 {
		return nil
	}
	err := windows.SetsockoptInt(h, windows.IPPROTO_TCP, windows.TCP_MAXRT, (millis+999)/1000)
	if numberOf(err) == windows.WSAENOPROTOOPT {
		return nil
	}
	return err
}

// setNonBlocking lets sends and receives without an OVERLAPPED return at once.
func setNonBlocking(h windows.Handle) error {
	yes, n := uint32(1), uint32(0)
	return windows.WSAIoctl(h, fionbio, (*byte)(unsafe.Pointer(&yes)), 4, nil, 0, &n, nil, 0)
}

// resetsOnClose reports whether the socket is set to be reset when it is closed.
func resetsOnClose(h windows.Handle) bool {
	var l struct{ on, seconds uint16 } // struct linger of winsock2.h
	size := int32(unsafe.Sizeof(l))
	err := windows.Getsockopt(h, windows.SOL_SOCKET, windows.SO_LINGER, (*byte)(unsafe.Pointer(&l)), &size)
	return err == nil && l.on != 0 && l.seconds == 0
}

// toSystem gives an address its form for the system.
func toSystem(a netip.AddrPort) (windows.Sockaddr, error) {
	ip := a.Addr()
	switch {
	case !ip.IsValid():
		return nil, syscall.EINVAL
	case ip.Is4():
		return &windows.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}, nil
	}
	scope, err := scopeOf(ip.Zone())
	if err != nil {
		return nil, err
	}
	return &windows.SockaddrInet6{Port: int(a.Port()), ZoneId: scope, Addr: ip.As16()}, nil
}

// fromSystem is the reverse; the zero AddrPort if it is of another family.
func fromSystem(sa windows.Sockaddr) netip.AddrPort {
	switch a := sa.(type) {
	case *windows.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *windows.SockaddrInet6:
		ip := netip.AddrFrom16(a.Addr).Unmap()
		if a.ZoneId != 0 && ip.Is6() {
			ip = ip.WithZone(strconv.FormatUint(uint64(a.ZoneId), 10))
		}
		return netip.AddrPortFrom(ip, uint16(a.Port))
	}
	return netip.AddrPort{}
}

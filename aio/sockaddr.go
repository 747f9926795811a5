//go:build linux || windows

package aio

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// Sizes of struct sockaddr_in and struct sockaddr_in6.
const (
	sockaddr4Bytes = 16
	sockaddr6Bytes = 28
)

// sockaddr is room for the system's form of an IPv4 or IPv6 address and port:
// family (2, native order), port (2, network order), then address (4), or flow
// label (4), address (16) and scope (4).
type sockaddr [sockaddr6Bytes]byte

// get reads the address; the zero AddrPort if it is of another family. An IPv4
// address that came over an IPv6 socket is given as IPv4.
func (s *sockaddr) get() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	switch binary.NativeEndian.Uint16(s[0:]) {
	case syscall.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), port)
	case syscall.AF_INET6:
		ip := netip.AddrFrom16([16]byte(s[8:24])).Unmap()
		if scope := binary.NativeEndian.Uint32(s[24:]); scope != 0 && ip.Is6() {
			ip = ip.WithZone(strconv.FormatUint(uint64(scope), 10))
		}
		return netip.AddrPortFrom(ip, port)
	}
	return netip.AddrPort{}
}

// scopeOf turns a zone, the name of an interface or its number, into the number.
func scopeOf(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(i.Index), nil
}

func familyOf(a netip.AddrPort) int {
	if a.Addr().Is4() {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}

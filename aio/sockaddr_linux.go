package aio

import (
	"encoding/binary"
	"net/netip"
	"syscall"
)

// put writes a into s and returns how many bytes of it count.
func (s *sockaddr) put(a netip.AddrPort) (uint32, error) {
	ip := a.Addr()
	if !ip.IsValid() {
		return 0, syscall.EINVAL
	}
	*s = sockaddr{}
	binary.BigEndian.PutUint16(s[2:], a.Port())
	if ip.Is4() {
		binary.NativeEndian.PutUint16(s[0:], syscall.AF_INET)
		b := ip.As4()
		copy(s[4:], b[:])
		return sockaddr4Bytes, nil
	}
	binary.NativeEndian.PutUint16(s[0:], syscall.AF_INET6)
	b := ip.As16()
	copy(s[8:], b[:])
	scope, err := scopeOf(ip.Zone())
	if err != nil {
		return 0, err
	}
	binary.NativeEndian.PutUint32(s[24:], scope)
	return sockaddr6Bytes, nil
}

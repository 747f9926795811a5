package aio

import (
	"net/netip"

	"golang.org/x/sys/windows"
)

// Local implements Driver.
func (b *base) Local(name Socket) netip.AddrPort {
	s, err := b.find(name)
	if err != nil {
		return netip.AddrPort{}
	}
	sa, err := windows.Getsockname(s.handle)
	if err != nil {
		return netip.AddrPort{}
	}
	return fromSystem(sa)
}

package limit

import (
	"fmt"
	"net/netip"
	"strings"
)

// Trust is a set of addresses.
type Trust []netip.Prefix

// ParseTrust reads networks (10.0.0.0/8), addresses, or the one word none. An IPv4
// network in IPv6's form is the same network.
func ParseTrust(words []string) (Trust, error) {
	t := Trust{}
	for _, w := range words {
		if w = strings.TrimSpace(w); w == "" || w == "none" {
			if len(words) > 1 {
				return nil, fmt.Errorf("%q stands among other values; none stands alone", w)
			}
			continue
		}
		p, err := netip.ParsePrefix(w)
		if err != nil {
			one, e := netip.ParseAddr(w)
			if e != nil || one.Zone() != "" {
				return nil, fmt.Errorf("%q is none; it must be networks such as 10.0.0.0/8 or fd00::/8, addresses, or none", w)
			}
			p = netip.PrefixFrom(one, one.BitLen())
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		t = append(t, p.Masked())
	}
	return t, nil
}

// Contains reports whether an address is in the set.
func (t Trust) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range t {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

package aio

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
)

// FuzzSockaddr reads any bytes as an address of the system's, and writes what comes of
// it. What a peer's address may be is the network's choice, not ours.
func FuzzSockaddr(f *testing.F) {
	for _, s := range []string{"127.0.0.1:7777", "[::1]:80", "[::ffff:1.2.3.4]:65535", "[fe80::1%7]:0", "0.0.0.0:0", "[::]:1"} {
		var a sockaddr
		if _, err := a.put(netip.MustParseAddrPort(s)); err != nil {
			f.Fatal(err)
		}
		f.Add(a[:])
	}
	f.Add([]byte{syscall.AF_UNIX, 0, '/'})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s sockaddr
		copy(s[:], b)
		given := s
		a := s.get()
		if s != given {
			t.Fatalf("% x became % x", given, s)
		}
		family := binary.NativeEndian.Uint16(given[:])
		if known := family == syscall.AF_INET || family == syscall.AF_INET6; a.IsValid() != known {
			t.Fatalf("% x is %v", given, a)
		}
		if !a.IsValid() {
			if _, err := s.put(a); err == nil {
				t.Fatalf("the address %v was written", a)
			}
			return
		}
		if a.Addr().Is4In6() || a.Port() != binary.BigEndian.Uint16(given[2:]) {
			t.Fatalf("% x is %v", given, a)
		}
		n, err := s.put(a)
		if err != nil || n != sockaddr4Bytes && n != sockaddr6Bytes || (n == sockaddr4Bytes) != a.Addr().Is4() || familyOf(a) != int(binary.NativeEndian.Uint16(s[:])) {
			t.Fatalf("%v is written as %d of % x, %v", a, n, s, err)
		}
		if again := s.get(); again != a {
			t.Fatalf("%v is written as % x, which is %v", a, s, again)
		}
		if zone := a.Addr().Zone(); zone != "" {
			if scope, err := scopeOf(zone); err != nil || strconv.FormatUint(uint64(scope), 10) != zone {
				t.Fatalf("zone %q is %d, %v", zone, scope, err)
			}
		}
		for _, rest := range s[n:] {
			if rest != 0 {
				t.Fatalf("%v is written as % x: something is left of before", a, s)
			}
		}
	})
}

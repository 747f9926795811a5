package proxyproto_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sarang/engine/proxyproto"
)

const signature = "\r\n\r\n\x00\r\nQUIT\n"

// v2 makes a header of version 2: command and family, and what follows its length.
func v2(command, family byte, rest ...byte) string {
	b := append([]byte(signature), command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(rest)))
	return string(append(b, rest...))
}

// ends are two addresses as version 2 has them.
func ends(from, to string) []byte {
	f, t := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	b := append(f.Addr().AsSlice(), t.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, f.Port()), t.Port())
}

// value is one that stands behind the addresses.
func value(kind byte, what ...byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(what))), what...)
}

// summed is a header whose checksum is right.
func summed() string {
	b := []byte(v2(0x21, 0x11, slices.Concat(ends("192.0.2.7:5", "192.0.2.8:6"), value(1, 'h', '2'), value(3, 0, 0, 0, 0), value(4))...))
	at := len(b) - 4 - 3
	binary.BigEndian.PutUint32(b[at:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return string(b)
}

var (
	v4  = ends("203.0.113.9:40000", "192.0.2.1:443")
	v6  = ends("[2001:db8::7]:40001", "[2001:db8::1]:443")
	v46 = ends("[::ffff:203.0.113.9]:7", "[2001:db8::1]:443")
)

// good are headers, and where they say that the connection comes from.
var good = []struct{ header, source string }{
	{"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n", "203.0.113.9:40000"},
	{"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
	{"PROXY TCP6 2001:db8::7 2001:db8::1 40001 443\r\n", "[2001:db8::7]:40001"},
	{"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{"PROXY TCP6 ::ffff:203.0.113.9 ::1 0 0\r\n", "203.0.113.9:0"},
	{"PROXY UNKNOWN\r\n", ""},
	{"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", ""},
	{v2(0x21, 0x11, v4...), "203.0.113.9:40000"},
	{v2(0x21, 0x21, v6...), "[2001:db8::7]:40001"},
	{v2(0x21, 0x21, v46...), "203.0.113.9:7"},
	{v2(0x21, 0x11, slices.Concat(v4, value(4, make([]byte, 300)...), value(0x20, 1, 0, 0, 0, 0))...), "203.0.113.9:40000"},
	{v2(0x20, 0x00), ""},
	{v2(0x20, 0x12, 1, 2, 3), ""},
	{v2(0x21, 0x00), ""},
	{v2(0x21, 0x00, 9, 9), ""},
	{v2(0x21, 0x31, make([]byte, 216)...), ""},
	{summed(), "192.0.2.7:5"},
}

// bad are none.
var bad = []string{
	"GET / HTTP/1.1\r\n\r\n", "PROXX", "\r\n\r\n\x00\r\nQUIT\r", "\n", "\x16\x03\x01", "proxy TCP4 ",
	"PROXY\r\n", "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
	"PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
	"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 x\r\n", "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", strings.Repeat("PROXY ", 30),
	v2(0x21, 0x11, v4[:11]...), v2(0x21, 0x21, v6[:35]...), v2(0x21, 0x12, v4...), v2(0x21, 0x22, v6...), v2(0x21, 0x41, v4...),
	v2(0x22, 0x11, v4...), v2(0x11, 0x11, v4...), v2(0x21, 0x11, slices.Concat(v4, []byte{4, 0})...),
	v2(0x21, 0x11, slices.Concat(v4, []byte{4, 0, 9, 1})...), v2(0x21, 0x11, slices.Concat(v4, value(3, 1, 2, 3, 4))...),
	v2(0x21, 0x11, slices.Concat(v4, value(3, 1, 2, 3))...), v2(0x21, 0x11, append(v4, make([]byte, 2100)...)...),
}

func TestGoodHeaders(t *testing.T) {
	for _, g := range good {
		for n := range len(g.header) {
			if got, err := proxyproto.Length([]byte(g.header[:n])); n > 0 && (got != 0 || err != nil) {
				t.Fatalf("%q: after %d bytes its length is %d, %v", g.header, n, got, err)
			}
		}
		n, err := proxyproto.Length([]byte(g.header + "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"))
		if n != len(g.header) || err != nil {
			t.Errorf("%q: length %d, %v", g.header, n, err)
			continue
		}
		source, err := proxyproto.Parse([]byte(g.header))
		if err != nil || source.IsValid() != (g.source != "") || source.IsValid() && source.String() != g.source {
			t.Errorf("%q comes from %v, %v; want %q", g.header, source, err, g.source)
		}
	}
}

func TestBadHeaders(t *testing.T) {
	for _, b := range bad {
		n, err := proxyproto.Length([]byte(b))
		if err == nil && n > 0 {
			_, err = proxyproto.Parse([]byte(b[:n]))
		}
		if err == nil {
			t.Errorf("%q is taken for a header, or the beginning of one", b)
		}
	}
	for _, b := range bad[:6] {
		if _, err := proxyproto.Length([]byte(b)); !errors.Is(err, proxyproto.ErrHeader) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// FuzzHeader: nothing crashes; what is no header stays none whatever follows; a header does not
// depend on what is behind it; and an address that was read is one.
func FuzzHeader(f *testing.F) {
	for _, g := range good {
		f.Add([]byte(g.header))
	}
	for _, b := range bad {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := proxyproto.Length(b)
		if n < 0 || n > len(b) || n > 16+2048 || err != nil && n != 0 {
			t.Fatalf("length %d of %d, %v", n, len(b), err)
		}
		if again, e := proxyproto.Length(append(slices.Clone(b), "PROXY \r\n\x00"...)); err != nil && e == nil || n > 0 && again != n {
			t.Fatalf("length %d, %v; with more behind it %d, %v", n, err, again, e)
		}
		whole := b
		if n > 0 {
			whole = b[:n]
		}
		source, err := proxyproto.Parse(whole)
		if err == nil && n == 0 && !strings.HasPrefix(string(b), "PROXY ") {
			t.Fatalf("%q is no whole header, and was read", b)
		}
		if err != nil && source.IsValid() {
			t.Fatalf("%v, and yet it comes from %v", err, source)
		}
		if !source.IsValid() {
			return
		}
		a := source.Addr()
		family := map[bool]string{true: "TCP4", false: "TCP6"}[a.Is4()]
		if a.Zone() != "" || a.Is4In6() {
			t.Fatalf("it comes from %v", source)
		}
		line := "PROXY " + family + " " + a.String() + " " + a.String() + " " + strings.TrimPrefix(source.String(), source.String()[:strings.LastIndexByte(source.String(), ':')+1]) + " 1\r\n"
		if again, err := proxyproto.Parse([]byte(line)); err != nil || again != source {
			t.Fatalf("%q comes from %v, %v; not %v", line, again, err, source)
		}
	})
}

package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"strconv"
	"strings"
)

// What a header may have, in bytes.
const (
	v1BytesMax   = 107       // section 2.1, CR LF included
	v2BytesLeast = 16        // section 2.2: what every header has
	v2BytesMax   = 16 + 2048 // addresses and what is said beside them; ours
)

// v2Signature begins a header of version 2: section 2.2.
const v2Signature = "\r\n\r\n\x00\r\nQUIT\n"

const v1Signature = "PROXY "

// ErrHeader means that a connection of a proxy does not begin with a header.
var ErrHeader = errors.New("a connection from this proxy must begin with a header of the PROXY protocol")

// ErrTooLong means that a header is longer than any that is of use.
var ErrTooLong = errors.New("the header of the PROXY protocol is too long")

// Length returns the length of the header at the start of b; 0 if it is not whole yet. What
// does not begin as a header is ErrHeader as soon as that shows.
func Length(b []byte) (int, error) {
	switch {
	case begins(b, v2Signature):
		if len(b) < v2BytesLeast {
			return 0, nil
		}
		n := v2BytesLeast + int(binary.BigEndian.Uint16(b[14:]))
		if n > v2BytesMax {
			return 0, ErrTooLong
		}
		if len(b) < n {
			return 0, nil
		}
		return n, nil
	case begins(b, v1Signature):
		i := bytes.IndexByte(b[:min(len(b), v1BytesMax)], '\n')
		if i < 0 && len(b) >= v1BytesMax {
			return 0, ErrTooLong
		}
		return i + 1, nil
	}
	return 0, ErrHeader
}

// need returns how many bytes the header at the start of b has at least.
func need(b []byte) int {
	if len(b) >= v2BytesLeast && begins(b, v2Signature) {
		return v2BytesLeast + int(binary.BigEndian.Uint16(b[14:]))
	}
	if begins(b, v2Signature) {
		return v2BytesLeast
	}
	return len(b) + 1
}

// begins reports whether b and signature are the same as far as both go.
func begins(b []byte, signature string) bool {
	n := min(len(b), len(signature))
	return string(b[:n]) == signature[:n]
}

// Parse reads a whole header. It returns where the connection comes from; an address that is
// not valid means that the proxy says nothing about it: it connects for itself (a check whether
// the server is well), or knows no such address.
func Parse(b []byte) (source netip.AddrPort, err error) {
	if begins(b, v2Signature) && len(b) >= v2BytesLeast {
		return parseV2(b)
	}
	line, ok := strings.CutSuffix(string(b), "\r\n")
	if !ok {
		return source, errors.New("the header of the PROXY protocol does not end with CR LF")
	}
	return parseV1(line)
}

// parseV1 reads a line of section 2.1.
func parseV1(line string) (source netip.AddrPort, err error) {
	words := strings.Split(line, " ")
	if len(words) < 2 || words[0] != "PROXY" {
		return source, ErrHeader
	}
	if words[1] == "UNKNOWN" {
		return source, nil // whatever follows
	}
	if words[1] != "TCP4" && words[1] != "TCP6" {
		return source, errors.New("the header of the PROXY protocol is for no connection of TCP")
	}
	if len(words) != 6 {
		return source, errors.New("the header of the PROXY protocol wants two addresses and two ports")
	}
	var ends [2]netip.AddrPort
	for i := range ends {
		a, err := netip.ParseAddr(words[2+i])
		if err != nil || a.Zone() != "" || a.Is4() != (words[1] == "TCP4") {
			return source, errors.New("the header of the PROXY protocol has an address that is none")
		}
		port, err := strconv.ParseUint(words[4+i], 10, 16)
		if err != nil || strconv.FormatUint(port, 10) != words[4+i] {
			return source, errors.New("the header of the PROXY protocol has a port that is none")
		}
		ends[i] = netip.AddrPortFrom(a.Unmap(), uint16(port))
	}
	return ends[0], nil
}

// The bytes of section 2.2.
const (
	v2Local = 0x20 // version 2, the proxy for itself
	v2Proxy = 0x21 // version 2, for another

	v2Unspecified = 0x00
	v2TCP4        = 0x11
	v2TCP6        = 0x21
	v2UnixStream  = 0x31

	v2TypeCRC32C = 0x03
)

func parseV2(b []byte) (source netip.AddrPort, err error) {
	if n, err := Length(b); err != nil || n != len(b) {
		return source, errors.New("the header of the PROXY protocol has another length than it says")
	}
	rest, addresses := b[v2BytesLeast:], 0
	switch family := b[13]; family {
	case v2TCP4:
		addresses = 4
	case v2TCP6:
		addresses = 16
	case v2UnixStream, v2Unspecified:
	default:
		if b[12] != v2Local { // then it does not count
			return source, errors.New("the header of the PROXY protocol is for no connection of TCP")
		}
	}
	if b[12] != v2Local && b[12] != v2Proxy {
		return source, errors.New("the header of the PROXY protocol has another version, or a command that is not known")
	}
	if b[12] == v2Local || addresses == 0 {
		return source, nil
	}
	if len(rest) < 2*addresses+4 {
		return source, errors.New("the header of the PROXY protocol is too short for its addresses")
	}
	from, _ := netip.AddrFromSlice(rest[:addresses])
	port := binary.BigEndian.Uint16(rest[2*addresses:])
	if err := checkMore(b, rest[2*addresses+4:]); err != nil {
		return source, err
	}
	return netip.AddrPortFrom(from.Unmap(), port), nil
}

// checkMore reads what stands behind the addresses (section 2.2.7), of which only the checksum
// matters here.
func checkMore(header, more []byte) error {
	for len(more) > 0 {
		if len(more) < 3 {
			return errors.New("the header of the PROXY protocol ends within a value")
		}
		n := 3 + int(binary.BigEndian.Uint16(more[1:]))
		if n > len(more) {
			return errors.New("the header of the PROXY protocol ends within a value")
		}
		if more[0] == v2TypeCRC32C {
			if n != 3+4 || !checksum(header, len(header)-len(more)+3, binary.BigEndian.Uint32(more[3:])) {
				return errors.New("the header of the PROXY protocol has another checksum than it says")
			}
		}
		more = more[n:]
	}
	return nil
}

// checksum reports whether that of header is want; it is made with zeros in its own place, at.
func checksum(header []byte, at int, want uint32) bool {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, header[:at])
	sum = crc32.Update(sum, table, make([]byte, 4))
	return crc32.Update(sum, table, header[at+4:]) == want
}

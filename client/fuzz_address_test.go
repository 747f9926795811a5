package client

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// FuzzAddress takes any text for the address of a server. What is taken is a host and a
// port, and means the same when it is written down and read again; what is refused is
// refused with an *AddrError that has it.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"localhost:7777", "127.0.0.1:7777", "[::1]:7777", "[::ffff:1.2.3.4]:1", "[fe80::1%eth0]:65535", "사랑방.kr:7777",
		"", ":7777", "localhost", "localhost:", "localhost:0", "localhost:65536", "localhost:+80", "localhost:http", "::1:7777:",
		"[::1]", "[]:80", "[[::1]]:80", "a:b:80", "010.0.0.1:80", "host:00080", "\xff:80", "[1.2.3.4]:80", "a\x00b:80",
		"ws://chat.example.org", "ws://[::1]:7780/ws", "ws://[::1]", "ws://host:1/a b", "ws://a/b?c=d", "ws://", "ws:///ws", "ws://h\r\n/ws", "wss://host/ws", "ws://h:0/", "wss://host", "tls://host:1", "tcp://[::1]:7",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			var wrong *AddrError
			if !errors.As(err, &wrong) || wrong.Addr != text || wrong.Err == nil || a != (address{}) {
				t.Fatalf("%q: %+v, %v", text, a, err)
			}
			return
		}
		if a.text != text || a.host == "" || a.port == 0 {
			t.Fatalf("%q is %+v", text, a)
		}
		if ip, err := netip.ParseAddr(a.host); a.addr.IsValid() != (err == nil) ||
			err == nil && (a.addr.Addr() != ip.Unmap() || a.addr.Port() != a.port) {
			t.Fatalf("%q is %+v", text, a)
		}
		if a.path != "" && (a.path[0] != '/' || strings.ContainsAny(a.path+a.host, " \r\n\x00")) {
			t.Fatalf("%q has the path %q at %q", text, a.path, a.host)
		}
		written := net.JoinHostPort(a.host, strconv.Itoa(int(a.port)))
		switch {
		case a.path != "" && a.tls:
			written = "wss://" + written + a.path
		case a.path != "":
			written = "ws://" + written + a.path
		case a.tls:
			written = "tls://" + written
		}
		again, err := parseAddress(written)
		if err != nil || again.path != a.path || again.tls != a.tls || again.host != a.host || again.port != a.port || again.addr != a.addr {
			t.Fatalf("%q is %+v; read again %+v, %v", text, a, again, err)
		}
		if a.addr.IsValid() {
			known, err := a.resolve(t.Context(), nil)
			if err != nil || len(known) != 1 || known[0] != a.addr {
				t.Fatalf("%q is at %v, %v", text, known, err)
			}
		}
	})
}

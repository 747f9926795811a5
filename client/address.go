package client

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"sarang/client/session"
	"sarang/engine"
)

// address is where a server is, as configured.
type address struct {
	text string         // as configured
	path string         // of a WebSocket there; "": native packets
	host string         // a name to be resolved, if literal is not valid
	port uint16         // with host
	addr netip.AddrPort // an address that needs no resolving
}

// webPath is where a server's WebSocket is, and webPort the usual port of ws:// (RFC 6455,
// section 3).
const (
	webPath = "/ws"
	webPort = "80"
)

// parseAddress takes host:port or ws://host[:port][/path] apart. The port is a number from 1
// to 65535.
func parseAddress(text string) (address, error) {
	hostPort, path := text, ""
	if rest, ok := strings.CutPrefix(text, "ws://"); ok {
		hostPort, path = rest, webPath
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			hostPort, path = rest[:i], rest[i:]
		}
		if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
			return address{}, &AddrError{text, errors.New("the path has characters that must be escaped")}
		}
		if _, _, err := net.SplitHostPort(hostPort); err != nil {
			hostPort = net.JoinHostPort(strings.TrimSuffix(strings.TrimPrefix(hostPort, "["), "]"), webPort)
		}
	}
	host, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		return address{}, &AddrError{text, err}
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return address{}, &AddrError{text, errors.New("the port must be a number from 1 to 65535")}
	}
	if host == "" {
		return address{}, &AddrError{text, errors.New("the host is missing")}
	}
	if path != "" && strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == '/' || r == '@' || r == 127 }) {
		return address{}, &AddrError{text, errors.New("the host has characters that no name has")}
	}
	a := address{text: text, path: path, host: host, port: uint16(port)}
	if ip, err := netip.ParseAddr(host); err == nil {
		a.addr = netip.AddrPortFrom(ip.Unmap(), a.port)
	}
	return a, nil
}

// resolve asks for the addresses of the host. It blocks: never on a worker.
func (a address) resolve(ctx context.Context, r *net.Resolver) ([]netip.AddrPort, error) {
	if a.addr.IsValid() {
		return []netip.AddrPort{a.addr}, nil
	}
	ips, err := r.LookupNetIP(ctx, "ip", a.host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, errors.New("the name has no address")
	}
	addrs := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range ips {
		addrs = append(addrs, netip.AddrPortFrom(ip.Unmap(), a.port))
	}
	return addrs, nil
}

// protocol is what is spoken there.
func (a address) protocol(newHandler func(*engine.Worker) engine.Handler) *engine.Protocol {
	if a.path == "" {
		return session.NewProtocol(newHandler)
	}
	host := net.JoinHostPort(a.host, strconv.Itoa(int(a.port)))
	return session.NewWebSocket(host, a.path, newHandler, nil)
}

package client

import (
	"context"
	"crypto/tls"
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
	tls  bool           // it speaks TLS
	host string         // a name to be resolved, if literal is not valid
	port uint16         // with host
	addr netip.AddrPort // an address that needs no resolving
}

// webPath is where a server's WebSocket is, and webPort the usual port of ws:// and wss:// (RFC
// 6455, section 3).
const (
	webPath    = "/ws"
	webPort    = "80"
	webPortTLS = "443"
)

// parseAddress takes host:port, tls://host:port or ws[s]://host[:port][/path] apart. The port
// is a number from 1 to 65535.
func parseAddress(text string) (address, error) {
	hostPort, path := text, ""
	scheme, rest, _ := strings.Cut(text, "://")
	switch scheme {
	case "tcp", "tls":
		hostPort = rest
	case "ws", "wss":
		hostPort, path = rest, webPath
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			hostPort, path = rest[:i], rest[i:]
		}
		if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
			return address{}, &AddrError{text, errors.New("the path has characters that must be escaped")}
		}
		if _, _, err := net.SplitHostPort(hostPort); err != nil {
			port := webPort
			if scheme == "wss" {
				port = webPortTLS
			}
			hostPort = net.JoinHostPort(strings.TrimSuffix(strings.TrimPrefix(hostPort, "["), "]"), port)
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
	a := address{text: text, path: path, tls: scheme == "tls" || scheme == "wss", host: host, port: uint16(port)}
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

// protocol is what is spoken there; config is that of TLS, nil: the usual one.
func (a address) protocol(config *tls.Config, newHandler func(*engine.Worker) engine.Handler) *engine.Protocol {
	p := session.NewProtocol(newHandler)
	if a.path != "" {
		p = session.NewWebSocket(net.JoinHostPort(a.host, strconv.Itoa(int(a.port))), a.path, newHandler, nil)
	}
	if !a.tls {
		return p
	}
	return session.OverTLS(p, config, a.host)
}

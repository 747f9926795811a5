package client

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
)

// address is where a server is, as configured.
type address struct {
	text string         // as configured
	host string         // a name to be resolved, if literal is not valid
	port uint16         // with host
	addr netip.AddrPort // an address that needs no resolving
}

// parseAddress takes host:port apart. The port is a number from 1 to 65535.
func parseAddress(text string) (address, error) {
	host, portText, err := net.SplitHostPort(text)
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
	a := address{text: text, host: host, port: uint16(port)}
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

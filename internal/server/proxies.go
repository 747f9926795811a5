package server

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"sarang/engine"
	"sarang/engine/proxyproto"
	"sarang/engine/tlscodec"
	"sarang/internal/door"
	"sarang/internal/limit"
)

// behindProxies is p of a listener; with headers, connections of proxies begin with one.
func (s *Server) behindProxies(p *engine.Protocol, headers bool) *engine.Protocol {
	if !headers {
		return p
	}
	trusted := s.config.Proxies
	return proxyproto.Over(p, proxyproto.Config{
		Trusted: func(peer netip.AddrPort) bool { return trusted.Contains(peer.Addr()) },
		Bad: func(peer netip.AddrPort, err error) {
			s.proxyHeaders.Add(1)
			s.config.Logger.Warn("a proxy was not understood", "proxy", peer, "error", err)
		},
	})
}

// lendToProxies changes what the web address's door bounds: connections of proxies are not
// counted for their addresses, as they are for others.
func (w *web) lendToProxies(c door.Config) door.Config {
	if len(w.proxies) == 0 {
		return c
	}
	trusted := c.Trusted
	c.Trusted = func(a netip.Addr) bool { return trusted(a) || w.proxies.Contains(a) }
	c.ForOthers = func(peer netip.AddrPort) bool { return w.proxies.Contains(peer.Addr()) }
	return c
}

// forwarded has RemoteAddr of a request that a proxy hands on be the address of who asks.
func (w *web) forwarded(next http.Handler) http.Handler {
	if len(w.proxies) == 0 {
		return next
	}
	return http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			r.RemoteAddr = clientOf(peer, r.Header.Values("X-Forwarded-For"), w.proxies).String()
		}
		next.ServeHTTP(answer, r)
	})
}

// clientOf returns who asks, if peer does and lists say for whom. Each proxy adds its own peer
// at the right end, so they are read from there: the first address that is no proxy's is the
// client's, and what is left of it anybody may have written. A word that is no address ends it:
// who asks is then the proxy that has added it.
func clientOf(peer netip.AddrPort, lists []string, proxies limit.Trust) netip.AddrPort {
	words := strings.Split(strings.Join(lists, ","), ",")
	for i := len(words) - 1; i >= 0 && proxies.Contains(peer.Addr()); i-- {
		next, ok := addressIn(strings.TrimSpace(words[i]))
		if !ok {
			break
		}
		peer = next
	}
	return peer
}

// addressIn reads an address, with or without a port.
func addressIn(s string) (netip.AddrPort, bool) {
	if at, err := netip.ParseAddrPort(s); err == nil && at.Addr().Zone() == "" {
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.AddrPort{}, false
		}
	}
	a, err := netip.ParseAddr(s)
	return netip.AddrPortFrom(a.Unmap(), 0), err == nil && a.Zone() == ""
}

// enter asks whether who wants a WebSocket may come in, if that was not asked of the connection:
// it is a proxy's.
func (w *web) enter(c net.Conn, r *http.Request) error {
	if over, ok := c.(*tls.Conn); ok {
		c = tlscodec.Below(over)
	}
	lent, ok := c.(*door.Conn)
	engine.Invariant(ok, "a web connection is not from the door")
	proxy, ok := lent.RemoteAddr().(*net.TCPAddr)
	if !ok || !w.proxies.Contains(proxy.AddrPort().Addr()) {
		return nil
	}
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return err
	}
	return lent.EnterAs(w.node.Engine, client)
}

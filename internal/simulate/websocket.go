package simulate

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	sdk "sarang/client/session"
	"sarang/engine"
	"sarang/internal/node"
	"sarang/websocket"
)

// webSocketPort is where the server speaks WebSocket, behind the upgrade: net/http, which
// does that, wants goroutines of its own.
const webSocketPort = serverPort + 1

// webSockets reports whether some of the clients talk over WebSocket. What holds packets
// against the limits reads them on the wire, as the native protocol has them.
func (p *plan) webSockets() bool { return !p.limits.any && p.clients%2 == 1 }

// newWebSocket is what these clients speak.
func newWebSocket(seed uint64) *engine.Protocol {
	rng := rand.New(rand.NewPCG(seed, 0x6455))
	return sdk.NewWebSocket("server", "/ws", nil, func(c *websocket.ClientConfig) {
		c.Upgraded, c.Random = true, rng.Uint64
	})
}

// connection is where an actor connects, and what it speaks there.
func (a *actor) connection() (netip.AddrPort, *engine.Protocol) {
	r := a.run
	at := r.plan.limits.homes[a.id]
	if !r.plan.webSockets() || a.id%2 == 1 {
		return at, r.speaks
	}
	r.counts.WebSockets++
	if a.id%4 == 0 {
		r.counts.TLS++
		return netip.AddrPortFrom(at.Addr(), tlsPort), r.speaksTLS
	}
	return netip.AddrPortFrom(at.Addr(), webSocketPort), r.speaksWeb
}

// listenWeb opens the addresses where WebSocket is spoken.
func (s *server) listenWeb() error {
	for _, sub := range node.Subprotocols() {
		p := s.node.Subprotocol(sub)
		if sub != sdk.WebSocket {
			continue
		}
		for _, at := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
			if _, err := s.svc.Listen(netip.AddrPortFrom(at, webSocketPort), p); err != nil {
				return err
			}
		}
		return s.listenTLS(p)
	}
	return fmt.Errorf("the server does not know the subprotocol %s", sdk.WebSocket)
}

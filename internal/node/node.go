// Package node puts one running chat together: a hub on a store, an engine with its
// workers, and the gateways between them. The server, the simulation and the benchmarks
// all do it here, with a store, a clock and drivers of their own.
package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sarang/engine"
	"sarang/engine/tlscodec"
	"sarang/internal/gateway"
	"sarang/internal/gateway/native"
	"sarang/internal/gateway/ws"
	"sarang/internal/hub"
)

// Config says what the node is to be. Hub.Store is required.
type Config struct {
	Hub    hub.Config    // Formats are New's affair
	Engine engine.Config // Gate and OnStart are New's affair

	Server        string        // program and version, told at login
	RetryAfterMin time.Duration // clients are told, at a drain, to come back after Min to Max
	RetryAfterMax time.Duration
}

// Node is one chat. It is ready to Start its Engine and to Listen.
type Node struct {
	Hub    *hub.Hub
	Engine *engine.Service

	packets     *gateway.Gateway
	native      *hub.Format
	protocols   []*engine.Protocol          // of schemes
	upgrades    map[string]*engine.Protocol // by subprotocol
	upgradesTLS map[string]*engine.Protocol // the same over TLS
	tls         *tlscodec.Shared
}

// Native is the scheme of addresses that speak Sarang's own protocol.
const Native = "tcp"

// TLS is the scheme of the same over TLS. What Protocol returns for it is what is spoken
// once hands were shaken: for engine.Service.Adopt, with the codec as data.
const TLS = "tls"

// schemes say what an address can speak: each gateway that can be listened for has a row.
var schemes = []struct {
	name     string
	protocol func(*Node) *engine.Protocol
}{
	{Native, func(n *Node) *engine.Protocol { return native.NewProtocol(n.packets, n.native) }},
	{TLS, func(n *Node) *engine.Protocol { return tlscodec.Over(native.NewProtocol(n.packets, n.native), n.tls) }},
}

// New makes a node; nothing runs yet but the goroutines of the hub.
func New(c Config) (*Node, error) {
	n := &Node{native: native.NewFormat(), tls: tlscodec.NewShared(tlscodec.SharedConfig{})}
	c.Hub.Formats = []*hub.Format{n.native}
	subprotocols := ws.Subprotocols()
	for _, s := range subprotocols {
		c.Hub.Formats = append(c.Hub.Formats, s.Format)
	}
	var err error
	if n.Hub, err = hub.New(c.Hub, max(c.Engine.Workers, 1)); err != nil {
		return nil, err
	}
	c.Engine.Gate, c.Engine.OnStart, c.Engine.LaneOf = n.Hub.Gate(), n.Hub.StartShard, n.Hub.LaneOf
	if n.Engine, err = engine.New(c.Engine); err != nil {
		n.Hub.Close()
		return nil, err
	}
	n.packets = gateway.New(n.Hub, gateway.Config{
		Server:            c.Server,
		HeartbeatInterval: c.Engine.HeartbeatInterval, IdleTimeout: c.Engine.IdleTimeout,
		RetryAfterMin: c.RetryAfterMin, RetryAfterMax: c.RetryAfterMax,
	})
	for _, s := range schemes {
		n.protocols = append(n.protocols, s.protocol(n))
	}
	n.upgrades, n.upgradesTLS = map[string]*engine.Protocol{}, map[string]*engine.Protocol{}
	for _, s := range subprotocols {
		p := ws.NewProtocol(n.packets, s)
		name := s.Name
		if s.Deflate {
			name += Deflate
		}
		n.upgrades[name], n.upgradesTLS[name] = p, tlscodec.Over(p, n.tls)
	}
	return n, nil
}

// Schemes are the schemes of addresses that a node can listen on.
func Schemes() []string {
	var all []string
	for _, s := range schemes {
		all = append(all, s.name)
	}
	return all
}

// CheckScheme returns an error that lists the schemes there are, if s is none of them.
func CheckScheme(s string) error {
	if slices.Contains(Schemes(), s) {
		return nil
	}
	return fmt.Errorf("the scheme %q is not known; there are: %s", s+"://", strings.Join(Schemes(), "://, ")+"://")
}

// Protocol returns what an address with the scheme speaks. The error is that of
// CheckScheme.
func (n *Node) Protocol(scheme string) (*engine.Protocol, error) {
	for i, s := range schemes {
		if s.name == scheme {
			return n.protocols[i], nil
		}
	}
	return nil, CheckScheme(scheme)
}

// Subprotocols are what a WebSocket can speak, the one that is preferred first.
func Subprotocols() []string {
	var all []string
	for _, s := range ws.Subprotocols() {
		if !s.Deflate {
			all = append(all, s.Name)
		}
	}
	return all
}

// Deflate behind the name of a subprotocol is the same with messages that may be compressed.
const Deflate = "+deflate"

// Subprotocol returns what is spoken behind an upgrade to one of Subprotocols; nil for any
// other.
func (n *Node) Subprotocol(name string) *engine.Protocol { return n.upgrades[name] }

// SubprotocolTLS is Subprotocol for a connection that has a codec of TLS, which is to be the
// session's data.
func (n *Node) SubprotocolTLS(name string) *engine.Protocol { return n.upgradesTLS[name] }

// TLSRecords is what sessions of TLS have together whose records are not made by crypto/tls.
func (n *Node) TLSRecords() *tlscodec.Shared { return n.tls }

// BadPackets counts packets that were answered as malformed or unknown. Any goroutine may
// call it.
func (n *Node) BadPackets() uint64 { return n.packets.BadPackets() }

// Close ends the engine and the hub, at once; the store stays open. It returns what had
// leaked.
func (n *Node) Close() error {
	err := n.Engine.Close()
	n.Hub.Close()
	return err
}

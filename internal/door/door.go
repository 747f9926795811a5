// Package door lends connections that an engine's workers have accepted to ordinary Go code:
// net/http serves them, until an upgrade gives one back. The socket stays with its worker,
// so that this works on every driver.
package door

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"sarang/engine"
	"sarang/lock"
)

// Config shapes a Listener.
type Config struct {
	Name           string
	ConnectionsMax int // lent at once; those beyond it are refused

	// NetworkConnectionsMax bounds those of one address, or /48 network of IPv6; 0: no such
	// bound. It does not hold for whom Trusted, if there is one, vouches.
	NetworkConnectionsMax int
	Trusted               func(netip.Addr) bool

	// ForOthers is engine.Protocol's: who lets these in is to call EnterAs.
	ForOthers func(netip.AddrPort) bool

	// Refusal is what a connection is told that is refused: by this bound, by the service's,
	// or by its gate. It is closed then. Empty: nothing.
	Refusal []byte
}

// Listener is a net.Listener whose connections workers accept. They are *Conn.
type Listener struct {
	config   Config
	protocol engine.Protocol
	addr     atomic.Pointer[net.TCPAddr]
	conns    chan *Conn // has room for all that may be lent
	lent     atomic.Int64
	mu       lock.Mutex
	networks map[netip.Prefix]int // how many of each are lent
	refused  atomic.Uint64
	closing  sync.Once
	closed   chan struct{}
}

// New makes a listener. It is to be listened for with its Protocol.
func New(c Config) *Listener {
	l := &Listener{config: c, conns: make(chan *Conn, c.ConnectionsMax), closed: make(chan struct{})}
	l.protocol = engine.Protocol{
		Name: c.Name, Framer: nothing{}, ForOthers: c.ForOthers,
		NewHandler: func(*engine.Worker) engine.Handler { return &porter{l: l} },
	}
	l.mu.Init(lock.NewClass("door"))
	l.networks = make(map[netip.Prefix]int)
	l.addr.Store(new(net.TCPAddr))
	return l
}

// Protocol is for engine.Service.Listen.
func (l *Listener) Protocol() *engine.Protocol { return &l.protocol }

// Listening says what Addr is.
func (l *Listener) Listening(at netip.AddrPort) { l.addr.Store(net.TCPAddrFromAddrPort(at)) }

// Addr is where the workers listen.
func (l *Listener) Addr() net.Addr { return l.addr.Load() }

// ConnectionsMax is how many may be lent at once.
func (l *Listener) ConnectionsMax() int { return l.config.ConnectionsMax }

// Lent is how many connections are lent now.
func (l *Listener) Lent() int { return int(l.lent.Load()) }

// Refused counts connections for which there was no place.
func (l *Listener) Refused() uint64 { return l.refused.Load() }

// Accept returns the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and closes what waits there. What comes later is refused.
func (l *Listener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	for {
		select {
		case c := <-l.conns:
			_ = c.Close()
		default:
			return nil
		}
	}
}

func (l *Listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// network is what an address counts for; not valid: it is not bound.
func (l *Listener) network(a netip.Addr) netip.Prefix {
	if l.config.NetworkConnectionsMax == 0 || l.config.Trusted != nil && l.config.Trusted(a) {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 32
	}
	network, _ := a.Prefix(bits) // an address that is not valid counts for no network
	return network
}

// enter takes a place, if there is one. Every worker may call it.
func (l *Listener) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lent.Load() >= int64(l.config.ConnectionsMax) || l.isClosed() {
		return false
	}
	if from.IsValid() {
		if l.networks[from] >= l.config.NetworkConnectionsMax {
			return false
		}
		l.networks[from]++
	}
	l.lent.Add(1)
	return true
}

func (l *Listener) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lent.Add(-1)
	if !from.IsValid() {
		return
	}
	if l.networks[from]--; l.networks[from] == 0 {
		delete(l.networks, from)
	}
}

// Conn is a lent connection. It counts until it is closed or given back.
type Conn struct {
	net.Conn
	l    *Listener
	from netip.Prefix
	once sync.Once
}

func (c *Conn) leave() { c.once.Do(func() { c.l.leave(c.from) }) }

// Close ends the connection.
func (c *Conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// EnterAs says whom the connection stands for, if its peer does so: engine.Service.EnterAs.
func (c *Conn) EnterAs(svc *engine.Service, peer netip.AddrPort) error {
	return svc.EnterAs(c.Conn, peer)
}

// GiveBack has the session speak p from here on: engine.Service.Adopt. read is what was read
// of the connection and not used, data the session's Data.
func (c *Conn) GiveBack(svc *engine.Service, read []byte, p *engine.Protocol, data any) error {
	defer c.leave()
	return svc.Adopt(c.Conn, read, p, data)
}

// nothing is the framer of sessions that are not read from before they are lent.
type nothing struct{}

func (nothing) Split(b []byte) (int, error) { return len(b), nil }

func (nothing) Need(b []byte) int { return len(b) + 1 }

// porter lends a worker's connections.
type porter struct {
	engine.NopHandler
	l *Listener
}

// Connected lends the connection, if there is a place.
func (p *porter) Connected(s *engine.Session) {
	l := p.l
	from := l.network(s.Peer().Addr())
	if !l.enter(from) {
		l.refused.Add(1)
		if len(l.config.Refusal) > 0 {
			_ = s.Send(l.config.Refusal)
		}
		s.Close()
		return
	}
	c, err := s.Detach()
	if err != nil {
		l.leave(from)
		return
	}
	l.conns <- &Conn{Conn: c, l: l, from: from}
}

// Farewell tells those whom the service does not let in.
func (p *porter) Farewell(to engine.Sender, why engine.Reason) {
	if why.Code == engine.ReasonRefused && len(p.l.config.Refusal) > 0 {
		_ = to.Send(p.l.config.Refusal)
	}
}

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
)

// Config shapes a Listener.
type Config struct {
	Name           string
	ConnectionsMax int // lent at once; those beyond it are refused

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
	refused  atomic.Uint64
	closing  sync.Once
	closed   chan struct{}
}

// New makes a listener. It is to be listened for with its Protocol.
func New(c Config) *Listener {
	l := &Listener{config: c, conns: make(chan *Conn, c.ConnectionsMax), closed: make(chan struct{})}
	l.protocol = engine.Protocol{
		Name: c.Name, Framer: nothing{},
		NewHandler: func(*engine.Worker) engine.Handler { return &porter{l: l} },
	}
	l.addr.Store(new(net.TCPAddr))
	return l
}

// Protocol is for engine.Service.Listen.
func (l *Listener) Protocol() *engine.Protocol { return &l.protocol }

// Listening says what Addr is.
func (l *Listener) Listening(at netip.AddrPort) { l.addr.Store(net.TCPAddrFromAddrPort(at)) }

// Addr is where the workers listen.
func (l *Listener) Addr() net.Addr { return l.addr.Load() }

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

// Conn is a lent connection. It counts until it is closed or given back.
type Conn struct {
	net.Conn
	l    *Listener
	once sync.Once
}

func (c *Conn) leave() { c.once.Do(func() { c.l.lent.Add(-1) }) }

// Close ends the connection.
func (c *Conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
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
	if l.lent.Add(1) > int64(l.config.ConnectionsMax) || l.isClosed() {
		l.lent.Add(-1)
		l.refused.Add(1)
		if len(l.config.Refusal) > 0 {
			_ = s.Send(l.config.Refusal)
		}
		s.Close()
		return
	}
	c, err := s.Detach()
	if err != nil {
		l.lent.Add(-1)
		return
	}
	l.conns <- &Conn{Conn: c, l: l}
}

// Farewell tells those whom the service does not let in.
func (p *porter) Farewell(to engine.Sender, why engine.Reason) {
	if why.Code == engine.ReasonRefused && len(p.l.config.Refusal) > 0 {
		_ = to.Send(p.l.config.Refusal)
	}
}

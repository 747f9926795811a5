package aio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"sarang/lock"
)

const kindPortable = "portable"

// Portable is the driver over Go's own net package: it runs wherever Go has
// sockets, and over any net.Conn besides. Goroutines do what a system's completion
// port would do: one for each socket that receives, accepts or connects, and one
// for each that is full or has a piece of a send to write. What they find goes
// through one queue to Wait.
//
// It is made to be simple. The system's own drivers are quicker, and a receiving
// socket costs them no stack.
//
// Unlike theirs, its owner need not be locked to a thread. It is one goroutine at a
// time all the same.
type Portable struct {
	config  Config
	started time.Time
	plain   bool           // use every connection like one without readiness
	free    chan []byte    // receive buffers that nobody has; nil stands for one that was not made yet
	signal  chan struct{}  // ends the owner's sleep
	timer   *time.Timer    // likewise
	group   sync.WaitGroup // all goroutines of the driver
	lent    []loan         // by the last Wait; the owner's
	out     outgoing       // likewise

	mutex     lock.Mutex // guards what follows, and every netSocket
	sockets   table[*netSocket]
	events    queue[netEvent]
	idle      []*netWriter            // without work; the last one goes first, being the warmest
	lingering map[*netSocket]struct{} // closed, but their writers have not ended
	sleeping  bool                    // the owner sleeps, or is about to
	woken     bool                    // somebody asked for a return
	released  bool
}

// netSocket is what the driver knows of a socket.
type netSocket struct {
	name     Socket
	token    Token
	listener *net.TCPListener   // of a listener
	conn     net.Conn           // of a connection, when there is one
	raw      syscall.RawConn    // of conn, if it has readiness; else nil
	options  SocketOptions      // of a listener, for what it accepts
	cancel   context.CancelFunc // of the connect in flight
	stop     chan struct{}      // closed to end receiving or accepting; nil when neither goes on
	writeErr error              // what ended the sending direction

	// Requests, each until its last event is delivered.
	accepting, connecting, receiving, sending bool

	blocked bool // sending, and waiting for the writer
	writing bool // a writer is at work for the connection
	shut    bool // Shutdown was called
	ended   bool // and has been carried out
	late    bool // a deadline in the past has ended receiving or accepting
	reset   bool // closing it sends a reset
	closing bool // Close was called
	gone    bool // no name stands for it: its writer closes it
}

// NewPortable opens the driver. Its error is a *ConfigError. Open with the kind
// "portable" does the same; here the type is known, for AttachConn.
func NewPortable(c Config) (*Portable, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	d := &Portable{
		config:    c,
		started:   time.Now(),
		free:      make(chan []byte, c.RecvBuffers),
		signal:    make(chan struct{}, 1),
		timer:     time.NewTimer(time.Hour),
		lingering: make(map[*netSocket]struct{}),
	}
	d.timer.Stop()
	d.out.write = d.out.tryWrite
	for range c.RecvBuffers {
		d.free <- nil
	}
	d.sockets.max = c.SocketsMax
	d.mutex.Init(lock.NewClass("aio.portable"))
	return d, nil
}

// openPortable is NewPortable for Open.
func openPortable(c Config) (Driver, error) {
	d, err := NewPortable(c)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Name is "portable".
func (d *Portable) Name() string { return kindPortable }

// Now is the time since the driver was opened.
func (d *Portable) Now() time.Duration { return time.Since(d.started) }

// Attach takes over the net.Conn in c.Object: an accepted connection of this kind
// of driver, or any other net.Conn.
func (d *Portable) Attach(c Conn, t Token) (Socket, error) {
	conn, ok := c.Object.(net.Conn)
	if !ok {
		return 0, fmt.Errorf("aio: the portable driver attaches a net.Conn, not %T: %w", c.Object, syscall.EINVAL)
	}
	return d.AttachConn(conn, t)
}

// AttachConn takes over any net.Conn: a pipe in memory, a TLS connection. It must
// keep net.Conn's promise about deadlines, for that is how receiving is ended.
// Shutdown wants a CloseWrite method. On error the connection is closed.
func (d *Portable) AttachConn(conn net.Conn, t Token) (Socket, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s := &netSocket{token: t, conn: conn}
	if c, ok := conn.(*resetConn); ok {
		s.conn, s.reset = c.TCPConn, true
	}
	if err := d.add(s); err != nil {
		d.dispose(s)
		return 0, err
	}
	d.connect(s, s.conn)
	return s.name, nil
}

// Discard closes a connection that nobody wants.
func (d *Portable) Discard(c Conn) {
	conn, ok := c.Object.(net.Conn)
	if !ok {
		return
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.dispose(&netSocket{conn: conn})
}

// connect gives s its connection.
func (d *Portable) connect(s *netSocket, c net.Conn) {
	s.conn = c
	if !d.plain {
		s.raw = rawOf(c)
	}
}

// add gives s a name.
func (d *Portable) add(s *netSocket) error {
	name, slot, err := d.sockets.add()
	if err != nil {
		return err
	}
	s.name, *slot = name, s
	return nil
}

// find returns an open socket that is not closing.
func (d *Portable) find(name Socket) (*netSocket, error) {
	slot := d.sockets.get(name)
	if slot == nil || (*slot).closing {
		return nil, ErrBadSocket
	}
	return *slot, nil
}

// connected finds a socket whose connection stands.
func (d *Portable) connected(name Socket) (*netSocket, error) {
	s, err := d.find(name)
	switch {
	case err != nil:
		return nil, err
	case s.connecting:
		return nil, ErrBusy
	case s.conn == nil:
		return nil, syscall.ENOTCONN
	}
	return s, nil
}

// Listen opens a listening socket.
func (d *Portable) Listen(addr netip.AddrPort, o SocketOptions, t Token) (Socket, netip.AddrPort, error) {
	if o.Inherited != 0 {
		return 0, netip.AddrPort{}, ErrInherited
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s := &netSocket{token: t, options: o}
	if err := d.add(s); err != nil {
		return 0, netip.AddrPort{}, err
	}
	l, err := listenPortable(addr, &o)
	if err != nil {
		d.sockets.release(s.name)
		return 0, netip.AddrPort{}, err
	}
	s.listener = l
	return s.name, addrPortOf(l.Addr()), nil
}

// Accept starts accepting on l.
func (d *Portable) Accept(l Socket) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s, err := d.find(l)
	switch {
	case err != nil:
		return err
	case s.accepting || s.connecting:
		return ErrBusy
	case s.listener == nil:
		return syscall.EINVAL
	}
	if s.late {
		s.late = false
		if err := s.listener.SetDeadline(time.Time{}); err != nil {
			return err
		}
	}
	s.accepting, s.stop = true, make(chan struct{})
	a := &netAcceptor{d: d, s: s, listener: s.listener, stop: s.stop, room: make(chan struct{}, acceptedMax)}
	d.group.Go(a.run)
	return nil
}

// Connect starts connecting a new socket.
func (d *Portable) Connect(addr netip.AddrPort, o SocketOptions, t Token) (Socket, error) {
	if !addr.IsValid() {
		return 0, syscall.EINVAL
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	s := &netSocket{token: t, cancel: cancel, connecting: true, reset: o.LingerResetOnClose}
	if err := d.add(s); err != nil {
		cancel()
		return 0, err
	}
	d.group.Go(func() { d.dial(ctx, s, addr, &o) })
	return s.name, nil
}

// Recv starts receiving.
func (d *Portable) Recv(name Socket) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s, err := d.connected(name)
	switch {
	case err != nil:
		return err
	case s.receiving:
		return ErrBusy
	}
	if s.late {
		s.late = false
		if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
	}
	s.receiving, s.stop = true, make(chan struct{})
	d.group.Go(newReader(d, s).run)
	return nil
}

// StopRecv asks receiving to end.
func (d *Portable) StopRecv(name Socket) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s, err := d.find(name)
	if err != nil {
		return err
	}
	if s.receiving {
		s.halt()
	}
	return nil
}

// halt asks the goroutine that receives or accepts to end.
func (s *netSocket) halt() {
	if s.stop == nil {
		return
	}
	close(s.stop)
	s.stop, s.late = nil, true
	// An error means that the socket is broken, which the goroutine finds, too.
	if s.listener != nil {
		_ = s.listener.SetDeadline(longAgo())
	} else {
		_ = s.conn.SetReadDeadline(longAgo())
	}
}

// longAgo is a deadline that has passed.
func longAgo() time.Time { return time.Unix(1, 0) }

// Shutdown ends the stream towards the peer after what was sent.
func (d *Portable) Shutdown(name Socket) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s, err := d.connected(name)
	if err != nil || s.shut {
		return err
	}
	half, ok := s.conn.(halfCloser)
	if !ok {
		return fmt.Errorf("aio: a %T can not end one direction: %w", s.conn, errors.ErrUnsupported)
	}
	s.shut = true
	switch {
	case s.writing && s.raw == nil: // the writer does it when it is through
	case closesAtOnce(s.conn):
		s.ended = true
		return half.CloseWrite()
	default:
		d.assign(d.idleWriter(), s)
	}
	return nil
}

// halfCloser is a connection that can end its sending direction alone.
type halfCloser interface{ CloseWrite() error }

// Close ends what is in flight and then the socket.
func (d *Portable) Close(name Socket) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s, err := d.find(name)
	if err != nil {
		return err
	}
	s.closing = true
	s.halt()
	if s.connecting {
		s.cancel()
	}
	if s.blocked {
		s.blocked = false
		d.push(netEvent{s: s, kind: KindWritable, err: ErrCanceled})
	}
	d.closeIfIdle(s)
	return nil
}

// closeIfIdle closes a closing socket when nothing is in flight on it any more.
func (d *Portable) closeIfIdle(s *netSocket) {
	if !s.closing || s.accepting || s.connecting || s.receiving || s.sending {
		return
	}
	d.dispose(s)
	d.push(netEvent{s: s, kind: KindDisconnect})
}

package simulate

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
)

// errNotYet keeps a worker from its tick: it is not its turn.
var errNotYet = errors.New("simulate: it is not this worker's turn")

// taps are the drivers of one service, its sockets, and what it may see now.
type taps struct {
	world   *aiosim.World
	drivers []*tap
	turn    int            // workers from this number on do not tick
	blind   func(int) bool // such a worker sees no events in this tick
	conns   []aio.Conn     // accepted, and given to no driver yet
	broken  func(what string)
	opened  func(connection)                          // told of each new one
	watch   *watch                                    // nil: nobody watches
	says    func(to connection, b []byte, before int) // told of what is sent, with what was sent right before it; nil: nobody
}

// tap is a driver between the engine and the simulated one. It keeps a ledger of
// what is in flight: each request must end in one final event, and no event may come
// without a request. And it can die: then its sockets are gone in an instant, and the
// engine, which lives on only to be looked at for leaks, is told so.
type tap struct {
	*aiosim.Driver
	all     *taps
	index   int
	sockets []*tapped
	byName  map[aio.Socket]*tapped
	dead    bool
	ticks   int
}

// tapped is an open socket.
type tapped struct {
	name     aio.Socket
	token    aio.Token
	listener bool
	open     bool // connected
	closing  bool
	full     bool     // the send in flight has met a full socket
	inFlight [8]bool  // by kind
	watched  *watched // nil: by nobody
	sends    sends    // if somebody is told of it
}

func newTaps(w *aiosim.World, broken func(string)) *taps {
	return &taps{world: w, turn: 1 << 30, blind: func(int) bool { return false }, broken: broken, opened: func(connection) {}}
}

// open is an engine.Config.OpenDriver.
func (t *taps) open(c aio.Config) func(int) (aio.Driver, error) {
	return func(worker int) (aio.Driver, error) {
		d := &tap{Driver: t.world.NewDriver(c), all: t, index: worker, byName: map[aio.Socket]*tapped{}}
		t.drivers = append(t.drivers, d)
		return d, nil
	}
}

// unwatch ends the watch: what the server does from now on is its end.
func (t *taps) unwatch() {
	if t.watch != nil {
		t.watch.ending = true
	}
}

// connections returns the open connections that a fault could be done to.
func (t *taps) connections() (all []connection) {
	for _, d := range t.drivers {
		for _, s := range d.sockets {
			if s.open && !s.closing && !d.dead {
				all = append(all, connection{d, s.name})
			}
		}
	}
	return all
}

// connectionOf finds the connection of a session, by its token.
func (t *taps) connectionOf(s *engine.Session) (connection, bool) {
	d := t.drivers[s.Worker().Index()]
	token := aio.Token(s.ID()) &^ (0xff << 56)
	for _, o := range d.sockets {
		if o.token == token && o.open && !o.closing && !d.dead {
			return connection{d, o.name}, true
		}
	}
	return connection{}, false
}

type connection struct {
	driver *tap
	name   aio.Socket
}

// die ends the program of these drivers as the system would: its sockets close. If
// the machine died with it, nobody hears of that.
func (t *taps) die(machineToo bool) {
	for _, c := range t.conns {
		t.drivers[0].Driver.Discard(c)
	}
	t.conns = nil
	for _, d := range t.drivers {
		if machineToo {
			for _, s := range d.sockets {
				if s.open && !s.closing {
					_ = d.Vanish(s.name)
				}
			}
		}
		_ = d.Driver.Release()
		d.dead = true
	}
}

func (d *tap) add(name aio.Socket, t aio.Token) *tapped {
	s := &tapped{name: name, token: t}
	d.sockets = append(d.sockets, s)
	d.byName[name] = s
	return s
}

func (d *tap) begin(name aio.Socket, k aio.Kind, err error) error {
	if err == nil {
		d.byName[name].inFlight[k] = true
	}
	return err
}

func (d *tap) Now() time.Duration { return d.all.world.Now() }

func (d *tap) Listen(addr netip.AddrPort, o aio.SocketOptions, t aio.Token) (aio.Socket, netip.AddrPort, error) {
	name, at, err := d.Driver.Listen(addr, o, t)
	if err == nil {
		d.add(name, t).listener = true
	}
	return name, at, err
}

func (d *tap) Accept(l aio.Socket) error {
	if d.dead {
		return aio.ErrBadSocket
	}
	return d.begin(l, aio.KindAccept, d.Driver.Accept(l))
}

func (d *tap) Attach(c aio.Conn, t aio.Token) (aio.Socket, error) {
	if d.dead {
		return 0, aio.ErrBadSocket
	}
	d.all.handed(c)
	name, err := d.Driver.Attach(c, t)
	if err == nil {
		s := d.add(name, t)
		s.open = true
		if d.all.watch != nil {
			d.all.watch.attached(c, d, s)
		}
		d.all.opened(connection{d, name})
	}
	return name, err
}

func (d *tap) Discard(c aio.Conn) {
	if !d.dead {
		d.all.handed(c)
		if d.all.watch != nil {
			d.all.watch.discarded(c)
		}
		d.Driver.Discard(c)
	}
}

// handed notes that a connection went to its one receiver.
func (t *taps) handed(c aio.Conn) {
	i := slices.IndexFunc(t.conns, func(o aio.Conn) bool { return o.Handle == c.Handle })
	if i < 0 {
		t.broken("a connection was attached or discarded twice")
		return
	}
	t.conns = slices.Delete(t.conns, i, i+1)
}

func (d *tap) Connect(addr netip.AddrPort, o aio.SocketOptions, t aio.Token) (aio.Socket, error) {
	name, err := d.Driver.Connect(addr, o, t)
	if err == nil {
		d.add(name, t).inFlight[aio.KindConnect] = true
	}
	return name, err
}

func (d *tap) Recv(s aio.Socket) error {
	if d.dead {
		return aio.ErrBadSocket
	}
	if x := d.byName[s]; x != nil && x.watched != nil {
		x.watched.reading(true)
	}
	return d.begin(s, aio.KindRecv, d.Driver.Recv(s))
}

func (d *tap) StopRecv(s aio.Socket) error {
	if d.dead {
		return aio.ErrBadSocket
	}
	if x := d.byName[s]; x != nil && x.watched != nil {
		x.watched.reading(false)
	}
	return d.Driver.StopRecv(s)
}

func (d *tap) Send(s aio.Socket, v [][]byte) error {
	if d.dead {
		return aio.ErrBadSocket
	}
	if x := d.byName[s]; x != nil && x.watched != nil {
		x.watched.send(v)
	}
	if x := d.byName[s]; x != nil && d.all.says != nil {
		x.sends.say(v, func(b []byte, before int) { d.all.says(connection{d, s}, b, before) })
	}
	return d.begin(s, aio.KindSend, d.Driver.Send(s, v))
}

func (d *tap) Shutdown(s aio.Socket) error {
	if d.dead {
		return aio.ErrBadSocket
	}
	if x := d.byName[s]; x != nil && x.watched != nil {
		x.watched.closing = true
	}
	return d.Driver.Shutdown(s)
}

func (d *tap) Close(name aio.Socket) error {
	s := d.byName[name]
	if s == nil || s.closing {
		return aio.ErrBadSocket
	}
	s.closing = true
	if s.watched != nil {
		s.watched.closing = true
	}
	if d.dead {
		return nil
	}
	return d.Driver.Close(name)
}

func (d *tap) Wait(events []aio.Event, timeout time.Duration) (int, error) {
	switch {
	case d.dead:
		return d.lastEvents(events), nil
	case timeout == 0 && d.index >= d.all.turn:
		return 0, errNotYet
	}
	d.ticks++
	if timeout == 0 && d.all.blind(d.index) {
		return 0, nil
	}
	n, err := d.Driver.Wait(events, timeout)
	for i := range events[:n] {
		d.seen(&events[i])
	}
	return n, err
}

// seen enters an event into the ledger.
func (d *tap) seen(e *aio.Event) {
	s := d.byName[e.Socket]
	if s == nil || s.token != e.Token {
		d.all.broken(fmt.Sprintf("an event of a socket that is not open: %v", e.Kind))
		return
	}
	if s.watched != nil {
		s.watched.happened(e)
	}
	if e.Kind == aio.KindSend && s.sends.given != nil {
		s.sends.took(e)
	}
	if e.Kind == aio.KindDisconnect {
		if s.inFlight != [8]bool{} {
			d.all.broken("a socket was closed with a request in flight")
		}
		d.remove(s)
		return
	}
	k := e.Kind
	if k == aio.KindWritable {
		k = aio.KindSend
	}
	if !s.inFlight[k] {
		d.all.broken(fmt.Sprintf("an event without a request: %v", e.Kind))
	}
	s.inFlight[k] = e.More
	s.full = k == aio.KindSend && e.More || s.full && k != aio.KindSend
	switch {
	case k == aio.KindAccept && e.Err == nil:
		d.all.conns = append(d.all.conns, e.Conn)
		if d.all.watch != nil {
			d.all.watch.accepted(e.Conn)
		}
	case k == aio.KindConnect && e.Err == nil:
		s.open = true
		d.all.opened(connection{d, s.name})
	}
}

func (d *tap) remove(s *tapped) {
	delete(d.byName, s.name)
	i := slices.Index(d.sockets, s)
	d.sockets = slices.Delete(d.sockets, i, i+1)
}

// lastEvents is what a driver says whose sockets are gone: what is in flight fails,
// and what is closed is closed.
func (d *tap) lastEvents(events []aio.Event) (n int) {
	for _, s := range slices.Clone(d.sockets) {
		for k := range s.inFlight {
			if s.inFlight[k] && s.closing && n < len(events) {
				s.inFlight[k] = false
				events[n] = aio.Event{Kind: aio.Kind(k), Token: s.token, Socket: s.name, Err: aio.ErrCanceled}
				if s.full && events[n].Kind == aio.KindSend {
					events[n].Kind = aio.KindWritable
				}
				n++
			}
		}
		if s.closing && s.inFlight == [8]bool{} && n < len(events) {
			events[n] = aio.Event{Kind: aio.KindDisconnect, Token: s.token, Socket: s.name}
			n++
			d.remove(s)
		}
	}
	return n
}

func (d *tap) Wake() {
	if !d.dead {
		d.Driver.Wake()
	}
}

// Release closes a driver that has nothing open: the engine has closed it all.
func (d *tap) Release() error {
	if len(d.sockets) > 0 {
		d.all.broken(fmt.Sprintf("a driver is released with %d sockets open", len(d.sockets)))
	}
	if d.dead {
		return nil
	}
	return d.Driver.Release()
}

package aiosim

import (
	"net/netip"
	"time"

	"sarang/aio"
)

// Name is what Driver.Name returns.
const Name = "sim"

// slotFlags are the state of a socket: what it is, and which requests are in
// flight.
type slotFlags uint16

const (
	slotOpen      slotFlags = 1 << iota
	slotListener            // subject is a listener's number, not an end
	slotReady               // in the driver's ready list
	slotAccept              // accepting
	slotConnect             // connecting
	slotRecv                // receiving
	slotRecvStop            // StopRecv was called
	slotSend                // a send is in flight
	slotFull                // it has met a full socket
	slotSpace               // there is space again
	slotClosing             // Close was called
	slotAbortHeld           // the abort has not yet taken its course
)

const slotInFlight = slotAccept | slotConnect | slotRecv | slotSend

// slot is a socket of a driver.
type slot struct {
	token   aio.Token
	gen     uint32
	subject uint32 // an end of the world, or a listener of the driver
	send    uint32 // the send in flight that has not been tried; 0 is none
	flags   slotFlags
}

func (s *slot) is(f slotFlags) bool { return s.flags&f != 0 }

// Driver is an aio.Driver in a simulated world. Beyond the contract it lets a
// test harm single connections: Stall, Reset and Vanish.
type Driver struct {
	world     *World
	number    uint16 // from 1
	config    aio.Config
	slots     slab[slot]
	open      int
	listeners slab[*listener]
	sends     slab[[][]byte] // what sends in flight offer, until they are tried
	ready     []uint32       // slots that may have an event, in no order
	parked    []uint32       // slots whose event must wait for the next Wait
	lent      [][]byte       // what the last Wait has lent
	buffers   [][]byte       // receive buffers, made as they are needed
	rubbish   []byte         // what they are scribbled over with afterwards
	sips      map[uint32]sip // ends that are read slowly
	waits     uint64         // calls of Wait
	woken     bool
	released  bool
}

var _ aio.Driver = (*Driver)(nil)

// Ready is World.Ready for this driver: it may have an event to collect now.
func (d *Driver) Ready() bool {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	return len(d.ready) > 0
}

// Name returns "sim".
func (d *Driver) Name() string { return Name }

// Now returns the world's time.
func (d *Driver) Now() time.Duration { return d.world.Now() }

// lookup returns the open slot that a socket names.
func (d *Driver) lookup(name aio.Socket) (uint32, *slot, error) {
	i := uint32(name)
	if !d.slots.has(i) {
		return 0, nil, aio.ErrBadSocket
	}
	s := d.slots.at(i)
	if !s.is(slotOpen) || s.is(slotClosing) || s.gen != uint32(name>>32) {
		return 0, nil, aio.ErrBadSocket
	}
	return i, s, nil
}

// connection is lookup for the requests that only a connection has.
func (d *Driver) connection(name aio.Socket) (uint32, *slot, error) {
	i, s, err := d.lookup(name)
	switch {
	case err != nil:
		return 0, nil, err
	case s.is(slotListener):
		return 0, nil, aio.ErrBadSocket
	case s.is(slotConnect):
		return 0, nil, aio.ErrBusy
	}
	return i, s, nil
}

// newSlot opens a socket for a subject.
func (d *Driver) newSlot(t aio.Token, subject uint32, f slotFlags) (uint32, *slot) {
	i, s := d.slots.take()
	*s = slot{token: t, gen: s.gen + 1, subject: subject, flags: slotOpen | f | s.flags&slotReady}
	d.open++
	return i, s
}

func (d *Driver) name(i uint32, s *slot) aio.Socket {
	return aio.Socket(uint64(s.gen)<<32 | uint64(i))
}

// makeReady has slot i polled by the next Wait.
func (d *Driver) makeReady(i uint32) {
	s := d.slots.at(i)
	if !s.is(slotReady) {
		s.flags |= slotReady
		d.ready = append(d.ready, i)
	}
	d.world.signal()
}

// Listen implements aio.Driver.
func (d *Driver) Listen(addr netip.AddrPort, o aio.SocketOptions, t aio.Token) (aio.Socket, netip.AddrPort, error) {
	if o.Inherited != 0 {
		return 0, netip.AddrPort{}, aio.ErrInherited
	}
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.open >= d.config.SocketsMax {
		return 0, netip.AddrPort{}, aio.ErrTooMany
	}
	l, err := w.bind(addr, o)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	subject, place := d.listeners.take()
	*place = l
	i, s := d.newSlot(t, subject, slotListener)
	l.driver, l.slot = d, i
	d.noteCall(i, "listen %v", l.at)
	return d.name(i, s), l.at, nil
}

// Accept implements aio.Driver.
func (d *Driver) Accept(name aio.Socket) error {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	i, s, err := d.lookup(name)
	switch {
	case err != nil:
		return err
	case !s.is(slotListener):
		return aio.ErrBadSocket
	case s.is(slotAccept):
		return aio.ErrBusy
	}
	s.flags |= slotAccept
	d.makeReady(i)
	return nil
}

// Attach implements aio.Driver.
func (d *Driver) Attach(c aio.Conn, t aio.Token) (aio.Socket, error) {
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	subject, e, err := w.unclaimed(c)
	if err != nil {
		return 0, err
	}
	if d.open >= d.config.SocketsMax {
		w.closeEnd(subject)
		return 0, aio.ErrTooMany
	}
	e.flags &^= endUnclaimed
	i, s := d.newSlot(t, subject, 0)
	e.driver, e.slot = d.number, i
	d.noteCall(i, "attach %v", c.Peer)
	return d.name(i, s), nil
}

// Discard implements aio.Driver. A Conn that was handed over already is left
// alone.
func (d *Driver) Discard(c aio.Conn) {
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, _, err := w.unclaimed(c); err == nil {
		w.closeEnd(i)
	}
}

// Connect implements aio.Driver.
func (d *Driver) Connect(addr netip.AddrPort, o aio.SocketOptions, t aio.Token) (aio.Socket, error) {
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.open >= d.config.SocketsMax {
		return 0, aio.ErrTooMany
	}
	subject, e, err := w.dial(addr, o)
	if err != nil {
		return 0, err
	}
	i, s := d.newSlot(t, subject, slotConnect)
	e.driver, e.slot = d.number, i
	d.noteCall(i, "connect %v", addr)
	return d.name(i, s), nil
}

// Recv implements aio.Driver.
func (d *Driver) Recv(name aio.Socket) error {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	i, s, err := d.connection(name)
	switch {
	case err != nil:
		return err
	case s.is(slotRecv):
		return aio.ErrBusy
	}
	s.flags |= slotRecv
	d.makeReady(i)
	return nil
}

// StopRecv implements aio.Driver.
func (d *Driver) StopRecv(name aio.Socket) error {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	i, s, err := d.connection(name)
	if err != nil {
		return err
	}
	if s.is(slotRecv) && !s.is(slotRecvStop) {
		s.flags |= slotRecvStop
		d.abort(i, s)
	}
	return nil
}

// Local implements aio.Driver.
func (d *Driver) Local(name aio.Socket) netip.AddrPort {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	_, s, err := d.connection(name)
	if err != nil {
		return netip.AddrPort{}
	}
	return d.world.endAddress(d.world.ends.at(s.subject))
}

// Send implements aio.Driver. The bytes are read only by a later Wait, so
// an owner that does not keep them frozen is found out.
func (d *Driver) Send(name aio.Socket, v [][]byte) error {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	i, s, err := d.connection(name)
	if err != nil {
		return err
	}
	if s.is(slotSend) {
		return aio.ErrBusy
	}
	for len(v) > 0 && len(v[0]) == 0 {
		v = v[1:] // so that the slices that count hold a byte
	}
	if len(v) == 0 {
		return aio.ErrEmpty
	}
	v = v[:min(len(v), aio.VectorMax)]
	number, place := d.sends.take()
	*place = v
	s.send = number
	s.flags = s.flags&^(slotFull|slotSpace) | slotSend
	d.makeReady(i)
	return nil
}

func vectorBytes(v [][]byte) int {
	total := 0
	for _, p := range v {
		total += len(p)
	}
	return total
}

// Shutdown implements aio.Driver. What a send in flight still puts on the way is
// refused: shut down after its event.
func (d *Driver) Shutdown(name aio.Socket) error {
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	i, s, err := d.connection(name)
	if err != nil {
		return err
	}
	e := w.ends.at(s.subject)
	if e.is(endRefused) {
		return aio.ErrBadSocket
	}
	if !e.is(endFinSent) {
		e.flags |= endFinSent
		d.noteCall(i, "shutdown")
		if e.peer != 0 {
			w.sendFin(e.peer, w.ends.at(e.peer))
		}
	}
	return nil
}

// Close implements aio.Driver.
func (d *Driver) Close(name aio.Socket) error {
	d.world.mu.Lock()
	defer d.world.mu.Unlock()
	i, s, err := d.lookup(name)
	if err != nil {
		return err
	}
	s.flags |= slotClosing
	d.noteCall(i, "close")
	d.abort(i, s)
	return nil
}

// abort lets what is in flight on slot i end, at once or after a while.
func (d *Driver) abort(i uint32, s *slot) {
	w := d.world
	if hold := w.between(0, w.faults.AbortDelayMax); hold > 0 {
		w.stats.HeldAborts++
		s.flags |= slotAbortHeld
		w.schedule(due{at: w.now + hold, kind: dueAbort, index: i, gen: s.gen, driver: d.number})
		return
	}
	s.flags &^= slotAbortHeld
	d.makeReady(i)
}

// abortDue ends the delay of an abort.
func (d *Driver) abortDue(a due) {
	s := d.slots.at(a.index)
	if s.gen == a.gen && s.is(slotOpen) {
		s.flags &^= slotAbortHeld
		d.makeReady(a.index)
	}
}

func (d *Driver) noteCall(i uint32, format string, args ...any) {
	if w := d.world; w.recorded() {
		w.note("d%d s%d "+format, append([]any{d.number, i}, args...)...)
	}
}

// Wake implements aio.Driver.
func (d *Driver) Wake() {
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	d.woken = true
	w.signal()
}

// Release implements aio.Driver.
func (d *Driver) Release() error {
	w := d.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.released {
		return nil
	}
	d.released = true
	for i := uint32(1); i < d.slots.used; i++ {
		if s := d.slots.at(i); s.is(slotOpen) {
			d.freeSlot(i, s)
		}
	}
	d.ready, d.lent, d.buffers = nil, nil, nil
	return nil
}

// freeSlot closes what the slot stands for and forgets it.
func (d *Driver) freeSlot(i uint32, s *slot) {
	if s.is(slotListener) {
		place := d.listeners.at(s.subject)
		d.world.unbind(*place)
		*place = nil
		d.listeners.give(s.subject)
	} else {
		delete(d.world.dials, s.subject)
		delete(d.sips, s.subject)
		d.world.closeEnd(s.subject)
	}
	d.dropSend(s)
	*s = slot{gen: s.gen, flags: s.flags & slotReady}
	d.slots.give(i)
	d.open--
}

func (d *Driver) dropSend(s *slot) {
	if s.send != 0 {
		*d.sends.at(s.send) = nil
		d.sends.give(s.send)
		s.send = 0
	}
}

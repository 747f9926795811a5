package engine

import (
	"fmt"
	"net"

	"sarang/aio"
)

// ErrAdopt means that the service's drivers can not take over a connection: it is none of
// the system's, or the system ties it to whoever opened it.
var ErrAdopt = aio.ErrAdopt

// Adopt makes a session that speaks p of a connection. read is what the caller has read
// of it already; it is copied, and passes through p's codec and framer before anything
// else. data becomes the session's Data; Connected is called.
//
// A connection that Session.Detach has given is returned to its session (Switch, on its
// worker): behind read follows what it has held unread, and what was written to it goes
// out first. Any other was accepted elsewhere. On Linux it is taken over by its
// descriptor, by the portable driver as it is; for other drivers, and a c that can not be
// taken over, the error wraps ErrAdopt. It counts as accepted: gate, limits and farewells
// hold for it, and an error of theirs is returned when it is refused.
//
// After success, and when it is refused, the connection is the service's and c is closed
// to its owner; nobody may be in a Read or Write of it when Adopt is called. With ErrAdopt
// and ErrProtocolsMax c is the caller's as before. ErrClosed means that the service is
// going down, or that the detached session has ended; c is to be closed then, which does
// no harm if it is already. Any goroutine that is not a worker
// may call Adopt.
func (s *Service) Adopt(c net.Conn, read []byte, p *Protocol, data any) error {
	protocol, err := s.bind(p)
	if err != nil {
		return err
	}
	if d, ok := c.(*detachedConn); ok && d.worker.service == s {
		err := ErrClosed
		s.do(d.worker, func(w *Worker) { err = d.giveBack(w, protocol, read, data) })
		return err
	}
	to, kind := s.nextWorker(), ""
	if s.draining.Load() || !s.do(to, func(w *Worker) { kind = w.driver.Name() }) {
		return ErrClosed
	}
	conn, err := aio.AdoptConn(kind, c, s.config.Socket)
	if err != nil {
		return fmt.Errorf("adopting a connection of %v: %w", c.RemoteAddr(), err)
	}
	a := &arrival{conn: conn, protocol: protocol, data: data, read: read}
	if !s.do(to, func(w *Worker) { err = w.adopt(a) }) {
		aio.CloseConn(conn)
		return ErrClosed
	}
	return err
}

// adopt is attach for a connection that nobody has let in yet.
func (w *Worker) adopt(a *arrival) error {
	if err := w.letIn(a); err != nil {
		return err
	}
	return w.attach(a)
}

// giveBack ends the detachment of the connection's session.
func (c *detachedConn) giveBack(w *Worker, protocol uint8, read []byte, data any) error {
	s := w.Session(c.id)
	if s == nil || s.detached() != c || s.Closing() {
		return ErrClosed
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	in, out := c.in, c.out
	c.in, c.out = nil, nil
	c.retire()
	c.mu.Unlock()
	if len(out) > 0 {
		if err := s.enqueue(out); err != nil {
			s.fail(Reason{ReasonBroken, err})
			return err
		}
	}
	s.Data = data
	s.become(protocol, read, in)
	return nil
}

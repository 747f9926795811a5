package engine

import (
	"net/netip"

	"sarang/aio"
)

// Gate decides about connections as listeners accept them, and as Service.Adopt takes
// them over, before anything is spent on a session. Its methods are called by any worker,
// by several at once, and must be quick.
type Gate interface {
	// Enter is called for a connection from peer. If the answer has no Err, the
	// connection comes in, and Leave is called once when it is over, whether or not
	// a Handler ever had it.
	Enter(peer netip.AddrPort) Refusal

	// Leave: a connection that Enter let in is over. peer has no IPv6 zone.
	Leave(peer netip.AddrPort)
}

// Refusal is a Gate's answer.
type Refusal struct {
	Err error // why not; nil: it may come in

	// Farewell: if it can be afforded, a reason is sent to the peer. The Farewell of the
	// protocol's handler is called with a session that has no Data, ReasonRefused and
	// Err; no other method is called for that session. Otherwise, and if the protocol has
	// a codec, the connection is closed without a word.
	Farewell bool
}

// RefusalCause is what refused an accepted connection.
type RefusalCause uint8

// The causes.
const (
	RefusedDraining    RefusalCause = iota // the service is going down
	RefusedSessionsMax                     // Config.SessionsMax was reached
	RefusedByGate                          // Config.Gate refused it
	refusalCount
)

// arrival is a connection on its way to its worker.
type arrival struct {
	conn     aio.Conn
	protocol uint8
	gated    bool   // Config.Gate has let it in
	data     any    // Session.Data
	read     []byte // what others have read from it already
}

// Deliver makes the session.
func (a *arrival) Deliver(w *Worker) { _ = w.attach(a) }

// accepted hands a connection to the next worker in turn, if it may come in.
func (l *listener) accepted(c aio.Conn) {
	a := &arrival{conn: c, protocol: l.protocol}
	if l.w.letIn(a) != nil {
		return
	}
	svc := l.w.service
	to := svc.nextWorker()
	if to == l.w {
		_ = to.attach(a) // it is counted
		return
	}
	if !to.Post(a) {
		l.w.driver.Discard(c)
		svc.turnedAway(a)
	}
}

// letIn decides whether a connection may come in, and counts it then. Otherwise it is
// refused, and the error says why.
func (w *Worker) letIn(a *arrival) error {
	svc := w.service
	if svc.draining.Load() {
		return w.refuse(a.conn, a.protocol, RefusedDraining, Refusal{Err: ErrClosed})
	}
	if !svc.admit() {
		return w.refuse(a.conn, a.protocol, RefusedSessionsMax, Refusal{ErrSessionsMax, true})
	}
	forOthers := w.bindings[a.protocol].protocol.ForOthers
	if g := svc.config.Gate; g != nil && (forOthers == nil || !forOthers(a.conn.Peer)) {
		if r := g.Enter(a.conn.Peer); r.Err != nil {
			svc.live.Add(-1)
			return w.refuse(a.conn, a.protocol, RefusedByGate, r)
		}
		a.gated = true
	}
	return nil
}

// refuse closes a connection that may not come in; with a farewell, if the refusal asks
// for one and not too many are under way. It returns r.Err.
func (w *Worker) refuse(c aio.Conn, protocol uint8, cause RefusalCause, r Refusal) error {
	w.stats.Refused[cause]++
	b := w.bindings[protocol]
	if r.Farewell && b.fareweller != nil && b.protocol.NewCodec == nil && w.service.beginFarewell() {
		w.sayFarewell(c, protocol, Reason{ReasonRefused, r.Err})
		return r.Err
	}
	w.stats.Silent++
	w.driver.Discard(c)
	return r.Err
}

// beginFarewell counts one more refused connection that a reason is sent to, if there may be
// one more.
func (s *Service) beginFarewell() bool {
	if s.farewells.Add(1) > int64(s.config.FarewellsMax) {
		s.farewells.Add(-1)
		return false
	}
	return true
}

// sayFarewell makes a session of a refused connection, to end it in order.
func (w *Worker) sayFarewell(c aio.Conn, protocol uint8, why Reason) {
	s := w.sessions.open(w, protocol)
	socket, err := w.driver.Attach(c, s.token())
	if err != nil {
		w.sessions.free(s)
		w.service.farewells.Add(-1)
		w.stats.Silent++
		return
	}
	s.socket = socket
	s.setPeer(c.Peer)
	s.flags |= flagRefused | flagOpened
	s.mark, s.lastRecv = w.moment(), w.moment()
	s.End(why)
}

// attach makes a session of a connection that was let in. On an error the connection is
// closed.
func (w *Worker) attach(a *arrival) error {
	if w.stopping || w.service.draining.Load() {
		w.driver.Discard(a.conn)
		w.service.turnedAway(a)
		return ErrClosed
	}
	s := w.sessions.open(w, a.protocol)
	socket, err := w.driver.Attach(a.conn, s.token())
	if err != nil {
		w.sessions.free(s)
		w.service.turnedAway(a)
		w.stats.AcceptErrors++
		return err
	}
	if a.gated {
		s.flags |= flagGated
	}
	s.socket, s.Data = socket, a.data
	s.setPeer(a.conn.Peer)
	w.stats.Accepted++
	if len(a.read) > 0 {
		s.keepUnread(a.read)
	}
	w.opened(s)
	return nil
}

// turnedAway takes back what letIn has counted for a connection that never became a
// session.
func (s *Service) turnedAway(a *arrival) {
	s.live.Add(-1)
	if a.gated {
		s.config.Gate.Leave(a.conn.Peer)
	}
}

// leave takes back what was counted for a session that is over.
func (w *Worker) leave(s *Session) {
	if s.flags&flagRefused != 0 {
		w.service.farewells.Add(-1)
		return
	}
	w.service.live.Add(-1)
	if s.flags&flagGated != 0 {
		w.service.config.Gate.Leave(s.Peer())
	}
}

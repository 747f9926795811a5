package engine

import (
	"net/netip"

	"sarang/aio"
)

// Gate decides about connections as listeners accept them, before anything is spent on
// a session. Its methods are called by any worker, by several at once, and must be
// quick.
type Gate interface {
	// Enter is asked about a connection from peer. If the answer has no Err, the
	// connection comes in, and Leave is called once when it is over, whether or not
	// it was ever told to a Handler.
	Enter(peer netip.AddrPort) Refusal

	// Leave: a connection that Enter let in is over. peer has no IPv6 zone.
	Leave(peer netip.AddrPort)
}

// Refusal is a Gate's answer.
type Refusal struct {
	Err error // why not; nil: it may come in

	// Farewell: if it can be afforded, the peer is told. The handler's Farewell is
	// called with a session that has no Data, ReasonRefused and Err; no other method
	// is called for that session. Otherwise the connection is closed without a word.
	Farewell bool
}

// RefusalCause says who refused an accepted connection.
type RefusalCause uint8

// The causes.
const (
	RefusedDraining    RefusalCause = iota // the service is going down
	RefusedSessionsMax                     // Config.SessionsMax was reached
	RefusedByGate                          // Config.Gate said so
	refusalCount
)

func (l *listener) accepted(c aio.Conn) {
	svc := l.w.service
	if svc.draining.Load() {
		l.refuse(c, RefusedDraining, Refusal{Err: ErrClosed})
		return
	}
	if !svc.admit() {
		l.refuse(c, RefusedSessionsMax, Refusal{ErrSessionsMax, true})
		return
	}
	if g := svc.config.Gate; g != nil {
		if r := g.Enter(c.Peer); r.Err != nil {
			svc.live.Add(-1)
			l.refuse(c, RefusedByGate, r)
			return
		}
	}
	to := svc.nextWorker()
	if to == l.w {
		to.adopt(c)
		return
	}
	if !to.Post(&adoption{c}) {
		l.w.driver.Discard(c)
		svc.turnedAway(c)
	}
}

// refuse closes a connection that nobody has let in; with a farewell, if that was asked
// for and not too many are being told already.
func (l *listener) refuse(c aio.Conn, cause RefusalCause, r Refusal) {
	w := l.w
	w.stats.Refused[cause]++
	_, speaks := w.handler.(Fareweller)
	if r.Farewell && speaks && w.service.config.NewCodec == nil && w.service.beginFarewell() {
		w.sayFarewell(c, Reason{ReasonRefused, r.Err})
		return
	}
	w.stats.Silent++
	w.driver.Discard(c)
}

// beginFarewell counts one more refused connection that is told why, if there may be
// one more.
func (s *Service) beginFarewell() bool {
	if s.farewells.Add(1) > int64(s.config.FarewellsMax) {
		s.farewells.Add(-1)
		return false
	}
	return true
}

// sayFarewell makes a session of a refused connection, to end it in order.
func (w *Worker) sayFarewell(c aio.Conn, why Reason) {
	s := w.sessions.open(w)
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
	s.mark, s.lastRecv = ticksUp(w.now), ticksUp(w.now)
	s.End(why)
}

// turnedAway takes back what accepted has counted for a connection that never became a
// session.
func (s *Service) turnedAway(c aio.Conn) {
	s.live.Add(-1)
	if s.config.Gate != nil {
		s.config.Gate.Leave(c.Peer)
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

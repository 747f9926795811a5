package engine

import (
	"errors"
	"net"
	"net/netip"
)

// A proxy connects for others, from its own address. Limits are for those others: so the Gate
// is asked when it is known who they are.

// SwitchAs is Switch to p for a session that stands for peer: that is its Peer from then on,
// the Gate is asked for it, and what the Gate had counted for the session is over. If the Gate
// refuses, the session ends as an accepted connection of p that is refused: with the Farewell
// of p's handler, if there is one, and else without a word. Then p's handler gets nothing more,
// and the error says why. A session that is ending is ErrClosed.
func (s *Session) SwitchAs(p *Protocol, peer netip.AddrPort) error {
	if s.Closing() {
		return ErrClosed
	}
	protocol, err := s.w.bind(p)
	invariant(err == nil, "a session is switched to a protocol that it can not have")
	if r := s.enterAs(peer); r.Err != nil {
		s.refuse(protocol, r)
		return r.Err
	}
	s.become(protocol)
	return nil
}

// enterAs asks the Gate for peer, and makes it the session's peer if it may come in.
func (s *Session) enterAs(peer netip.AddrPort) Refusal {
	peer = netip.AddrPortFrom(peer.Addr().Unmap().WithZone(""), peer.Port())
	if g := s.w.service.config.Gate; g != nil {
		if r := g.Enter(peer); r.Err != nil {
			s.w.stats.Refused[RefusedByGate]++
			return r
		}
		if s.flags&flagGated != 0 {
			g.Leave(s.Peer())
		}
		s.flags |= flagGated
	}
	s.setPeer(peer)
	return Refusal{}
}

// refuse ends a session that was let in as a proxy's, as if it had been refused when it was
// accepted.
func (s *Session) refuse(protocol uint8, r Refusal) {
	w := s.w
	why := Reason{ReasonRefused, r.Err}
	b := w.bindings[protocol]
	if !r.Farewell || b.fareweller == nil || b.protocol.NewCodec != nil || !w.service.beginFarewell() {
		w.stats.Silent++
		s.fail(why)
		return
	}
	// It counts for the farewells from here on: see leave.
	if s.flags&flagGated != 0 {
		w.service.config.Gate.Leave(s.Peer())
		s.flags &^= flagGated
	}
	w.service.live.Add(-1)
	s.Data = nil
	s.protocol = protocol
	s.flags |= flagRefused
	s.End(why)
}

// EnterAs says that a connection that Session.Detach has given stands for peer, as SwitchAs
// does. With an error, which is that of the Gate, or ErrClosed, nothing is changed.
// Any goroutine that is not a worker may call it.
func (s *Service) EnterAs(c net.Conn, peer netip.AddrPort) error {
	d, ok := c.(*detachedConn)
	if !ok || d.worker.service != s {
		return errors.New("engine: the connection is not detached from this service")
	}
	err := ErrClosed
	s.do(d.worker, func(w *Worker) {
		if o := w.Session(d.id); o != nil && o.detached() == d && !o.Closing() {
			err = o.enterAs(peer).Err
		}
	})
	return err
}

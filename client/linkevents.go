package client

import (
	"errors"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

var _ Events = (*link)(nil)

// LoggedIn: the connection stands.
func (l *link) LoggedIn(_ *Session, in LoggedIn) {
	l.w.Stop(&l.timer)
	l.addrs = nil
	l.since = l.w.Now()
	l.dialed = true
	l.client.self(in)
	l.tell(Online{in})
	l.calls.flush(l)
}

// Resumed: calls that waited for a room may find it now.
func (l *link) Resumed(*Session) { l.calls.flush(l) }

// Event hands on an event; its strings leave the worker, so they are copied.
func (l *link) Event(_ *Session, e *chat.Event) {
	if l.client.config.DiscardEvents {
		return
	}
	own := *e
	own.Name, own.Text = strings.Clone(e.Name), strings.Clone(e.Text)
	l.tell(RoomEvent{own})
}

// Joined answers a call; a rejoin was nobody's.
func (l *link) Joined(_ *Session, j Joined) { l.calls.answer(l, j.Request, j, nil) }

// Left answers a call, or tells that the server has put us out.
func (l *link) Left(_ *Session, e Left) {
	if e.Request == 0 {
		l.tell(e)
		return
	}
	l.calls.answer(l, e.Request, e, nil)
}

// Created answers a call.
func (l *link) Created(_ *Session, c Created) { l.calls.answer(l, c.Request, c, nil) }

// RoomPage answers a call.
func (l *link) RoomPage(_ *Session, p RoomPage) { l.calls.answer(l, p.Request, p, nil) }

// HistoryPage answers a call.
func (l *link) HistoryPage(_ *Session, p HistoryPage) { l.calls.answer(l, p.Request, p, nil) }

// MemberPage answers a call.
func (l *link) MemberPage(_ *Session, p MemberPage) { l.calls.answer(l, p.Request, p, nil) }

// Ack answers a publish.
func (l *link) Ack(_ *Session, a Ack) { l.calls.published(l, a.Room, a.Nonce, a.Seq, nil) }

// Refused answers a publish, if it is final.
func (l *link) Refused(_ *Session, r Refused) {
	if !r.Retrying {
		l.calls.published(l, r.Room, r.Nonce, 0, r.Err)
	}
}

// Pong answers a ping.
func (l *link) Pong(_ *Session, value uint64) { l.calls.ponged(l, value) }

// Error answers a call; or the login, which ends the connection; or nobody's request,
// and then the program is told.
func (l *link) Error(_ *Session, f Failure) {
	switch {
	case f.Packet == sarangv1.CLogin:
		l.hopeless = hopeless(f.Err)
		l.abandon(f.Err)
	case f.Request == 0 || f.Rejoin:
		l.tell(f)
		l.calls.flush(l)
	default:
		l.calls.answer(l, f.Request, nil, f.Err)
	}
}

// Gap is told to the program.
func (l *link) Gap(_ *Session, g Gap) { l.tell(g) }

// Goodbye is taken from the session when it is over.
func (l *link) Goodbye(*Session, Goodbye) {}

// Fault is told to the program. Before the login there is no use in going on; and with
// a version that nobody speaks, or a name that no packet can carry, none in coming back.
func (l *link) Fault(s *Session, err error) {
	if s.Online() {
		l.tell(Fault{err})
		return
	}
	l.hopeless = l.hopeless || errors.As(err, new(*VersionError)) || errors.As(err, new(*packet.TooLargeError))
	l.abandon(err)
}

// Disconnected: what comes next depends on why.
func (l *link) Disconnected(s *Session, why engine.Reason) {
	l.w.Stop(&l.timer)
	l.w.Stop(&l.alive)
	if l.since > 0 {
		if l.w.Now()-l.since >= stableAfter {
			l.attempt = 0
		}
		l.since = 0
	}
	cause := l.cause
	l.session, l.es, l.cause = nil, nil, nil
	switch goodbye := s.Goodbye(); {
	case cause != nil:
	case goodbye != nil:
		cause = goodbye
	case why.Code == engine.ReasonConnect:
		cause = &ConnectError{l.client.config.Addr, why.Err}
	default:
		cause = &DisconnectedError{why}
	}
	l.calls.interrupt(l)
	l.lost(cause)
}

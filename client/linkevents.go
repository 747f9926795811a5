package client

import (
	"errors"
	"strings"

	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

var _ session.Events = (*link)(nil)

// LoggedIn: the connection stands.
func (l *link) LoggedIn(_ *session.Session, in session.LoggedIn) {
	l.w.Stop(&l.timer)
	l.addrs = nil
	l.since = l.w.Now()
	l.dialed = true
	l.client.self(in)
	l.emit(Online{in})
	l.calls.flush(l)
}

// Resumed: calls that waited for a room may find it now.
func (l *link) Resumed(*session.Session) { l.calls.flush(l) }

// Event hands on an event; its strings leave the worker, so they are copied.
func (l *link) Event(_ *session.Session, e *chat.Event) {
	if l.client.config.DiscardEvents {
		return
	}
	own := *e
	own.Name, own.Text, own.Files = strings.Clone(e.Name), strings.Clone(e.Text), chat.FileList(strings.Clone(string(e.Files)))
	l.emit(RoomEvent{own})
}

// Joined answers a call; a rejoin was nobody's.
func (l *link) Joined(_ *session.Session, j session.Joined) { l.calls.answer(l, j.Request, j, nil) }

// Left answers a call, unless the server has removed the user.
func (l *link) Left(_ *session.Session, e session.Left) {
	if e.Request == 0 {
		l.emit(Left{Room: e.Room, Err: e.Err, Seq: e.Seq, UntilMs: e.UntilMs})
		return
	}
	l.calls.answer(l, e.Request, e, nil)
}

// Created answers a call.
func (l *link) Created(_ *session.Session, c session.Created) { l.calls.answer(l, c.Request, c, nil) }

// RoomPage answers a call.
func (l *link) RoomPage(_ *session.Session, p session.RoomPage) { l.calls.answer(l, p.Request, p, nil) }

// HistoryPage answers a call.
func (l *link) HistoryPage(_ *session.Session, p session.HistoryPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// MemberPage answers a call.
func (l *link) MemberPage(_ *session.Session, p session.MemberPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// SearchPage answers a call.
func (l *link) SearchPage(_ *session.Session, p session.SearchPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// Marked answers a call, or is an event.
func (l *link) Marked(_ *session.Session, m session.Marked) {
	if m.Request == 0 {
		l.emit(Marked{Room: m.Room, Seq: m.Seq})
		return
	}
	l.calls.answer(l, m.Request, m, nil)
}

// Followed answers a call, or is an event.
func (l *link) Followed(_ *session.Session, f session.Followed) {
	if f.Request == 0 {
		l.emit(Followed{Room: f.Room, Root: f.Root, Followed: f.Followed, Mark: f.Mark})
		return
	}
	l.calls.answer(l, f.Request, f, nil)
}

// Muted answers a call, or is an event.
func (l *link) Muted(_ *session.Session, m session.Muted) {
	if m.Request == 0 {
		l.emit(Muted{Room: m.Room, Muted: m.Muted})
		return
	}
	l.calls.answer(l, m.Request, m, nil)
}

// Reported answers a call.
func (l *link) Reported(_ *session.Session, r session.Reported) {
	l.calls.answer(l, r.Request, r, nil)
}

// ReportPage answers a call.
func (l *link) ReportPage(_ *session.Session, p session.ReportPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// AuditPage answers a call.
func (l *link) AuditPage(_ *session.Session, p session.AuditPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// Filtered answers a call.
func (l *link) Filtered(_ *session.Session, f session.Filtered) {
	l.calls.answer(l, f.Request, f, nil)
}

// MadeLink answers a call.
func (l *link) MadeLink(_ *session.Session, m session.MadeLink) {
	l.calls.answer(l, m.Request, m, nil)
}

// LinkPage answers a call.
func (l *link) LinkPage(_ *session.Session, p session.LinkPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// MyRoomPage answers a call.
func (l *link) MyRoomPage(_ *session.Session, p session.MyRoomPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// MentionPage answers a call.
func (l *link) MentionPage(_ *session.Session, p session.MentionPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// ThreadPage answers a call.
func (l *link) ThreadPage(_ *session.Session, p session.ThreadPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// Belongs becomes an event.
func (l *link) Belongs(_ *session.Session, room chat.RoomID) { l.emit(Belongs{Room: room}) }

// Typing becomes an event.
func (l *link) Typing(_ *session.Session, t session.Typing) {
	if !l.client.config.DiscardEvents {
		l.emit(Typing(t))
	}
}

// Ack answers a publish.
func (l *link) Ack(_ *session.Session, a session.Ack) {
	l.calls.published(l, a.Room, a.Nonce, a.Seq, nil)
}

// Refused answers a publish, if it is final.
func (l *link) Refused(_ *session.Session, r session.Refused) {
	if !r.Retrying {
		l.calls.published(l, r.Room, r.Nonce, 0, r.Err)
	}
}

// Pong answers a ping.
func (l *link) Pong(_ *session.Session, value uint64) { l.calls.ponged(l, value) }

// Error answers a call; or the login, which ends the connection; or nobody's request,
// and then it is an event.
func (l *link) Error(_ *session.Session, f session.Failure) {
	switch {
	case f.Packet == sarangv1.CLogin:
		l.hopeless = hopeless(f.Err)
		l.abandon(f.Err)
	case f.Request == 0 || f.Rejoin:
		l.emit(Failure{Room: f.Room, Err: f.Err, Rejoin: f.Rejoin, Retrying: f.Retrying})
		l.calls.flush(l)
	default:
		l.calls.answer(l, f.Request, nil, f.Err)
	}
}

// Gap becomes an event.
func (l *link) Gap(_ *session.Session, g session.Gap) { l.emit(Gap(g)) }

// Goodbye is taken from the session when it is over.
func (l *link) Goodbye(*session.Session, session.Goodbye) {}

// Fault becomes an event. Before the login there is no use in going on; and with
// a version that nobody speaks, or a name that no packet can carry, none in coming back.
func (l *link) Fault(s *session.Session, err error) {
	if s.Online() {
		l.emit(Fault{err})
		return
	}
	l.hopeless = l.hopeless || errors.As(err, new(*session.VersionError)) || errors.As(err, new(*packet.TooLargeError))
	l.abandon(err)
}

// Disconnected: what comes next depends on why.
func (l *link) Disconnected(s *session.Session, why engine.Reason) {
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
		l.hopeless = l.hopeless || hopeless(goodbye)
	case why.Code == engine.ReasonConnect:
		cause = &ConnectError{l.client.config.Addr, why.Err}
	default:
		cause = &DisconnectedError{why}
	}
	l.calls.interrupt(l)
	l.lost(cause)
}

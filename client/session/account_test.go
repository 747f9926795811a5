package session_test

import "sarang/client/session"

func (r *teller) Done(_ *session.Session, d session.Done) { r.tell("done #%d", d.Request) }
func (r *teller) SessionList(_ *session.Session, l session.SessionList) {
	r.tell("sessions #%d %d", l.Request, len(l.Sessions))
}

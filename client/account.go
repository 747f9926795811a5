package client

import (
	"context"

	"sarang/chat"
	"sarang/client/session"
)

// Register gives the user, a guest, a password: he stays who he is, and nobody else gets his
// name. invitation is for servers that want a code. When the connection is lost meanwhile it is
// ErrInterrupted: he may have the password or not.
func (c *Client) Register(ctx context.Context, password, invitation string) error {
	_, err := ask[session.Done](ctx, c, false, func(s *session.Session) (uint32, error) { return s.Register(password, invitation) })
	return err
}

// ChangePassword gives an account another password. All its other sessions end, if they are
// not kept. It is interrupted as Register is.
func (c *Client) ChangePassword(ctx context.Context, old, fresh string, keepSessions bool) error {
	_, err := ask[session.Done](ctx, c, false, func(s *session.Session) (uint32, error) {
		return s.ChangePassword(old, fresh, keepSessions)
	})
	return err
}

// Sessions returns where the user has logged in, in the order of the ids.
func (c *Client) Sessions(ctx context.Context) ([]DeviceSession, error) {
	l, err := ask[session.SessionList](ctx, c, true, func(s *session.Session) (uint32, error) { return s.ListSessions() })
	return l.Sessions, err
}

// EndSession ends a session of the user; with the one that asks, the client ends, too.
func (c *Client) EndSession(ctx context.Context, which chat.DeviceID) error {
	_, err := ask[session.Done](ctx, c, true, func(s *session.Session) (uint32, error) { return s.EndSession(which) })
	return err
}

// EndOtherSessions ends all sessions of the user but the one that asks.
func (c *Client) EndOtherSessions(ctx context.Context) error {
	_, err := ask[session.Done](ctx, c, true, func(s *session.Session) (uint32, error) { return s.EndOtherSessions() })
	return err
}

// EraseUser makes the user nobody, for good; an account shows its password. The client ends with
// him. It is interrupted as Register is.
func (c *Client) EraseUser(ctx context.Context, password string) error {
	_, err := ask[session.Done](ctx, c, false, func(s *session.Session) (uint32, error) { return s.EraseUser(password) })
	return err
}

// Done answers a call.
func (l *link) Done(_ *session.Session, d session.Done) { l.calls.answer(l, d.Request, d, nil) }

// SessionList answers a call.
func (l *link) SessionList(_ *session.Session, s session.SessionList) {
	l.calls.answer(l, s.Request, s, nil)
}

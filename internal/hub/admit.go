package hub

import (
	"context"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Registration is who can become an account.
type Registration uint8

// The registrations.
const (
	RegistrationOpen   Registration = iota // everybody
	RegistrationCode                       // who has an invitation code
	RegistrationClosed                     // nobody
)

// String returns its name.
func (r Registration) String() string {
	switch r {
	case RegistrationOpen:
		return "open"
	case RegistrationCode:
		return "code"
	case RegistrationClosed:
		return "closed"
	}
	return "unknown"
}

// ParseRegistration is the inverse of String.
func ParseRegistration(s string) (Registration, bool) {
	for r := range RegistrationClosed + 1 {
		if r.String() == s {
			return r, true
		}
	}
	return 0, false
}

// invitation returns what an invitation code is known by, zero if none is needed; or why
// nobody can register. lent is the code.
func (h *Hub) invitation(lent string) (chat.TokenHash, *chat.Error) {
	switch h.config.Registration {
	case RegistrationClosed:
		return chat.TokenHash{}, chat.Errorf(chat.CodeNoRegistration, "nobody can register here: ask who runs the server for an account")
	case RegistrationCode:
		if lent == "" {
			return chat.TokenHash{}, chat.Errorf(chat.CodeNoRegistration, "an invitation code is needed to register here")
		}
		return chat.InvitationHash(lent), nil
	}
	return chat.TokenHash{}, nil
}

// invited checks an invitation before anything is done for it.
func (h *Hub) invited(ctx context.Context, code chat.TokenHash) error {
	if code == (chat.TokenHash{}) {
		return nil
	}
	_, err := h.config.Store.Invitation(ctx, code, h.nowMs())
	return err
}

// What operators do, who are no users of the chat. These block: they are not for workers. The
// errors are *chat.Error.

// NewInvitation makes an invitation code for so many registrations. lasts 0: for good. The code
// is told this once, and not kept.
func (h *Hub) NewInvitation(ctx context.Context, uses int, lasts time.Duration, note string) (code string, err error) {
	if uses < 1 || lasts < 0 {
		return "", chat.Errorf(chat.CodeBadRequest, "an invitation is for one registration at least, and for some time, or for good")
	}
	var random [chat.InvitationBytes]byte
	h.random(random[:])
	code = chat.InvitationCode(random)
	i := chat.Invitation{Code: chat.InvitationHash(code), Note: chat.DeviceName(note), UsesLeft: uses, CreatedMs: h.nowMs()}
	if lasts > 0 {
		i.ExpiresMs = i.CreatedMs + lasts.Milliseconds()
	}
	return code, h.config.Store.AddInvitation(ctx, i)
}

// ResetPassword gives a user a password, whatever he had, and ends all his sessions.
func (h *Hub) ResetPassword(ctx context.Context, user chat.UserID, secret string) error {
	u, err := h.config.Store.User(ctx, user)
	if err != nil {
		return err
	}
	if secret, err = chat.ParseNewPassword(secret, u.Key); err != nil {
		return err
	}
	done := make(chan error, 1)
	ok := h.hashes.do(limit.Source{}, func() {
		done <- h.config.Store.SetPassword(ctx, chat.PasswordChange{User: user, To: h.hashed(secret), Any: true})
	})
	if !ok {
		return overloaded("too many passwords wait to be checked; try again")
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		err = chat.Errorf(chat.CodeUnavailable, "it took too long; look whether it was done")
	}
	if err != nil {
		return err
	}
	return h.EndSessions(ctx, user, chat.DeviceSet{})
}

// EndSessions ends sessions of a user, and their connections.
func (h *Hub) EndSessions(ctx context.Context, user chat.UserID, which chat.DeviceSet) error {
	return h.endDevices(ctx, user, which, engine.SessionID(0))
}

// EraseUser makes a user nobody, and ends all his sessions. What he has said stays, without his
// name; what readers have in their windows already, and room logs in memory, have it until they
// are let go.
func (h *Hub) EraseUser(ctx context.Context, user chat.UserID) error {
	if err := h.config.Store.EraseUser(ctx, user, h.nowMs()); err != nil {
		return err
	}
	return h.EndSessions(ctx, user, chat.DeviceSet{})
}

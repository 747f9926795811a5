package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
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

// EndSessions ends sessions of a user, and their connections. It is for who operates the server:
// it blocks, and is not for workers.
func (h *Hub) EndSessions(ctx context.Context, user chat.UserID, which chat.DeviceSet) error {
	return h.endDevices(ctx, user, which, engine.SessionID(0))
}

package hub

import (
	"cmp"
	"context"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Register gives the user, a guest, a password: he stays who he is. The client is told Done.
// secret and invitation are lent.
func (s *Shard) Register(o *Session, ref RequestRef, secret, invitation string) {
	s.changePassword(o, ref, "registering", func(key string) (func(context.Context) error, error) {
		user, h := o.User, s.hub
		code, refusal := h.invitation(invitation)
		if refusal != nil {
			return nil, refusal
		}
		secret, err := chat.ParseNewPassword(strings.Clone(secret), key)
		return func(ctx context.Context) error {
			if err := h.invited(ctx, code); err != nil {
				return err
			}
			return h.config.Store.SetPassword(ctx, chat.PasswordChange{User: user, To: h.hashed(secret), Invitation: code, NowMs: h.nowMs()})
		}, err
	}, nothing)
}

func nothing(*Session) {}

// Erase makes the user of a session nobody, for good: he has no password, no sessions, and his
// name is others' after its time. An account shows its password; it is lent. The client is told
// Done, and then its end.
func (s *Shard) Erase(o *Session, ref RequestRef, secret string) {
	h, user, id := s.hub, o.User, o.Engine.ID()
	s.changePassword(o, ref, "erasing a user", func(key string) (func(context.Context) error, error) {
		secret, err := chat.ParsePassword(strings.Clone(secret))
		if err != nil {
			secret = "" // no password: as a wrong one, unless he has none
		}
		g, may := s.mayGuess(o, ref, key)
		if !may {
			return nil, nil
		}
		from := o.strangerFrom()
		return func(ctx context.Context) error {
			u, err := h.config.Store.User(ctx, user)
			switch {
			case err != nil:
				return err
			case !u.Account:
				h.right(g)
			default:
				if x, err := h.prove(ctx, &g, secret, from); err != nil || x.User != user {
					return cmp.Or(err, error(chat.NotProven()))
				}
			}
			if err := h.config.Store.EraseUser(ctx, user, h.nowMs()); err != nil {
				return err
			}
			return h.endDevices(ctx, user, chat.DeviceSet{}, id)
		}, nil
	}, s.endConnection)
}

// PasswordRequest is a new password of an account. It is lent.
type PasswordRequest struct {
	Old, New     string
	KeepSessions bool // the other sessions of the user are not ended
}

// ChangePassword gives the user another password. The client is told Done.
func (s *Shard) ChangePassword(o *Session, ref RequestRef, r PasswordRequest) {
	s.changePassword(o, ref, "changing a password", func(key string) (func(context.Context) error, error) {
		old, err := chat.ParsePassword(strings.Clone(r.Old))
		if err != nil {
			return nil, err
		}
		fresh, err := chat.ParseNewPassword(strings.Clone(r.New), key)
		if err != nil {
			return nil, err
		}
		g, may := s.mayGuess(o, ref, key)
		if !may {
			return nil, nil
		}
		user, own, id, keep, h := o.User, o.device, o.Engine.ID(), r.KeepSessions, s.hub
		from := o.strangerFrom()
		return func(ctx context.Context) error {
			x, err := h.prove(ctx, &g, old, from)
			switch {
			case err != nil:
				return err
			case x.User != user:
				return chat.NotProven()
			}
			err = h.config.Store.SetPassword(ctx, chat.PasswordChange{User: user, From: x.Password, To: h.hashed(fresh)})
			if err != nil || keep {
				return err
			}
			return h.endDevices(ctx, user, chat.DeviceSet{Except: own}, id)
		}, nil
	}, nothing)
}

// changePassword has what request returns done where passwords are hashed, and then, after the
// client was told Done, what is to follow. Nil and no error: the client was told why not.
func (s *Shard) changePassword(o *Session, ref RequestRef, what string, request func(key string) (func(context.Context) error, error), then func(*Session)) {
	if !s.mayRequest(o, ref, limit.LevelEntries) {
		return
	}
	_, key, err := chat.ParseUserName(o.Name)
	if err != nil {
		s.fail(o, ref, asError(err))
		return
	}
	do, err := request(key)
	switch {
	case err != nil:
		s.fail(o, ref, asError(err))
		return
	case do == nil || !s.begin(o, ref):
		return
	}
	id, h := o.Engine.ID(), s.hub
	ok := s.hash(o, ref, func() {
		ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
		defer cancel()
		err := do(ctx)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.changed(id, ref, what, err, then) }))
	})
	if !ok {
		o.requests--
	}
}

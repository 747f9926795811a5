package hub

import (
	"context"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Register gives the user, a guest, a password: he stays who he is. The client is told Done.
func (s *Shard) Register(o *Session, ref RequestRef, secret string) {
	s.changePassword(o, ref, "registering", func(key string) (func(context.Context) error, error) {
		secret, err := chat.ParseNewPassword(strings.Clone(secret), key)
		user, h := o.User, s.hub
		return func(ctx context.Context) error {
			return h.config.Store.SetPassword(ctx, chat.PasswordChange{User: user, To: h.hashed(secret)})
		}, err
	})
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
	})
}

// changePassword has what request returns done where passwords are hashed. Nil and no error:
// the client was told why not.
func (s *Shard) changePassword(o *Session, ref RequestRef, what string, request func(key string) (func(context.Context) error, error)) {
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
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.changed(id, ref, what, err, func(*Session) {}) }))
	})
	if !ok {
		o.requests--
	}
}

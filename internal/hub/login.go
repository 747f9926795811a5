package hub

import (
	"context"
	"crypto/sha256"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// TokenBytes is the length of a resume token that the hub makes. A client may bring its
// own, of TokenBytes to TokenBytesMax bytes.
const (
	TokenBytes    = 16
	TokenBytesMax = 64
)

// Login asks for a name; the client is told LoggedIn or Failed. token is that of an
// earlier login, or one that the client has made up for a first one, or empty; both are
// lent. For the session's worker, as are all requests.
func (s *Shard) Login(o *Session, ref RequestRef, name string, token []byte) {
	switch {
	case o.login == loginDone:
		s.fail(o, ref, chat.Errorf(chat.CodeAlreadyLogged, "this session is logged in already"))
		return
	case o.login == loginAsked:
		s.fail(o, ref, chat.Errorf(chat.CodeAlreadyLogged, "the first login of this session is not answered yet"))
		return
	case s.hub.draining.Load():
		s.fail(o, ref, draining())
		return
	}
	if !s.bearable(o, ref, limit.LevelEntries) || s.loginTooFast(o, ref) {
		return
	}
	if n := len(token); n != 0 && (n < TokenBytes || n > TokenBytesMax) {
		s.LoginFailed(o, ref, chat.Errorf(chat.CodeBadToken, "a token has %d to %d bytes", TokenBytes, TokenBytesMax))
		return
	}
	display, key, err := chat.ParseUserName(strings.Clone(name)) // it is lent, and the claim outlives it
	if err != nil {
		s.LoginFailed(o, ref, err)
		return
	}
	var fresh [TokenBytes]byte
	s.hub.random(fresh[:])
	now := s.hub.nowMs()
	claim := chat.Claim{
		Name: display, Key: key, Look: chat.Skeleton(key), Fresh: sha256.Sum256(fresh[:]),
		NowMs: now, ReservedSinceMs: now - s.hub.config.GuestNameReserved.Milliseconds(), Online: s.hub.online.is,
		KnownOnly: s.hub.diskFull.Load(),
	}
	shown := append([]byte(nil), token...)
	if len(shown) > 0 {
		// It becomes the token of a user that is made: so a first login whose answer was
		// lost can be said again.
		claim.Resume = sha256.Sum256(shown)
		claim.Fresh = claim.Resume
	}
	o.login = loginAsked
	id := o.Engine.ID()
	ok := s.give(s.hub.claims, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.hub.config.StoreTimeout)
		defer cancel()
		u, err := s.hub.config.Store.ClaimUser(ctx, claim)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			if o := s.session(id); o != nil {
				if len(shown) == 0 {
					shown = fresh[:]
				}
				s.claimed(o, ref, u.User, shown, err)
			}
		}))
	})
	if !ok {
		o.login = loginNone
		s.limited(o, limitedEntries)
		s.fail(o, ref, overloaded("too many logins wait; try again"))
	}
}

func (s *Shard) claimed(o *Session, ref RequestRef, u chat.User, token []byte, err error) {
	if err != nil {
		o.login = loginNone
		s.LoginFailed(o, ref, err)
		return
	}
	o.login, o.User, o.Name = loginDone, u.ID, u.Name
	s.entered(u.ID, o.Engine.ID())
	o.Engine.Admit()
	o.Client.LoggedIn(o, u, token)
}

// LoginFailed refuses a login; the session is ended if too many have failed. The gateway
// calls it for those that it does not even ask about.
func (s *Shard) LoginFailed(o *Session, ref RequestRef, err error) {
	s.hub.counts.loginsFailed.Add(1)
	why := s.hub.typed("login", err)
	s.fail(o, ref, why)
	s.countFailure(o, why)
}

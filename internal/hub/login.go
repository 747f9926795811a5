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
func (s *Shard) Login(o *Session, a Answer, name string, token []byte) {
	switch {
	case o.login == loginDone:
		s.fail(o, a, chat.Errorf(chat.CodeAlreadyLogged, "this session is logged in already"))
		return
	case o.login == loginAsked:
		s.fail(o, a, chat.Errorf(chat.CodeAlreadyLogged, "the first login of this session is not answered yet"))
		return
	case s.hub.draining.Load():
		s.fail(o, a, draining())
		return
	}
	if !s.bearable(o, a, limit.LevelEntries) || s.loginTooFast(o, a) {
		return
	}
	if n := len(token); n != 0 && (n < TokenBytes || n > TokenBytesMax) {
		s.LoginFailed(o, a, chat.Errorf(chat.CodeBadToken, "a token has %d to %d bytes", TokenBytes, TokenBytesMax))
		return
	}
	display, key, err := chat.ParseUserName(strings.Clone(name)) // it is lent, and the claim outlives it
	if err != nil {
		s.LoginFailed(o, a, err)
		return
	}
	var fresh [TokenBytes]byte
	s.hub.random(fresh[:])
	now := s.hub.nowMs()
	claim := chat.Claim{
		Name: display, Key: key, Fresh: sha256.Sum256(fresh[:]),
		NowMs: now, ReservedSinceMs: now - s.hub.config.GuestNameReserved.Milliseconds(),
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
	ok := s.give(s.hub.claims, func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.hub.config.StoreTimeout)
		defer cancel()
		u, err := s.hub.config.Store.ClaimUser(ctx, claim)
		s.worker.Post(engine.MessageFunc(func(w *engine.Worker) {
			if o := sessionOf(w.Session(id)); o != nil {
				if len(shown) == 0 {
					shown = fresh[:]
				}
				s.claimed(o, a, u, shown, err)
			}
		}))
	})
	if !ok {
		o.login = loginNone
		s.limited(o, limitedEntries)
		s.fail(o, a, overloaded("too many logins wait; try again"))
	}
}

func (s *Shard) claimed(o *Session, a Answer, u chat.User, token []byte, err error) {
	if err != nil {
		o.login = loginNone
		s.LoginFailed(o, a, err)
		return
	}
	o.login, o.User, o.Name = loginDone, u.ID, u.Name
	s.hub.counts.users.Add(1)
	o.Engine.Admit()
	o.Client.LoggedIn(o, u, token)
}

// LoginFailed refuses a login; the session is ended if too many have failed. The gateway
// calls it for those that it does not even ask about.
func (s *Shard) LoginFailed(o *Session, a Answer, err error) {
	s.hub.counts.loginsFailed.Add(1)
	told := s.hub.typed("login", err)
	s.fail(o, a, told)
	s.countFailure(o, told)
}

// fail tells a session of this shard that a request failed.
func (s *Shard) fail(o *Session, a Answer, err *chat.Error) { o.Client.Failed(o, a, err) }

// typed makes err fit for a client: errors of the chat go as they are, others are the
// server's own affair and go to its log.
func (h *Hub) typed(what string, err error) *chat.Error {
	if code := chat.CodeOf(err); code != chat.CodeInternal && code != chat.CodeClosed {
		e := asError(err)
		return &chat.Error{Code: e.Code, Message: e.Message, RetryAfter: e.RetryAfter}
	}
	h.complain(&h.troubles.request, what+" failed", "error", err)
	return &chat.Error{Code: chat.CodeUnavailable, Message: "the server can not do this now; try again", RetryAfter: retryLater}
}

// Disconnected takes a session out of everything, when it is over.
func (s *Shard) Disconnected(o *Session) {
	for _, p := range o.places {
		s.command(command{kind: commandLeave, session: o.Engine.ID(), user: o.User, room: p.room})
	}
	o.places = nil
	if o.login == loginDone {
		s.hub.counts.users.Add(-1)
	}
}

package hub

import (
	"context"
	"crypto/sha256"
	"net/netip"
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

// LoginRequest is what somebody says who wants to be let in. All of it is lent.
type LoginRequest struct {
	Name     string
	Token    []byte // of an earlier login, or one that the client has made up for a first one, or empty
	Password string // of an account; empty: the token says who it is, or he is new
	Register bool   // make an account of that name and password

	JWT        string // of a program that embeds the chat: it says who he is
	Invitation string // with Register, where the server wants a code
	Device     string // how the list of the user's sessions is to call it
	Program    string // and if that is empty
}

// Admission is who was let in.
type Admission struct {
	User   chat.User
	Token  []byte // lent
	Device chat.DeviceID
}

// Login asks for a name; the client is told LoggedIn or Failed. For the session's worker, as
// are all requests.
func (s *Shard) Login(o *Session, ref RequestRef, r LoginRequest) {
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
	if n := len(r.Token); n != 0 && (n < TokenBytes || n > TokenBytesMax) {
		s.LoginFailed(o, ref, chat.Errorf(chat.CodeBadToken, "a token has %d to %d bytes", TokenBytes, TokenBytesMax))
		return
	}
	if r.JWT != "" {
		s.loginByJWT(o, ref, r)
		return
	}
	display, key, err := chat.ParseUserName(strings.Clone(r.Name)) // it is lent, and the claim outlives it
	if err != nil {
		s.LoginFailed(o, ref, err)
		return
	}
	if s.hub.config.NoGuests && len(r.Token) == 0 && r.Password == "" && !r.Register {
		s.LoginFailed(o, ref, chat.Errorf(chat.CodeNeedsPassword, "guests are not let in here: log in with a password, or register"))
		return
	}
	c := s.claimFor(o, ref, display, key, r)
	if r.Register || r.Password != "" {
		s.loginByPassword(o, ref, c, r)
		return
	}
	o.login = loginAsked
	if !s.give(s.hub.claims, o.source(), func() { c.claim(s) }) {
		o.login = loginNone
		s.limited(o, limitedEntries)
		s.fail(o, ref, overloaded("too many logins wait; try again"))
	}
}

// claiming is a claim on its way to the store and back.
type claiming struct {
	chat.Claim
	session engine.SessionID
	ref     RequestRef
	token   []byte        // becomes the client's, unless a fresh one does
	renames uint64        // see renames
	rooms   []chat.RoomID // that another program invites him to
	fresh   []byte        // may take its place
	endings uint64        // see endings
}

// claimFor makes the claim of a session.
func (s *Shard) claimFor(o *Session, ref RequestRef, display, key string, r LoginRequest) *claiming {
	h := s.hub
	fresh := make([]byte, TokenBytes)
	h.random(fresh)
	c := &claiming{session: o.Engine.ID(), ref: ref, fresh: fresh, token: fresh, endings: h.endings.now(), renames: h.renames.now(), Claim: chat.Claim{
		Name: display, Key: key, Look: chat.Skeleton(key), Fresh: sha256.Sum256(fresh),
		Online:    h.online.is,
		KnownOnly: h.diskFull.Load(), NoGuests: h.config.NoGuests,
		DeviceName: strings.Clone(chat.DeviceName(r.Device, r.Program)), Address: o.Engine.Peer().Addr().Unmap().WithZone("").String(),
		DevicesMax: h.config.UserDevicesMax,
	}}
	if len(r.Token) > 0 {
		// It becomes the token of a user that is made: so a first login whose answer was
		// lost can be said again.
		c.token = append([]byte(nil), r.Token...)
		c.Next = c.Fresh
		c.Resume = sha256.Sum256(c.token)
		c.Claim.Fresh = c.Resume
	}
	return c
}

// at says when the store is asked. It is not when the session did: a claim that has waited in
// the queue while the clock was set back would seem to come long after one that went ahead of it,
// and take the token away that this one has just been given.
func (c *claiming) at(h *Config, nowMs int64) {
	c.NowMs, c.ReservedSinceMs = nowMs, nowMs-h.GuestNameReserved.Milliseconds()
	c.ExpiredMs, c.RenewMs = nowMs-h.DeviceExpiry.Milliseconds(), nowMs-h.TokenRenewAfter.Milliseconds()
}

// loginByPassword makes an account, or lets the owner of one in.
func (s *Shard) loginByPassword(o *Session, ref RequestRef, c *claiming, r LoginRequest) {
	secret, err := chat.ParsePassword(strings.Clone(r.Password))
	if r.Register && err == nil {
		if secret, err = chat.ParseNewPassword(secret, c.Key); err == nil {
			if code, refusal := s.hub.invitation(r.Invitation); refusal != nil {
				err = refusal
			} else {
				c.Invitation = code
			}
		}
	}
	if err != nil {
		s.LoginFailed(o, ref, err)
		return
	}
	g, may := guessing{}, true
	if !r.Register {
		if g, may = s.mayGuess(o, ref, c.Key); !may {
			return
		}
	}
	waits, register := new(asking), r.Register
	from := o.strangerFrom()
	o.login, o.asking = loginAsked, waits
	ok := s.hash(o, ref, func() {
		if waits.gone.Load() {
			s.hub.right(g)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.hub.config.StoreTimeout)
		defer cancel()
		if register {
			// Before anything that takes time, and before it can be seen who has the name.
			if err := s.hub.invited(ctx, c.Invitation); err != nil {
				c.done(s, chat.Claimed{}, err)
				return
			}
			c.Password = s.hub.hashed(secret)
		} else {
			x, err := s.hub.prove(ctx, &g, secret, from)
			if err != nil {
				c.done(s, chat.Claimed{}, err)
				return
			}
			c.Proven, c.Next = x.User, chat.TokenHash{}
		}
		c.claim(s)
	})
	if !ok {
		s.hub.right(g)
		o.login, o.asking = loginNone, nil
	}
}

// strangerFrom is where a session comes from, invalid if that is trusted.
func (s *Session) strangerFrom() netip.Addr {
	if s.trusted {
		return netip.Addr{}
	}
	return s.Engine.Peer().Addr()
}

// claim asks the store. It runs on a task.
func (c *claiming) claim(s *Shard) {
	c.at(&s.hub.config, s.hub.nowMs())
	ctx, cancel := context.WithTimeout(context.Background(), s.hub.config.StoreTimeout)
	defer cancel()
	in, err := s.hub.config.Store.ClaimUser(ctx, c.Claim)
	if err == nil && c.Password != "" && !in.Account {
		// A guest, by his token: he registers.
		err = s.hub.config.Store.SetPassword(ctx, chat.PasswordChange{User: in.ID, To: c.Password, Invitation: c.Invitation, NowMs: c.NowMs})
		in.Account = err == nil
	}
	c.done(s, in, err)
}

func (c *claiming) done(s *Shard, in chat.Claimed, err error) {
	s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
		if o := s.session(c.session); o != nil {
			s.claimed(o, c, in, err)
		}
	}))
}

func (s *Shard) claimed(o *Session, c *claiming, in chat.Claimed, err error) {
	o.asking = nil
	if err == nil {
		// Known to be here first: an end of its device that comes later finds it.
		s.entered(in.ID, c.session)
		if _, ended := s.hub.endings.since(c.endings, in.ID, func(d chat.DeviceSet) bool { return d.Has(in.Device) }); ended {
			s.gone(in.ID, c.session, false)
			err = chat.Errorf(chat.CodeBadToken, "the session of this token was ended")
		}
	}
	if err != nil {
		o.login = loginNone
		s.LoginFailed(o, c.ref, err)
		return
	}
	if name, renamed := s.hub.renames.since(c.renames, in.ID, func(string) bool { return true }); renamed {
		in.Name = name
	}
	token := c.token
	if in.Renewed {
		token = c.fresh
	}
	if o.User = in.ID; s.turnAway(o) {
		s.gone(in.ID, c.session, false)
		o.login, o.User = loginNone, 0
		return
	}
	o.login, o.User, o.Name, o.device = loginDone, in.ID, in.Name, in.Device
	o.Engine.Admit()
	o.Client.LoggedIn(o, Admission{in.User, token, in.Device})
	s.invite(o, c.rooms)
}

// LoginFailed refuses a login; the session is ended if too many have failed. The gateway
// calls it for those that it does not even ask about.
func (s *Shard) LoginFailed(o *Session, ref RequestRef, err error) {
	s.hub.counts.loginsFailed.Add(1)
	why := s.hub.typed("login", err)
	s.fail(o, ref, why)
	s.countFailure(o, why)
}

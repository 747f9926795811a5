package hub

import (
	"cmp"
	"context"
	"strings"

	"sarang/chat"
)

// loginByJWT lets somebody in whom another program knows. The first time he is made, with the
// name that the token has, or that he asks for if it has none; then he is who he was, whatever
// his name. It runs where passwords are hashed: a signature takes time, too.
func (s *Shard) loginByJWT(o *Session, ref RequestRef, r LoginRequest) {
	h := s.hub
	if h.config.Identify == nil {
		s.LoginFailed(o, ref, chat.Errorf(chat.CodeBadToken, "this server takes no login tokens of other programs"))
		return
	}
	token, wanted := strings.Clone(r.JWT), strings.Clone(r.Name)
	// Another token that comes with it is not to let him in as somebody else: he gets a new one.
	c := s.claimFor(o, ref, "", "", LoginRequest{Device: r.Device, Program: r.Program})
	c.Password = chat.ExternalPassword
	waits := new(asking)
	o.login, o.asking = loginAsked, waits
	ok := s.hash(o, ref, func() {
		if waits.gone.Load() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
		defer cancel()
		if err := c.identify(ctx, h, token, wanted); err != nil {
			c.done(s, chat.Claimed{}, err)
			return
		}
		c.claim(s)
	})
	if !ok {
		o.login, o.asking = loginNone, nil
	}
}

// identify makes the claim that of whom a token names.
func (c *claiming) identify(ctx context.Context, h *Hub, token, wanted string) error {
	who, err := h.config.Identify(token)
	if err != nil {
		return err
	}
	external, name := who.External, who.Name
	if c.rooms, err = h.roomsOf(ctx, who.Rooms); err != nil {
		return err
	}
	if len(external) > chat.ExternalBytesMax {
		return chat.Errorf(chat.CodeBadToken, "the login token has too long a name for its user")
	}
	switch id, err := h.config.Store.External(ctx, external); {
	case err == nil:
		u, err := h.config.Store.User(ctx, id)
		if err != nil {
			return err
		}
		c.Name, c.Key, c.Proven = u.Name, u.Key, u.ID
		return nil
	case chat.CodeOf(err) != chat.CodeNoUser:
		return err
	}
	display, key, err := chat.ParseUserName(cmp.Or(name, wanted))
	if err != nil {
		return err
	}
	c.Name, c.Key, c.Look, c.External = display, key, chat.Skeleton(key), external
	return nil
}

package client

import (
	"context"

	"sarang/chat"
	"sarang/client/session"
)

// What the methods here take and return; package session documents the fields.
type (
	// Profile is who somebody is.
	Profile = session.Profile

	// Presence says whether somebody is online.
	Presence = session.Presence

	// SeenMark is how far a user has read a room.
	SeenMark = session.SeenMark
)

// The presences.
const (
	PresenceNotTold = session.PresenceNotTold
	PresenceOffline = session.PresenceOffline
	PresenceAway    = session.PresenceAway
	PresenceOnline  = session.PresenceOnline
)

// ProfileChanged: the user says something else of himself, as another session of his says.
type ProfileChanged struct{ Profile }

// Renamed: the user has another name, as another session of his has asked for.
type Renamed struct{ Name string }

// Blocked: the user blocks another one, or does not any more, as another session of his says.
type Blocked struct {
	User    chat.UserID
	Removed bool
}

func (ProfileChanged) clientEvent() {}
func (Renamed) clientEvent()        {}
func (Blocked) clientEvent()        {}

// LookUp returns who has a name now; "" is the user himself.
func (c *Client) LookUp(ctx context.Context, name string) (Profile, error) {
	return ask[Profile](ctx, c, true, func(s *session.Session) (uint32, error) { return s.LookUp(0, name) })
}

// LookUpID is LookUp by id.
func (c *Client) LookUpID(ctx context.Context, user chat.UserID) (Profile, error) {
	return ask[Profile](ctx, c, true, func(s *session.Session) (uint32, error) { return s.LookUp(user, "") })
}

// SetProfile changes what the user says of himself, and returns what it is then.
func (c *Client) SetProfile(ctx context.Context, p chat.ProfileChange) (Profile, error) {
	return ask[Profile](ctx, c, true, func(s *session.Session) (uint32, error) { return s.SetProfile(p) })
}

// Rename gives the user another name, and returns it as the server writes it. He stays who he is,
// and the client logs in by it from then on: a program that keeps Self().Name with the token is to
// keep this one. What he had before is kept for him for a while.
func (c *Client) Rename(ctx context.Context, name string) (string, error) {
	r, err := ask[session.Renamed](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Rename(name) })
	return r.Name, err
}

// SetAway says whether somebody sits at the program. It is forgotten with the connection: say it
// again when it is Online.
func (c *Client) SetAway(ctx context.Context, away bool) error {
	_, err := ask[session.Done](ctx, c, true, func(s *session.Session) (uint32, error) { return s.SetAway(away) })
	return err
}

// Block has the user block somebody, who is known by his name now. The server sends what he says
// as before, and the program does not show it: see Blocks.
func (c *Client) Block(ctx context.Context, name string) (chat.UserID, error) {
	b, err := ask[session.Blocked](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Block(0, name, false) })
	return b.User, err
}

// Unblock takes a block back.
func (c *Client) Unblock(ctx context.Context, name string) (chat.UserID, error) {
	b, err := ask[session.Blocked](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Block(0, name, true) })
	return b.User, err
}

// Blocks returns those whom the user blocks, in the order of their ids. Ask for it when the client
// is Online; changes by other sessions come as Blocked.
func (c *Client) Blocks(ctx context.Context) ([]Member, error) {
	var all []Member
	for after := chat.UserID(0); ; {
		p, err := ask[session.BlockPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Blocks(after, pageItems) })
		if err != nil {
			return nil, err
		}
		all = append(all, p.Users...)
		if !p.More || len(p.Users) == 0 {
			return all, nil
		}
		last := p.Users[len(p.Users)-1].User
		if last <= after {
			return nil, errPages
		}
		after = last
	}
}

// SeenBy returns who has read a small room how far, but of those who do not want it to be told.
func (c *Client) SeenBy(ctx context.Context, room chat.RoomID) ([]SeenMark, error) {
	l, err := ask[session.SeenBy](ctx, c, true, func(s *session.Session) (uint32, error) { return s.AskSeenBy(room) })
	return l.Marks, err
}

// Profile answers a call, or is an event.
func (l *link) Profile(_ *session.Session, p session.Profile) {
	if p.Request == 0 {
		l.emit(ProfileChanged{p})
		return
	}
	l.calls.answer(l, p.Request, p, nil)
}

// Renamed answers a call, or is an event.
func (l *link) Renamed(_ *session.Session, r session.Renamed) {
	l.client.renamed(r.Name)
	if r.Request == 0 {
		l.emit(Renamed{r.Name})
		return
	}
	l.calls.answer(l, r.Request, r, nil)
}

// renamed notes who we are now.
func (c *Client) renamed(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.me.Name = name
}

// Blocked answers a call, or is an event.
func (l *link) Blocked(_ *session.Session, b session.Blocked) {
	if b.Request == 0 {
		l.emit(Blocked{User: b.User, Removed: b.Removed})
		return
	}
	l.calls.answer(l, b.Request, b, nil)
}

// BlockPage answers a call.
func (l *link) BlockPage(_ *session.Session, p session.BlockPage) {
	l.calls.answer(l, p.Request, p, nil)
}

// SeenBy answers a call.
func (l *link) SeenBy(_ *session.Session, m session.SeenBy) { l.calls.answer(l, m.Request, m, nil) }

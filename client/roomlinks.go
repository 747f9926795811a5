package client

import (
	"context"
	"time"

	"sarang/chat"
	"sarang/client/session"
)

// MakeLink makes a link by which others come into a private room, and returns it with its code, which is
// told this once. It holds so long (0: until it is revoked; otherwise whole seconds) and for so many people
// (0: no bound). When the connection is lost meanwhile it is ErrInterrupted: there may be a link whose code
// nobody knows.
func (c *Client) MakeLink(ctx context.Context, room chat.RoomID, last time.Duration, usesMax int) (RoomLink, string, error) {
	m, err := ask[session.MadeLink](ctx, c, false, func(s *session.Session) (uint32, error) { return s.MakeLink(room, last, usesMax) })
	return m.Link, m.Code, err
}

// Links returns the links of a room, in the order of their ids; those that do not hold any more may be
// among them. It is for those who may invite.
func (c *Client) Links(ctx context.Context, room chat.RoomID) ([]RoomLink, error) {
	var all []RoomLink
	for after := uint64(0); ; {
		p, err := ask[session.LinkPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Links(room, after, pageItems) })
		if err != nil {
			return nil, err
		}
		all = append(all, p.Links...)
		if !p.More || len(p.Links) == 0 {
			return all, nil
		}
		last := p.Links[len(p.Links)-1].ID
		if last <= after {
			return nil, errPages
		}
		after = last
	}
}

// RevokeLink has nobody come by a link of a room any more. When the connection is lost meanwhile it is
// ErrInterrupted: Links tells.
func (c *Client) RevokeLink(ctx context.Context, room chat.RoomID, link uint64) error {
	_, err := ask[session.Done](ctx, c, false, func(s *session.Session) (uint32, error) { return s.RevokeLink(room, link) })
	return err
}

// JoinLink makes the user a member of the room that a link leads to, and returns the room, which is not
// joined. code may be the link's address. chat.CodeNoRoom: it leads nowhere, or not any more. When the
// connection is lost meanwhile it is ErrInterrupted: MyRooms tells.
func (c *Client) JoinLink(ctx context.Context, code string) (RoomInfo, error) {
	in, err := ask[session.Created](ctx, c, false, func(s *session.Session) (uint32, error) { return s.JoinLink(code) })
	return in.Room, err
}

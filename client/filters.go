package client

import (
	"context"

	"sarang/chat"
	"sarang/client/session"
)

// Filter returns what a room does not take from its members (chat.CodeFiltered), without its Version. It
// is for moderators.
func (c *Client) Filter(ctx context.Context, room chat.RoomID) (chat.RoomFilter, error) {
	f, err := ask[session.Filtered](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Filter(room) })
	return f.Filter, err
}

// SetFilter changes what a room does not take, and returns it as it is kept. It is for moderators, of
// whom everything is taken.
func (c *Client) SetFilter(ctx context.Context, room chat.RoomID, f chat.RoomFilter) (chat.RoomFilter, error) {
	now, err := ask[session.Filtered](ctx, c, true, func(s *session.Session) (uint32, error) { return s.SetFilter(room, f) })
	return now.Filter, err
}

package client

import (
	"context"
	"time"

	"sarang/chat"
	"sarang/client/session"
)

// Set changes a setting of a joined room, and returns the place of the event that says so. It
// outlasts lost connections, as Publish does.
func (c *Client) Set(ctx context.Context, room chat.RoomID, set chat.Setting) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.Set(room, set) })
}

// DeleteRoom deletes a room with all that it holds: all in it are put out (Left, with CodeRoomDeleted). The
// room need not be joined.
func (c *Client) DeleteRoom(ctx context.Context, room chat.RoomID) error {
	_, err := ask[session.Done](ctx, c, true, func(s *session.Session) (uint32, error) { return s.DeleteRoom(room) })
	return err
}

// Purge deletes what a user has said in a joined room, from now back to last ago, in whole seconds: for
// moderators.
func (c *Client) Purge(ctx context.Context, room chat.RoomID, user chat.UserID, last time.Duration) error {
	_, err := ask[session.Done](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Purge(room, user, last) })
	return err
}

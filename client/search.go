package client

import (
	"context"

	"sarang/client/session"
)

// Search looks for messages in a room, or in all rooms that the user belongs to, and returns a page of
// what was found, the newest first. The page's Next is the From of the next one; a page may have nothing and
// go on: then the server has looked at as many messages as it does at once.
func (c *Client) Search(ctx context.Context, q Search) (SearchPage, error) {
	return ask[session.SearchPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Search(q) })
}

package client

import (
	"context"

	"sarang/chat"
	"sarang/client/session"
)

// Mentions returns messages that mention the user, in all rooms that he may read, the newest first,
// from those before a place on; the zero place: from the newest. A page may have none and More: go on with
// Next. What everybody in a room is mentioned by is not among them, but counted (MyRoom.Mentions).
func (c *Client) Mentions(ctx context.Context, before chat.MentionPlace, itemsMax int) (MentionPage, error) {
	return ask[session.MentionPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Mentions(before, itemsMax) })
}

// Threads returns threads of a room, the one that was answered last first, whose Last is below
// before (0: any).
func (c *Client) Threads(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (ThreadPage, error) {
	return ask[session.ThreadPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Threads(room, before, itemsMax) })
}

// Thread returns a page of the messages of a thread, its first one among them, as History.
func (c *Client) Thread(ctx context.Context, root chat.Seq, h History) (HistoryPage, error) {
	p, err := ask[session.HistoryPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Thread(root, h) })
	return HistoryPage{Room: p.Room, Epoch: p.Epoch, AsOf: p.AsOf, Events: p.Events, States: p.States, More: p.More}, err
}

// Pins returns messages of a room that are pinned, those pinned last, by events below before (0: any),
// in the order of their numbers. The next page is below the lowest Pinned of its States.
func (c *Client) Pins(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (HistoryPage, error) {
	p, err := ask[session.HistoryPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Pins(room, before, itemsMax) })
	return HistoryPage{Room: p.Room, Epoch: p.Epoch, AsOf: p.AsOf, Events: p.Events, States: p.States, More: p.More}, err
}

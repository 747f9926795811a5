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

// UnreadThreads is Threads for those that the user follows, and in which is something that he has not
// read.
func (c *Client) UnreadThreads(ctx context.Context, room chat.RoomID, before chat.Seq, itemsMax int) (ThreadPage, error) {
	return ask[session.ThreadPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.UnreadThreads(room, before, itemsMax) })
}

// Follow has the user follow the thread of a message, or, with remove, not any more, and returns what he
// has to do with it then. Who starts a thread, writes in it or is mentioned there follows it without asking.
func (c *Client) Follow(ctx context.Context, room chat.RoomID, root chat.Seq, remove bool) (Followed, error) {
	f, err := ask[session.Followed](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Follow(room, root, remove) })
	return Followed{f.Room, f.Root, f.Followed, f.Mark}, err
}

// ReadThread notes that the user has read a thread up to seq, if he follows it, and returns what he has to
// do with it then. With seq 0 it only asks.
func (c *Client) ReadThread(ctx context.Context, room chat.RoomID, root, seq chat.Seq) (Followed, error) {
	f, err := ask[session.Followed](ctx, c, true, func(s *session.Session) (uint32, error) { return s.ReadThread(room, root, seq) })
	return Followed{f.Room, f.Root, f.Followed, f.Mark}, err
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

package client

import (
	"context"

	"sarang/chat"
	"sarang/client/session"
)

// LeaveForGood leaves a room, and the user does not belong to it any more, on any device. The
// room need not be joined.
func (c *Client) LeaveForGood(ctx context.Context, room chat.RoomID) error {
	_, err := ask[session.Left](ctx, c, true, func(s *session.Session) (uint32, error) { return s.LeaveForGood(room) })
	return err
}

// Mark notes that the user has read everything of a room up to seq, and returns how far he has
// read by now, also on other devices.
func (c *Client) Mark(ctx context.Context, room chat.RoomID, seq chat.Seq) (chat.Seq, error) {
	m, err := ask[session.Marked](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Mark(room, seq) })
	return m.Seq, err
}

// Mute notes whether the user wants to be told of what happens in a room.
func (c *Client) Mute(ctx context.Context, room chat.RoomID, muted bool) error {
	_, err := ask[session.Muted](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Mute(room, muted) })
	return err
}

// MyRooms returns all rooms that the user belongs to, in the order of their ids.
func (c *Client) MyRooms(ctx context.Context) ([]MyRoom, error) {
	var all []MyRoom
	for after := chat.RoomID(0); ; {
		p, err := ask[session.MyRoomPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.MyRooms(after, pageItems) })
		if err != nil {
			return nil, err
		}
		all = append(all, p.Rooms...)
		if !p.More || len(p.Rooms) == 0 {
			return all, nil
		}
		last := p.Rooms[len(p.Rooms)-1].Room.ID
		if last <= after {
			return nil, errPages
		}
		after = last
	}
}

// Direct returns the direct room of the user and others, who are known by their names now: two
// to ten with him. It is made if there is none, and is not joined.
func (c *Client) Direct(ctx context.Context, names ...string) (RoomInfo, error) {
	made, err := ask[session.Created](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Direct(nil, names) })
	return made.Room, err
}

// Typing tells the others in a joined room that the user types: not more often than each 2 s.
// Without a connection, or if the room is not joined, it does nothing.
func (c *Client) Typing(room chat.RoomID) {
	c.post(func(l *link) {
		if l.session != nil && l.session.Online() {
			_ = l.session.SendTyping(room) // it is not worth an error
		}
	})
}

// SetTopic says what a joined room is about, and returns the place of the event that says so. It
// outlasts lost connections, as Publish does.
func (c *Client) SetTopic(ctx context.Context, room chat.RoomID, topic string) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.SetTopic(room, topic) })
}

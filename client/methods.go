package client

import (
	"context"
	"errors"
	"time"

	"sarang/chat"
	"sarang/client/session"
)

// Join joins a room; its events come by Events, perhaps before this returns. The room
// is joined again after a reconnect, from where it stood, until Leave.
func (c *Client) Join(ctx context.Context, j Join) (Joined, error) {
	in, err := ask[session.Joined](ctx, c, true, func(s *session.Session) (uint32, error) { return s.Join(j) })
	return Joined{Room: in.Room, After: in.After, AfterMs: in.AfterMs}, err
}

// Leave leaves a room. Messages to it that have no answer by then fail.
func (c *Client) Leave(ctx context.Context, room chat.RoomID) error {
	k := ofRequest(true, func(s *session.Session) (uint32, error) { return s.Leave(room) })
	k.done = chat.CodeNotMember // of a repeat, when the lost connection has done it
	_, err := wait[session.Left](ctx, c, k)
	return err
}

// Create makes a room, without joining it. When the connection is lost meanwhile it is
// ErrInterrupted: the room may be there or not.
func (c *Client) Create(ctx context.Context, name string, ephemeral bool) (RoomInfo, error) {
	return c.CreateRoom(ctx, NewRoom{Name: name, Ephemeral: ephemeral})
}

// CreateRoom is Create with everything that can be said.
func (c *Client) CreateRoom(ctx context.Context, n NewRoom) (RoomInfo, error) {
	made, err := ask[session.Created](ctx, c, false, func(s *session.Session) (uint32, error) { return s.CreateRoom(n) })
	return made.Room, err
}

// pageItems is how many rooms or members are asked for at once.
const pageItems = 256

// Rooms returns all rooms that the user may see, in the order of their ids.
func (c *Client) Rooms(ctx context.Context) ([]RoomInfo, error) {
	var all []RoomInfo
	for after := chat.RoomID(0); ; {
		p, err := ask[session.RoomPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.List(after, pageItems) })
		if err != nil {
			return nil, err
		}
		all = append(all, p.Rooms...)
		if !p.More || len(p.Rooms) == 0 {
			return all, nil
		}
		last := p.Rooms[len(p.Rooms)-1].ID
		if last <= after {
			return nil, errPages
		}
		after = last
	}
}

// errPages is a server whose pages do not go on.
var errPages = errors.New("client: the server sends the same page again and again")

// History returns a page of a room's log, of a room joined or not. HistoryPage.More
// reports whether to go on: After the last event, or Before the first.
func (c *Client) History(ctx context.Context, h History) (HistoryPage, error) {
	p, err := ask[session.HistoryPage](ctx, c, true, func(s *session.Session) (uint32, error) { return s.History(h) })
	return HistoryPage{Room: p.Room, Epoch: p.Epoch, AsOf: p.AsOf, Events: p.Events, States: p.States, More: p.More}, err
}

// Members returns the users present in a room, in the order of their ids. In a crowded room
// it takes many requests; MemberPage asks for some of them.
func (c *Client) Members(ctx context.Context, room chat.RoomID) ([]Member, error) {
	var all []Member
	for after := chat.UserID(0); ; {
		p, err := c.MemberPage(ctx, room, after, pageItems)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Members...)
		if !p.More || len(p.Members) == 0 {
			return all, nil
		}
		last := p.Members[len(p.Members)-1].User
		if last <= after {
			return nil, errPages
		}
		after = last
	}
}

// MemberPage returns users present in a room with ids above after, in the order of their
// ids, and how many are present in all. The server's own bound may be below itemsMax;
// 0 is the server's choice.
func (c *Client) MemberPage(ctx context.Context, room chat.RoomID, after chat.UserID, itemsMax int) (MemberPage, error) {
	p, err := ask[session.MemberPage](ctx, c, true, func(s *session.Session) (uint32, error) {
		return s.Members(room, after, itemsMax)
	})
	return MemberPage{Room: p.Room, Members: p.Members, Total: p.Total, More: p.More}, err
}

// Publish sends text to a joined room and returns its place once it is stored. It
// outlasts lost connections: the message is sent again, and stored once. Where it has
// to wait (no connection, too many messages without an answer, a rate limit) it waits.
// When ctx ends first, it is a *PublishError. When the server came back with another
// room under that id, it is a *RoomChangedError, and the message was not sent there.
func (c *Client) Publish(ctx context.Context, room chat.RoomID, text string) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.Publish(room, text) })
}

// PublishNonce is Publish with a nonce of the caller's, for trying again what ended in
// a *PublishError: if it was stored, the answer is the place that it has.
func (c *Client) PublishNonce(ctx context.Context, room chat.RoomID, nonce chat.Nonce, text string) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) {
		return nonce, s.PublishNonce(room, nonce, text)
	})
}

func (c *Client) publish(
	ctx context.Context, room chat.RoomID, start func(s *session.Session) (chat.Nonce, error),
) (chat.Seq, error) {
	k := &call{kind: callPublish, room: room, start: func(_ *link, s *session.Session) (uint64, error) {
		nonce, err := start(s)
		return uint64(nonce), err
	}}
	return wait[chat.Seq](ctx, c, k)
}

// GiveRole gives a user a role in a joined room, and returns the place of the event that
// says so. It outlasts lost connections, as Publish does.
func (c *Client) GiveRole(ctx context.Context, room chat.RoomID, g GiveRole) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.GiveRole(room, g) })
}

// Kick sends a user out of a joined room, who may come back. It is like GiveRole.
func (c *Client) Kick(ctx context.Context, room chat.RoomID, k Kick) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.Kick(room, k) })
}

// Reply is Publish for an answer to a message.
func (c *Client) Reply(ctx context.Context, room chat.RoomID, y Reply) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.Reply(room, y) })
}

// Edit says text in the place of a message of the user's own, and returns the place of the
// event that says so. It outlasts lost connections, as Publish does, and so do the others here.
func (c *Client) Edit(ctx context.Context, room chat.RoomID, target chat.Seq, text string) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.Edit(room, target, text) })
}

// Delete has a message erased: the user's own, or, for moderators, somebody else's. When it
// returns, the server tells nobody any more what was said.
func (c *Client) Delete(ctx context.Context, room chat.RoomID, target chat.Seq) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.Delete(room, target) })
}

// React puts an emoji on a message, or takes it back. If that is so already, the place is that
// of the event that made it so.
func (c *Client) React(ctx context.Context, room chat.RoomID, target chat.Seq, emoji string, remove bool) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.React(room, target, emoji, remove) })
}

// Pin pins a message, or unpins it. Moderators may.
func (c *Client) Pin(ctx context.Context, room chat.RoomID, target chat.Seq, remove bool) (chat.Seq, error) {
	return c.publish(ctx, room, func(s *session.Session) (chat.Nonce, error) { return s.Pin(room, target, remove) })
}

// Ping returns how long the server takes to answer.
func (c *Client) Ping(ctx context.Context) (time.Duration, error) {
	k := &call{kind: callPing, start: func(l *link, s *session.Session) (uint64, error) {
		l.pingSeq++
		return l.pingSeq, s.Ping(l.pingSeq)
	}}
	return wait[time.Duration](ctx, c, k)
}

// ask makes a request and waits for its answer.
func ask[T any](ctx context.Context, c *Client, repeat bool, start func(s *session.Session) (uint32, error)) (T, error) {
	return wait[T](ctx, c, ofRequest(repeat, start))
}

func ofRequest(repeat bool, start func(s *session.Session) (uint32, error)) *call {
	return &call{repeat: repeat, start: func(_ *link, s *session.Session) (uint64, error) {
		id, err := start(s)
		return uint64(id), err
	}}
}

// wait hands k to the worker and waits for its outcome, which comes soon after ctx
// ends: the worker answers a cancel at once.
func wait[T any](ctx context.Context, c *Client, k *call) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, k.failure(false, err)
	}
	k.answer = make(chan outcome, 1)
	if !c.post(func(l *link) { l.calls.begin(l, k) }) {
		return none, k.failure(false, ErrClosed)
	}
	var o outcome
	select {
	case o = <-k.answer:
	case <-ctx.Done():
		// If the worker has ended, it has given every call its outcome.
		c.post(func(l *link) { l.calls.cancel(l, k, ctx.Err()) })
		o = <-k.answer
	}
	if o.err != nil {
		return none, o.err
	}
	value, _ := o.value.(T) // a nil stands for the zero value
	return value, nil
}

package hub

import (
	"context"

	"sarang/chat"
	"sarang/internal/limit"
)

// MentionPage are messages that mention a user, of rooms that he may read, the newest first.
type MentionPage struct {
	Messages []StatedMessage
	More     bool              // there are more behind Next
	Next     chat.MentionPlace // of the last one that was looked at
}

// StatedMessage is a message as it is now.
type StatedMessage struct {
	chat.Event
	State chat.State // what became of it; Target 0: it was not changed
}

// Mentions tells the client where its user is mentioned by his id, from those before a place on. A page
// may have less than was asked for, or nothing, and More: what he may not read is left out.
func (s *Shard) Mentions(o *Session, ref RequestRef, before chat.MentionPlace, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	items, user, bytesMax := s.picked(itemsWant), o.User, s.historyBytes(o)
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		moment := s.hub.erased.now()
		p, err := s.hub.readMentions(ctx, user, before, items, bytesMax)
		return func(o *Session) {
			if err != nil {
				s.fail(o, ref, s.hub.typed("reading a user's mentions", err))
				return
			}
			for i := range p.Messages {
				s.stillSaid(&p.Messages[i].Event, moment)
			}
			o.Client.Mentions(o, ref, p)
			for _, m := range p.Messages {
				s.unsent(o, queuedPage{m.Room, m.Event.Seq, m.Event.Seq})
			}
		}
	})
}

// stillSaid takes the text out of an event that was read at a moment, if it may have been erased
// since.
func (s *Shard) stillSaid(e *chat.Event, moment uint64) {
	if !s.hub.erased.since(moment, e.Room, e.Seq, e.Seq, func(chat.Seq) { e.EraseBody() }) {
		e.EraseBody()
	}
}

// readMentions reads a page. It runs on a task.
func (h *Hub) readMentions(ctx context.Context, user chat.UserID, before chat.MentionPlace, items, bytesMax int) (p MentionPage, err error) {
	places, err := h.config.Store.UserMentions(ctx, user, before, items+1)
	if err != nil {
		return p, err
	}
	bytes := 0
	for i, at := range places {
		if i == items {
			p.More = true
			break
		}
		e, st, err := h.readMessage(ctx, at.Room, at.Seq, user)
		if err != nil {
			return p, err
		}
		if e != nil {
			if bytes += pickedBytes(e, st); bytes > bytesMax && len(p.Messages) > 0 {
				p.More = true
				break
			}
			m := StatedMessage{Event: *e}
			if len(st) > 0 {
				m.State = st[0]
			}
			p.Messages = append(p.Messages, m)
		}
		p.Next = at
	}
	return p, h.readable(ctx, &p, user)
}

// readable leaves those in a page that are of rooms which a user may read now: that is asked
// behind the messages, so that nobody is shown what stands behind his ban.
func (h *Hub) readable(ctx context.Context, p *MentionPage, user chat.UserID) error {
	may := map[chat.RoomID]bool{}
	left := p.Messages[:0]
	for _, m := range p.Messages {
		is, asked := may[m.Room]
		if !asked {
			switch err := h.MayRead(ctx, user, m.Room); chat.CodeOf(err) {
			case 0:
				is = true
			case chat.CodeNoRoom, chat.CodeForbidden:
			default:
				return err
			}
			may[m.Room] = is
		}
		if is {
			left = append(left, m)
		}
	}
	p.Messages = left
	return nil
}

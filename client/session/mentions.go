package session

import (
	"strings"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Mentions asks where the user is mentioned, in all rooms, the newest first, from those before a
// place on (the zero one: from the newest): Events.MentionPage.
func (s *Session) Mentions(before chat.MentionPlace, itemsMax int) (uint32, error) {
	m := &sarangv1.Mentions{ItemsMax: wire32(itemsMax)}
	if before.TimeMs > 0 {
		m.Before = &sarangv1.MentionPlace{TimeMs: uint64(before.TimeMs), Room: uint64(before.Room), Seq: uint64(before.Seq)}
	}
	return s.ask(request{packet: sarangv1.CMentions}, "", func(id uint32) packet.Marshaler { m.Request = id; return m })
}

// Threads asks for the threads of a room, those answered last, whose Last is below before (0:
// any): Events.ThreadPage.
func (s *Session) Threads(room chat.RoomID, before chat.Seq, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CThreads, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Threads{Request: id, Room: uint64(room), Before: uint64(before), ItemsMax: wire32(itemsMax)}
	})
}

// Thread asks for a page of the messages of a thread, its first one among them, as History:
// Events.HistoryPage.
func (s *Session) Thread(root chat.Seq, h History) (uint32, error) {
	return s.ask(request{packet: sarangv1.CThread, room: h.Room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.ThreadHistory{
			Request: id, Room: uint64(h.Room), Root: uint64(root), After: uint64(h.After), Before: uint64(h.Before), ItemsMax: wire32(h.ItemsMax),
		}
	})
}

// Pins asks for the messages of a room that are pinned, those pinned last, by events below before (0:
// any): Events.HistoryPage, in the order of their numbers. The next page is below the lowest
// Pinned of it.
func (s *Session) Pins(room chat.RoomID, before chat.Seq, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CPins, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Pins{Request: id, Room: uint64(room), Before: uint64(before), ItemsMax: wire32(itemsMax)}
	})
}

// StatedMessage is a message as it is now.
type StatedMessage struct {
	chat.Event
	State chat.State // what became of it; Target 0: it was not changed
}

// MentionPage are messages that mention the user, the newest first. A page may have none, and More.
type MentionPage struct {
	Request  uint32
	Messages []StatedMessage
	More     bool
	Next     chat.MentionPlace // with More: where the next page begins
}

// ThreadPage are threads of a room, the one that was answered last first.
type ThreadPage struct {
	Request uint32
	Room    chat.RoomID
	AsOf    chat.Seq // as of a HistoryPage
	Threads []Thread
	More    bool
}

// Thread is a message that was answered.
type Thread struct {
	Root    StatedMessage
	Replies int      // messages that belong to it and were not deleted; Root is not one of them
	Last    chat.Seq // the newest of them
}

// stated reads a message with what became of it.
func (s *Session) stated(by packet.ID, e *sarangv1.Event) (m StatedMessage) {
	if e == nil {
		e = new(sarangv1.Event)
	}
	if fault := fillEvent(&m.Event, e); fault != nil {
		s.events.Fault(s, &packet.DecodeError{ID: by, Err: fault})
	}
	m.Name, m.Text = strings.Clone(m.Name), strings.Clone(m.Text)
	st, changed, fault := stateOf(e)
	if fault != nil {
		s.events.Fault(s, &packet.DecodeError{ID: by, Err: fault})
	}
	if changed {
		st.Text = m.Text
		m.State = st
	}
	return m
}

// mentionPage handles S_MENTIONS.
func (s *Session) mentionPage(m *sarangv1.MentionPage) error {
	q, err := s.answered(m.Request, sarangv1.SMentions, sarangv1.CMentions)
	if err != nil {
		return err
	}
	p := MentionPage{Request: q.id, More: m.More, Messages: make([]StatedMessage, 0, len(m.Events))}
	for _, e := range m.Events {
		p.Messages = append(p.Messages, s.stated(sarangv1.SMentions, e))
	}
	if n := m.Next; n != nil {
		p.Next = chat.MentionPlace{TimeMs: int64(n.TimeMs), Room: chat.RoomID(n.Room), Seq: chat.Seq(n.Seq)}
	}
	s.events.MentionPage(s, p)
	s.pump()
	return nil
}

// threadPage handles S_THREADS.
func (s *Session) threadPage(m *sarangv1.ThreadPage) error {
	q, err := s.answered(m.Request, sarangv1.SThreads, sarangv1.CThreads)
	if err != nil {
		return err
	}
	p := ThreadPage{Request: q.id, Room: chat.RoomID(m.Room), AsOf: chat.Seq(m.AsOf), More: m.More, Threads: make([]Thread, 0, len(m.Threads))}
	for _, t := range m.Threads {
		th := Thread{Root: s.stated(sarangv1.SThreads, t.GetRoot()), Replies: int(t.GetReplies()), Last: chat.Seq(t.GetLast())}
		th.Root.Room = p.Room
		p.Threads = append(p.Threads, th)
	}
	s.events.ThreadPage(s, p)
	s.pump()
	return nil
}

// pickedPage returns the handler of a packet that is a page of messages picked out of a room's log.
func pickedPage(id, asked packet.ID) func(*Session, *sarangv1.HistoryPage) error {
	return func(s *Session, m *sarangv1.HistoryPage) error { return s.eventPage(m, id, asked) }
}

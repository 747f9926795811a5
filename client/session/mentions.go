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
	return s.threads(room, before, itemsMax, false)
}

// UnreadThreads is Threads for those that the user follows, and in which is something that he has not
// read.
func (s *Session) UnreadThreads(room chat.RoomID, before chat.Seq, itemsMax int) (uint32, error) {
	return s.threads(room, before, itemsMax, true)
}

func (s *Session) threads(room chat.RoomID, before chat.Seq, itemsMax int, unread bool) (uint32, error) {
	return s.ask(request{packet: sarangv1.CThreads, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Threads{Request: id, Room: uint64(room), Before: uint64(before), ItemsMax: wire32(itemsMax), Unread: unread}
	})
}

// Follow has the user follow a thread, or not any more: Events.Followed.
func (s *Session) Follow(room chat.RoomID, root chat.Seq, remove bool) (uint32, error) {
	return s.ask(request{packet: sarangv1.CFollow, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.FollowThread{Request: id, Room: uint64(room), Root: uint64(root), Remove: remove}
	})
}

// ReadThread says that the user has read a thread up to seq, which is kept if he follows it; 0 only asks
// whether he does: Events.Followed.
func (s *Session) ReadThread(room chat.RoomID, root, seq chat.Seq) (uint32, error) {
	return s.ask(request{packet: sarangv1.CReadThread, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.ReadThread{Request: id, Room: uint64(room), Root: uint64(root), Seq: uint64(seq)}
	})
}

// Followed is what the user has to do with a thread. Request is 0 if another session of his has said
// so.
type Followed struct {
	Request  uint32
	Room     chat.RoomID
	Root     chat.Seq
	Followed bool
	Mark     chat.Seq // he has read the thread up to it; it never goes back
}

// followed returns the handler of S_FOLLOW and S_READ_THREAD.
func followed(id, asked packet.ID) func(*Session, *sarangv1.Followed) error {
	return func(s *Session, m *sarangv1.Followed) error {
		if m.Request != 0 {
			if _, err := s.answered(m.Request, id, asked); err != nil {
				return err
			}
		}
		s.events.Followed(s, Followed{m.Request, chat.RoomID(m.Room), chat.Seq(m.Root), m.Followed, chat.Seq(m.Mark)})
		s.pump()
		return nil
	}
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

	Followed bool     // by the user
	Mark     chat.Seq // he has read it up to here
	Unread   int      // if he follows it: messages behind Mark that were not deleted; chat.ThreadUnreadMax stands for as many or more
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
		th := Thread{
			Root: s.stated(sarangv1.SThreads, t.GetRoot()), Replies: int(t.GetReplies()), Last: chat.Seq(t.GetLast()),
			Followed: t.GetFollowed(), Mark: chat.Seq(t.GetMark()), Unread: int(t.GetUnread()),
		}
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

package session

import (
	"math"
	"time"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// RoomLink lets people into a private room, who have its code.
type RoomLink struct {
	ID      uint64
	Room    chat.RoomID
	By      chat.UserID // who made it
	ByName  string      // as he is called now
	Uses    int         // how often somebody came by it
	UsesMax int         // so often it holds; 0: no bound
	Expires time.Time   // zero: never
	Created time.Time
}

// MadeLink answers MakeLink. The code is told this once.
type MadeLink struct {
	Request uint32
	Link    RoomLink
	Code    string
}

// LinkPage is a page of the links of a room, in the order of their ids; those that do not hold any more
// may be among them.
type LinkPage struct {
	Request uint32
	Room    chat.RoomID
	Links   []RoomLink
	More    bool
}

// MakeLink makes a link into a private room, that holds so long (0: until it is revoked) and for so many
// people (0: no bound): Events.MadeLink.
func (s *Session) MakeLink(room chat.RoomID, last time.Duration, usesMax int) (uint32, error) {
	if last < 0 || usesMax < 0 || last > 0 && last < time.Second {
		return 0, chat.Errorf(chat.CodeBadRequest, "a link holds for some seconds, and for some people")
	}
	return s.ask(request{packet: sarangv1.CMakeLink, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.MakeLink{Request: id, Room: uint64(room), ForSeconds: uint64(last / time.Second), UsesMax: wire32(usesMax)}
	})
}

// Links asks for the links of a room with ids above after: Events.LinkPage.
func (s *Session) Links(room chat.RoomID, after uint64, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CLinks, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Links{Request: id, Room: uint64(room), After: after, ItemsMax: wire32(itemsMax)}
	})
}

// RevokeLink has nobody come by a link of a room any more: Events.Done.
func (s *Session) RevokeLink(room chat.RoomID, link uint64) (uint32, error) {
	return s.ask(request{packet: sarangv1.CRevokeLink, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.RevokeLink{Request: id, Room: uint64(room), Link: link}
	})
}

// JoinLink makes the user a member of the room that a link leads to: Events.Created. The room is not
// joined. code may be the link's address.
func (s *Session) JoinLink(code string) (uint32, error) {
	code, is := chat.RoomLinkCode(code)
	if !is {
		return 0, chat.NoRoomLink()
	}
	return s.ask(request{packet: sarangv1.CJoinLink}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.JoinLink{Request: id, Code: code}
	})
}

func roomLinkOf(m *sarangv1.RoomLink) RoomLink {
	l := RoomLink{
		ID: m.GetId(), Room: chat.RoomID(m.GetRoom()), By: chat.UserID(m.GetBy()), ByName: clean(m.GetByName()),
		Uses: int(min(m.GetUses(), math.MaxInt32)), UsesMax: int(min(m.GetUsesMax(), math.MaxInt32)), Created: time.UnixMilli(int64(m.GetCreatedMs())),
	}
	if ms := m.GetExpiresMs(); ms != 0 {
		l.Expires = time.UnixMilli(int64(ms))
	}
	return l
}

// madeLink handles S_MAKE_LINK.
func (s *Session) madeLink(m *sarangv1.MadeLink) error {
	q, err := s.answered(m.Request, sarangv1.SMakeLink, sarangv1.CMakeLink)
	if err != nil {
		return err
	}
	s.events.MadeLink(s, MadeLink{Request: q.id, Link: roomLinkOf(m.Link), Code: clean(m.Code)})
	s.pump()
	return nil
}

// linkPage handles S_LINKS.
func (s *Session) linkPage(m *sarangv1.LinkPage) error {
	q, err := s.answered(m.Request, sarangv1.SLinks, sarangv1.CLinks)
	if err != nil {
		return err
	}
	p := LinkPage{Request: q.id, Room: q.room, More: m.More, Links: make([]RoomLink, 0, len(m.Links))}
	for _, l := range m.Links {
		p.Links = append(p.Links, roomLinkOf(l))
	}
	s.events.LinkPage(s, p)
	s.pump()
	return nil
}

// cameByLink handles S_JOIN_LINK.
func (s *Session) cameByLink(m *sarangv1.Created) error {
	q, err := s.answered(m.Request, sarangv1.SJoinLink, sarangv1.CJoinLink)
	if err != nil {
		return err
	}
	s.events.Created(s, Created{Request: q.id, Room: roomInfo(m.Room)})
	s.pump()
	return nil
}

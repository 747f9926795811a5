package session

import (
	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// LeaveForGood asks to leave a room, and not to belong to it any more: Events.Left, here and in
// the user's other sessions. The room need not be joined.
func (s *Session) LeaveForGood(room chat.RoomID) (uint32, error) {
	return s.ask(request{packet: sarangv1.CLeave, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Leave{Request: id, Room: uint64(room), ForGood: true}
	})
}

// Mark says that the user has read everything of a room up to seq: Events.Marked.
func (s *Session) Mark(room chat.RoomID, seq chat.Seq) (uint32, error) {
	return s.ask(request{packet: sarangv1.CMark, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Mark{Request: id, Room: uint64(room), Seq: uint64(seq)}
	})
}

// Mute says whether the user wants to be told of what happens in a room: Events.Muted.
func (s *Session) Mute(room chat.RoomID, muted bool) (uint32, error) {
	return s.ask(request{packet: sarangv1.CMute, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Mute{Request: id, Room: uint64(room), Muted: muted}
	})
}

// MyRooms asks for the rooms that the user belongs to, with ids above after:
// Events.MyRoomPage.
func (s *Session) MyRooms(after chat.RoomID, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CRooms}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.MyRooms{Request: id, After: uint64(after), ItemsMax: wire32(itemsMax)}
	})
}

// Marked is how far the user has read a room. Request is 0 if another session of his has said
// so.
type Marked struct {
	Request uint32
	Room    chat.RoomID
	Seq     chat.Seq
}

// Muted is whether the user wants to be told of what happens in a room. Request is 0 if
// another session of his has said so.
type Muted struct {
	Request uint32
	Room    chat.RoomID
	Muted   bool
}

// MyRoomPage is a page of the rooms that the user belongs to, in the order of their ids.
type MyRoomPage struct {
	Request uint32
	Rooms   []MyRoom
	More    bool
}

// MyRoom is a room that the user belongs to.
type MyRoom struct {
	Room     RoomInfo
	Role     chat.Role
	Mark     chat.Seq // read up to it
	Unread   uint64   // messages behind it, and no other events
	Mentions uint64   // of these, those that mention the user, or everybody in the room; up to chat.MentionsCountedMax
	Muted    bool

	// Last is the newest message: Seq, User, Name, TimeMs and the beginning of its Text. Seq 0:
	// there is none.
	Last chat.Event
}

// marked handles S_MARK.
func (s *Session) marked(m *sarangv1.Marked) error {
	if m.Request != 0 {
		if _, err := s.answered(m.Request, sarangv1.SMark, sarangv1.CMark); err != nil {
			return err
		}
	}
	s.events.Marked(s, Marked{m.Request, chat.RoomID(m.Room), chat.Seq(m.Seq)})
	s.pump()
	return nil
}

// muted handles S_MUTE.
func (s *Session) muted(m *sarangv1.Mute) error {
	if m.Request != 0 {
		if _, err := s.answered(m.Request, sarangv1.SMute, sarangv1.CMute); err != nil {
			return err
		}
	}
	s.events.Muted(s, Muted{m.Request, chat.RoomID(m.Room), m.Muted})
	s.pump()
	return nil
}

// myRoomPage handles S_ROOMS.
func (s *Session) myRoomPage(m *sarangv1.MyRoomPage) error {
	q, err := s.answered(m.Request, sarangv1.SRooms, sarangv1.CRooms)
	if err != nil {
		return err
	}
	p := MyRoomPage{Request: q.id, More: m.More, Rooms: make([]MyRoom, 0, len(m.Rooms))}
	for _, r := range m.Rooms {
		info := roomInfo(r.GetRoom())
		mine := MyRoom{
			Room: info, Role: chat.Role(min(r.GetRole(), roleUnknown)),
			Mark: chat.Seq(r.GetMark()), Unread: r.GetUnread(), Mentions: r.GetMentions(), Muted: r.GetMuted(),
		}
		if r.GetLastSeq() != 0 {
			mine.Last = chat.Event{
				Room: info.ID, Seq: chat.Seq(r.GetLastSeq()), Kind: chat.EventMessage, User: chat.UserID(r.GetLastUser()),
				Name: clean(r.GetLastName()), TimeMs: int64(r.GetLastTimeMs()), Text: clean(r.GetLastText()),
			}
		}
		p.Rooms = append(p.Rooms, mine)
	}
	s.events.MyRoomPage(s, p)
	s.pump()
	return nil
}

// roleUnknown stands for roles of newer servers, which may do nothing as far as this program
// knows.
const roleUnknown = 255

// Direct asks for the direct room of the user and others, by id and by name, which is made if
// there is none: Events.Created. It is not joined.
func (s *Session) Direct(users []chat.UserID, names []string) (uint32, error) {
	m := &sarangv1.Direct{Names: names}
	longest := ""
	for _, u := range users {
		m.Users = append(m.Users, uint64(u))
	}
	for _, name := range names {
		if len(name) > len(longest) {
			longest = name
		}
	}
	if len(users)+len(names) > chat.DirectUsersMax {
		return 0, &LimitError{"users of a direct room", chat.DirectUsersMax}
	}
	return s.ask(request{packet: sarangv1.CDirect}, longest, func(id uint32) packet.Marshaler { m.Request = id; return m })
}

// opened handles S_DIRECT.
func (s *Session) opened(m *sarangv1.Created) error {
	q, err := s.answered(m.Request, sarangv1.SDirect, sarangv1.CDirect)
	if err != nil {
		return err
	}
	s.events.Created(s, Created{Request: q.id, Room: roomInfo(m.Room)})
	s.pump()
	return nil
}

// belongs handles S_BELONGS.
func (s *Session) belongs(m *sarangv1.Belongs) error {
	s.events.Belongs(s, chat.RoomID(m.Room))
	return nil
}

// SetTopic says what a room of the State is about; topic may be empty. It is sent and has its
// outcome as a message (see Publish).
func (s *Session) SetTopic(room chat.RoomID, topic string) (chat.Nonce, error) {
	if err := chat.CheckTopic(topic); err != nil {
		return 0, err
	}
	return s.act(room, "", "", func(nonce chat.Nonce) *act {
		return &act{sarangv1.CTopic, &sarangv1.Topic{Room: uint64(room), Nonce: uint64(nonce), Text: topic}}
	})
}

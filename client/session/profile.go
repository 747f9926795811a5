package session

import (
	"math"
	"time"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// Presence says whether somebody is online.
type Presence uint8

// The presences.
const (
	PresenceNotTold Presence = iota
	PresenceOffline
	PresenceAway // nobody sits at any of his sessions
	PresenceOnline
)

// String is the presence as a word; "" if it is not told.
func (p Presence) String() string {
	switch p {
	case PresenceOffline:
		return "offline"
	case PresenceAway:
		return "away"
	case PresenceOnline:
		return "online"
	}
	return ""
}

// Profile is who somebody is. Its texts are clean.
type Profile struct {
	Request     uint32 // 0: another session of the user has changed his
	User        chat.UserID
	Name        string
	Account     bool   // he has a password
	DisplayName string // how he wants to be called; it need not be his alone
	About       string
	Status      string // what he is at
	Presence    Presence
	Seen        time.Time // of who is offline: when he was seen last, to the minute; zero: it is not told
	Created     time.Time // when he was new
	Hidden      bool      // of the user himself: his presence is not told
	Blocked     bool      // the user blocks him
}

// Renamed: the user has another name.
type Renamed struct {
	Request uint32 // 0: another session of the user has asked for it
	Name    string
}

// Blocked: the user blocks another one, or does not any more.
type Blocked struct {
	Request uint32 // 0: another session of the user has done it
	User    chat.UserID
	Removed bool
}

// BlockPage is a page of those whom the user blocks, in the order of their ids.
type BlockPage struct {
	Request uint32
	Users   []Member // with id and name only
	More    bool
}

// SeenBy is who has read a room how far, in the order of the users.
type SeenBy struct {
	Request uint32
	Room    chat.RoomID
	Marks   []SeenMark
}

// SeenMark is how far a user has read a room.
type SeenMark struct {
	User chat.UserID
	Seq  chat.Seq
}

// LookUp asks who somebody is, by his id or, if that is 0, by the name that he has now; with
// neither it is the user himself: Events.Profile.
func (s *Session) LookUp(user chat.UserID, name string) (uint32, error) {
	return s.ask(request{packet: sarangv1.CProfile}, name, func(id uint32) packet.Marshaler {
		return &sarangv1.LookUp{Request: id, User: uint64(user), Name: name}
	})
}

// SetProfile changes what the user says of himself: Events.Profile.
func (s *Session) SetProfile(c chat.ProfileChange) (uint32, error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	return s.ask(request{packet: sarangv1.CSetProfile}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.SetProfile{Request: id, DisplayName: c.DisplayName, About: c.About, Status: c.Status, Hidden: c.Hidden}
	})
}

// Rename gives the user another name: Events.Renamed. The session logs in by it from then on.
func (s *Session) Rename(name string) (uint32, error) {
	return s.ask(request{packet: sarangv1.CRename}, name, func(id uint32) packet.Marshaler {
		return &sarangv1.Rename{Request: id, Name: name}
	})
}

// SetAway says whether somebody sits at the session: Events.Done. It is forgotten with the
// connection.
func (s *Session) SetAway(away bool) (uint32, error) {
	return s.ask(request{packet: sarangv1.CAway}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Away{Request: id, Away: away}
	})
}

// Block has the user block somebody, by id or, if that is 0, by name, or not any more:
// Events.Blocked.
func (s *Session) Block(user chat.UserID, name string, remove bool) (uint32, error) {
	return s.ask(request{packet: sarangv1.CBlock}, name, func(id uint32) packet.Marshaler {
		return &sarangv1.Block{Request: id, User: uint64(user), Name: name, Remove: remove}
	})
}

// Blocks asks for those whom the user blocks, with ids above after: Events.BlockPage.
func (s *Session) Blocks(after chat.UserID, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CBlocks}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Blocks{Request: id, After: uint64(after), ItemsMax: wire32(itemsMax)}
	})
}

// AskSeenBy asks who has read a small room how far: Events.SeenBy.
func (s *Session) AskSeenBy(room chat.RoomID) (uint32, error) {
	return s.ask(request{packet: sarangv1.CSeenBy, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.SeenBy{Request: id, Room: uint64(room)}
	})
}

// handleProfiles ties the packets about people to what they tell.
func handleProfiles(m *packet.Mux[*Session]) {
	packet.Handle(m, sarangv1.SProfile, func(s *Session, m *sarangv1.UserProfile) error {
		return s.profile(m, sarangv1.SProfile, sarangv1.CProfile)
	})
	packet.Handle(m, sarangv1.SSetProfile, func(s *Session, m *sarangv1.UserProfile) error {
		return s.profile(m, sarangv1.SSetProfile, sarangv1.CSetProfile)
	})
	packet.Handle(m, sarangv1.SRename, (*Session).renamed)
	packet.Handle(m, sarangv1.SBlock, (*Session).blocked)
	packet.Handle(m, sarangv1.SBlocks, (*Session).blockPage)
	packet.Handle(m, sarangv1.SSeenBy, (*Session).seenBy)
}

// told is answered for a packet that may also come without having been asked for.
func (s *Session) told(id uint32, by, asked packet.ID) error {
	if id == 0 {
		return nil
	}
	_, err := s.answered(id, by, asked)
	return err
}

// timeOf is a time of the wire; zero if there is none.
func timeOf(ms uint64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(min(ms, math.MaxInt64)))
}

func presenceOf(p uint32) Presence {
	if p > uint32(PresenceOnline) {
		return PresenceNotTold // of a newer server
	}
	return Presence(p)
}

// profile handles S_PROFILE and S_SET_PROFILE.
func (s *Session) profile(m *sarangv1.UserProfile, by, asked packet.ID) error {
	if by == sarangv1.SProfile || m.Request != 0 {
		if _, err := s.answered(m.Request, by, asked); err != nil {
			return err
		}
	}
	s.events.Profile(s, Profile{
		Request: m.Request, User: chat.UserID(m.User), Name: clean(m.Name), Account: m.Account,
		DisplayName: clean(m.DisplayName), About: clean(m.About), Status: clean(m.Status),
		Presence: presenceOf(m.Presence), Seen: timeOf(m.SeenMs), Created: timeOf(m.CreatedMs), Hidden: m.Hidden, Blocked: m.Blocked,
	})
	s.pump()
	return nil
}

// renamed handles S_RENAME.
func (s *Session) renamed(m *sarangv1.Rename) error {
	if err := s.told(m.Request, sarangv1.SRename, sarangv1.CRename); err != nil {
		return err
	}
	name := clean(m.Name)
	s.state.config.Name = name
	s.events.Renamed(s, Renamed{Request: m.Request, Name: name})
	s.pump()
	return nil
}

// blocked handles S_BLOCK.
func (s *Session) blocked(m *sarangv1.Blocked) error {
	if err := s.told(m.Request, sarangv1.SBlock, sarangv1.CBlock); err != nil {
		return err
	}
	s.events.Blocked(s, Blocked{Request: m.Request, User: chat.UserID(m.User), Removed: m.Removed})
	s.pump()
	return nil
}

// blockPage handles S_BLOCKS.
func (s *Session) blockPage(m *sarangv1.BlockPage) error {
	q, err := s.answered(m.Request, sarangv1.SBlocks, sarangv1.CBlocks)
	if err != nil {
		return err
	}
	p := BlockPage{Request: q.id, More: m.More, Users: make([]Member, 0, len(m.Users))}
	for _, u := range m.Users {
		p.Users = append(p.Users, Member{User: chat.UserID(u.GetUser()), Name: clean(u.GetName())})
	}
	s.events.BlockPage(s, p)
	s.pump()
	return nil
}

// seenBy handles S_SEEN_BY.
func (s *Session) seenBy(m *sarangv1.SeenByList) error {
	q, err := s.answered(m.Request, sarangv1.SSeenBy, sarangv1.CSeenBy)
	if err != nil {
		return err
	}
	l := SeenBy{Request: q.id, Room: chat.RoomID(m.Room), Marks: make([]SeenMark, 0, len(m.Marks))}
	for _, k := range m.Marks {
		l.Marks = append(l.Marks, SeenMark{User: chat.UserID(k.GetUser()), Seq: chat.Seq(k.GetSeq())})
	}
	s.events.SeenBy(s, l)
	s.pump()
	return nil
}

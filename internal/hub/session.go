package hub

import (
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Answer says which request something answers: what the client gave with it.
type Answer struct {
	Packet  uint16 // the gateway's own name for the kind of request
	Request uint32
	Room    chat.RoomID
	Nonce   chat.Nonce
}

// RoomInfo is a room as a client sees it.
type RoomInfo struct {
	chat.Room
	Members int
}

// Client is a gateway's side of a session. Its methods are called by the session's
// worker; what they are given is lent. They must not end or use a session that is
// Closing.
type Client interface {
	LoggedIn(s *Session, u chat.User, token []byte)
	Joined(s *Session, a Answer, r RoomInfo, after chat.Seq)
	Left(s *Session, a Answer)
	Created(s *Session, a Answer, r RoomInfo)
	Listed(s *Session, a Answer, rooms []RoomInfo, more bool)
	History(s *Session, a Answer, epoch chat.Epoch, events []chat.Event, more bool)
	Members(s *Session, a Answer, page []chat.User, total int, more bool)
	Ack(s *Session, room chat.RoomID, n chat.Nonce, seq chat.Seq)
	Gap(s *Session, room chat.RoomID, epoch chat.Epoch, from, to chat.Seq)
	Failed(s *Session, a Answer, err *chat.Error)
}

// Session is what the hub knows of an engine session: who it is and where it reads.
// It is the engine session's Data, and belongs to its worker.
type Session struct {
	Engine *engine.Session
	Client Client

	User chat.UserID // 0 before the login
	Name string

	places   []place  // rooms joined; few
	first    [1]place // where places lies as long as there is one: most are in one room
	inFlight int32    // publishes without outcome
	requests int32    // requests at the store
	login    loginState
	holds    holds
	failures uint8 // logins that failed
	trusted  bool  // the rates do not hold for it

	messages, asked, bytes limit.Meter // publishes, other requests, bytes received
}

type loginState uint8

const (
	loginNone loginState = iota
	loginAsked
	loginDone
)

// place is a session's membership in a room.
type place struct {
	room   chat.RoomID
	cursor *engine.Cursor // nil until the home has answered
}

func (s *Session) place(r chat.RoomID) *place {
	for i := range s.places {
		if s.places[i].room == r {
			return &s.places[i]
		}
	}
	return nil
}

// inRoom says whether the session has joined a room and was told so.
func (s *Session) inRoom(r chat.RoomID) bool {
	p := s.place(r)
	return p != nil && p.cursor != nil
}

// addPlace adds a room whose home has not answered yet.
func (s *Session) addPlace(r chat.RoomID) {
	if s.places == nil {
		s.places = s.first[:0]
	}
	s.places = append(s.places, place{room: r})
	if len(s.places) > len(s.first) {
		s.first = [1]place{} // they have moved
	}
}

func (s *Session) dropPlace(r chat.RoomID) {
	for i := range s.places {
		if s.places[i].room == r {
			last := len(s.places) - 1
			s.places[i], s.places[last] = s.places[last], place{}
			s.places = s.places[:last]
			return
		}
	}
}

// Rooms is the number of rooms that the session is in.
func (s *Session) Rooms() int { return len(s.places) }

// LoggedIn says whether the session has a user.
func (s *Session) LoggedIn() bool { return s.login == loginDone }

// sessionOf finds the hub's session of an engine session; nil if there is none.
func sessionOf(e *engine.Session) *Session {
	if e == nil || e.Closing() {
		return nil
	}
	s, _ := e.Data.(*Session)
	return s
}

package hub

import (
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// RequestRef says which request something answers: what the client gave with it.
type RequestRef struct {
	Kind    uint16         // the gateway's own name for the kind of request; 0: an authored event, by its nonce
	Event   chat.EventKind // which kind of event, for Kind 0
	Request uint32
	Room    chat.RoomID
	Nonce   chat.Nonce
}

// asked is the ref of a join that fails as the client has asked for it: by a name, if that
// is not "", or by the id.
func (r RequestRef) asked(byName string) RequestRef {
	if byName != "" {
		r.Room = 0 // the id of a hidden room is not told
	}
	return r
}

// RoomInfo is a room as a client sees it.
type RoomInfo struct {
	chat.Room
	Members int // present
}

// Start is where the delivery of a room begins.
type Start struct {
	After   chat.Seq // the first event has the number behind it
	AfterMs int64    // the TimeMs of the event After; 0: not known
	Void    bool     // the cursor that was given is not of this log; Client.Gap is called next
}

// Client is a gateway's side of a session. Its methods are called by the session's
// worker; what they are given is lent. They must not end or use a session that is
// Closing.
type Client interface {
	LoggedIn(s *Session, in Admission)
	Done(s *Session, ref RequestRef)
	Sessions(s *Session, ref RequestRef, all []DeviceInfo)
	Joined(s *Session, ref RequestRef, r RoomInfo, from Start)
	Left(s *Session, ref RequestRef)
	Removed(s *Session, why *Removed)
	Created(s *Session, ref RequestRef, r RoomInfo)
	Listed(s *Session, ref RequestRef, rooms []RoomInfo, more bool)
	History(s *Session, ref RequestRef, p HistoryPage)
	Members(s *Session, ref RequestRef, page []MemberInfo, total int, more bool)
	Ack(s *Session, room chat.RoomID, n chat.Nonce, seq chat.Seq)
	Gap(s *Session, room chat.RoomID, epoch chat.Epoch, from, to chat.Seq)
	Failed(s *Session, ref RequestRef, err *chat.Error)
	Reported(s *Session, ref RequestRef, r ReportInfo)
	Reports(s *Session, ref RequestRef, page []ReportInfo, more bool)
	Audit(s *Session, ref RequestRef, page []chat.AuditEntry, more bool)
	Found(s *Session, ref RequestRef, p SearchPage)
	Filtered(s *Session, ref RequestRef, f chat.RoomFilter)
	MadeLink(s *Session, ref RequestRef, l LinkInfo, code string)
	Links(s *Session, ref RequestRef, page []LinkInfo, more bool)

	// Marked and Muted tell of ref.Room how far the user has read, and whether he wants to be
	// told of it. They come without a request, too: another session of his has asked for it.
	Marked(s *Session, ref RequestRef, mark chat.Seq)
	Muted(s *Session, ref RequestRef, muted bool)
	// Followed tells of a thread of ref.Room. It comes without a request, too, as Marked.
	Followed(s *Session, ref RequestRef, f Followed)
	MyRooms(s *Session, ref RequestRef, rooms []MyRoom, more bool)
	Mentions(s *Session, ref RequestRef, p MentionPage)

	// Belongs tells of a room that the user belongs to from now on without having asked for it.
	Belongs(s *Session, room chat.RoomID)

	// Profile answers LookUp and SetProfile, as ref.Kind says, or tells that another session of
	// the user has changed his. Renamed and Blocked likewise tell of what he, or another session
	// of his, has done.
	Profile(s *Session, ref RequestRef, u UserInfo)
	Renamed(s *Session, ref RequestRef, name string)
	Blocked(s *Session, ref RequestRef, whom chat.UserID, removed bool)
	Blocks(s *Session, ref RequestRef, page []chat.Person, more bool)
	SeenBy(s *Session, ref RequestRef, marks []SeenMark)

	// Typing tells that somebody types in a room; it may be left out.
	Typing(s *Session, room chat.RoomID, user chat.UserID, name string)
}

// Session is what the hub knows of an engine session: who it is and where it reads.
// It is the engine session's Data, and belongs to its worker.
type Session struct {
	Engine *engine.Session
	Client Client

	User   chat.UserID // 0 before the login
	Name   string
	device chat.DeviceID
	asking *asking // while a password of it waits to be checked

	places   []place  // rooms joined; few
	first    [1]place // where places lies as long as there is one: most are in one room
	stored   int      // bytes that it has drawn and may have stored; see mayStore
	inFlight int32    // authored events without outcome
	requests int32    // requests at the store, and on their way there
	login    loginState
	holds    holds
	failures uint8  // logins that failed
	trusted  bool   // the rates do not hold for it
	away     bool   // nobody sits at it
	network  uint64 // where it comes from; see limit.Source
	format   formatIndex
	omit     bool // it does not want its own events; see Omit

	messages, asked, bytes limit.Meter // publishes, other requests, bytes received
}

type loginState uint8

const (
	loginNone loginState = iota
	loginAsked
	loginDone
)

// Omit has the rooms that the session joins from here on leave out what the session, or
// its user, has said itself: which of the two the marks of its format decide.
func (s *Session) Omit() { s.omit = true }

// place is a session's presence in a room.
type place struct {
	room   chat.RoomID
	cursor *engine.Cursor // nil until the home has answered

	typedAt   time.Duration // when its user was said to type last, by the worker's clock; 0: never
	ephemeral bool          // known with the cursor
}

func (s *Session) place(r chat.RoomID) *place {
	for i := range s.places {
		if s.places[i].room == r {
			return &s.places[i]
		}
	}
	return nil
}

// inRoom reports whether the session has joined a room and was told so.
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

// source says for whom the store is asked.
func (s *Session) source() limit.Source {
	return limit.Source{Network: s.network, Session: uint64(s.Engine.ID())}
}

// Rooms is the number of rooms that the session is in.
func (s *Session) Rooms() int { return len(s.places) }

// LoggedIn reports whether the session has a user.
func (s *Session) LoggedIn() bool { return s.login == loginDone }

// sessionOf finds the hub's session of an engine session; nil if there is none.
func sessionOf(e *engine.Session) *Session {
	if e == nil || e.Closing() {
		return nil
	}
	s, _ := e.Data.(*Session)
	return s
}

// LaneOf says whose turn on a worker a session shares: that of its network, as at the
// store. It is engine.Config.LaneOf.
func (h *Hub) LaneOf(e *engine.Session) uint64 {
	if o, _ := e.Data.(*Session); o != nil && o.network != 0 {
		return o.network
	}
	return uint64(e.ID())
}

// session finds a session of this shard by its id; nil if it is over.
func (s *Shard) session(id engine.SessionID) *Session { return sessionOf(s.worker.Session(id)) }

// Connected begins a session, whose events are to come in the format f, one of
// Config.Formats. The gateway's handler calls it, before anything else.
func (s *Shard) Connected(e *engine.Session, client Client, f *Format) *Session {
	index, known := s.hub.formatIndex(f)
	engine.Invariant(known, "a session wants a format that the hub was not told of")
	o := &Session{Engine: e, Client: client, format: index}
	peer := e.Peer().Addr()
	if o.trusted = s.hub.limits.config.Trusted.Contains(peer); !o.trusted { // a proxy is not one client
		o.network = limit.NetworkOf(peer)
	}
	e.Data = o
	return o
}

// Disconnected takes a session out of everything, when it is over.
func (s *Shard) Disconnected(o *Session) {
	for _, p := range o.places {
		if p.cursor == nil {
			continue // who is told Joined of a session that is gone leaves for it
		}
		s.leave(o.Engine.ID(), o.User, o.format, p.room, false)
	}
	o.places = nil
	s.giveStored(o)
	if o.asking != nil {
		o.asking.gone.Store(true)
	}
	if o.login == loginDone {
		s.gone(o.User, o.Engine.ID(), o.away)
	}
}

package session

import (
	"math"
	"slices"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// request is a request without an answer.
type request struct {
	id     uint32
	packet packet.ID
	room   chat.RoomID
	cursor *Cursor // of a join
	rejoin bool    // the session's own
	undo   bool    // of a leave: it takes back a rejoin, which nobody is told of
}

// heartbeatValue is the value of a C_PING whose answer nobody waits for.
const heartbeatValue = 0

// nameBytesMax is the longest name that is worth asking the server about: its own
// bound is far below.
const nameBytesMax = 1 << 10

// Join says which room to join, and from where on to read it.
type Join struct {
	Room         chat.RoomID // by id, or
	Name         string      // by name
	Create       bool        // by name: make it if there is none
	Ephemeral    bool        // with Create
	Private      bool        // with Create; not with Ephemeral
	Cursor       *Cursor     // deliver what comes after; nil: the last HistoryItems
	HistoryItems int         // without a Cursor
}

// History says which page of a room's log is wanted.
type History struct {
	Room     chat.RoomID
	After    chat.Seq // events above it, or
	Before   chat.Seq // if not 0: the last events below it
	ItemsMax int      // 0: as many as the server likes to give
}

// The makers return the id of the request, which the answer (an event of the same
// name, or Error) carries. ErrOffline, a *LimitError and errors of the engine mean
// that nothing was sent and no answer will come.

// Join asks to join a room. The answer is Events.Joined; if j.Cursor can not be
// honoured, Events.Gap follows.
func (s *Session) Join(j Join) (uint32, error) { return s.join(j, false) }

func (s *Session) join(j Join, rejoin bool) (uint32, error) {
	m := &sarangv1.Join{
		Room: uint64(j.Room), Name: j.Name, Create: j.Create, Ephemeral: j.Ephemeral, Private: j.Private,
		HistoryItems: wire32(j.HistoryItems),
	}
	r := request{packet: sarangv1.CJoin, room: j.Room, rejoin: rejoin}
	if j.Cursor != nil {
		c := *j.Cursor
		r.cursor = &c
		m.Cursor = &sarangv1.Cursor{Epoch: uint64(c.Epoch), Seq: uint64(c.Seq), TimeMs: uint64(max(c.TimeMs, 0))}
	}
	return s.ask(r, j.Name, func(id uint32) packet.Marshaler { m.Request = id; return m })
}

// Leave asks to leave a joined room: Events.Left. Messages to it that have no answer
// by then are refused.
func (s *Session) Leave(room chat.RoomID) (uint32, error) {
	id, err := s.ask(request{packet: sarangv1.CLeave, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Leave{Request: id, Room: uint64(room)}
	})
	if r := s.state.rooms[room]; r != nil && err == nil {
		r.leaving = true
	}
	return id, err
}

// NewRoom says which room to make.
type NewRoom struct {
	Name      string
	Ephemeral bool // not stored: a restart of the server forgets the log
	Private   bool // for those who were given a role in it, and its maker; not with Ephemeral
}

// Create asks for a new room: Events.Created. It is not joined.
func (s *Session) Create(name string, ephemeral bool) (uint32, error) {
	return s.CreateRoom(NewRoom{Name: name, Ephemeral: ephemeral})
}

// CreateRoom is Create with everything that can be said.
func (s *Session) CreateRoom(n NewRoom) (uint32, error) {
	return s.ask(request{packet: sarangv1.CCreate}, n.Name, func(id uint32) packet.Marshaler {
		return &sarangv1.Create{Request: id, Name: n.Name, Ephemeral: n.Ephemeral, Private: n.Private}
	})
}

// List asks for rooms with ids above after: Events.RoomPage.
func (s *Session) List(after chat.RoomID, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CList}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.List{Request: id, After: uint64(after), ItemsMax: wire32(itemsMax)}
	})
}

// History asks for a page of a room's log, of a room joined or not:
// Events.HistoryPage.
func (s *Session) History(h History) (uint32, error) {
	return s.ask(request{packet: sarangv1.CHistory, room: h.Room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.History{
			Request: id, Room: uint64(h.Room), After: uint64(h.After), Before: uint64(h.Before),
			ItemsMax: wire32(h.ItemsMax),
		}
	})
}

// Members asks for the users present in a room, with ids above after:
// Events.MemberPage.
func (s *Session) Members(room chat.RoomID, after chat.UserID, itemsMax int) (uint32, error) {
	return s.ask(request{packet: sarangv1.CMembers, room: room}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Members{Request: id, Room: uint64(room), After: uint64(after), ItemsMax: wire32(itemsMax)}
	})
}

// Ping probes the server: Events.Pong with the same value, which must not be 0.
func (s *Session) Ping(value uint64) error {
	if value == heartbeatValue {
		return chat.Errorf(chat.CodeBadRequest, "a ping's value must not be 0")
	}
	return s.send(sarangv1.CPing, &sarangv1.Ping{Value: value})
}

// ask sends a request under a new id and notes it.
func (s *Session) ask(r request, name string, message func(id uint32) packet.Marshaler) (uint32, error) {
	switch {
	case !s.online || s.es == nil:
		return 0, ErrOffline
	case len(s.requests) >= RequestsMax:
		return 0, &LimitError{"requests without an answer", RequestsMax}
	case len(name) > nameBytesMax:
		return 0, chat.Errorf(chat.CodeBadName, "the name is too long")
	}
	if s.last++; s.last == 0 {
		s.last++ // 0 is "no request" on the wire
	}
	r.id = s.last
	if err := s.handler.encoder.Send(s.es, r.packet, message(r.id)); err != nil {
		return 0, err
	}
	s.requests = append(s.requests, r)
	return r.id, nil
}

// answered takes out the request that a packet answers.
func (s *Session) answered(id uint32, by, asked packet.ID) (request, error) {
	i := slices.IndexFunc(s.requests, func(r request) bool { return r.id == id && r.packet == asked })
	if i < 0 {
		return request{}, &UnexpectedError{Packet: by, Request: id, What: "it answers no request"}
	}
	r := s.requests[i]
	s.requests = slices.Delete(s.requests, i, i+1)
	return r, nil
}

// rejoin asks for a room that an earlier connection had, from where it stood.
func (s *Session) rejoin(r *room) {
	_, err := s.join(Join{Room: r.info.ID, Cursor: &Cursor{r.info.Epoch, r.seq, r.seqMs}}, true)
	if err == nil {
		r.rejoin = stepSent
	} // else: too many requests; pump comes here again after the next answer
}

// wire32 is a count as the wire has it.
func wire32(n int) uint32 { return uint32(min(max(n, 0), math.MaxInt32)) }

package hub

import (
	"strings"

	"sarang/chat"
	"sarang/internal/limit"
)

// JoinRequest says which room, and from where.
type JoinRequest struct {
	Name             string // lent; used when the Answer has no room
	Create           bool
	Ephemeral        bool
	Epoch            chat.Epoch // of the cursor; 0: no cursor
	Seq              chat.Seq
	HistoryItemsWant int
}

// Join enters a room; the client is told Joined or Failed.
func (s *Shard) Join(o *Session, a Answer, r JoinRequest) {
	if s.mayRequest(o, a, limit.LevelEntries) {
		s.join(o, a, r)
	}
}

func (s *Shard) join(o *Session, a Answer, r JoinRequest) {
	if a.Room != 0 {
		if s.hub.rooms.get(a.Room) == nil {
			s.fail(o, a, noSuchRoom())
			return
		}
		s.enter(o, a, &r)
		return
	}
	if e := s.hub.rooms.named(r.Name); e != nil {
		a.Room = e.room.ID
		s.enter(o, a, &r)
		return
	}
	s.joinParsed(o, a, r)
}

// joinParsed is join for a name that is not that of a room as it stands.
func (s *Shard) joinParsed(o *Session, a Answer, r JoinRequest) {
	name, key, err := chat.ParseRoomName(strings.Clone(r.Name)) // it is lent
	if err != nil {
		s.fail(o, a, asError(err))
		return
	}
	e := s.hub.rooms.find(key)
	switch {
	case e != nil:
		a.Room = e.room.ID
		s.enter(o, a, &r)
	case r.Create:
		s.create(o, a, name, key, r.Ephemeral, func(o *Session, info chat.Room, err *chat.Error) {
			if err != nil && err.Code != chat.CodeRoomExists {
				s.fail(o, a, err)
				return
			}
			r.Name, r.Create = name, false
			s.join(o, a, r)
		})
	default:
		s.fail(o, a, chat.Errorf(chat.CodeNoRoom, "there is no room %q", name))
	}
}

// enter asks the home of the room a.Room, which is there.
func (s *Shard) enter(o *Session, a Answer, r *JoinRequest) {
	if o.place(a.Room) != nil {
		s.fail(o, a, chat.Errorf(chat.CodeBadRequest, "this session is in the room already"))
		return
	}
	if len(o.places) >= s.hub.config.RoomsJoinedMax {
		s.limited(o, limitedRooms)
		s.fail(o, a, chat.Errorf(chat.CodeTooMany, "a session may be in %d rooms at most", s.hub.config.RoomsJoinedMax))
		return
	}
	o.addPlace(a.Room)
	s.command(command{
		kind: commandJoin, session: o.Engine.ID(), user: o.User, name: o.Name, room: a.Room, answer: a,
		epoch: r.Epoch, seq: r.Seq, items: min(r.HistoryItemsWant, s.hub.config.HistoryItemsMax),
	})
}

// Leave leaves a room; the client is told Left or Failed, and hears nothing of the
// room afterwards.
func (s *Shard) Leave(o *Session, a Answer) {
	if !s.mayAsk(o, a) {
		return
	}
	p := o.place(a.Room)
	switch {
	case p == nil:
		s.fail(o, a, chat.Errorf(chat.CodeNotMember, "this session is not in the room"))
		return
	case p.cursor == nil:
		s.fail(o, a, chat.Errorf(chat.CodeBadRequest, "the join of this room is not answered yet"))
		return
	}
	p.cursor.Close()
	o.dropPlace(a.Room)
	s.command(command{kind: commandLeave, session: o.Engine.ID(), user: o.User, room: a.Room, said: true})
	o.Client.Left(o, a)
}

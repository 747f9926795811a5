package hub

import (
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// JoinRequest says which room, and from where.
type JoinRequest struct {
	Name             string // lent; used when the RequestRef has no room
	Create           bool
	Ephemeral        bool
	Private          bool       // with Create
	Epoch            chat.Epoch // of the cursor; 0: no cursor
	Seq              chat.Seq
	SeqMs            int64 // TimeMs of the event Seq, as the client was told; 0: it does not know
	HistoryItemsWant int
}

// Join enters a room; the client is told Joined or Failed.
func (s *Shard) Join(o *Session, ref RequestRef, r JoinRequest) {
	switch {
	case !s.mayRequest(o, ref, limit.LevelEntries) || s.tooManyRooms(o, ref):
	case ref.Room != 0:
		r.Name = ""
		s.enter(o, ref, &r)
	default:
		if e := s.hub.rooms.named(r.Name); e != nil {
			ref.Room, r.Name = e.room.ID, e.room.Name
			s.enter(o, ref, &r)
			return
		}
		s.joinByKey(o, ref, r)
	}
}

// joinByKey is Join for a name that is not that of a loaded room as it stands.
func (s *Shard) joinByKey(o *Session, ref RequestRef, r JoinRequest) {
	name, key, err := chat.ParseRoomName(strings.Clone(r.Name)) // it is lent
	if err != nil {
		s.fail(o, ref, asError(err))
		return
	}
	if err := (&NewRoom{name, r.Ephemeral, r.Private}).check(); r.Create && err != nil {
		s.fail(o, ref, err)
		return
	}
	r.Name = name
	if e := s.hub.rooms.find(key); e != nil {
		ref.Room = e.room.ID
		s.enter(o, ref, &r)
		return
	}
	s.resolve(o, ref, key, nameRequest{
		room: NewRoom{name, r.Ephemeral, r.Private}, create: r.Create,
		then: func(o *Session, id chat.RoomID) {
			ref.Room = id
			s.enter(o, ref, &r)
		},
	})
}

// enter asks the home of the room ref.Room.
func (s *Shard) enter(o *Session, ref RequestRef, r *JoinRequest) {
	told := ref.asked(r.Name)
	switch p := o.place(ref.Room); {
	case p != nil && p.cursor == nil:
		again := *r
		s.afterJoin(o, ref, r.Name, func(o *Session) { s.enter(o, ref, &again) })
		return
	case p != nil:
		s.fail(o, told, chat.Errorf(chat.CodeBadRequest, "this session is in the room already"))
		return
	}
	if s.tooManyRooms(o, told) {
		return
	}
	if !s.mayStore(o, told, 2, 0) { // it comes and it goes
		return
	}
	o.addPlace(ref.Room)
	s.ask(&joinRequest{
		asker: asker{
			session: o.Engine.ID(), network: o.network, user: o.User, name: o.Name, ref: ref,
			byName: r.Name, create: r.Create,
		},
		format: o.format, epoch: r.Epoch, seq: r.Seq, seqMs: r.SeqMs,
		items: min(r.HistoryItemsWant, s.hub.config.HistoryItemsMax),
	})
}

// afterJoin runs then when the join of a room is answered that o waits for. Until it is, it
// is not to be told whether the room is there: it may be hidden.
func (s *Shard) afterJoin(o *Session, ref RequestRef, byName string, then func(*Session)) {
	if !s.begin(o, ref.asked(byName)) {
		return
	}
	s.ask(&joinFollower{
		asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true, byName: byName},
		then:  then,
	})
}

// joinFollower waits behind a join of its session.
type joinFollower struct {
	asker
	then func(*Session)
}

func (f *joinFollower) at(h *home) {
	if !h.waitsBehindJoin(f.user, f.session, func() homeRequest { return f }) {
		h.shard.answer(f.session.Worker(), f)
	}
}

// on is called behind the answer to the join.
func (f *joinFollower) on(s *Shard) {
	if o := s.session(f.session); o != nil {
		o.requests--
		f.then(o)
	}
}

// tooManyRooms refuses a join, of whatever room, of who is in as many as he may.
func (s *Shard) tooManyRooms(o *Session, ref RequestRef) bool {
	if len(o.places) < s.hub.config.RoomsJoinedMax {
		return false
	}
	s.limited(o, limitedRooms)
	s.fail(o, ref, chat.Errorf(chat.CodeTooMany, "a session may be in %d rooms at most", s.hub.config.RoomsJoinedMax))
	return true
}

// joinRequest adds a session to those present.
type joinRequest struct {
	asker
	format formatIndex
	epoch  chat.Epoch // of the cursor; 0: none
	seq    chat.Seq
	seqMs  int64 // of the event seq; 0: not known
	items  int   // of history, without a cursor
	late   bool
}

func (j *joinRequest) at(h *home) {
	if !h.may(j, chat.ActionJoin) {
		return
	}
	if !j.late && h.lacks(j.epoch, j.seq) {
		j.late = true
		h.whenCaughtUp(j)
		return
	}
	same, known := h.sameLog(j)
	if !known {
		h.whenTimed(j)
		return
	}
	start := h.room.StartAt(j.epoch, j.seq, j.items)
	if !same {
		start = h.room.StartAnew(j.items)
	}
	from, info := Start{After: start.After, Void: start.Gap}, h.room.Info()
	switch start.After {
	case info.LastSeq:
		from.AfterMs = info.LastMs
	case j.seq:
		from.AfterMs = j.seqMs
	}
	if !info.Ephemeral {
		h.shard.belong(chat.MemberChange{Kind: chat.MemberEnters, User: j.user, Room: info.ID, Seq: info.LastSeq}, nil)
	}
	h.room.Join(j.user, j.name)
	to := j.session.Worker()
	u := &joined{
		asker: j.asker, format: j.format, info: h.info(),
		from:   from,
		window: h.addReader(j.format, to),
	}
	h.shard.answer(to, u)
	h.touch()
}

// joined tells a session where it stands in a room.
type joined struct {
	asker
	format formatIndex
	info   RoomInfo
	from   Start
	window *engine.Window // of the room, if the shard has no replica in this format yet
}

// on puts the session's cursor on the room's feed.
func (j *joined) on(s *Shard) {
	r := s.attach(j)
	o := s.session(j.session)
	if o == nil {
		s.leave(j.session, j.user, j.format, j.ref.Room, false) // nobody else will
		return
	}
	p := o.place(j.ref.Room)
	engine.Invariant(p != nil && p.cursor == nil, "a session is told of a join that it did not ask for")
	o.Client.Joined(o, j.ref, j.info, j.from)
	if j.from.Void {
		o.Client.Gap(o, j.ref.Room, r.epoch, 0, j.from.After)
	}
	p.ephemeral = j.info.Ephemeral
	p.cursor = o.Engine.Follow(r.feed, uint64(j.from.After)+1)
	if o.omit {
		p.cursor.Omit(s.hub.config.Formats[o.format].Marks.own(o))
	}
}

func (j *joined) drop() {
	if j.window != nil {
		j.window.Release()
	}
}

// Leave leaves a room; the client is told Left or Failed, and nothing of the room
// afterwards.
func (s *Shard) Leave(o *Session, ref RequestRef) {
	if s.mayAsk(o, ref) {
		s.leaveNow(o, ref)
	}
}

func (s *Shard) leaveNow(o *Session, ref RequestRef) {
	p := o.place(ref.Room)
	switch {
	case p == nil:
		s.fail(o, ref, chat.Errorf(chat.CodeNotMember, "this session is not in the room"))
		return
	case p.cursor == nil:
		s.afterJoin(o, ref, "", func(o *Session) { s.leaveNow(o, ref) })
		return
	}
	s.stopReading(o, p)
	o.dropPlace(ref.Room)
	s.leave(o.Engine.ID(), o.User, o.format, ref.Room, true)
	o.Client.Left(o, ref)
}

// leave tells a room's home that a session which it has let in is not there any more.
func (s *Shard) leave(id engine.SessionID, user chat.UserID, f formatIndex, room chat.RoomID, asked bool) {
	s.ask(&leaveRequest{
		asker:  asker{session: id, user: user, ref: RequestRef{Room: room}},
		format: f, asked: asked,
	})
}

// leaveRequest takes a session away from those present.
type leaveRequest struct {
	asker
	format formatIndex
	asked  bool // else the connection was lost
}

func (l *leaveRequest) at(h *home) {
	w := h.shard.worker
	h.dropReader(l.format, l.session.Worker())
	if h.room.Leave(l.user, l.asked, w.Now()) && !h.expiry.Running() {
		h.expiry.Data = h
		w.After(&h.expiry, h.shard.hub.config.AwayGrace, expireAway)
	}
	h.touch()
}

func expireAway(t *engine.Timer) {
	h := t.Data.(*home)
	w := h.shard.worker
	if wait := h.room.Expire(w.Now()); wait >= 0 {
		w.After(t, wait, expireAway)
	}
	h.touch()
}

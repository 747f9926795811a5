package simulate

import (
	"maps"
	"math"
	"slices"

	"sarang/chat"
	sdk "sarang/client/session"
)

// What an actor has read is a number that grows, whatever becomes of server and store, and what
// he has not read is counted here once more. Unless an older copy of the store is put back.

// mark says that the actor has read some of a room, or more than there is.
func (a *actor) mark() {
	s := a.seats[a.run.rng.IntN(len(a.seats))]
	known, ok := a.state.Room(s.room)
	if s.ephemeral || s.leaving || s.void || !ok || !known.Joined {
		return
	}
	for range 1 + a.run.rng.IntN(3) {
		seq := chat.Seq(a.run.rng.Uint64N(uint64(s.last) + 2))
		if a.run.rng.IntN(8) == 0 {
			seq += 1 << 40
		}
		a.markTo(s, seq)
	}
	if a.run.rng.IntN(4) == 0 { // while they are on their way
		a.link.askMine(0, false)
	}
}

func (a *actor) markTo(s *seat, seq chat.Seq) {
	id, err := a.link.session.Mark(s.room, seq)
	a.note("has read room %d up to %d: request %d, %v", s.room, seq, id, err)
	a.link.ask(id, err, &asked{kind: askMark, room: s.room, mark: min(seq, s.last)})
}

// askMine asks for the rooms that the actor belongs to.
func (l *link) askMine(after chat.RoomID, walk bool) {
	id, err := l.session.MyRooms(after, 0)
	l.note("wants its rooms after %d: request %d, %v", after, id, err)
	l.ask(id, err, &asked{kind: askMine, room: after, walk: walk, marks: maps.Clone(l.actor.marks)})
}

// Marked answers mark, or tells what an earlier connection has asked for.
func (l *link) Marked(_ *sdk.Session, m sdk.Marked) {
	l.note("has read room %d up to %d", m.Room, m.Seq)
	if m.Request != 0 {
		if q := l.answer(m.Request, askMark); q.room != m.Room || m.Seq < q.mark {
			l.fail("has read room %d up to %d, and is told %d of room %d", q.room, q.mark, m.Seq, m.Room)
		}
	}
	l.marks(m.Room, m.Seq, l.actor.marks)
}

// marks looks at a mark that is told, by who must know of some that were told before.
func (l *link) marks(room chat.RoomID, seq chat.Seq, known map[chat.RoomID]chat.Seq) {
	a := l.actor
	if last := chat.Seq(len(a.run.model.logs[room])); seq > last {
		l.fail("has read room %d up to %d, it is told; stored are %d", room, seq, last)
	}
	if seq < known[room] {
		l.fail("has read room %d up to %d, and is told %d", room, known[room], seq)
	}
	if a.marks == nil {
		a.marks = map[chat.RoomID]chat.Seq{}
	}
	a.marks[room] = max(a.marks[room], seq)
	a.run.counts.Marks++
}

// MyRoomPage is compared with the logs. It is what the store had at a moment since it was asked
// for, and may wait behind other answers until there is room for it: a mark that is told
// meanwhile goes ahead of it and may be larger.
func (l *link) MyRoomPage(_ *sdk.Session, p sdk.MyRoomPage) {
	l.note("has %d rooms", len(p.Rooms))
	a := l.actor
	q := l.answer(p.Request, askMine)
	for i := range p.Rooms {
		r := &p.Rooms[i]
		log := a.run.model.logs[r.Room.ID]
		if r.Room.LastSeq > chat.Seq(len(log)) {
			l.fail("its room %d is said to end at %d; stored are %d", r.Room.ID, r.Room.LastSeq, len(log))
		}
		l.marks(r.Room.ID, r.Mark, q.marks)
		unread, last := uint64(0), chat.Event{}
		for _, e := range log[:r.Room.LastSeq] {
			if e.Kind != chat.EventMessage {
				continue
			}
			if last = e; e.Seq > r.Mark {
				unread++
			}
		}
		if r.Unread != unread || r.Last.Seq != last.Seq || !l.mayBeLast(r.Room.ID, r.Last.Seq, r.Last.Text) {
			l.fail("in room %d, read up to %d, %d messages are unread and %d is the last, it is told; the log says %d and %d",
				r.Room.ID, r.Mark, r.Unread, r.Last.Seq, unread, last.Seq)
		}
	}
	if !q.walk {
		return
	}
	end := chat.RoomID(math.MaxUint64)
	if p.More {
		end = p.Rooms[len(p.Rooms)-1].Room.ID
		defer l.askMine(end, true)
	}
	for _, s := range a.seats { // nothing moves: what it is in, it belongs to
		if !s.ephemeral && s.room > q.room && s.room <= end && !slices.ContainsFunc(p.Rooms, func(r sdk.MyRoom) bool { return r.Room.ID == s.room }) {
			l.fail("is in room %d, and does not belong to it: %+v", s.room, p.Rooms)
		}
	}
}

// mayBeLast reports whether the last message of a room may be told with a text: that of it or of
// an edit, or none if it was deleted.
func (l *link) mayBeLast(id chat.RoomID, seq chat.Seq, text string) bool {
	m := l.actor.run.model
	if text == "" {
		return seq == 0 || m.logs[id][seq-1].Text == ""
	}
	p := m.past(id)
	for _, of := range p.texts(seq) {
		if chat.LastText(p.event(of).Text) == text {
			return m.mayStillTell(l, id, of)
		}
	}
	return false
}

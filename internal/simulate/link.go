package simulate

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"sarang/chat"
	sdk "sarang/client/session"
	"sarang/engine"
	"sarang/internal/simulate/linear"
)

// link is one connection of an actor: what was asked on it, and what it is told.
type link struct {
	sdk.NopEvents
	actor   *actor
	session *sdk.Session
	asked   map[uint32]*asked
	last    *asked // that was asked
	pings   []uint64
	pinged  uint64
	online  bool
	opened  time.Duration
	resumed bool
	over    bool
	told    map[chat.RoomID]chat.Seq // as in asked, when it was logged in
	later   time.Duration            // after which the server has said to come back; 0: it has not
	spoken  bool                     // the server has said goodbye
}

// asked is a request without an answer.
type asked struct {
	kind   askKind
	room   chat.RoomID
	plan   roomPlan     // join
	items  int          // join
	page   sdk.History  // history
	search sdk.Search   // search
	after  chat.UserID  // members
	mark   chat.Seq     // mark
	walk   bool         // go on to the end, in the end of the run
	err    *chat.Error  // it was refused
	known  chat.Seq     // history: what was stored when it was asked for
	seat   *seat        // history: the place that it was asked from
	seen   *linear.Page // history of a durable room

	// What somebody had heard of by then: an answer must not know less. Durable rooms.
	told map[chat.RoomID]chat.Seq

	marks map[chat.RoomID]chat.Seq // mine: what the actor was told by then
}

type askKind uint8

const (
	askJoin askKind = iota
	askLeave
	askCreate
	askList
	askHistory
	askMembers
	askMark
	askMine
	askSearch
)

func (l *link) note(format string, args ...any) { l.actor.note(format, args...) }

func (l *link) fail(format string, args ...any) {
	l.actor.run.fail(l.actor.name+": "+format, args...)
}

// ask notes a request that was sent.
func (l *link) ask(id uint32, err error, q *asked) {
	var limit *sdk.LimitError
	switch {
	case err == nil:
		l.asked[id], l.last = q, q
	case errors.As(err, &limit), errors.Is(err, engine.ErrDirectQueue), errors.Is(err, sdk.ErrOffline):
	default:
		l.fail("a request can not be sent: %v", err)
	}
}

// answer takes out the request that is answered.
func (l *link) answer(id uint32, kind askKind) *asked {
	q := l.asked[id]
	if q == nil || q.kind != kind {
		l.fail("an answer of kind %d to request %d, which was not asked or has been answered", kind, id)
	}
	delete(l.asked, id)
	return q
}

func (l *link) joining(name string) bool {
	for _, q := range l.asked {
		if q.kind == askJoin && q.plan.name == name {
			return true
		}
	}
	return false
}

func (l *link) join(p roomPlan) {
	items := l.actor.run.rng.IntN(l.actor.run.plan.historyItemsMax + 3)
	id, err := l.session.Join(sdk.Join{Name: p.name, Create: true, Ephemeral: p.ephemeral, HistoryItems: items})
	l.note("joins %s with %d items: request %d, %v", p.name, items, id, err)
	l.ask(id, err, &asked{kind: askJoin, plan: p, items: items, told: maps.Clone(l.actor.run.model.told)})
}

func (l *link) askHistory(h sdk.History, walk bool) {
	r := l.actor.run
	q := &asked{
		kind: askHistory, room: h.Room, page: h, walk: walk, known: chat.Seq(len(r.model.logs[h.Room])),
		seat: l.actor.seat(h.Room), told: maps.Clone(r.model.told),
	}
	if !r.ephemeral(h.Room) {
		q.seen = r.seen.Asked(l.actor.id, h.Room, h.After, h.Before)
	}
	id, err := l.session.History(h)
	l.note("wants history of %d after %d before %d, %d items: request %d, %v", h.Room, h.After, h.Before, h.ItemsMax, id, err)
	l.ask(id, err, q)
}

func (l *link) askMembers(room chat.RoomID, after chat.UserID, walk bool) {
	id, err := l.session.Members(room, after, l.actor.run.rng.IntN(l.actor.run.plan.historyItemsMax+1))
	l.note("wants members of %d after %d: request %d, %v", room, after, id, err)
	l.ask(id, err, &asked{kind: askMembers, room: room, after: after, walk: walk})
}

func (l *link) list(after chat.RoomID, walk bool) {
	id, err := l.session.List(after, 1+l.actor.run.rng.IntN(4))
	l.note("wants the rooms after %d: request %d, %v", after, id, err)
	l.ask(id, err, &asked{kind: askList, room: after, walk: walk, told: maps.Clone(l.actor.run.model.told)})
}

func (l *link) create() {
	rooms := l.actor.run.plan.rooms
	p := rooms[l.actor.run.rng.IntN(len(rooms))]
	if l.actor.run.rng.IntN(2) == 0 { // one that nobody will join
		p.name += fmt.Sprintf("-%d", l.actor.run.rng.IntN(1000))
	}
	id, err := l.session.Create(p.name, p.ephemeral)
	l.note("creates %s: request %d, %v", p.name, id, err)
	l.ask(id, err, &asked{kind: askCreate, plan: p})
}

func (l *link) ping() {
	l.pinged++
	if l.session.Ping(l.pinged) == nil {
		l.pings = append(l.pings, l.pinged)
	}
}

// LoggedIn checks that a user stays the same.
func (l *link) LoggedIn(_ *sdk.Session, in sdk.LoggedIn) {
	a := l.actor
	a.note("is logged in as user %d", in.User)
	if a.user != 0 && a.user != in.User {
		l.fail("was user %d and is user %d now", a.user, in.User)
	}
	a.user = in.User
	if sent := a.run.storedOf(in.User); in.SentCount > sent {
		l.fail("is told to have sent %d messages; stored are %d", in.SentCount, sent)
	}
	if l.online {
		l.fail("is logged in twice")
	}
	l.online, l.told = true, maps.Clone(a.run.model.told)
}

// Resumed: everything is back.
func (l *link) Resumed(*sdk.Session) {
	l.note("is resumed")
	l.resumed = true
}

// Created answers create.
func (l *link) Created(_ *sdk.Session, c sdk.Created) {
	l.note("has created room %d", c.Room.ID)
	if q := l.answer(c.Request, askCreate); q.plan.name != c.Room.Name || q.plan.ephemeral != c.Room.Ephemeral {
		l.fail("created %+v, wanted %+v", c.Room, q.plan)
	}
}

// RoomPage answers list.
func (l *link) RoomPage(_ *sdk.Session, p sdk.RoomPage) {
	l.note("is told of %d rooms", len(p.Rooms))
	q := l.answer(p.Request, askList)
	last := q.room
	for i := range p.Rooms {
		if p.Rooms[i].ID <= last {
			l.fail("a page of rooms after %d has room %d after room %d", q.room, p.Rooms[i].ID, last)
		}
		last = p.Rooms[i].ID
		l.notOlder(&p.Rooms[i], q.told)
	}
	if q.walk {
		l.actor.run.roomsSeen(l, p, last)
	}
}

// notOlder checks that the end of a room's log is not before what somebody has heard
// of already.
func (l *link) notOlder(room *sdk.RoomInfo, told map[chat.RoomID]chat.Seq) {
	if !room.Ephemeral && room.LastSeq < told[room.ID] {
		l.fail("room %d is said to end at %d, but somebody has heard of %d before", room.ID, room.LastSeq, told[room.ID])
	}
}

// Pong answers ping: in order, for it is one stream.
func (l *link) Pong(_ *sdk.Session, value uint64) {
	if len(l.pings) == 0 || l.pings[0] != value {
		l.fail("a pong with value %d, waiting for %v", value, l.pings)
	}
	l.pings = l.pings[1:]
}

// Error is the failure of a request.
func (l *link) Error(_ *sdk.Session, f sdk.Failure) {
	l.note("request %d, packet %d failed: %v", f.Request, f.Packet, f.Err)
	a := l.actor
	switch f.Err.Code {
	case chat.CodeUnavailable, chat.CodeDraining, chat.CodeTooMany, chat.CodeRoomExists, chat.CodeNameTaken:
	case chat.CodeTooFast:
		if !a.run.plan.limits.any {
			l.fail("request %d is too fast, and there are no limits", f.Request)
		}
	default:
		l.fail("request %d, packet %d failed: %v (code %d)", f.Request, f.Packet, f.Err, f.Err.Code)
	}
	switch {
	case f.Request == 0:
		a.loginFailed(f.Err)
	case f.Rejoin:
		if !f.Retrying {
			l.fail("can not come back to room %d: %v", f.Room, f.Err)
		}
	case l.asked[f.Request] == nil:
		l.fail("an error answers request %d, which was not asked or has been answered", f.Request)
	default:
		q := l.asked[f.Request]
		delete(l.asked, f.Request)
		q.err = f.Err
		if q.kind == askLeave {
			a.seat(q.room).leaving = false
		}
		if q.walk {
			a.again = append(a.again, repeat{a.run.world.Now() + f.Err.RetryAfter, q})
		}
	}
}

// loginFailed tries again, by another name if need be: the claim that took this one
// may have been its own, with an answer that was lost.
func (a *actor) loginFailed(err *chat.Error) {
	if err.Code == chat.CodeNameTaken {
		if a.user != 0 {
			a.run.fail("%s has a name, and it is somebody else's now: %v", a.name, err)
		}
		a.renamed++
		a.link.session.SetName(a.name+"x"+string(rune('a'+a.renamed%26))+string(rune('a'+a.renamed/26%26)), nil)
	}
	a.link.later = err.RetryAfter
	a.link.session.Close() // and once more after a while
}

// Fault is always the server's fault.
func (l *link) Fault(_ *sdk.Session, err error) {
	var e *sdk.UnexpectedError
	if errors.As(err, &e) && e.Nonce != 0 {
		w := l.actor.run.model.wanted[e.Nonce]
		if w != nil && w.by == l.actor && w.outcome == outcomeUntold && l.actor.seat(w.room) != nil {
			return // the outcome of a message, told when its room was left and joined again
		}
	}
	l.fail("the server has broken the protocol: %v", err)
}

// Goodbye is noted.
func (l *link) Goodbye(_ *sdk.Session, g sdk.Goodbye) {
	l.note("is told goodbye: %v", g.Err)
	l.spoken, l.later = true, g.Err.RetryAfter
}

// comeBack is how long the actor waits before it connects again. If it was told, so long:
// but some have no patience while nothing is healed.
func (a *actor) comeBack(l *link) time.Duration {
	wait := a.run.retryDelay()
	if !a.run.plan.limits.any {
		return wait
	}
	if a.run.healed || a.id%4 > 0 {
		wait = max(wait, l.later)
	}
	// Closed without a word, again and again: later each time.
	a.refused++
	if l.online || l.spoken {
		a.refused = 0
	}
	return wait + time.Duration(a.run.rng.Int64N(int64(50*time.Millisecond<<min(a.refused, 6))))
}

// Disconnected is the end of the link.
func (l *link) Disconnected(_ *sdk.Session, why engine.Reason) {
	a := l.actor
	if l.over || a.link != l {
		l.fail("a link ends twice")
	}
	l.over, a.link = true, nil
	a.note("is disconnected: %v", why)
	if why.Code == engine.ReasonFrame {
		l.fail("framing was lost: %v", why)
	}
	a.retryAt = a.run.world.Now() + a.comeBack(l)
	if a.hurry {
		a.hurry, a.retryAt = false, a.run.world.Now()
	}
	for i := len(a.seats) - 1; i >= 0; i-- {
		if s := a.seats[i]; s.leaving {
			a.unseat(s) // the client does not come back to a room that it was leaving
		}
	}
}

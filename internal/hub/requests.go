package hub

import (
	"context"
	"errors"
	"strings"
	"time"
	"unsafe"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

func asError(err error) *chat.Error {
	var e *chat.Error
	if errors.As(err, &e) {
		return e
	}
	return &chat.Error{Code: chat.CodeInternal, Message: "internal error", Err: err}
}

// mayAsk checks that o may make requests.
func (s *Shard) mayAsk(o *Session, a Answer) bool {
	if o.login != loginDone {
		s.fail(o, a, chat.Errorf(chat.CodeNotLoggedIn, "log in first"))
		return false
	}
	return true
}

// Publish sends a text to a room; the client is told Ack or Failed. text is copied.
// When too many of the session's messages are on their way, its packets wait: those
// that have arrived here, the others in its socket.
func (s *Shard) Publish(o *Session, a Answer, text string) {
	if !s.mayAsk(o, a) || s.tooFastMessage(o, a) {
		return
	}
	switch p := o.place(a.Room); {
	case p == nil:
		s.fail(o, a, chat.Errorf(chat.CodeNotMember, "join the room before you publish to it"))
		return
	case a.Nonce == 0:
		s.fail(o, a, chat.Errorf(chat.CodeBadRequest, "a nonce must not be 0"))
		return
	case s.hub.draining.Load():
		s.fail(o, a, draining())
		return
	case !s.takesPublish(o, a):
		return
	}
	if err := chat.CheckText(text, s.hub.config.TextBytesMax); err != nil {
		s.fail(o, a, asError(err))
		return
	}
	if o.inFlight++; int(o.inFlight) >= s.hub.config.PublishesInFlightMax {
		o.hold(holdInFlight)
	}
	s.command(command{
		kind: commandPublish, session: o.Engine.ID(), user: o.User, name: o.Name,
		room: a.Room, answer: a, text: s.keep(text),
	})
}

// takesPublish refuses a message that the load does not allow.
func (s *Shard) takesPublish(o *Session, a Answer) bool {
	below := limit.LevelPublishes
	switch level := s.hub.load.now(); {
	case s.hub.pending.Load() >= int64(s.hub.config.PublishBytesPendingMax):
	case level >= limit.LevelPublishes:
	case level >= limit.LevelEphemeral && s.isEphemeral(a.Room):
		below = limit.LevelEphemeral
	default:
		return true
	}
	s.limited(o, limitedAt(below))
	err := overloaded("too many messages wait; try again with the same nonce")
	err.RetryAfter += s.spread(o, a)
	s.fail(o, a, err)
	return false
}

func (s *Shard) isEphemeral(id chat.RoomID) bool {
	if l := s.locals[id]; l != nil {
		return l.ephemeral
	}
	e := s.hub.rooms.get(id)
	return e != nil && e.room.Ephemeral
}

// textArenaBytes is how many bytes of text share an allocation.
const textArenaBytes = 16 << 10

// keep copies a lent text. Texts of the same time share a piece of memory, which lives
// until the last of them is stored.
func (s *Shard) keep(text string) string {
	if len(text) > textArenaBytes/4 {
		return string(append([]byte(nil), text...))
	}
	if len(s.texts)+len(text) > cap(s.texts) {
		s.texts = make([]byte, 0, textArenaBytes)
	}
	at := len(s.texts)
	s.texts = append(s.texts, text...)
	return unsafe.String(&s.texts[at], len(text))
}

// Create makes a room; the client is told Created or Failed.
func (s *Shard) Create(o *Session, a Answer, name string, ephemeral bool) {
	if !s.mayRequest(o, a, limit.LevelEntries) {
		return
	}
	display, key, err := chat.ParseRoomName(strings.Clone(name)) // it is lent
	if err != nil {
		s.fail(o, a, asError(err))
		return
	}
	s.create(o, a, display, key, ephemeral, func(o *Session, info chat.Room, err *chat.Error) {
		if err != nil {
			s.fail(o, a, err)
			return
		}
		o.Client.Created(o, a, RoomInfo{Room: info})
	})
}

// create makes a room in the store and in the directory; then is called if the session
// is still there.
func (s *Shard) create(o *Session, a Answer, name, key string, ephemeral bool, then func(*Session, chat.Room, *chat.Error)) {
	r := chat.Room{Name: name, Key: key, Epoch: s.hub.newEpoch(), Ephemeral: ephemeral, CreatedMs: s.hub.nowMs()}
	s.ask(o, a, s.hub.claims, func(ctx context.Context) func(*Session) {
		made, err := s.hub.makeRoom(ctx, r)
		return func(o *Session) {
			if err != nil {
				then(o, chat.Room{}, s.hub.typed("creating a room", err))
				return
			}
			then(o, made, nil)
		}
	})
}

// makeRoom adds a room to the store and to the directory. One at a time: who is told
// that a room exists must find it in the directory. When a crowd comes to a room that is
// not there yet, the store hears of it once.
func (h *Hub) makeRoom(ctx context.Context, r chat.Room) (chat.Room, error) {
	h.making.Lock()
	defer h.making.Unlock()
	if h.rooms.find(r.Key) != nil {
		return chat.Room{}, chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", r.Name)
	}
	made, err := h.config.Store.CreateRoom(ctx, r)
	if err == nil {
		h.rooms.add(made, 0)
	}
	return made, err
}

// ask runs a request at the store as one of its tasks, and what it returns on the worker,
// if the session is still there.
func (s *Shard) ask(o *Session, a Answer, at *tasks, request func(context.Context) func(*Session)) {
	if int(o.requests) >= s.hub.config.RequestsInFlightMax {
		s.limited(o, limitedInFlight)
		s.fail(o, a, chat.Errorf(chat.CodeTooMany, "a session may have %d such requests unanswered", s.hub.config.RequestsInFlightMax))
		return
	}
	o.requests++
	id := o.Engine.ID()
	ok := s.give(at, func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.hub.config.StoreTimeout)
		defer cancel()
		answer := request(ctx)
		s.worker.Post(&reply{s.hub.config.AnswerQueueBytesMax, id, answer})
	})
	if !ok {
		o.requests--
		s.limited(o, limitedReads)
		s.fail(o, a, overloaded("too many requests wait for the store; try again"))
	}
}

// reply is an answer on its way from the store to its session. It waits until the
// session has sent what it has to say: pages are large, and who asks for several is not
// to be taken for somebody who does not read them.
type reply struct {
	queueBytesMax int
	session       engine.SessionID
	answer        func(*Session)
}

const replyLook = 20 * time.Millisecond

// Deliver gives the answer, if the session is still there.
func (r *reply) Deliver(w *engine.Worker) {
	o := sessionOf(w.Session(r.session))
	switch {
	case o == nil:
	case o.Engine.QueuedBytes() > r.queueBytesMax:
		w.After(&engine.Timer{Data: r}, replyLook, func(*engine.Timer) { r.Deliver(w) })
	default:
		o.requests--
		r.answer(o)
	}
}

// List tells the client a page of all rooms.
func (s *Shard) List(o *Session, a Answer, after chat.RoomID, itemsWant int) {
	if !s.mayRequest(o, a, limit.LevelReads) {
		return
	}
	rooms, more := s.hub.rooms.page(after, s.items(itemsWant))
	o.Client.Listed(o, a, rooms, more)
}

func (s *Shard) items(want int) int {
	if want <= 0 || want > s.hub.config.HistoryItemsMax {
		return s.hub.config.HistoryItemsMax
	}
	return want
}

// History tells the client a page of a room's stored log: the events above after, or,
// if before is not 0, the last ones below it.
func (s *Shard) History(o *Session, a Answer, after, before chat.Seq, itemsWant int) {
	if !s.mayRequest(o, a, limit.LevelReads) {
		return
	}
	e := s.hub.rooms.get(a.Room)
	if e == nil {
		s.fail(o, a, noSuchRoom())
		return
	}
	items := s.items(itemsWant)
	s.ask(o, a, s.hub.reads, func(ctx context.Context) func(*Session) {
		var events []chat.Event
		var more bool
		var err error
		switch {
		case e.room.Ephemeral:
		case before > 0:
			events, more, err = s.hub.pageBelow(ctx, a.Room, before, items)
		default:
			events, more, err = s.hub.pageAbove(ctx, a.Room, after, items)
		}
		return func(o *Session) {
			if err != nil {
				s.fail(o, a, s.hub.typed("reading history", err))
				return
			}
			o.Client.History(o, a, e.room.Epoch, events, more)
		}
	})
}

// historyBytesMax keeps a page within one packet, with room for names and numbers.
const historyBytesMax = 32 << 10

func (h *Hub) pageAbove(ctx context.Context, r chat.RoomID, after chat.Seq, items int) ([]chat.Event, bool, error) {
	events, err := h.config.Store.History(ctx, r, after, items+1, historyBytesMax)
	if len(events) > items {
		return events[:items], true, err
	}
	if err != nil || len(events) == 0 {
		return nil, false, err
	}
	last, err := h.config.Store.LastSeq(ctx, r)
	return events, events[len(events)-1].Seq < last, err
}

// pageBelow reads forward to below before, and keeps what fits at the end.
func (h *Hub) pageBelow(ctx context.Context, r chat.RoomID, before chat.Seq, items int) ([]chat.Event, bool, error) {
	last, err := h.config.Store.LastSeq(ctx, r)
	if err != nil {
		return nil, false, err
	}
	before = min(before, last+1)
	after := before - min(before, chat.Seq(items)+1)
	var events []chat.Event
	for at := after; at+1 < before; {
		page, err := h.config.Store.History(ctx, r, at, int(before-at)-1, 8*historyBytesMax)
		if err != nil {
			return nil, false, err
		}
		if len(page) == 0 {
			break
		}
		events = append(events, page...)
		at = page[len(page)-1].Seq
	}
	from, bytes := len(events), 0
	for from > 0 && (from == len(events) || bytes+len(events[from-1].Text) <= historyBytesMax) {
		from--
		bytes += len(events[from].Text)
	}
	events = events[from:]
	return events, len(events) > 0 && events[0].Seq > 1, nil
}

// Members tells the client a page of who is in a room.
func (s *Shard) Members(o *Session, a Answer, after chat.UserID, itemsWant int) {
	if !s.mayRequest(o, a, limit.LevelReads) {
		return
	}
	if s.hub.rooms.get(a.Room) == nil {
		s.fail(o, a, noSuchRoom())
		return
	}
	s.command(command{
		kind: commandMembers, session: o.Engine.ID(), room: a.Room, answer: a,
		seq: chat.Seq(after), items: s.items(itemsWant),
	})
}

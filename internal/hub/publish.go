package hub

import (
	"slices"
	"unsafe"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/internal/room"
)

// Message is what somebody says. Text is lent.
type Message struct {
	Text   string
	Target chat.Seq // an earlier event of the room that it answers; 0: none
	Root   chat.Seq // the first message of the thread that it belongs to; 0: none, or Target
	Files  []uint64 // that it names, by their ids; lent
}

// Publish sends a message to a room; the client is told Ack or Failed. When too many of
// the session's messages are on their way, its packets wait: those that have arrived
// here, the others in its socket.
func (s *Shard) Publish(o *Session, ref RequestRef, m Message) {
	if !s.mayPublish(o, ref) {
		return
	}
	if err := s.checkMessage(o, ref, &m); err != nil {
		s.fail(o, ref, err)
		return
	}
	if !o.place(ref.Room).ephemeral && (!s.diskTakes(o, ref) || !s.mayStore(o, ref, 1, len(m.Text))) {
		return
	}
	p := publishRequest{kind: chat.EventMessage, text: s.keep(m.Text), target: m.Target, root: m.Root}
	if len(m.Files) > 0 {
		s.authorWithFiles(o, ref, p, m.Files)
		return
	}
	s.author(o, ref, p)
}

// checkMessage checks what is said: a text, or files, or both.
func (s *Shard) checkMessage(o *Session, ref RequestRef, m *Message) *chat.Error {
	if m.Text != "" || len(m.Files) == 0 {
		if err := s.checkText(m.Text); err != nil {
			return asError(err)
		}
	}
	if len(m.Files) == 0 {
		return nil
	}
	return s.checkFiles(o, ref, m.Files)
}

// checkText checks what somebody says.
func (s *Shard) checkText(text string) error {
	if err := chat.CheckText(text, s.hub.config.TextBytesMax); err != nil {
		return err
	}
	return chat.CheckMentions(text)
}

// mayPublish checks what a message, and every other event that is authored at a message's cost, needs.
func (s *Shard) mayPublish(o *Session, ref RequestRef) bool {
	return s.mayAsk(o, ref) && !s.tooFastMessage(o, ref) && s.mayAuthor(o, ref) && s.takesPublish(o, ref)
}

// mayAuthor checks what all authored events need.
func (s *Shard) mayAuthor(o *Session, ref RequestRef) bool {
	switch {
	case o.place(ref.Room) == nil:
		s.fail(o, ref, notMember())
	case ref.Nonce == 0:
		s.fail(o, ref, chat.Errorf(chat.CodeBadRequest, "a nonce must not be 0"))
	case s.hub.draining.Load():
		s.fail(o, ref, draining())
	default:
		return true
	}
	return false
}

// author sends an event of o to its room.
func (s *Shard) author(o *Session, ref RequestRef, p publishRequest) {
	s.publishes(o)
	s.send(o, ref, p)
}

// send is author for an event that counts as being on its way.
func (s *Shard) send(o *Session, ref RequestRef, p publishRequest) {
	p.session, p.network, p.user, p.name, p.nonce = o.Engine.ID(), o.network, o.User, o.Name, ref.Nonce
	p.early = !o.inRoom(ref.Room)
	s.request(roomRequest{room: ref.Room, publish: p})
}

// takesPublish refuses a message that the load does not allow.
func (s *Shard) takesPublish(o *Session, ref RequestRef) bool {
	below := limit.LevelPublishes
	switch level := s.hub.load.now(); {
	case s.hub.pending.Load() >= int64(s.hub.config.PublishBytesPendingMax):
	case level >= limit.LevelPublishes:
	case level >= limit.LevelEphemeral && s.hub.rooms.isEphemeral(ref.Room):
		below = limit.LevelEphemeral
	default:
		return true
	}
	s.limited(o, limitedAt(below))
	err := overloaded("too many messages wait; try again with the same nonce")
	err.RetryAfter += s.spread(o, ref)
	s.fail(o, ref, err)
	return false
}

// textArenaBytes is how many bytes of text share an allocation.
const textArenaBytes = 16 << 10

// keep copies a lent text. Texts of the same time share a piece of memory, which lives
// until the last of them is stored.
func (s *Shard) keep(text string) string {
	if text == "" {
		return ""
	}
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

// publishRequest is an authored event on its way to its room.
type publishRequest struct {
	session  engine.SessionID // 0: nobody waits for the outcome
	network  uint64           // of the session; see limit.Source
	user     chat.UserID
	name     string
	nonce    chat.Nonce
	text     string
	files    chat.FileList
	target   chat.Seq
	root     chat.Seq
	subject  chat.UserID
	role     chat.Role
	forMs    int64  // the role ends by itself so long after the event; 0: not
	value    uint32 // of settings
	key      string // of a name, the form that names are compared by
	renamed  bool   // the store has given the room that name
	kind     chat.EventKind
	operator bool
	invited  bool // he comes by an invitation: only if he is nothing in the room yet
	late     bool // it has waited for what others have written
	early    bool // it came before its session's join was answered
}

func (p *publishRequest) asker(room chat.RoomID) asker {
	return asker{session: p.session, network: p.network, user: p.user, ref: RequestRef{Event: p.kind, Room: room, Nonce: p.nonce}, early: p.early}
}

// publishAgain is a publish that had to wait for something that the room did not know.
type publishAgain struct {
	asker
	publish publishRequest
}

func (r *publishAgain) at(h *home) { h.publish(&r.publish) }

func (h *home) publish(p *publishRequest) {
	if err := h.ending(chat.ActionPublish); err != nil {
		h.refusePublish(p, err)
		return
	}
	if p.early && h.waitsBehindJoin(p.user, p.session, func() homeRequest { return p.again(h) }) {
		return
	}
	if !p.operator && !h.room.IsPresent(p.user) { // asked first: nothing is looked up in a room that may be hidden
		h.refusePublish(p, notMember())
		return
	}
	if !p.late && h.lacks(h.room.Info().Epoch, p.target) {
		again := p.again(h)
		again.publish.late = true
		h.whenCaughtUp(again)
		return
	}
	if p.kind.Rules() && !p.operator && !h.room.Loaded(p.subject) {
		h.whenKnown(p.subject, p.again(h))
		return
	}
	if !h.passes(p) || !h.knowsTarget(p) || !h.hasName(p) {
		return
	}
	counts := &h.shard.hub.counts
	outcome, seq, err := h.room.Publish(room.Publish{
		Kind: p.kind, User: p.user, Name: p.name, Nonce: p.nonce, Text: p.text, Files: p.files, Target: p.target, Root: p.root,
		Subject: p.subject, Role: p.role, ForMs: p.forMs, Value: p.value, Operator: p.operator, Invited: p.invited, Ref: room.Ref(p.session),
	})
	switch outcome {
	case room.Queued:
		counts.published.Add(1)
		h.touch()
	case room.Duplicate:
		h.Duplicate(room.Ack{Ref: room.Ref(p.session), Kind: p.kind, Nonce: p.nonce, Seq: seq})
	case room.NeedAuthor:
		counts.published.Add(1)
		h.touch()
		h.loadAuthor(limit.Source{Network: p.network, Session: uint64(p.session)}, p.user)
	case room.Refused:
		h.refusePublish(p, err)
	}
}

func (h *home) refusePublish(p *publishRequest, err *chat.Error) {
	h.shard.hub.counts.refused.Add(1)
	if h.linkEvent(room.Ref(p.session), err) {
		return
	}
	who := p.asker(h.id())
	h.shard.refuse(&who, err)
}

// waitsBehindJoin has a request wait if a join of its session does: they stay in order.
func (h *home) waitsBehindJoin(u chat.UserID, id engine.SessionID, request func() homeRequest) bool {
	switch {
	case behindJoin(h.authorsAsked[u], id):
		h.authorsAsked[u] = append(h.authorsAsked[u], request())
	case behindJoin(h.catchUp.asked, id):
		h.catchUp.asked = append(h.catchUp.asked, request())
	case behindJoin(h.catchUp.waiting, id):
		h.catchUp.waiting = append(h.catchUp.waiting, request())
	default:
		for seq, waiting := range h.timesAsked {
			if behindJoin(waiting, id) {
				h.timesAsked[seq] = append(waiting, request())
				return true
			}
		}
		return false
	}
	return true
}

// again is what runs the publish once more, later.
func (p *publishRequest) again(h *home) *publishAgain { return &publishAgain{p.asker(h.id()), *p} }

func behindJoin(waiting []homeRequest, id engine.SessionID) bool {
	return slices.ContainsFunc(waiting, func(r homeRequest) bool {
		j, ok := r.(*joinRequest)
		return ok && j.session == id
	})
}

// ack tells a publisher that his event is in the log.
func (h *home) ack(a room.Ack) {
	to := engine.SessionID(a.Ref)
	if a.Ref == 0 {
		h.shard.hub.operated.tell(to, a.Nonce, nil)
		return
	}
	if h.linkEvent(a.Ref, nil) {
		return
	}
	h.shard.update(to.Worker(), &roomUpdate{kind: updateAck, session: to, room: h.id(), nonce: a.Nonce, seq: a.Seq})
}

// Duplicate is ack for an event that the log had already.
func (h *home) Duplicate(a room.Ack) {
	h.shard.hub.counts.duplicate.Add(1)
	if a.Kind == chat.EventDelete {
		h.deletedBefore(a)
		return
	}
	h.ack(a)
}

// Refuse tells a publisher that his event is not taken.
func (h *home) Refuse(a room.Ack, err *chat.Error) {
	h.shard.hub.counts.refused.Add(1)
	h.giveUp(a, err)
}

// giveUp tells a publisher that his event could not be stored.
func (h *home) giveUp(a room.Ack, err *chat.Error) {
	if !h.linkEvent(a.Ref, err) {
		h.shard.refuse(&asker{session: engine.SessionID(a.Ref), ref: RequestRef{Event: a.Kind, Room: h.id(), Nonce: a.Nonce}}, err)
	}
}

// acked tells a session of this shard that its event has its place.
func (s *Shard) acked(u *roomUpdate) {
	if o := s.session(u.session); o != nil {
		s.published(o)
		if o.inRoom(u.room) { // else it has left, and is told nothing of the room
			o.Client.Ack(o, u.room, u.nonce, u.seq)
		}
	}
}

// publishes is called when an authored event of o is on its way; published follows.
func (s *Shard) publishes(o *Session) {
	if o.inFlight++; int(o.inFlight) >= s.hub.config.PublishesInFlightMax {
		o.hold(holdInFlight)
	}
}

// published is called when an authored event of o has an outcome.
func (s *Shard) published(o *Session) {
	if o.inFlight > 0 {
		o.inFlight--
	}
	if int(o.inFlight) <= s.hub.config.PublishesInFlightMax/2 {
		o.release(holdInFlight)
	}
}

package session

import (
	"time"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// textBytesLimit is what a publish can carry at all: a packet less its other fields.
const textBytesLimit = packet.PayloadBytesMax - 32

// Publish sends text to a room of the State and returns the message's nonce. Its outcome
// is Events.Ack or Events.Refused, perhaps on a later connection: until then the message
// belongs to the State, and is sent when and as often as it takes. Nothing happens on an
// error: ErrNotJoined, a *LimitError, or a *chat.Error for a text that is not allowed.
func (s *Session) Publish(room chat.RoomID, text string) (chat.Nonce, error) {
	r, err := s.mayPublish(room)
	if err != nil {
		return 0, err
	}
	if err := s.checkText(text); err != nil {
		return 0, err
	}
	nonce := s.state.nextNonce()
	s.add(r, publish{nonce: nonce, text: text})
	return nonce, nil
}

// PublishNonce is Publish with a nonce of the caller's: for trying again, after a
// restart of the program, what may or may not have been stored. The nonce must be
// unique among the user's messages to the room, but for retries of the same one.
func (s *Session) PublishNonce(room chat.RoomID, nonce chat.Nonce, text string) error {
	r, err := s.mayPublish(room)
	if err == nil {
		err = s.checkText(text)
	}
	switch {
	case err != nil:
		return err
	case nonce == 0:
		return chat.Errorf(chat.CodeBadRequest, "a nonce must not be 0")
	}
	switch i := r.find(nonce); {
	case i < 0:
		s.add(r, publish{nonce: nonce, text: text})
	case r.pending[i].step == stepDropped && r.pending[i].act == nil && r.pending[i].text == text:
		r.move(i, stepSent) // it was withdrawn; the answer that is on its way is for it
	default:
		return chat.Errorf(chat.CodeBadRequest, "a message with this nonce is under way")
	}
	return nil
}

func (s *Session) mayPublish(room chat.RoomID) (*room, error) {
	r := s.state.rooms[room]
	if r == nil || r.leaving {
		return nil, ErrNotJoined
	}
	if most := s.state.config.PublishesPendingMax; len(r.pending) >= most {
		return nil, &LimitError{"messages without an answer", most}
	}
	return r, nil
}

func (s *Session) checkText(text string) error {
	most := textBytesLimit
	if s.limits.TextBytesMax > 0 {
		most = min(most, s.limits.TextBytesMax)
	}
	return chat.CheckText(text, most)
}

func (s *Session) add(r *room, p publish) {
	p.step = stepWanted
	r.pending = append(r.pending, p)
	r.unsent++
	if s.online && r.joined && !s.es.Closing() {
		s.pumpRoom(r)
	}
}

// Withdraw forgets a message: neither Ack nor Refused is called for it, and it is not
// sent again. It reports whether it was sent, and so may be stored; and whether there
// was such a message at all.
func (s *Session) Withdraw(room chat.RoomID, nonce chat.Nonce) (sent, found bool) {
	return s.state.Withdraw(room, nonce)
}

// pumpRoom sends what waits for a joined room, in order, as far as the server's limit
// and the direct queue allow.
func (s *Session) pumpRoom(r *room) {
	most := chat.NoncesPerUserMax
	if s.limits.PublishesInFlightMax > 0 {
		most = min(most, s.limits.PublishesInFlightMax)
	}
	if s.slow {
		if !s.mayGoOn() {
			return
		}
		most = 1
	}
	m := &s.handler.publish
	for i := 0; i < len(r.pending) && r.unsent > 0; i++ {
		p := &r.pending[i]
		if s.slow && p.step == stepWaiting {
			if p.retryAt > s.es.Worker().Now() {
				return // those behind it do not overtake it
			}
			r.move(i, stepWanted)
		}
		if p.step != stepWanted {
			continue
		}
		if s.es.QueuedBytes() > sendQueueBytes {
			s.held = true
			return
		}
		if r.inFlight >= most {
			return
		}
		var err error
		if p.act != nil {
			err = s.handler.encoder.Send(s.es, p.act.packet, p.act.message)
		} else {
			m.Room, m.Nonce, m.Text = uint64(r.info.ID), uint64(p.nonce), p.text
			err = s.handler.encoder.Send(s.es, sarangv1.CChat, m)
			m.Text = ""
		}
		if err != nil {
			return // the session is ending; the next one sends it
		}
		p.sent = true
		r.move(i, stepSent)
	}
}

// mayGoOn reports whether a session that is too fast may send its next publish.
func (s *Session) mayGoOn() bool {
	if s.es.Worker().Now() < s.slowTill {
		s.later(s.slowTill)
		return false
	}
	for _, r := range s.state.order {
		if r.inFlight > 0 {
			return false
		}
	}
	return true
}

// slowDown has publishes wait, and then go one at a time: sent all at once again, they
// would be refused again, and what is taken would be in any order.
func (s *Session) slowDown(until time.Duration) {
	s.slow, s.slowTill = true, max(s.slowTill, until)
}

// speedUp ends slowDown when nothing waits any more.
func (s *Session) speedUp() {
	for _, r := range s.state.order {
		if len(r.pending) > 0 {
			return
		}
	}
	s.slow = false
}

// ack handles S_ACK.
func (s *Session) ack(m *sarangv1.Ack) error {
	a := Ack{Room: chat.RoomID(m.Room), Nonce: chat.Nonce(m.Nonce), Seq: chat.Seq(m.Seq)}
	r, i := s.sent(a.Room, a.Nonce)
	if i < 0 {
		if s.removed[a.Room] {
			return nil
		}
		return &UnexpectedError{Packet: sarangv1.SAck, Room: a.Room, Nonce: a.Nonce, What: "no such message was sent"}
	}
	wanted := r.pending[i].step == stepSent
	r.settle(i)
	if wanted {
		s.events.Ack(s, a)
	}
	s.more(r)
	return nil
}

// refused handles an S_ERROR that answers a publish.
func (s *Session) refused(id chat.RoomID, nonce chat.Nonce, cause *chat.Error) error {
	r, i := s.sent(id, nonce)
	if i < 0 {
		if s.removed[id] {
			return nil
		}
		return &UnexpectedError{Packet: sarangv1.SError, Room: id, Nonce: nonce, What: "no such message was sent"}
	}
	wanted := r.pending[i].step == stepSent
	retrying := wanted && temporary(cause) && !r.leaving
	if retrying {
		r.move(i, stepWaiting)
		at := s.es.Worker().Now() + retryAfter(cause)
		r.pending[i].retryAt = at
		if cause.Code == chat.CodeTooFast {
			s.slowDown(at)
		}
		s.later(at)
	} else {
		r.settle(i)
	}
	if wanted {
		s.events.Refused(s, Refused{Room: id, Nonce: nonce, Err: cause, Retrying: retrying})
	}
	s.more(r)
	return nil
}

// sent finds a publish that was sent on this connection; index -1 if there is none.
func (s *Session) sent(id chat.RoomID, nonce chat.Nonce) (*room, int) {
	r := s.state.rooms[id]
	if r == nil {
		return nil, -1
	}
	i := r.find(nonce)
	if i >= 0 && r.pending[i].step != stepSent && r.pending[i].step != stepDropped {
		return r, -1
	}
	return r, i
}

// more goes on with a room's publishes after an answer has made room for them.
func (s *Session) more(r *room) {
	if s.slow {
		s.speedUp()
		s.pump()
		return
	}
	if r.unsent > 0 && r.joined && !r.leaving && s.online && !s.es.Closing() {
		s.pumpRoom(r)
	}
}

// refuseAll ends what was pending for a room that is gone.
func (s *Session) refuseAll(r *room, cause *chat.Error) {
	pending := r.pending
	r.pending, r.inFlight, r.unsent = nil, 0, 0
	for _, p := range pending {
		if p.step != stepDropped {
			s.events.Refused(s, Refused{Room: r.info.ID, Nonce: p.nonce, Err: cause})
		}
	}
}

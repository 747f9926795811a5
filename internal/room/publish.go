package room

import "sarang/chat"

// Publish is a message that a member wants in the log.
type Publish struct {
	User  chat.UserID
	Name  string
	Nonce chat.Nonce
	Text  string
	Ref   Ref
}

// Outcome says what became of a Publish for now.
type Outcome uint8

// The outcomes.
const (
	Queued     Outcome = iota // it will be part of a batch; Committed or Failed tells
	Duplicate                 // it is in the log already, at the given Seq
	NeedNonces                // held until NoncesLoaded was called for its user
	Refused                   // not taken; the error says why
)

// Publish takes a message. A nonce that the user has used is a retry: if the first is
// stored, its Seq is returned, and if it is on its way, its outcome will go to the
// new Ref, too.
func (r *Room) Publish(p Publish) (Outcome, chat.Seq, *chat.Error) {
	if !r.IsMember(p.User) {
		return Refused, 0, chat.Errorf(chat.CodeNotMember, "join the room before you publish to it")
	}
	if p.Nonce == 0 {
		return Refused, 0, chat.Errorf(chat.CodeBadRequest, "a nonce must not be 0")
	}
	pub := r.publishers.get(p.User)
	if pub.pending+len(pub.held) >= chat.NoncesPerUserMax {
		return Refused, 0, chat.Errorf(chat.CodeTooMany, "more than %d messages of yours to this room are not acknowledged yet", chat.NoncesPerUserMax)
	}
	if !pub.loaded {
		r.pendingBytes += cost(p.Text)
		pub.held = append(pub.held, p)
		if len(pub.held) == 1 {
			return NeedNonces, 0, nil
		}
		return Queued, 0, nil
	}
	r.pendingBytes += cost(p.Text)
	outcome, seq := r.accept(pub, p)
	return outcome, seq, nil
}

// cost is about what a message takes in memory until it is in the log.
func cost(text string) int { return len(text) + messageOverheadBytes }

const messageOverheadBytes = 160

// PendingBytes is about what the events take that are on their way to the log.
func (r *Room) PendingBytes() int { return r.pendingBytes }

// accept takes a message whose cost is counted already.
func (r *Room) accept(pub *publisher, p Publish) (Outcome, chat.Seq) {
	switch seq, known := pub.find(p.Nonce); {
	case known && seq > 0:
		r.pendingBytes -= cost(p.Text)
		return Duplicate, seq
	case known:
		r.pendingBytes -= cost(p.Text)
		r.wait(p)
		return Queued, 0
	}
	pub.remember(p.Nonce, 0)
	pub.pending++
	r.gathering.add(chat.Event{
		Room: r.info.ID, Kind: chat.EventMessage, User: p.User, Name: p.Name, Nonce: p.Nonce, Text: p.Text,
	}, p.Ref)
	return Queued, 0
}

// wait has the outcome of a message that is on its way told to p.Ref as well: each
// publish has its outcome, and who sent the first one may be waiting still.
func (r *Room) wait(p Publish) {
	for _, b := range []*batch{&r.flying, &r.gathering} {
		for i := range b.events {
			if b.events[i].User == p.User && b.events[i].Nonce == p.Nonce {
				b.also = append(b.also, also{i, p.Ref})
			}
		}
	}
}

// Ack tells a publisher where his message is.
type Ack struct {
	Ref   Ref
	Nonce chat.Nonce
	Seq   chat.Seq
}

// NoncesLoaded gives the room what the store remembers of a user, the newest first,
// and lets go what was held for it. It returns those held that were in the log
// already.
func (r *Room) NoncesLoaded(u chat.UserID, nonces []chat.NonceSeq) []Ack {
	pub := r.publishers.get(u)
	if !pub.loaded {
		for i := len(nonces) - 1; i >= 0; i-- {
			pub.remember(nonces[i].Nonce, nonces[i].Seq)
		}
		pub.loaded = true
	}
	held := pub.held
	pub.held = nil
	var acks []Ack
	for _, p := range held {
		if outcome, seq := r.accept(pub, p); outcome == Duplicate {
			acks = append(acks, Ack{p.Ref, p.Nonce, seq})
		}
	}
	return acks
}

// NoncesFailed gives up what was held for a user whose nonces can not be loaded.
func (r *Room) NoncesFailed(u chat.UserID) []Ack {
	pub := r.publishers.get(u)
	var refused []Ack
	for _, p := range pub.held {
		r.pendingBytes -= cost(p.Text)
		refused = append(refused, Ack{Ref: p.Ref, Nonce: p.Nonce})
	}
	pub.held = nil
	return refused
}

// Wants says whether there is a batch to store and none in flight.
func (r *Room) Wants() bool { return !r.inFlight && len(r.gathering.events) > 0 }

// A batch is bounded, so that one room does not keep the others waiting for the store.
const (
	batchEventsMax = 1024
	batchBytesMax  = 256 << 10 // of text, and one more
)

// Take gives numbers and a time to what has gathered, or the first of it, and puts it
// in flight. The events are to be stored as they are, and Committed or Failed is to be
// called. They are the room's and valid until then.
func (r *Room) Take(nowMs int64) []chat.Event {
	r.inFlight = true
	if n := r.gathering.within(batchEventsMax, batchBytesMax); n == len(r.gathering.events) {
		r.flying, r.gathering = r.gathering, r.flying
	} else {
		r.gathering.split(n, &r.flying)
	}
	r.lastMs = max(r.lastMs, nowMs)
	for i := range r.flying.events {
		e := &r.flying.events[i]
		e.Seq = r.info.LastSeq + 1 + chat.Seq(i)
		e.TimeMs = r.lastMs
	}
	return r.flying.events
}

// Committed moves the batch in flight to the log. ack is called for each message that
// somebody waits for.
func (r *Room) Committed(ack func(Ack)) {
	for i := range r.flying.events {
		e := &r.flying.events[i]
		r.info.LastSeq = e.Seq
		r.pendingBytes -= cost(e.Text)
		if e.Kind != chat.EventMessage {
			continue
		}
		pub := r.publishers.get(e.User)
		pub.remember(e.Nonce, e.Seq)
		pub.pending--
		r.flying.waiting(i, func(to Ref) { ack(Ack{to, e.Nonce, e.Seq}) })
	}
	r.land()
}

// Failed gives up the batch in flight: nothing of it was stored. refuse is called for
// each message that somebody waits for. Joins and leaves are lost with it; the members
// are as they are.
func (r *Room) Failed(refuse func(Ack)) {
	for i := range r.flying.events {
		e := &r.flying.events[i]
		r.pendingBytes -= cost(e.Text)
		if e.Kind != chat.EventMessage {
			continue
		}
		pub := r.publishers.get(e.User)
		pub.forget(e.Nonce)
		pub.pending--
		r.flying.waiting(i, func(to Ref) { refuse(Ack{Ref: to, Nonce: e.Nonce}) })
	}
	r.land()
}

func (r *Room) land() {
	r.flying.reset()
	r.inFlight = false
}

// InFlight returns the batch that Take gave out, if Committed or Failed was not called
// yet.
func (r *Room) InFlight() []chat.Event { return r.flying.events }

// Idle says whether nothing is on its way to the log.
func (r *Room) Idle() bool {
	return !r.inFlight && len(r.gathering.events) == 0 && !r.publishers.holding()
}

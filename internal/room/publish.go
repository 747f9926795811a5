package room

import (
	"time"

	"sarang/chat"
)

// Publish is an authored event that somebody wants in the log.
type Publish struct {
	Kind     chat.EventKind // an authored one
	User     chat.UserID
	Name     string
	Nonce    chat.Nonce
	Target   chat.Seq // an event of the log; 0: none
	Root     chat.Seq // of messages: the first of the thread; 0: none, or Target
	Text     string
	Files    chat.FileList // of messages: what it names
	Subject  chat.UserID   // whose role it is, or who is sent out
	Role     chat.Role
	ForMs    int64  // the role ends by itself so long after the event; 0: not
	Value    uint32 // of settings
	Ref      Ref
	Invited  bool // with Operator: a role that is for who is nothing in the room yet
	Operator bool // the server's own hand: neither role nor presence is asked for
}

func (p *Publish) event(room chat.RoomID) chat.Event {
	return chat.Event{
		Room: room, Kind: p.Kind, User: p.User, Name: p.Name, Nonce: p.Nonce,
		Target: p.Target, Root: p.Root, Text: p.Text, Files: p.Files, Subject: p.Subject, Role: p.Role,
		UntilMs: -p.ForMs, Value: p.Value,
	}
}

// Outcome says what became of a Publish for now.
type Outcome uint8

// The outcomes.
const (
	Queued     Outcome = iota // it will be part of a batch; Committed, Failed or Overtaken tells
	Duplicate                 // it is in the log already, at the given Seq
	NeedAuthor                // held until LoadAuthor was called for its user
	Refused                   // not taken; the error says why
)

// Publish takes an event. A nonce that the user has used is a retry: if the first is
// stored, its Seq is returned, and if it is on its way, its outcome will go to the
// new Ref, too. If the first said something else, this one is refused (CodeNonceUsed).
func (r *Room) Publish(p Publish) (Outcome, chat.Seq, *chat.Error) {
	if err := r.check(&p); err != nil {
		return Refused, 0, err
	}
	a := r.authors.get(p.User)
	_, retry := a.find(p.Nonce)
	if most := r.config.NoncesPerUserMax; !retry && len(a.onWay)+len(a.held) >= most {
		return Refused, 0, chat.Errorf(chat.CodeTooMany, "more than %d messages of yours to this room are not acknowledged yet", most)
	}
	r.pendingBytes += cost(p.Text, p.Files)
	if !a.loaded {
		a.held = append(a.held, p)
		r.held++
		r.want(&p, 1)
		if len(a.held) == 1 {
			return NeedAuthor, 0, nil
		}
		return Queued, 0, nil
	}
	return r.accept(a, p)
}

// check is what needs no look at the author.
func (r *Room) check(p *Publish) *chat.Error {
	switch {
	case !p.Operator && !r.IsPresent(p.User):
		return chat.Errorf(chat.CodeNotMember, "join the room before you publish to it")
	case p.Nonce == 0:
		return chat.Errorf(chat.CodeBadRequest, "a nonce must not be 0")
	case p.Target > r.info.LastSeq:
		return chat.Errorf(chat.CodeBadRequest, "the target %d is not in the room's log", p.Target)
	case p.Root > p.Target:
		return chat.Errorf(chat.CodeBadRequest, "a thread begins before the message that is answered, or with it")
	case p.Kind.Changes() && p.Target == 0:
		return chat.Errorf(chat.CodeNoMessage, "say which message is meant")
	case p.Kind.Changes() && r.info.Ephemeral:
		return chat.Errorf(chat.CodeBadRequest, "an ephemeral room keeps nothing, so nothing in it can be changed")
	case p.Kind.Rules() && r.info.Ephemeral:
		return chat.Errorf(chat.CodeBadRequest, "an ephemeral room has no roles, and nobody who may send others out")
	case p.Kind.Rules() && r.info.IsDirect():
		return chat.Errorf(chat.CodeBadRequest, "a direct room has no roles, and nobody who may send others out")
	case p.Kind == chat.EventTopic && r.info.Ephemeral:
		return chat.Errorf(chat.CodeBadRequest, "an ephemeral room has no topic")
	case p.Kind.Sets() && (r.info.Ephemeral || r.info.IsDirect()):
		return chat.Errorf(chat.CodeBadRequest, "an ephemeral or direct room has no settings")
	case p.Role > chat.RoleOwner:
		return chat.Errorf(chat.CodeBadRequest, "there is no role %d", p.Role)
	case p.ForMs != 0 && (!p.Role.MayEnd() || p.ForMs < 0 || p.ForMs > chat.RoleForMax.Milliseconds()):
		return chat.Errorf(chat.CodeBadRequest, "only a ban, or the role of a reader, can be for a time, of ten years at most")
	}
	return nil
}

// cost is about what an event takes in memory until it is in the log.
func cost(text string, files chat.FileList) int { return len(text) + len(files) + eventOverheadBytes }

const eventOverheadBytes = 160

// PendingBytes is about what the events take that are on their way to the log.
func (r *Room) PendingBytes() int { return r.pendingBytes }

// accept takes an event whose cost is counted already, of an author who is loaded.
func (r *Room) accept(a *author, p Publish) (Outcome, chat.Seq, *chat.Error) {
	e := p.event(r.info.ID)
	if first, known := a.find(p.Nonce); known {
		r.pendingBytes -= cost(p.Text, p.Files)
		if err := mistaken(first, &e); err != nil {
			return Refused, 0, err
		}
		if first.Seq > 0 {
			return Duplicate, first.Seq, nil
		}
		if len(r.flying.also)+len(r.gathering.also) >= r.config.RetriesWaitMax {
			return Refused, 0, tooManyRetries()
		}
		r.wait(p)
		return Queued, 0, nil
	}
	// Who gives roles is asked when it gets its place, and so is who has one for a time.
	if !p.Kind.Rules() && !p.Kind.Sets() && !p.Operator && a.given.UntilMs == 0 {
		err := r.Access(p.User, action(p.Kind), 0)
		if err == nil && mentionsAll(&e) {
			err = r.Access(p.User, chat.ActionMentionAll, 0)
		}
		if err != nil {
			r.pendingBytes -= cost(p.Text, p.Files)
			return Refused, 0, err
		}
	}
	r.begin(a, &e)
	r.gathering.add(e, origin{p.Ref, p.Operator, p.Invited})
	return Queued, 0, nil
}

// begin notes that an event of author a is on its way.
func (r *Room) begin(a *author, e *chat.Event) {
	a.begin(e)
	if e.Kind.Rules() {
		r.authors.get(e.Subject).wanted++
	}
	if e.Kind.Changes() {
		r.targets.want(e.Target, e.User, 1)
	}
}

// end notes that it is not any more.
func (r *Room) end(a *author, e *chat.Event) {
	a.end(e.Nonce)
	if e.Kind.Rules() {
		r.authors.get(e.Subject).wanted--
	}
	if e.Kind.Changes() {
		r.targets.want(e.Target, e.User, -1)
	}
}

// want notes that a held publish is about a user, who must not be forgotten meanwhile, or
// that it is held no more.
func (r *Room) want(p *Publish, n int) {
	if p.Kind.Rules() {
		r.authors.get(p.Subject).wanted += n
	}
	if p.Kind.Changes() {
		r.targets.want(p.Target, p.User, n)
	}
}

// tooManyRetries is for who tries again and again what is on its way. It passes.
func tooManyRetries() *chat.Error {
	return &chat.Error{
		Code: chat.CodeUnavailable, RetryAfter: time.Second,
		Message: "this message is on its way, and many wait for it; try again with the same nonce",
	}
}

// wait has the outcome of an event that is on its way told to p.Ref as well: each
// publish has its outcome, and who sent the first one may be waiting still.
func (r *Room) wait(p Publish) {
	for _, b := range []*batch{&r.flying, &r.gathering} {
		for i := range b.events {
			if e := &b.events[i]; e.Kind.Authored() && e.User == p.User && e.Nonce == p.Nonce {
				b.also = append(b.also, also{i, p.Ref})
			}
		}
	}
}

// Ack tells a publisher where his event is. In a refusal Seq is 0.
type Ack struct {
	Ref   Ref
	Kind  chat.EventKind
	Nonce chat.Nonce
	Seq   chat.Seq
}

// Outcomes are told of events that somebody waits for.
type Outcomes interface {
	Duplicate(Ack)           // it is in the log already
	Refuse(Ack, *chat.Error) // it is not taken
}

// AwaitAuthor is called when the store is asked for a user; LoadAuthor or AuthorFailed
// follows.
func (r *Room) AwaitAuthor(u chat.UserID) { r.authors.get(u).awaited = true }

// LoadAuthor gives the room what the store remembers of a user, and lets go what was
// held for it.
func (r *Room) LoadAuthor(u chat.UserID, stored chat.Author, tell Outcomes) {
	a := r.authors.get(u)
	if !a.loaded {
		a.load(stored)
	}
	a.awaited = false
	held := r.release(a)
	for _, p := range held {
		switch outcome, seq, err := r.accept(a, p); outcome {
		case Duplicate:
			tell.Duplicate(Ack{p.Ref, p.Kind, p.Nonce, seq})
		case Refused:
			tell.Refuse(Ack{Ref: p.Ref, Kind: p.Kind, Nonce: p.Nonce}, err)
		}
		r.want(&p, -1)
	}
}

// AuthorFailed gives up what was held for a user of whom the store can not be asked.
func (r *Room) AuthorFailed(u chat.UserID, why *chat.Error, tell Outcomes) {
	a := r.authors.get(u)
	a.awaited = false
	held := r.release(a)
	for _, p := range held {
		r.pendingBytes -= cost(p.Text, p.Files)
		r.want(&p, -1)
		tell.Refuse(Ack{Ref: p.Ref, Kind: p.Kind, Nonce: p.Nonce}, why)
	}
}

// release returns the publishes that were held until their author is loaded.
func (r *Room) release(a *author) []Publish {
	held := a.held
	a.held = nil
	r.held -= len(held)
	return held
}

// Idle reports whether nothing is on its way to the log.
func (r *Room) Idle() bool {
	return !r.inFlight && len(r.gathering.events) == 0 && r.held == 0
}

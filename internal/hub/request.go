package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// mayAsk checks that o may make requests.
func (s *Shard) mayAsk(o *Session, ref RequestRef) bool {
	if o.login != loginDone {
		s.fail(o, ref, chat.Errorf(chat.CodeNotLoggedIn, "log in first"))
		return false
	}
	return true
}

// mayRequest checks that o may make a request that is no publish: it is logged in, not
// too fast, and the load allows it up to a level.
func (s *Shard) mayRequest(o *Session, ref RequestRef, below limit.Level) bool {
	if !s.mayAsk(o, ref) {
		return false
	}
	if s.slow(o, ref, &o.asked, s.hub.limits.requests, limitedRequests, "you ask too much; try again later") {
		return false
	}
	return s.bearable(o, ref, below)
}

// begin counts a request that the store may be needed for, if o may have one more. What
// begins ends with o.requests--.
func (s *Shard) begin(o *Session, ref RequestRef) bool {
	if most := s.hub.config.RequestsInFlightMax; int(o.requests) >= most {
		s.limited(o, limitedInFlight)
		s.fail(o, ref, &chat.Error{
			Code: chat.CodeTooMany, RetryAfter: retryLater,
			Message: fmt.Sprintf("a session may have %d such requests unanswered", most),
		})
		return false
	}
	o.requests++
	return true
}

// read runs a request that has begun at the store, and what it returns on the worker, if
// the session is still there.
func (s *Shard) read(o *Session, ref RequestRef, request func(context.Context) func(*Session)) {
	id := o.Engine.ID()
	ok := s.give(s.hub.reads, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.hub.config.StoreTimeout)
		defer cancel()
		answer := request(ctx)
		s.worker.Post(&reply{s.hub.config.AnswerQueueBytesMax, id, answer})
	})
	if !ok {
		o.requests--
		s.limited(o, limitedReads)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

// reply is an answer on its way from the store to its session. It waits until the
// session has sent what it has to send: pages are large, and who asks for several is not
// to be taken for somebody who does not read them.
type reply struct {
	queueBytesMax int
	session       engine.SessionID
	answer        func(*Session)
}

const replyRetry = 20 * time.Millisecond

// Deliver gives the answer, if the session is still there.
func (r *reply) Deliver(w *engine.Worker) {
	o := sessionOf(w.Session(r.session))
	switch {
	case o == nil:
	case o.Engine.QueuedBytes() > r.queueBytesMax:
		w.After(&engine.Timer{Data: r}, replyRetry, func(*engine.Timer) { r.Deliver(w) })
	default:
		o.requests--
		r.answer(o)
	}
}

// fail tells a session of this shard that a request failed.
func (s *Shard) fail(o *Session, ref RequestRef, err *chat.Error) { o.Client.Failed(o, ref, err) }

// refuse tells a session, of whatever shard, that a request failed.
func (s *Shard) refuse(who *asker, err *chat.Error) {
	if !s.hub.operated.tell(who.session, who.ref.Nonce, err) {
		s.answer(who.session.Worker(), &refused{*who, err})
	}
}

// refused is the answer of a room's home to a request that failed.
type refused struct {
	asker
	err *chat.Error
}

func (r *refused) on(s *Shard) {
	o := s.session(r.session)
	switch {
	case o == nil:
		return
	case r.ref.Nonce != 0:
		if s.published(o); !r.early && !o.inRoom(r.ref.Room) {
			return // it has left, and is told nothing of the room
		}
	case r.counted:
		o.requests--
	default: // a join
		o.dropPlace(r.ref.Room)
	}
	s.fail(o, r.ref.asked(r.byName), r.err)
}

func asError(err error) *chat.Error {
	var e *chat.Error
	if errors.As(err, &e) {
		return e
	}
	return &chat.Error{Code: chat.CodeInternal, Message: "internal error", Err: err}
}

// typed makes err fit for a client: errors of the chat go as they are, others are the
// server's own affair and go to its log.
func (h *Hub) typed(what string, err error) *chat.Error {
	if code := chat.CodeOf(err); code != chat.CodeInternal && code != chat.CodeClosed && code != chat.CodeUncertain {
		e := asError(err)
		return &chat.Error{Code: e.Code, Message: e.Message, RetryAfter: e.RetryAfter}
	}
	h.logTrouble(&h.troubles.request, what+" failed", "error", err)
	return &chat.Error{Code: chat.CodeUnavailable, Message: "the server can not do this now; try again", RetryAfter: retryLater}
}

func noRoomNamed(name string) *chat.Error {
	return chat.Errorf(chat.CodeNoRoom, "there is no room %q", name)
}

func notMember() *chat.Error {
	return chat.Errorf(chat.CodeNotMember, "join the room before you publish to it")
}

func noSuchRoom() *chat.Error { return chat.Errorf(chat.CodeNoRoom, "there is no such room") }

func unavailable(err error) *chat.Error {
	var gone *chat.Error
	if errors.As(err, &gone) && gone.Code == chat.CodeStoreGone {
		return &chat.Error{Code: gone.Code, Message: gone.Message, RetryAfter: gone.RetryAfter, Err: err}
	}
	return &chat.Error{
		Code: chat.CodeUnavailable, Message: "the message could not be stored; try again with the same nonce",
		RetryAfter: retryLater, Err: err,
	}
}

func draining() *chat.Error {
	return &chat.Error{Code: chat.CodeDraining, Message: "the server is going down; try again after it is back", RetryAfter: retryLater}
}

package client

import (
	"errors"
	"slices"
	"time"

	"sarang/chat"
	"sarang/client/session"
)

// call is something that a caller of Client waits for.
type call struct {
	start  func(l *link, s *session.Session) (key uint64, err error) // sends it, if it can be sent now
	kind   callKind
	room   chat.RoomID // whose limits hold, for publishes
	repeat bool        // may be sent again on another connection
	done   chat.Code   // the error that means, the second time, that the first has done it
	tries  int         // how often it was sent
	key    uint64      // of callKey
	begun  time.Duration
	answer chan outcome // buffered: the worker does not wait for a caller
}

type callKind uint8

const (
	callRequest callKind = iota
	callPublish
	callPing
	callKinds
)

type outcome struct {
	value any
	err   error
}

func (k *call) finish(value any, err error) { k.answer <- outcome{value, err} }

// calls are those that wait: for a connection or a limit, or for an answer.
type calls struct {
	waiting []*call // in order
	sent    [callKinds]map[callKey]*call
}

// callKey tells a call from the others of its kind that wait for an answer. A nonce is
// unique in its room only; for other kinds the room is 0.
type callKey struct {
	room  chat.RoomID
	value uint64 // request id, nonce or ping value
}

func (k *call) place() callKey { return callKey{k.room, k.key} }

// begin takes up a new call.
func (cs *calls) begin(l *link, k *call) {
	if l.ended {
		k.finish(nil, l.client.Err())
		return
	}
	queued := slices.ContainsFunc(cs.waiting, func(o *call) bool { return o.kind == k.kind && o.room == k.room })
	if queued || !cs.try(l, k) {
		cs.waiting = append(cs.waiting, k)
	}
}

// try sends a call and reports whether that is settled; if not, the call must wait.
func (cs *calls) try(l *link, k *call) bool {
	if l.session == nil || !l.session.Online() || l.session.Engine().Closing() {
		return false
	}
	key, err := k.start(l, l.session)
	var limit *session.LimitError
	switch {
	case err == nil:
		k.key, k.begun = key, l.w.Now()
		k.tries++
		if cs.sent[k.kind] == nil {
			cs.sent[k.kind] = make(map[callKey]*call)
		}
		cs.sent[k.kind][k.place()] = k
		return true
	case errors.As(err, &limit) || errors.Is(err, session.ErrOffline):
		return false
	}
	k.finish(nil, err)
	return true
}

// flush sends what has waited. Where one has to wait on, so do those behind it that
// are under the same limit.
func (cs *calls) flush(l *link) {
	if len(cs.waiting) == 0 {
		return
	}
	waiting := cs.waiting
	cs.waiting = nil
	type limited struct {
		kind callKind
		room chat.RoomID
	}
	var full map[limited]bool
	for _, k := range waiting {
		under := limited{k.kind, k.room}
		if full[under] || !cs.try(l, k) {
			cs.waiting = append(cs.waiting, k)
			if full == nil {
				full = make(map[limited]bool)
			}
			full[under] = true
		}
	}
}

// take returns the call that an answer belongs to; nil if its caller has gone.
func (cs *calls) take(kind callKind, key callKey) *call {
	k := cs.sent[kind][key]
	delete(cs.sent[kind], key)
	return k
}

// answer ends a request, unless its caller has gone.
func (cs *calls) answer(l *link, request uint32, value any, err error) {
	k := cs.take(callRequest, callKey{value: uint64(request)})
	if k != nil {
		if k.tries > 1 && k.done != 0 && chat.CodeOf(err) == k.done {
			err = nil
		}
		k.finish(value, err)
	}
	cs.flush(l)
}

// published ends a publish, unless its caller has gone.
func (cs *calls) published(l *link, room chat.RoomID, nonce chat.Nonce, seq chat.Seq, err error) {
	if k := cs.take(callPublish, callKey{room, uint64(nonce)}); k != nil {
		k.finish(seq, err)
	}
	cs.flush(l)
}

func (cs *calls) ponged(l *link, value uint64) {
	if k := cs.take(callPing, callKey{value: value}); k != nil {
		k.finish(l.w.Now()-k.begun, nil)
	}
}

// cancel ends a call whose caller does not want to wait any more. A publish is taken
// back if it can be.
func (cs *calls) cancel(l *link, k *call, cause error) {
	if i := slices.Index(cs.waiting, k); i >= 0 {
		cs.waiting = slices.Delete(cs.waiting, i, i+1)
		k.finish(nil, k.failure(false, cause))
		return
	}
	if cs.sent[k.kind][k.place()] != k {
		return // it has its outcome
	}
	cs.take(k.kind, k.place())
	sent := true
	if k.kind == callPublish {
		sent, _ = l.state.Withdraw(k.room, chat.Nonce(k.key))
	}
	k.finish(nil, k.failure(sent, cause))
	cs.flush(l)
}

// failure is the error of a call that ended without an answer.
func (k *call) failure(sent bool, cause error) error {
	if k.kind == callPublish {
		return &PublishError{Room: k.room, Nonce: chat.Nonce(k.key), Sent: sent, Err: cause}
	}
	return cause
}

// interrupt is called when a connection is lost. Publishes stay with the State; what
// may be asked again waits for the next connection, in front; the rest fails.
func (cs *calls) interrupt(l *link) {
	var again []*call
	for _, kind := range []callKind{callRequest, callPing} {
		for _, k := range cs.sent[kind] {
			if k.repeat {
				again = append(again, k)
			} else {
				k.finish(nil, ErrInterrupted)
			}
		}
		clear(cs.sent[kind])
	}
	slices.SortFunc(again, func(a, b *call) int { return int(a.key) - int(b.key) })
	cs.waiting = append(again, cs.waiting...)
}

// failAll ends everything.
func (cs *calls) failAll(l *link, cause error) {
	for _, k := range cs.waiting {
		k.finish(nil, k.failure(false, cause))
	}
	cs.waiting = nil
	for kind := range cs.sent {
		for _, k := range cs.sent[kind] {
			sent := true
			if k.kind == callPublish {
				sent, _ = l.state.Withdraw(k.room, chat.Nonce(k.key))
			}
			k.finish(nil, k.failure(sent, cause))
		}
		clear(cs.sent[kind])
	}
}

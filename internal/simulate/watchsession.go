package simulate

import (
	"time"

	"sarang/aio"
	"sarang/chat"
	sarangv1 "sarang/proto/sarang/v1"
)

// What docs/limits.md says a packet counts.
const (
	packetBytesLeast = 128  // at least
	refusedBytes     = 1024 // in addition, if it was refused as too fast
)

// requestsInFlightMax is how many requests of a session may be at the store.
const requestsInFlightMax = 8

// use is a bucket of which it is not always known when it was used: at the earliest and
// at the latest. Who is refused must have used his rate up if he did all as late as can
// be; who is not must have had some left if he did all as early as can be.
type use struct {
	early, late bucket
	recent      []taken // not in late yet, in order
}

// taken is so many units at the latest.
type taken struct {
	late  time.Duration
	units float64
}

func (u *use) take(r rate, early, late time.Duration, units float64) {
	u.early.take(r, early, units)
	u.recent = append(u.recent, taken{late, units})
}

// most is what is left at a time, if as much as can be was left.
func (u *use) most(r rate, at time.Duration) float64 { return u.early.left(r, at) }

// least is what is left at a time, if as little as can be was left. It is asked for times
// in order.
func (u *use) least(r rate, at time.Duration) float64 {
	done := 0
	for done < len(u.recent) && u.recent[done].late <= at {
		u.late.take(r, u.recent[done].late, u.recent[done].units)
		done++
	}
	u.recent = append(u.recent[:0], u.recent[done:]...)
	left := u.late.left(r, at)
	for _, t := range u.recent {
		left -= t.units
	}
	return left
}

// said is a packet that a client has sent.
type said struct {
	kind     saidKind
	id, room uint64 // nonce and room, or the number of the request
	bytes    int

	// When the server has looked at it. While it does not read from a session it keeps
	// what came already, and looks at that later.
	early, late time.Duration
	since       time.Duration // calm: since when the answer is due

	open bool            // it has no answer
	fast *sarangv1.Error // the answer was that it is too fast
}

type saidKind uint8

const (
	saidOther saidKind = iota
	saidLogin
	saidMessage
	saidRequest
)

// never is after all that happens.
const never = time.Duration(1<<63 - 1)

// session is what a watched connection has said and is told.
type session struct {
	messages, requests, bytes use

	inbox   []*said // in order, those of which it is not known what became of them
	open    []*said // messages and requests without an answer
	stopped bool    // StopRecv was called, and not Recv since: it may be held
	stops   bool    // in this tick
	held    bool    // stopped, at the end of its worker's last tick
	ticks   int     // of the worker, until then
}

// hears notes a packet.
func (x *watched) hears(s *said) {
	now := x.of.now()
	s.early, s.late, s.since, s.open = now, never, now, true
	x.inbox = append(x.inbox, s)
	switch s.kind {
	case saidMessage:
		nonce := chat.Nonce(s.id)
		if now < x.retries[nonce] {
			x.of.fail("%v tries message %d again before it was to", x.peer, nonce)
		}
		delete(x.retries, nonce)
		x.of.run.model.offered[nonce]++
		x.open = append(x.open, s)
	case saidRequest:
		x.open = append(x.open, s)
	}
}

// answered holds an answer against the limits; e is nil for success.
func (x *watched) answered(kind saidKind, id, room uint64, e *sarangv1.Error) {
	w := x.of
	if kind == saidLogin {
		x.finish(func(s *said) bool { return s.kind == saidLogin }, e)
		return
	}
	for i, s := range x.open {
		if s.kind != kind || s.id != id || s.room != room {
			continue
		}
		x.open = append(x.open[:i], x.open[i+1:]...)
		s.open = false
		if kind == saidMessage && e != nil {
			x.retries[chat.Nonce(id)] = w.now() + time.Duration(e.RetryAfterMs)*time.Millisecond
			w.run.model.offered[chat.Nonce(id)]--
		}
		x.finish(func(o *said) bool { return o == s }, e)
		x.refusal(s, e)
		return
	}
	w.fail("%v is answered what it has not asked: %d of %d", x.peer, id, room)
}

// finish judges what was heard up to the first packet that is: its answer is here, so
// all before it was looked at, and what was not refused by now was taken.
func (x *watched) finish(is func(*said) bool, e *sarangv1.Error) {
	for i, s := range x.inbox {
		if !is(s) {
			continue
		}
		if chat.Code(e.GetCode()) == chat.CodeTooFast {
			s.fast = e
		}
		late := x.of.now()
		for j := i; j >= 0; j-- { // nothing was looked at after what came behind it
			late = min(late, x.inbox[j].late)
			x.inbox[j].late = late
		}
		for _, s := range x.inbox[:i+1] {
			x.judge(s)
		}
		x.inbox = append(x.inbox[:0], x.inbox[i+1:]...)
		return
	}
	if chat.Code(e.GetCode()) == chat.CodeTooFast {
		x.of.fail("%v is too fast, though what it sent later was taken", x.peer)
	}
}

// judge judges one packet, of which it is known what became of it.
func (x *watched) judge(s *said) {
	w := x.of
	bytes := s.bytes
	if w.run.recorded() {
		w.run.note("watch: %v said %d to %d, kind %d, heard between %v and %v, too fast: %t", x.peer, s.id, s.room, s.kind, s.early, s.late, s.fast != nil)
	}
	switch s.kind {
	case saidMessage:
		x.fast(s, &x.messages, w.limits.messages(), "a message")
	case saidRequest:
		x.fast(s, &x.requests, w.limits.requests(), "a request")
	}
	if s.fast != nil {
		bytes += refusedBytes
	}
	r := w.limits.bytes()
	if r.perSecond == 0 || x.trusted {
		return
	}
	if debt := -x.bytes.most(r, s.late); debt > 1 {
		w.fail("%v is listened to, and has sent %.1f bytes too many", x.peer, debt)
	}
	x.bytes.take(r, s.early, s.late, float64(bytes))
}

// fast judges whether a packet was rightly refused as too fast, or rightly not.
func (x *watched) fast(s *said, u *use, r rate, what string) {
	w := x.of
	if r.perSecond == 0 || x.trusted {
		if s.fast != nil {
			w.fail("%s of %v is too fast, and there is no such limit for it", what, x.peer)
		}
		return
	}
	if s.fast == nil {
		if left := u.most(r, s.late); left < 1-grain {
			w.fail("%s of %v was not refused, though only %.4f were left", what, x.peer, left)
		}
		u.take(r, s.early, s.late, 1)
		return
	}
	left := u.least(r, s.early)
	if left >= 1+grain {
		w.fail("%s of %v is refused as too fast, though %.4f are left", what, x.peer, left)
	}
	w.retryWithin(what+" of "+x.peer.String(), s.fast.RetryAfterMs, r.wait(u.most(r, s.late), 1), r.wait(left, 1))
}

// refusal judges the other codes, and counts.
func (x *watched) refusal(s *said, e *sarangv1.Error) {
	w, count := x.of, &x.of.run.counts.Limits
	count.Answers++
	message := s.kind == saidMessage
	switch code := chat.Code(e.GetCode()); {
	case e == nil:
	case code == chat.CodeTooFast && message:
		count.MessagesTooFast++
	case code == chat.CodeTooFast:
		count.RequestsTooFast++
	case code == chat.CodeUnavailable && message:
		w.retryWithin("a message of "+x.peer.String(), e.RetryAfterMs, time.Second, time.Second+laterMost)
	case code == chat.CodeTooMany && !message:
		most, others := w.limits.roomsJoinedMax, x.asking()
		joins := e.PacketId == sarangv1.CJoin && most > 0 && len(x.rooms)+others >= most
		if !joins && others < requestsInFlightMax {
			w.fail("%v is told that it has too much; it is in %d rooms and has %d requests without an answer", x.peer, len(x.rooms), others)
		}
	}
}

// asking is how many requests have no answer.
func (x *watched) asking() (n int) {
	for _, s := range x.open {
		if s.kind == saidRequest {
			n++
		}
	}
	return n
}

// joined counts a room.
func (x *watched) joined(room chat.RoomID) {
	x.rooms[room] = true
	if most := x.of.limits.roomsJoinedMax; most > 0 && len(x.rooms) > most {
		x.of.fail("%v is in %d rooms; it may be in %d", x.peer, len(x.rooms), most)
	}
}

// reading: the server begins or stops to read.
func (x *watched) reading(on bool) {
	x.stopped = !on
	if x.of.run.recorded() {
		x.of.run.note("watch: %v is read from: %t", x.peer, on)
	}
	x.stops = x.stops || !on
}

// endTick looks at whether a session is held, and for a reason.
func (x *watched) endTick(now time.Duration) {
	if x.ticks == x.driver.ticks {
		return
	}
	held, stops := x.held, x.stops
	x.ticks, x.held, x.stops = x.driver.ticks, x.stopped, false
	switch {
	case stops:
		x.holds(now)
	case !x.stopped && !held: // all that came was looked at
		for i := len(x.inbox) - 1; i >= 0 && x.inbox[i].late == never; i-- {
			x.inbox[i].late = now
		}
	}
}

// holds judges a hold that has just begun.
func (x *watched) holds(now time.Duration) {
	r := x.of.limits.bytes()
	messages := 0
	for _, s := range x.open {
		if s.kind == saidMessage {
			messages++
		}
	}
	if x.closing || messages >= x.of.run.plan.publishesInFlightMax {
		return
	}
	if r.perSecond == 0 || x.trusted {
		x.of.fail("%v is not read from, and there is no limit for its bytes", x.peer)
		return
	}
	left := x.bytes.least(r, now)
	for _, s := range x.inbox {
		left -= float64(s.bytes)
		if s.open && s.kind != saidOther {
			left -= refusedBytes // it may be
		}
	}
	if left > 1 {
		x.of.fail("%v is not read from, though it may send %.1f bytes, and has %d messages without an answer", x.peer, left, messages)
	}
	x.of.run.counts.Limits.Holds++
}

// answerWithin is how long an answer may take when nothing is wrong, beside what a debt
// of bytes takes to be paid.
const answerWithin = 3 * time.Second

// calm expects answers in time when nothing is wrong. busy: not now.
func (x *watched) calm(now time.Duration, busy bool) {
	if len(x.open) == 0 {
		return
	}
	s := x.open[0]
	if busy || x.closing || x.refused || x.tapped.inFlight[aio.KindSend] || s.kind == saidMessage && !x.rooms[chat.RoomID(s.room)] {
		for _, s := range x.open {
			s.since = now
		}
		return
	}
	within := answerWithin
	if r := x.of.limits.bytes(); r.perSecond > 0 {
		debt := max(-x.bytes.least(r, now), 0)
		for _, s := range x.inbox {
			debt += float64(s.bytes + refusedBytes)
		}
		within += seconds(debt / r.perSecond)
	}
	if now > s.since+within {
		x.of.fail("nothing is wrong, and %v has had no answer for %v", x.peer, now-s.since)
	}
}

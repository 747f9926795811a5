package simulate

import (
	"time"

	"sarang/aio"
	"sarang/chat"
	sdk "sarang/client/session"
)

// shed is one thing that the server does without when it has too much to do.
type shed struct {
	what    string
	from    float64 // of what it can take
	refused func() bool
}

// probeLoad has messages gather on their way to the disk, and sees what is refused as
// they become more, in the order of docs/limits.md. Then the disk moves again, and all
// that was refused is done.
func (r *run) probeLoad() {
	l := &r.plan.limits
	most := float64(l.publishBytesPendingMax)
	if most == 0 || l.storeQueueMax > 0 || !l.unmetered() {
		return
	}
	asker, writers := r.shares()
	if asker == nil || len(writers) == 0 {
		return
	}
	r.diskStalledUntil = r.world.Now() + time.Hour
	least, greatest := 0.0, 0.0
	var late *latecomer
	each := max(r.plan.publishesInFlightMax-1, 1) // beyond that a session is not read from
	bytes := min(int(most)/min(12, each*len(writers)), r.plan.textBytesMax)
	for range 60 {
		// What waits is at least the texts, and at most what goes with them.
		late = r.expectEntry(late, least/most, greatest/most)
		r.expectShed(asker, least/most, greatest/most)
		w := writers[r.rng.IntN(len(writers))]
		if len(w.wishes) >= each {
			continue
		}
		text := w.text(bytes)
		w.say(r.durable(w), text)
		wish := w.wishes[len(w.wishes)-1]
		r.letGo(w)
		r.expect(shed{"a message to a durable room", 1, func() bool { return wish.err != nil }}, least/most, greatest/most)
		if wish.err != nil {
			r.counts.Limits.Full++
			// It is what is refused last: all else is.
			r.expectSpread(writers, each)
			r.expectEntry(late, 1, max(greatest/most, 1))
			r.expectShed(asker, 1, max(greatest/most, 1))
			break
		}
		least, greatest = least+float64(len(text)), greatest+float64(len(text)+messageBytesMore)
	}
	r.diskStalledUntil = 0
	r.settledAgain()
	r.expectShed(asker, 0, 0)
	r.settledAgain()
}

// letGo passes the time that a long text takes over a slow line.
func (r *run) letGo(w *actor) {
	for range 200 {
		if e := w.link.session.Engine(); e == nil || e.QueuedBytes() == 0 {
			break
		}
		r.letPass(10 * time.Millisecond)
	}
	r.letPass(60 * time.Millisecond)
}

// expectSpread has several messages refused at once, and expects that they are not all to
// be tried again at once.
func (r *run) expectSpread(writers []*actor, each int) {
	var said []*wish
	for _, w := range writers {
		if len(w.wishes) < each {
			w.say(r.durable(w), w.text(10))
			said = append(said, w.wishes[len(w.wishes)-1])
		}
	}
	r.letPass(60 * time.Millisecond)
	again, refused := map[time.Duration]bool{}, 0
	for _, w := range said {
		if w.err != nil {
			again[w.err.RetryAfter] = true
			refused++
		}
	}
	if refused > 2 && len(again) == 1 {
		r.fail("%d messages that are refused at a time are to be tried again at one time", refused)
	}
}

// latecomer is a stranger who was let in, and logs in only when the load has risen.
type latecomer struct {
	socket aio.Socket
	guess  *guess
	until  time.Duration // it has to log in before that
}

// expectEntry has somebody log in, and somebody join a room, when neither may.
func (r *run) expectEntry(l *latecomer, least, greatest float64) *latecomer {
	const from = 0.85
	if l != nil && (l.guess.over || r.world.Now() > l.until) {
		l = nil
	}
	switch {
	case l == nil && least >= 0.3 && greatest < from:
		s, x := r.ghosts.comes("latecomer")
		r.letPass(40 * time.Millisecond)
		return &latecomer{s, x, r.world.Now() + min(r.plan.login, r.plan.idle) - 200*time.Millisecond}
	case least < from:
		return l
	case l != nil:
		r.ghosts.says(l.socket, l.guess)
		r.letPass(60 * time.Millisecond)
		r.expect(shed{"a login", from, func() bool { return l.guess.code == chat.CodeUnavailable }}, least, greatest)
		l.guess.over = true
	}
	for _, a := range r.actors {
		if p, found := r.absent(a); found && len(a.wishes) == 0 {
			a.link.join(p)
			q := a.link.last
			r.letPass(40 * time.Millisecond)
			r.expect(shed{"a join", from, func() bool { return q.err != nil }}, least, greatest)
			break
		}
	}
	return l
}

// absent returns a room that an actor is not in and that there is, as others are in it.
func (r *run) absent(a *actor) (roomPlan, bool) {
	for _, p := range r.plan.rooms {
		there, mine := false, false
		for _, o := range r.actors {
			for _, s := range o.seats {
				there = there || s.name == p.name
				mine = mine || o == a && s.name == p.name
			}
		}
		if there && !mine {
			return p, true
		}
	}
	return roomPlan{}, false
}

// messageBytesMore is what a message may count beside its text.
const messageBytesMore = 256

// unmetered reports whether a session may do as much as it likes.
func (l *limitPlan) unmetered() bool {
	return l.rates.MessagesPerSecond == 0 && l.rates.RequestsPerSecond == 0 && l.rates.ReceiveBytesPerSecond == 0
}

// shares chooses who asks, and who writes to durable rooms.
func (r *run) shares() (asker *actor, writers []*actor) {
	for _, a := range r.actors {
		switch {
		case asker == nil && (len(a.seats) > 0 || len(r.actors) == 1):
			asker = a
		case r.durable(a) != nil:
			writers = append(writers, a)
		}
	}
	return asker, writers
}

// durable returns a seat in a durable room, nil if there is none.
func (r *run) durable(a *actor) *seat {
	for _, s := range a.seats {
		if !s.ephemeral {
			return s
		}
	}
	return nil
}

// expectShed tries what is done without, from the first to the last.
func (r *run) expectShed(a *actor, least, greatest float64) {
	for _, s := range a.seats {
		if s.ephemeral && len(a.wishes) == 0 {
			a.say(s, a.text(10))
			wish := a.wishes[len(a.wishes)-1]
			r.letPass(40 * time.Millisecond)
			r.expect(shed{"a message to an ephemeral room", 0.5, func() bool { return wish.err != nil }}, least, greatest)
			break
		}
	}
	if r.tasksStalled {
		return // what follows would wait for the store, too
	}
	a.link.list(0, false)
	q := a.link.last
	r.letPass(40 * time.Millisecond)
	r.expect(shed{"a list", 0.7, func() bool { return q.err != nil }}, least, greatest)
	if greatest < 0.85 { // else it would be a room more each time
		return
	}
	if least >= 0.85 {
		before := r.server.svc.Sessions()
		r.ghosts.appearFrom(r.plan.limits.foreign[2])
		r.letPass(60 * time.Millisecond)
		r.expect(shed{"a connection", 0.85, func() bool { return r.server.svc.Sessions() <= before }}, least, greatest)
	}
	a.link.create()
	q = a.link.last
	r.letPass(40 * time.Millisecond)
	r.expect(shed{"a new room", 0.85, func() bool { return q.err != nil && q.err.Code == chat.CodeUnavailable }}, least, greatest)
}

// expect compares what was refused with what had to be.
func (r *run) expect(s shed, least, greatest float64) {
	greatest = max(greatest, r.queueLoad()) // something may have come since
	switch refused := s.refused(); {
	case refused && greatest < s.from:
		r.fail("%s is refused, at a load of %.0f %% at most; it may be from %.0f %% on", s.what, 100*greatest, 100*s.from)
	case !refused && least >= s.from:
		r.fail("%s is not refused, at a load of %.0f %%; it has to be from %.0f %% on", s.what, 100*least, 100*s.from)
	}
	r.counts.Limits.LoadTried++
}

// ownCallsMost is how many calls that nobody asks for the server may have for the store at a time
// when all are at rest: each minute it notes there who has left, and who is still here.
const ownCallsMost = 2

// waiting is how many calls wait for the store while it stands still: those that were asked for
// and the server's own, which count like others. When these come depends on when each worker had
// its first session, and its last departure, so they are seen and not foretold.
func (r *run) waiting() int {
	n := r.server.hub.Stats().TasksWaiting
	if own := n - r.readsWaiting; own < 0 || own > ownCallsMost {
		r.fail("%d reads were asked for and wait for the store; of the server %d calls wait", r.readsWaiting, n)
	}
	return n
}

// queueLoad is the part of the store's queue that is in use while it stands still.
func (r *run) queueLoad() float64 {
	if most := r.plan.limits.storeQueueMax; most > 0 && r.tasksStalled {
		return float64(r.waiting()) / float64(most)
	}
	return 0
}

// probeQueue has reads wait for the store: from some number on others are refused, but no
// messages to durable rooms.
func (r *run) probeQueue() {
	l := &r.plan.limits
	if l.storeQueueMax == 0 || l.publishBytesPendingMax > 0 || !l.unmetered() {
		return
	}
	asker, writers := r.shares()
	if asker == nil || len(writers) == 0 {
		return
	}
	r.tasksStalled, r.readsWaiting = true, 0
	for r.waiting() < l.storeQueueMax {
		load := r.queueLoad()
		r.expectShed(asker, load, load)
		w := writers[r.readsWaiting%len(writers)]
		if len(w.link.asked) >= requestsInFlightMax-1 {
			break
		}
		w.link.askHistory(sdk.History{Room: r.durable(w).room, ItemsMax: 1}, false)
		q := w.link.last
		load = r.queueLoad()
		r.letPass(60 * time.Millisecond)
		if q.err == nil {
			r.readsWaiting++
		}
		r.expect(shed{"a page of history", 0.7, func() bool { return q.err != nil }}, load, load)
		if q.err != nil {
			break
		}
	}
	w := writers[0]
	w.say(r.durable(w), w.text(30))
	wish := w.wishes[len(w.wishes)-1]
	r.letPass(40 * time.Millisecond)
	// With a full queue the nonces of an author who was forgotten can not be read.
	if wish.err != nil && (r.waiting() < l.storeQueueMax || r.plan.authorsMax > 1000) {
		r.fail("a message to a durable room is refused, because %d calls wait for the store: %v", r.waiting(), wish.err)
	}
	r.tasksStalled = false
	r.settledAgain()
	r.expectShed(asker, 0, 0)
	r.settledAgain()
}

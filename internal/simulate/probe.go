package simulate

import (
	"time"

	sdk "sarang/client/session"
)

// How long a message may take when nothing is wrong, and how long a reader may take to
// make up for what it has not read: less than the heartbeats, which would get a
// session going that was forgotten.
const (
	promptly     = 150 * time.Millisecond
	promptlySlow = 280 * time.Millisecond
)

// probeAll tries, one after the other, what is hard to see while everything moves.
func (r *run) probeAll() {
	r.rest()
	r.probe()
	r.probeSlow()
	r.probeDeleted()
	r.probeRefused()
	r.probeMoved()
	r.probeDeaf()
	r.probeStranger()
	r.probeWrong()
	r.probeLeap()
	r.probeLimits()
}

// probe says something in every room, again and again, and expects all to have it at
// once.
func (r *run) probe() {
	r.probing = true
	burst := int(r.plan.limits.messages().burst)
	for _, a := range r.actors {
		for i, s := range a.seats {
			if i >= burst && burst > 0 {
				r.letPass(seconds(1/r.plan.limits.messages().perSecond) + time.Millisecond)
			}
			a.say(s, a.text(30))
			r.settleWithin(promptly)
		}
	}
	r.probing = false
}

// letPass lets time pass in which nobody does anything.
func (r *run) letPass(d time.Duration) {
	for end := r.world.Now() + d; r.world.Now() < end; {
		r.turn()
	}
}

// rest lets everything come back that the limits count.
func (r *run) rest() {
	r.resting = true
	r.letPass(r.plan.limits.rest())
	r.resting = false
}

func (r *run) settleWithin(d time.Duration) {
	end := r.world.Now() + d
	r.until("a message is everywhere at once", 0, func() string {
		missing := r.unsettled()
		if missing != "" && r.world.Now() > end {
			r.fail("nothing is wrong, and a message is not everywhere after %v: %s", d, missing)
		}
		return missing
	})
}

// probeSlow has a client stop reading until its socket is full, and expects it to make
// up for that at once when it reads on.
func (r *run) probeSlow() {
	if !r.mayFill() {
		return
	}
	for _, reader := range r.actors {
		for _, writer := range r.actors {
			if reader == writer {
				continue
			}
			for _, s := range writer.seats {
				if reader.seat(s.room) != nil {
					r.fill(reader, writer, s)
					return
				}
			}
		}
	}
}

// mayFill reports whether a socket can be filled: else it would take too much, or too long.
func (r *run) mayFill() bool {
	if l := &r.plan.limits; r.plan.socketBufferBytes > 1500 || l.loaded() || l.rates.MessagesPerSecond > 0 || l.rates.ReceiveBytesPerSecond > 0 {
		return false
	}
	return r.plan.sliceFramesMax >= 20 && r.plan.turnFramesMax >= 4 // or much that waits is handled in many turns
}

// probeDeaf has a client ask and not read the answers. The server keeps as many of them
// as it promises to, and then gives the client up.
func (r *run) probeDeaf() {
	const pongBytes = 13
	p := &r.plan
	if p.socketBufferBytes > 1500 || p.directQueueBytesMax > 20000 || p.limits.rates.ReceiveBytesPerSecond > 0 {
		return // it would take too long
	}
	a := r.actors[0]
	a.note("is deaf")
	a.asleep = true
	l := a.link
	l.session.Engine().Pause()
	most := (p.directQueueBytesMax + 8*p.socketBufferBytes) / pongBytes
	asked, end := 0, time.Duration(0)
	r.until("a client that reads no answers is given up", 0, func() string {
		switch {
		case l.over || r.server.svc.Sessions() < len(r.actors):
			return ""
		case asked <= most:
			end = r.world.Now() + p.linger + promptly // a farewell is tried first
		case r.world.Now() > end:
			r.fail("%s has not read %d bytes of answers, and is still there; %d may wait", a.name, asked*pongBytes, p.directQueueBytesMax)
		}
		for i := 0; i < 30 && asked <= most && a.online() && l.session.Engine().QueuedBytes() == 0; i++ {
			l.ping()
			asked++
		}
		return "it is still there"
	})
	a.asleep = false
	r.until("all are back", time.Second, r.unsettled)
}

// probeLeap has everything stand still for longer than anybody may be silent, and expects
// all to be there when it goes on.
func (r *run) probeLeap() {
	if r.plan.limits.any {
		return // who watches them expects each answer soon
	}
	for range 2 {
		links := make([]*link, len(r.actors))
		pings := r.rng.IntN(2) == 0
		for i, a := range r.actors {
			if links[i] = a.link; pings {
				a.link.ping() // and its answer comes after the leap
			}
		}
		r.world.Advance(r.world.Now() + 2*r.plan.idle + time.Duration(r.rng.IntN(int(r.plan.idle))))
		r.letPass(r.plan.heartbeat)
		for i, a := range r.actors {
			if a.link != links[i] {
				r.fail("everything stood still for a while, and %s has lost its connection", a.name)
			}
		}
		r.settledAgain()
	}
}

// probeRefused has the disk refuse the next calls, and somebody ask for things that
// need it: each has to be answered, and what is to be stored is, later.
func (r *run) probeRefused() {
	for _, a := range r.actors {
		if len(a.seats) == 0 {
			continue
		}
		r.refuseNext = 1 + r.rng.IntN(3)
		s := a.seats[r.rng.IntN(len(a.seats))]
		a.link.askHistory(sdk.History{Room: s.room, ItemsMax: 1}, false)
		a.say(s, a.text(30))
		a.link.create()
		r.until("what the disk refuses is answered", 0, r.unsettled)
		r.refuseNext = 0
		return
	}
}

// probeMoved has an author come back by another network while the disk is slow: the
// message is said again, and the old connection, of whose end the server has heard
// nothing, is given up.
func (r *run) probeMoved() {
	for _, a := range r.actors {
		c, ok := r.clientTaps.connectionOf(a.link.session.Engine())
		if len(a.seats) == 0 || !ok || r.plan.publishesInFlightMax > 2 {
			continue
		}
		r.diskStalledUntil = r.world.Now() + 400*time.Millisecond
		old := a.link
		a.say(a.seats[0], a.text(30))
		for end := r.world.Now() + 50*time.Millisecond; r.world.Now() < end; {
			r.turn()
		}
		if old.over {
			return
		}
		r.moveAway(a, c)
		r.until("who has moved is back", r.plan.idle+r.plan.heartbeat+300*time.Millisecond, r.unsettled)
		return
	}
}

// probeStranger has somebody connect who says nothing, and expects the server to be rid
// of it when the deadline for a login has passed.
func (r *run) probeStranger() {
	p := &r.plan
	if r.server.svc.Sessions() >= p.sessionsMax {
		return
	}
	r.ghosts.appear()
	r.until("a stranger is let in", 0, func() string {
		if r.server.svc.Sessions() == len(r.actors) {
			return "it is not there"
		}
		return ""
	})
	end := r.world.Now() + min(p.login, p.idle) + p.linger + promptly
	r.until("a stranger is sent away", 0, func() string {
		if r.server.svc.Sessions() == len(r.actors) {
			return ""
		}
		if r.world.Now() > end {
			r.fail("a stranger who says nothing is still there after the deadline of %v", p.login)
		}
		return "it is still there"
	})
}

func (r *run) fill(reader, writer *actor, s *seat) {
	reader.note("is asleep")
	reader.asleep = true
	reader.link.session.Engine().Pause()
	for bytes := 0; bytes < 2*r.plan.socketBufferBytes+1000; {
		text := writer.text(200)
		writer.say(s, text)
		bytes += len(text) + 30 // and what is around it
	}
	r.until("the others have the messages", 0, writer.unsettled)
	reader.asleep = false
	if reader.link == nil || reader.link.session.Engine() == nil {
		r.until("all are back", time.Second, r.unsettled) // it was asleep for too long
		return
	}
	reader.resume()
	r.settleWithin(promptlySlow)
}

package room

import "sarang/chat"

// Wants reports whether there is a batch to store and none in flight.
func (r *Room) Wants() bool { return !r.inFlight && len(r.gathering.events) > 0 }

// Take gives numbers and a time to what has gathered, or the first of it, and puts it
// in flight. Who has lost the right to his event meanwhile is refused. The events are to
// be stored as they are behind Info().LastSeq, and Committed, Failed or Overtaken is to
// be called. They are the room's and valid until then. None: all of it was refused, and
// nothing is in flight.
func (r *Room) Take(nowMs int64, tell Outcomes) []chat.Event {
	if n := r.gathering.within(r.config.BatchEventsMax, r.config.BatchTextBytesMax); n == len(r.gathering.events) {
		r.flying, r.gathering = r.gathering, r.flying
	} else {
		r.gathering.split(n, &r.flying)
	}
	r.takeMs = r.timeFor(nowMs)
	r.decide(tell)
	if len(r.flying.events) == 0 {
		r.land()
		return nil
	}
	r.inFlight = true
	for i := range r.flying.events {
		e := &r.flying.events[i]
		e.Seq = r.info.LastSeq + 1 + chat.Seq(i)
		e.TimeMs, e.UntilMs = r.takeMs, r.until(e)
	}
	return r.flying.events
}

// until is when the role of an event ends that is being given its place. Until it has one,
// the event's UntilMs is minus for how long.
func (r *Room) until(e *chat.Event) int64 {
	if e.UntilMs < 0 {
		return r.takeMs - e.UntilMs
	}
	return e.UntilMs
}

// timeFor is the time that events get which are given their places now: that of the
// clock, but not before the event that is there already, unless that one is dated so far
// ahead that the clock was wrong. Then the log's time is set back: else one such event
// would date all that follow.
func (r *Room) timeFor(nowMs int64) int64 {
	if r.info.LastMs > nowMs+r.config.TimeAheadMax.Milliseconds() {
		return nowMs
	}
	return max(r.info.LastMs, nowMs)
}

// decide asks once more, in the order of the places, who has the right to his event.
func (r *Room) decide(tell Outcomes) {
	ruled, changed := r.info.Ruled || r.info.Archived || r.info.SlowSeconds > 0, false
	for i := range r.flying.events {
		k := r.flying.events[i].Kind
		ruled = ruled || k.Rules() || k.Sets() || k == chat.EventTopic || k == chat.EventExpire || r.isShutOut(&r.flying.events[i])
		changed = changed || k.Changes()
	}
	if !ruled && !changed {
		return
	}
	n := min(r.decidable(), r.untilSet())
	if changed {
		n = min(n, r.apart())
	}
	if n < len(r.flying.events) {
		var first batch
		r.flying.split(n, &first)
		r.flying.join(&r.gathering)
		r.gathering, r.flying = r.flying, first
	}
	r.flying.keep(func(i int) bool {
		e := &r.flying.events[i]
		if err := r.mayHappen(e, r.flying.origins[i]); err != nil {
			r.giveUp(&r.flying, i, func(a Ack) { tell.Refuse(a, err) })
			return false
		}
		if seq := r.stands(e); seq != 0 {
			r.giveUp(&r.flying, i, func(a Ack) { a.Seq = seq; tell.Duplicate(a) })
			return false
		}
		r.given(e)
		return true
	})
}

// decidable is how many of the first events can be decided now: what would be refused for
// a role that is only on its way has to wait until that is in the log, or is not.
func (r *Room) decidable() int {
	defer func() { clear(r.flyingRoles); clear(r.flyingSaid) }()
	for i := range r.flying.events {
		e := &r.flying.events[i]
		if r.mayHappen(e, r.flying.origins[i]) == nil {
			r.given(e)
			continue
		}
		_, author := r.flyingRoles[e.User]
		_, subject := r.flyingRoles[e.Subject]
		if author || subject {
			return i
		}
	}
	return len(r.flying.events)
}

// giveUp takes back what was noted of event i of a batch, which will not be stored, and
// calls refuse for everybody who waits for it.
func (r *Room) giveUp(b *batch, i int, refuse func(Ack)) {
	e := &b.events[i]
	r.pendingBytes -= cost(e.Text, e.Files)
	if e.Kind == chat.EventExpire {
		r.expiring = 0 // it is asked for again
	}
	if !e.Kind.Authored() {
		return
	}
	a := r.authors.get(e.User)
	r.end(a, e)
	b.waiting(i, func(to Ref) { refuse(Ack{Ref: to, Kind: e.Kind, Nonce: e.Nonce}) })
}

// Committed moves the batch in flight to the log. ack is called for each event that
// somebody waits for.
func (r *Room) Committed(ack func(Ack)) {
	for i := range r.flying.events {
		e := &r.flying.events[i]
		r.info.LastSeq, r.info.LastMs = e.Seq, e.TimeMs
		r.pendingBytes -= cost(e.Text, e.Files)
		if e.Kind == chat.EventExpire {
			r.hasExpired(e)
		}
		if !e.Kind.Authored() {
			continue
		}
		switch {
		case e.Kind == chat.EventRole:
			r.rule(e)
		case e.Kind.Changes():
			r.targets.note(e)
		case e.Kind == chat.EventTopic || e.Kind.Sets():
			r.info.Set(e)
		}
		a := r.authors.get(e.User)
		a.note(e, a.digestOf(e))
		r.end(a, e)
		r.flying.waiting(i, func(to Ref) { ack(Ack{to, e.Kind, e.Nonce, e.Seq}) })
	}
	r.land()
}

// Failed gives up the batch in flight: nothing of it was stored. refuse is called for
// each event that somebody waits for. Joins and leaves are lost with it; who is present
// stays so.
func (r *Room) Failed(refuse func(Ack)) {
	for i := range r.flying.events {
		r.giveUp(&r.flying, i, refuse)
	}
	r.land()
}

// Overtaken is called when others have written since the batch in flight was decided,
// and so nothing of it was stored. between are the events behind LastSeq, all or the
// first of them, which are applied; then what was on its way is decided again: a nonce
// may be known now, a role gone. What is left of it is first in line.
func (r *Room) Overtaken(between []chat.Event, tell Outcomes) {
	for i := range r.flying.events {
		if e := &r.flying.events[i]; e.UntilMs > 0 {
			e.UntilMs = e.TimeMs - e.UntilMs // as before Take; see until
		}
	}
	r.flying.join(&r.gathering)
	r.gathering, r.flying = r.flying, batch{}
	r.land()
	r.Apply(between, tell)
}

// Apply takes events that others have written behind LastSeq into account. Nothing may
// be in flight. What gathers, and is among them by its nonce, is told to be a Duplicate.
func (r *Room) Apply(events []chat.Event, tell Outcomes) {
	r.authors.complete = r.authors.complete && len(events) == 0 // before authors are made of them
	for i := range events {
		e := &events[i]
		r.info.LastSeq, r.info.LastMs = e.Seq, e.TimeMs
		if a := r.authors.peek(e.User); a != nil && e.Kind.Authored() {
			a.note(e, e.Digest())
		}
		switch {
		case e.Kind == chat.EventExpire:
			r.hasExpired(e)
		case e.Kind == chat.EventRole:
			r.rule(e)
		case e.Kind.Changes():
			r.targets.note(e)
		case e.Kind == chat.EventTopic || e.Kind.Sets():
			r.info.Set(e)
		}
	}
	r.dropKnown(tell)
}

// dropKnown takes out of what gathers the events that the log has by now.
func (r *Room) dropKnown(tell Outcomes) {
	r.gathering.keep(func(i int) bool {
		e := &r.gathering.events[i]
		if e.Kind == chat.EventExpire && e.Target <= r.expired {
			r.pendingBytes -= cost(e.Text, e.Files)
			return false
		}
		if !e.Kind.Authored() {
			return true
		}
		a := r.authors.get(e.User)
		at, known := a.find(e.Nonce)
		if !known || at.Seq == 0 {
			return true
		}
		r.pendingBytes -= cost(e.Text, e.Files)
		r.end(a, e)
		wrong := mistaken(at, e)
		r.gathering.waiting(i, func(to Ref) {
			if wrong != nil {
				tell.Refuse(Ack{Ref: to, Kind: e.Kind, Nonce: e.Nonce}, wrong)
				return
			}
			tell.Duplicate(Ack{to, e.Kind, e.Nonce, at.Seq})
		})
		return false
	})
}

func (r *Room) land() {
	r.flying.reset(r.config.BatchEventsMax)
	clear(r.flyingRoles)
	clear(r.flyingSaid)
	r.inFlight = false
}

// InFlight returns the batch that Take gave out, if its outcome was not told yet.
func (r *Room) InFlight() []chat.Event { return r.flying.events }

// InFlightRef returns the Ref of event i of the batch in flight, 0 if it has none.
func (r *Room) InFlightRef(i int) Ref { return r.flying.origins[i].ref }

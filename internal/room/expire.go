package room

import "sarang/chat"

// Forget has the beginning of the log erased, up to an event: what is older than it is kept. It reports
// whether there will be an event that says so; false if all up to there is erased, or is about to be, or
// the room is over.
func (r *Room) Forget(upTo chat.Seq) bool {
	if r.closed || r.info.Ephemeral || upTo == 0 || upTo > r.info.LastSeq || upTo <= r.expired || upTo <= r.expiring {
		return false
	}
	r.expiring = upTo
	r.pendingBytes += cost("", "")
	r.gathering.add(chat.Event{Room: r.info.ID, Kind: chat.EventExpire, Nonce: r.nonce(), Target: upTo}, origin{})
	return true
}

// hasExpired takes in an event of the log by which its beginning is erased.
func (r *Room) hasExpired(e *chat.Event) {
	r.expired = max(r.expired, e.Target)
	r.targets.expire(r.expired)
}

// expire has all up to an event be gone.
func (t targets) expire(upTo chat.Seq) {
	for seq, of := range t {
		if seq > upTo {
			continue
		}
		for _, at := range of {
			at.Target, at.gone = chat.Target{AsOf: at.AsOf}, true
		}
	}
}

// Skip goes on behind events that others have written and erased since, so that nobody here has seen them: info is what
// the store says of the room now, and its next event is first, which is above LastSeq + 1. Nothing may be in
// flight. What gathers is refused, for what it was decided by is not known any more.
func (r *Room) Skip(info chat.Room, first chat.Seq, why *chat.Error, tell Outcomes) {
	for i := range r.gathering.events {
		r.giveUp(&r.gathering, i, func(a Ack) { tell.Refuse(a, why) })
	}
	r.gathering.reset(r.config.BatchEventsMax)
	info.LastSeq, info.LastMs = first-1, r.info.LastMs
	r.info = info
	r.authors.doubt()
	r.expired = max(r.expired, first-1)
	r.targets.expire(r.expired)
}

// doubt has all authors be loaded anew, but those that are being loaded.
func (c *authorCache) doubt() {
	for _, some := range []map[chat.UserID]*author{c.young, c.old} {
		for u, a := range some {
			if !a.busy() {
				delete(some, u)
			} else if !a.awaited {
				a.loaded, a.ruled = false, false
			}
		}
	}
	c.complete = false
}

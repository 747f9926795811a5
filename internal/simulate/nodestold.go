package simulate

import (
	"slices"

	"sarang/chat"
	"sarang/internal/hub/hubtest"
)

// read takes in what devices were told.
func (r *nodesRun) read() {
	r.learnOwners()
	for _, d := range r.devices {
		c := d.client
		if c == nil {
			continue
		}
		for d.read < len(c.Records) {
			d.read++
			d.told(&c.Records[d.read-1])
		}
		if c.Over {
			d.over()
		}
	}
}

// told judges an answer.
func (d *device) told(x *hubtest.Record) {
	switch x.Kind {
	case "LoggedIn":
		if d.client.User.ID != d.person.user {
			d.fail("was user %d and is user %d", d.person.user, d.client.User.ID)
		}
	case "Ack":
		d.acked(x)
	case "Joined":
		d.answered(x, "Joined")
		d.joined(x)
	case "Left":
		d.answered(x, "Left")
		if p := d.place(x.Ref.Room); p != nil {
			p.ends = append(p.ends, 0)
		}
		d.loseAttempts(x.Ref.Room)
	case "Removed":
		d.removed(x)
	case "History":
		d.answered(x, "History")
		d.history(x)
	case "Members":
		d.answered(x, "Members")
	case "Gap":
		d.fail("was told of a gap in room %d, from %d to %d", x.Ref.Room, x.From, x.Seq)
	case "Failed":
		d.failed(x)
	default:
		d.fail("was told %+v", x)
	}
}

// removed: somebody has sent the device's user out, by an event that says so.
func (d *device) removed(x *hubtest.Record) {
	p, room := d.place(x.Ref.Room), d.run.logs.room(x.Ref.Room)
	log := room.events
	if p == nil || !p.in {
		d.fail("is sent out of room %d, where it is not", x.Ref.Room)
	}
	if x.Seq == 0 || x.Seq > chat.Seq(len(log)) || !room.sendsOut(&log[x.Seq-1], d.person.user) {
		d.fail("is sent out of room %d by event %d of %d, which does not say so", x.Ref.Room, x.Seq, len(log))
	}
	d.run.counts.SentOut++
	d.run.note("%v: is sent out of room %d by %d", d, p.room, x.Seq)
	p.in, d.left[p.room], p.ends = false, true, append(p.ends, x.Seq)
	d.loseAttempts(p.room)
}

// answered: each request has one outcome.
func (d *device) answered(x *hubtest.Record, kind string) {
	asked, found := d.requests[x.Ref.Request]
	if delete(d.requests, x.Ref.Request); !found || len(asked) < len(kind) || asked[:len(kind)] != kind {
		d.fail("was told %s of request %d, which was %q", kind, x.Ref.Request, asked)
	}
}

// attempt finds the message that an outcome is of. Who has left and come back may be told
// what became of something that he had said before.
func (d *device) attempt(x *hubtest.Record) *message {
	m := d.run.message(x.Ref.Room, d.person.user, x.Ref.Nonce)
	if m == nil || !m.ended(d) && !(m.sessions[d] == d.life && d.left[x.Ref.Room]) {
		d.fail("was told %s of the nonce %x in room %d, for which it does not wait", x.Kind, uint64(x.Ref.Nonce), x.Ref.Room)
	}
	return m
}

func (d *device) acked(x *hubtest.Record) {
	m := d.attempt(x)
	if m.at == 0 || m.at != x.Seq {
		d.fail("%v is acknowledged at %d, and stored at %d", m, x.Seq, m.at)
	}
	d.run.counts.Acked++
	m.acked = true
}

func (d *device) failed(x *hubtest.Record) {
	switch {
	case x.Ref.Nonce != 0:
		d.refused(x, d.attempt(x))
	case x.Ref.Request == 0: // the login
		d.asked = false
		if x.Err.Code != chat.CodeUnavailable {
			d.fail("can not log in: %v", x.Err)
		}
	default:
		d.requestFailed(x)
	}
}

// refused: an attempt has failed, for good or not.
func (d *device) refused(x *hubtest.Record, m *message) {
	banned := d.run.logs.room(m.room).banned[d.person.user] || d.run.logs.room(m.room).private
	switch code := x.Err.Code; {
	case code == chat.CodeUnavailable, code == chat.CodeTooMany:
		d.run.counts.TryAgain++
	case code == chat.CodeNotMember && (d.place(m.room) == nil || !d.place(m.room).in): // its join has failed
		d.run.counts.TryAgain++
	case code == chat.CodeNoRoom && d.run.logs.room(m.room).private: // its join was answered so
		d.run.counts.Refused++
		m.refused = true
	case code == chat.CodeForbidden && (banned || m.kind != chat.EventMessage):
		d.run.counts.Refused++
		m.refused = true
	default:
		d.fail("%v is refused: %v", m, x.Err)
	}
	m.judge()
}

func (d *device) requestFailed(x *hubtest.Record) {
	asked, found := d.requests[x.Ref.Request]
	if delete(d.requests, x.Ref.Request); !found {
		d.fail("was told of request %d, for which it does not wait: %v", x.Ref.Request, x.Err)
	}
	room := x.Ref.Room
	for _, p := range d.places {
		if p.joining == x.Ref.Request {
			p.joining, room = 0, d.run.roomOf(p.name)
		}
	}
	switch {
	case x.Err.Code == chat.CodeUnavailable, x.Err.Code == chat.CodeTooMany:
	case x.Err.Code == chat.CodeForbidden && !d.run.logs.room(room).private && d.run.logs.room(room).banned[d.person.user]:
	case x.Err.Code == chat.CodeRoomExists && d.run.logs.room(room).private && asked == "Joined" && x.Ref.Room == 0:
	case x.Err.Code == chat.CodeNoRoom && d.run.logs.room(room).private && asked != "Joined":
	default:
		d.fail("%q has failed: %v", asked, x.Err)
	}
}

// roomOf is the room of a name, as the disk knows it.
func (r *nodesRun) roomOf(name string) chat.RoomID {
	for _, room := range r.disk.Rooms() {
		if room.Name == name {
			return room.ID
		}
	}
	return 0
}

// joined judges where a room begins.
func (d *device) joined(x *hubtest.Record) {
	r, i := d.run, slices.IndexFunc(d.places, func(p *simPlace) bool { return p.joining == x.Ref.Request })
	if i < 0 {
		d.fail("was told %+v, and did not ask to join", x)
	}
	p := d.places[i]
	p.joining = 0
	log := r.logs.room(x.Info.ID)
	if log.epoch == 0 {
		log.epoch, log.name = x.Info.Epoch, x.Info.Name
	}
	if p.room != 0 && p.room != x.Info.ID || x.Info.Name != p.name || log.name != p.name || log.epoch != x.Info.Epoch {
		d.fail("wants %s, room %d, and joins %+v", p.name, p.room, x.Info)
	}
	if x.Info.LastSeq > chat.Seq(len(log.events)) {
		d.fail("room %d is said to end at %d, and has %d events", x.Info.ID, x.Info.LastSeq, len(log.events))
	}
	after := x.Info.LastSeq - min(x.Info.LastSeq, chat.Seq(r.plan.historyItems))
	if p.resumed {
		r.counts.Resumes++
		after = p.cursor
	}
	if r.counts.Joins++; x.Seq != after {
		d.fail("goes on after %d of %d in room %d, and has %d (with a cursor %t)", x.Seq, x.Info.LastSeq, x.Info.ID, p.cursor, p.resumed)
	}
	p.room, p.in, p.begins = x.Info.ID, true, append(p.begins, x.Info.LastSeq)
}

// history judges a page.
func (d *device) history(x *hubtest.Record) {
	log := d.run.logs.room(x.Ref.Room).events
	for i := range x.Events {
		e := &x.Events[i]
		if i > 0 && e.Seq != x.Events[i-1].Seq+1 || e.Seq == 0 || e.Seq > chat.Seq(len(log)) || log[e.Seq-1] != *e {
			d.fail("a page of room %d has %+v", x.Ref.Room, *e)
		}
	}
	if n := len(x.Events); n > 0 && !d.run.logs.room(x.Ref.Room).mayHaveRead(d.person.user, x.Events[n-1].Seq, d.run.nowMs()) {
		d.fail("a page of room %d goes up to %d, and it has no right to that", x.Ref.Room, x.Events[n-1].Seq)
	}
}

// arrived judges what the stream brings: the events of the log from where the room was
// joined, in order, once, without a gap but for what the device leaves out.
func (d *device) arrived(a hubtest.Arrival) {
	p := d.placeOf(a.Room)
	switch {
	case a.Joined && p.shows:
		d.fail("room %d begins a second time", a.Room)
	case a.Joined:
		p.shows, p.next, p.have, p.over = true, a.After+1, a.After, 0
		p.began, p.begins = p.begins[0], p.begins[1:]
		return
	case !p.shows:
		d.fail("is shown something of room %d, where it is not: %+v", a.Room, a)
	case a.Left:
		p.shows = false
		if by := p.ends[0]; by != 0 && p.next > by+1 {
			d.fail("was shown %d of room %d before it was sent out by %d", p.next-1, a.Room, by)
		}
		p.ends = p.ends[1:]
		return
	}
	log := d.run.logs.room(a.Room).events
	e := a.Event
	if e.Seq < p.next || e.Seq > chat.Seq(len(log)) {
		d.fail("is shown event %d of room %d, of %d, where %d is next", e.Seq, a.Room, len(log), p.next)
	}
	for ; p.next < e.Seq; p.next++ {
		d.passes(p, &log[p.next-1])
		if !d.leavesOut(&log[p.next-1]) {
			d.fail("was not shown event %d of room %d: %+v", p.next, a.Room, log[p.next-1])
		}
		d.run.counts.Omitted++
	}
	if p.over != 0 {
		d.fail("is shown event %d of room %d, from where %d has sent it out", e.Seq, a.Room, p.over)
	}
	d.passes(p, &log[e.Seq-1])
	p.next++
	p.have = e.Seq
	d.shown(&e, log[e.Seq-1], a.Format)
}

// passes notes an event that sends the device's user out while it is in the room.
func (d *device) passes(p *simPlace, e *chat.Event) {
	if e.Seq > p.began && d.run.logs.room(p.room).sendsOut(e, d.person.user) {
		p.over = e.Seq
	}
}

// placeOf is place for what may arrive before the answer was read.
func (d *device) placeOf(room chat.RoomID) *simPlace {
	d.run.read()
	p := d.place(room)
	if p == nil {
		d.fail("is shown something of room %d, which it does not know", room)
	}
	return p
}

func (d *device) shown(e *chat.Event, want chat.Event, format string) {
	d.run.counts.Shown++
	want.Name, want.TimeMs, want.UntilMs = "", 0, 0 // they are not in the line
	if *e != want || format != d.format.Name {
		d.fail("is shown %+v in format %s; stored is %+v", *e, format, want)
	}
	if d.omit && d.format.Name == "user" && e.Kind.Authored() && e.User == d.person.user {
		d.fail("is shown its own event %d of room %d", e.Seq, e.Room)
	}
}

// leavesOut reports whether the device need not be shown an event: it is its own.
func (d *device) leavesOut(e *chat.Event) bool {
	if !d.omit || !e.Kind.Authored() || e.User != d.person.user {
		return false
	}
	switch d.format.Name {
	case "user":
		return true
	case "session":
		m := d.run.message(e.Room, e.User, e.Nonce)
		return m.sessions[d] == d.life
	}
	return false
}

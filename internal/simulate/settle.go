package simulate

import (
	"fmt"
	"slices"
	"time"

	"sarang/chat"
	sdk "sarang/client/session"
	"sarang/internal/limit"
)

// restDeadline is how long, in simulated time, a healed system may take to come to
// rest. Timeouts and retries are seconds.
const restDeadline = 5 * time.Minute

// settle heals everything and waits until everybody has everything.
func (r *run) settle() {
	r.heal()
	// At rest is who has found out about all connections that have gone silent.
	rest := max(r.plan.awayGrace, r.plan.idle) + r.plan.heartbeat + 300*time.Millisecond
	r.until("everybody is back and has everything", rest, r.unsettled)
	r.checkIdleMemory()
	if r.options.Strike == nil {
		r.probeAll()
	}
	r.walk()
	for _, a := range r.actors {
		for _, w := range a.wishes {
			r.fail("message %d of %s has no outcome", w.nonce, a.name)
		}
	}
}

// walk has everything read that can be read page by page, one list at a time: the
// answers to more may be more than a session's queue takes.
func (r *run) walk() {
	answered := func() { r.until("the pages are answered", 0, r.unanswered) }
	walked := map[chat.RoomID]bool{} // history is the same for everybody: one reads it
	for _, a := range r.actors {
		for _, s := range a.seats {
			if !walked[s.room] {
				walked[s.room] = true
				a.link.askHistory(sdk.History{Room: s.room}, true)
				answered()
				a.link.askHistory(sdk.History{Room: s.room, Before: s.last + 1}, true)
				answered()
			}
			a.link.askMembers(s.room, 0, true)
			answered()
		}
	}
	for i, a := range r.actors {
		for _, s := range a.seats {
			whole := !slices.ContainsFunc(r.actors[:i], func(o *actor) bool { return o.seat(s.room) != nil })
			a.comparePicture(s, whole)
		}
	}
	for _, a := range r.actors {
		a.link.askMine(0, true)
		answered()
	}
	r.actors[0].link.list(0, true)
	answered()
}

// turn lets everybody do what there is to do, and some time pass.
func (r *run) turn() {
	if r.server == nil && r.world.Now() >= r.startAt {
		r.startServer()
	}
	r.goOnDraining()
	r.tickServer(true)
	for from, n := r.hubSteps(); from < n; from, n = r.hubSteps() {
		r.tickHub()
	}
	r.tick(r.clients, r.clientTaps, len(r.clientTaps.drivers), true)
	r.ghosts.tick()
	for _, a := range r.actors {
		switch {
		case a.link == nil && r.world.Now() >= a.retryAt && !a.gone:
			a.connect()
		case a.link != nil && !a.asleep:
			a.resume()
			a.askAgain()
		}
	}
	next := r.world.Now() + 10*time.Millisecond
	if r.resting {
		next += 190 * time.Millisecond
	}
	if due, ok := r.world.Next(); ok {
		next = min(next, due)
	}
	if !r.world.Ready() {
		r.world.Advance(next)
	}
}

// until turns until what says that nothing is missing any more, for as long as rest.
func (r *run) until(goal string, rest time.Duration, what func() string) {
	deadline := r.world.Now() + restDeadline
	since := time.Duration(-1)
	for {
		missing := what()
		switch now := r.world.Now(); {
		case missing != "" && now > deadline:
			r.fail("it never happens that %s: %s", goal, missing)
		case missing != "":
			since = -1
		case since < 0:
			since = now
		}
		if since >= 0 && r.world.Now() >= since+rest {
			return
		}
		r.turn()
		r.steps++
	}
}

// unsettled says what keeps the system from being at rest.
func (r *run) unsettled() string {
	if r.server == nil || r.server.draining {
		return "the server is down"
	}
	for _, a := range r.actors {
		if what := a.unsettled(); what != "" {
			return a.name + " " + what
		}
	}
	if n := r.server.hub.Steps(); n > 0 {
		return fmt.Sprintf("%d tasks wait for the store", n)
	}
	if load := r.server.hub.Load(); load.Level != limit.LevelNone || load.PublishBytes != 0 {
		return fmt.Sprintf("the server has a load of %+v", load)
	}
	if n := r.server.svc.Sessions(); n != len(r.actors) {
		return fmt.Sprintf("the server has %d sessions for %d clients", n, len(r.actors))
	}
	return ""
}

func (a *actor) unsettled() string {
	switch {
	case !a.online():
		return "is not online"
	case len(a.link.asked) > 0:
		return "has requests without an answer"
	case len(a.link.pings) > 0:
		return "has pings without an answer"
	case len(a.wishes) > 0:
		return fmt.Sprintf("has %d messages without an outcome, the first is %d to room %d", len(a.wishes), a.wishes[0].nonce, a.wishes[0].room)
	}
	for _, s := range a.seats {
		known, ok := a.state.Room(s.room)
		last := a.run.model.last(s)
		switch {
		case !ok || !known.Joined:
			return "is not back in " + s.name
		case s.last != last:
			return fmt.Sprintf("has %d of %d events of %s", s.last, last, s.name)
		case s.gapOwed:
			return "was not told of the new epoch of " + s.name
		}
	}
	if rooms := a.state.Rooms(); len(rooms) != len(a.seats) {
		return fmt.Sprintf("is in %d rooms and believes to be in %d", len(a.seats), len(rooms))
	}
	return ""
}

func (r *run) unanswered() string {
	for _, a := range r.actors {
		if a.link == nil {
			r.fail("nothing is wrong, and %s has lost its connection", a.name)
		}
		if len(a.link.asked)+len(a.again) > 0 {
			return a.name + " has requests without an answer"
		}
	}
	return ""
}

// walkKey is a list of members that is being read page by page.
type walkKey struct {
	actor int
	room  chat.RoomID
}

// membersSeen gathers the pages of members, and looks at whether it is all of them.
func (r *run) membersSeen(l *link, q *asked, p sdk.MemberPage, last chat.UserID) {
	key := walkKey{l.actor.id, p.Room}
	for _, m := range p.Members {
		if !slices.ContainsFunc(r.actors, func(a *actor) bool { return a.user == m.User && a.state.Name() == m.Name }) {
			r.fail("%s is told that %q is user %d", l.actor.name, m.Name, m.User)
		}
		r.walks[key] = append(r.walks[key], m.User)
	}
	if p.More {
		l.askMembers(p.Room, last, true)
		return
	}
	var want []chat.UserID
	for _, a := range r.actors {
		if a.seat(p.Room) != nil {
			want = append(want, a.user)
		}
	}
	slices.Sort(want)
	if !slices.Equal(r.walks[key], want) || p.Total != len(want) {
		r.fail("%s is told that %v are in room %d (%d in all); there are %v", l.actor.name, r.walks[key], p.Room, p.Total, want)
	}
}

// roomsSeen gathers the pages of rooms, and looks at whether it is all of them, as they
// are when nothing moves.
func (r *run) roomsSeen(l *link, p sdk.RoomPage, last chat.RoomID) {
	r.rooms = append(r.rooms, p.Rooms...)
	if p.More {
		l.list(last, true)
		return
	}
	stored := r.disk.Rooms()
	if len(r.rooms) != len(stored) {
		r.fail("%s is told of %d rooms, there are %d", l.actor.name, len(r.rooms), len(stored))
	}
	for i, room := range stored {
		want := sdk.RoomInfo{
			ID: room.ID, Name: room.Name, Epoch: room.Epoch, Ephemeral: room.Ephemeral, LastSeq: room.LastSeq,
		}
		for _, a := range r.actors {
			if s := a.seat(room.ID); s != nil {
				want.Members++
				want.Epoch, want.LastSeq = s.epoch, s.last
			}
		}
		got := r.rooms[i]
		if room.Ephemeral && want.Members == 0 { // nobody has been told of its present life
			got.Epoch, got.LastSeq = want.Epoch, want.LastSeq
		}
		if got != want {
			r.fail("%s is told of %+v, which is %+v", l.actor.name, got, want)
		}
	}
}

// finish takes everybody home and looks at what is left over.
func (r *run) finish() {
	for i, a := range r.actors {
		a.gone = true
		if i%4 == 0 {
			a.link.session.Abort()
		} else {
			a.link.session.Close()
		}
	}
	r.until("all sessions are over", r.plan.awayGrace+300*time.Millisecond, func() string {
		if c, s := r.clients.Sessions(), r.server.svc.Sessions(); c+s > 0 {
			return fmt.Sprintf("the clients have %d and the server has %d", c, s)
		}
		return ""
	})
	r.probeGone()
	r.ghosts.leave()
	r.until("the strangers have gone", 300*time.Millisecond, func() string {
		if n := r.server.svc.Sessions(); n > 0 {
			return fmt.Sprintf("the server has %d sessions", n)
		}
		return ""
	})
	r.until("no timer runs when nobody is there", 0, func() string {
		if n := r.server.svc.Stats().Timers; n > 0 {
			return fmt.Sprintf("%d run", n)
		}
		return ""
	})
	r.checkIdleMemory()
	r.checkStore()
	r.dispose()
	if err := r.clients.Close(); err != nil {
		r.fail("when the clients close: %v", err)
	}
	if n := r.clients.Sessions(); n != 0 {
		r.fail("the clients have closed, and have %d sessions", n)
	}
	if s := r.world.Stats(); s.EndsOpen != 0 || s.StreamsInUse != 0 {
		r.fail("on the network %d ends and %d streams are left over", s.EndsOpen, s.StreamsInUse)
	}
}

// checkStore compares what is stored with what was told.
func (r *run) checkStore() {
	for _, room := range r.disk.Rooms() {
		log := r.disk.Log(room.ID)
		for i := range log {
			log[i] = shownAs(log[i])
		}
		if !slices.Equal(log, r.model.logs[room.ID]) {
			r.fail("the log of room %d has changed", room.ID)
		}
	}
	for _, w := range r.model.wanted {
		stored := r.model.placed[place{w.room, w.nonce}]
		switch {
		case w.outcome == outcomeNone:
			r.fail("message %d of %s has no outcome", w.nonce, w.by.name)
		case w.outcome == outcomeAcked && !w.stood && !r.ephemeralRoom(w.room) && stored != w.seq:
			r.fail("message %d of %s was acknowledged as %d, stored is %d", w.nonce, w.by.name, w.seq, stored)
		}
	}
}

// ephemeralRoom tells the kind of a room as the disk has it.
func (r *run) ephemeralRoom(id chat.RoomID) bool { return r.disk.Rooms()[id-1].Ephemeral }

package simulate

import (
	"fmt"
	"slices"
	"time"

	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/internal/hub"
)

// end heals everything, and looks at whether all comes to what it must.
func (r *nodesRun) end() {
	r.heal()
	r.rest("everybody is back", r.nudge, r.unfinished)
	r.probeFormats()
	r.probeRights()
	r.everybodyGoes()
	for _, n := range r.nodes {
		if s := n.rig.Hub.Stats(); s.Rooms != 0 || s.Users != 0 || s.PendingBytes != 0 || s.TasksWaiting != 0 {
			r.fail("node %d: nobody is there, and it has %+v", n.index, s)
		}
		r.stop(n)
	}
	for _, room := range r.disk.Rooms() {
		if !slices.Equal(r.disk.Log(room.ID), r.logs.room(room.ID).events) {
			r.fail("the log of room %d is not what was stored", room.ID)
		}
	}
}

func (r *nodesRun) heal() {
	r.note("all is healed")
	r.healed, r.hints = true, nil
	r.world.SetFaults(aiosim.Faults{})
	for _, n := range r.nodes {
		if n.rig == nil {
			r.start(n)
		}
	}
	for _, d := range r.devices {
		if d.client != nil {
			d.client.Resume()
		}
	}
}

// restRounds is in how many rounds everything must have come to rest.
const restRounds = 400

// rest goes on until missing has nothing to say, with a nudge each time.
func (r *nodesRun) rest(what string, nudge func(), missing func() string) {
	for range restRounds {
		r.goOn(10 * time.Millisecond)
		if missing() == "" {
			return
		}
		nudge()
	}
	r.fail("it never happens that %s: %s", what, missing())
}

// goOn lets a little time go by, and has all nodes take in what the others have written.
func (r *nodesRun) goOn(d time.Duration) {
	r.world.Advance(r.world.Now() + d)
	for _, n := range r.nodes {
		n.rig.Settle() // timers have their turn before hints
	}
	for range 2 { // what one has to store, the other has to learn
		for _, n := range r.nodes {
			for _, room := range r.disk.Rooms() {
				n.rig.Hub.CatchUp(room.ID)
			}
			n.rig.Settle()
		}
	}
	r.read()
	for _, n := range r.nodes {
		r.nothingOnItsWay(n)
	}
}

// nudge has everybody come back to everything, and try again what has no outcome.
func (r *nodesRun) nudge() {
	for _, d := range r.devices {
		if !d.ready() {
			d.act()
			continue
		}
		for _, p := range d.places {
			if !p.in && p.joining == 0 {
				d.join(p)
			}
		}
	}
	for _, m := range r.wanted {
		if m.settled() || len(m.open) > 0 || r.chance(0.5) { // not all at once, for ever
			continue
		}
		if m.operator {
			r.giveRole(r.nodes[r.rng.IntN(len(r.nodes))], m)
		} else if d := r.deviceIn(m.by, m.room); d != nil {
			d.send(m)
		}
	}
	r.letAllSpeak()
}

// letAllSpeak has the operator take back what keeps people from their rooms.
func (r *nodesRun) letAllSpeak() {
	for _, room := range r.disk.Rooms() {
		for _, p := range r.people[1:] {
			if r.logs.room(room.ID).role(p.user, r.nowMs()) < chat.RoleMember {
				r.ordains(r.nodes[0], room.ID, p.user, chat.RoleMember)
			}
		}
	}
}

// deviceIn is a device of somebody that is in a room.
func (r *nodesRun) deviceIn(by *person, room chat.RoomID) *device {
	for _, d := range r.devices {
		if p := d.place(room); (by == nil || d.person == by) && d.ready() && p != nil && p.in {
			return d
		}
	}
	return nil
}

// unfinished says what is missing.
func (r *nodesRun) unfinished() string {
	for _, d := range r.devices {
		for _, p := range d.places {
			if !d.ready() || !p.in {
				return fmt.Sprintf("%v is not in %s", d, p.name)
			}
		}
	}
	for _, m := range r.wanted {
		if !m.settled() {
			return fmt.Sprintf("%v has no outcome: %d attempts wait for one", m, len(m.open))
		}
	}
	for _, room := range r.disk.Rooms() {
		for _, p := range r.people[1:] {
			if r.logs.room(room.ID).role(p.user, r.nowMs()) < chat.RoleMember {
				return fmt.Sprintf("%s may not speak in %s", p.name, room.Name)
			}
		}
	}
	return r.unseen()
}

// unseen says what somebody was not shown.
func (r *nodesRun) unseen() string {
	for _, d := range r.devices {
		for _, p := range d.places {
			log := r.logs.room(p.room).events
			if p.in && !p.shows {
				return fmt.Sprintf("%v was not shown that %s begins", d, p.name)
			}
			for next := p.next; p.in && next <= chat.Seq(len(log)); next++ {
				if !d.leavesOut(&log[next-1]) {
					return fmt.Sprintf("%v was shown %s up to %d of %d", d, p.name, p.next-1, len(log))
				}
			}
		}
		if n := len(d.requests); n > 0 && d.client != nil {
			return fmt.Sprintf("%v waits for %d answers", d, n)
		}
	}
	return ""
}

func nobodyIsNudged() {}

// probeFormats counts the formats that an event is encoded in: those that somebody reads.
func (r *nodesRun) probeFormats() {
	r.wait(r.plan.awayGrace + 100*time.Millisecond) // those who were away leave
	for range 3 {
		for _, d := range r.devices {
			for _, p := range d.places {
				if d.ready() && p.in && r.chance(0.3) {
					d.leave(p)
				}
			}
		}
		r.rest("all have left", nobodyIsNudged, r.unseen)
		for _, room := range r.disk.Rooms() {
			r.probeFormatsOf(room.ID)
		}
	}
}

func (r *nodesRun) probeFormatsOf(room chat.RoomID) {
	d := r.deviceIn(nil, room)
	if d == nil {
		return
	}
	r.counts.EncodedProbes++
	before := make([]int64, len(r.nodes))
	for i, n := range r.nodes {
		before[i] = n.rig.Hub.Stats().Encoded
	}
	events := len(r.logs.room(room).events)
	d.say(d.place(room))
	r.rest("a message is everywhere", nobodyIsNudged, r.unseen)
	if n := len(r.logs.room(room).events) - events; n != 1 {
		r.fail("a message was published to room %d, and %d events are stored", room, n)
	}
	for i, n := range r.nodes {
		if now, want := n.rig.Hub.Stats().Encoded-before[i], len(r.readers(n, room)); now != int64(want) {
			r.fail("node %d has encoded an event of room %d %d times, for readers of %d formats", n.index, room, now, want)
		}
	}
}

// checkEncoded bounds what a node has encoded in its life.
func (r *nodesRun) checkEncoded(n *simNode) {
	most := 0
	for _, room := range r.disk.Rooms() {
		most += len(n.joined[room.Name]) * len(r.logs.room(room.ID).events)
	}
	if s := n.rig.Hub.Stats(); s.Encoded > int64(most) {
		r.fail("node %d has encoded %d events; its readers can have wanted %d", n.index, s.Encoded, most)
	}
}

// probeRights asks on all nodes for everything that there is a right to.
func (r *nodesRun) probeRights() {
	roles := [...]chat.Role{chat.RoleBanned, chat.RoleReader, chat.RoleMember}
	var given []*message
	for _, room := range r.disk.Rooms() {
		for _, p := range r.people[1:] {
			if m := r.ordains(r.nodes[0], room.ID, p.user, roles[r.rng.IntN(len(roles))]); m != nil {
				given = append(given, m)
			}
			r.rest("a role is given", nobodyIsNudged, func() string {
				if i := slices.IndexFunc(given, func(m *message) bool { return m.at == 0 }); i >= 0 {
					return given[i].String()
				}
				return ""
			})
		}
	}
	for _, d := range r.devices {
		for _, p := range d.places {
			if p.in && r.logs.room(p.room).role(d.person.user, r.nowMs()) < chat.RoleReader {
				r.fail("%v is in room %d, from where it is banned", d, p.room)
			}
		}
	}
	if r.chance(0.5) {
		r.everybodyGoes() // the roles are read again
	}
	for _, n := range r.nodes {
		for _, room := range r.disk.Rooms() {
			for _, p := range r.people[1:] {
				r.probeRightsOf(n, room, p)
			}
		}
	}
}

// probeRightsOf asks for what somebody may do in a room.
func (r *nodesRun) probeRightsOf(n *simNode, room chat.Room, p *person) {
	role := r.logs.room(room.ID).role(p.user, r.nowMs())
	r.note("node %d: what may %s do in room %d, with role %d?", n.index, p.name, room.ID, role)
	c := n.rig.Dial(nil)
	n.noteJoin(room.Name, n.formats[0])
	c.Login(p.name, p.token)
	n.rig.Settle()
	want := func(what string, may bool, kind string) {
		n.rig.Settle()
		r.counts.Rights++
		last := c.Last()
		if !may {
			r.counts.Forbidden++
			kind = "Failed"
		}
		code := chat.CodeForbidden
		if room.Private && role < chat.RoleReader {
			code = chat.CodeNoRoom
		}
		if last.Kind != kind || !may && last.Err.Code != code {
			r.fail("node %d: %s, of role %d in room %d, wants %s and is told %+v (%v)", n.index, p.name, role, room.ID, what, last, last.Err)
		}
	}
	may := role >= chat.RoleReader
	c.History(room.ID, 0, 0, 5)
	want("history", may, "History")
	c.List(0, 100)
	want("a list", true, "Listed")
	listed := slices.ContainsFunc(c.Last().Rooms, func(x hub.RoomInfo) bool { return x.ID == room.ID })
	if listed != (may || !room.Private) {
		r.fail("node %d: %s, of role %d in room %d (private %t), finds it in the list: %t", n.index, p.name, role, room.ID, room.Private, listed)
	}
	c.Members(room.ID, 0, 5)
	want("members", may, "Members")
	c.JoinAs(room.ID, hub.JoinRequest{})
	want("to join", may, "Joined")
	if role == chat.RoleReader { // should it be stored, the log says that nobody has asked for it
		c.Publish(room.ID, chat.Nonce(p.nonces.Uint64()|1), "may I?")
		want("to speak", false, "")
	}
	c.Hangup()
	n.rig.Settle()
}

// wait lets some time go by.
func (r *nodesRun) wait(d time.Duration) {
	for ; d > 0; d -= 50 * time.Millisecond {
		r.goOn(50 * time.Millisecond)
	}
}

// everybodyGoes ends all connections, and waits until no room is in memory any more.
func (r *nodesRun) everybodyGoes() {
	for _, d := range r.devices {
		d.hangUp()
	}
	r.wait(r.plan.awayGrace + 2*r.plan.roomIdle + time.Second)
	for _, n := range r.nodes {
		if s := n.rig.Hub.Stats(); s.Rooms != 0 {
			r.fail("node %d has rooms in memory that nobody uses: %+v", n.index, s)
		}
	}
}

package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
)

// person is a user; his devices are with any nodes.
type person struct {
	name   string
	token  []byte
	user   chat.UserID // 0: not known yet
	begun  map[chat.RoomID]int
	nonces *rand.Rand
}

// device is a client of a person.
type device struct {
	run    *nodesRun
	index  int
	person *person

	life     int // of the connection
	node     *simNode
	client   *hubtest.Client // nil: not connected
	format   *hub.Format
	omit     bool
	asked    bool // to be logged in
	read     int  // of client.Records
	requests map[uint32]string
	left     map[chat.RoomID]bool // rooms that were left in this life
	places   []*simPlace
}

// simPlace is a room as a device knows it.
type simPlace struct {
	name    string
	room    chat.RoomID // 0: not known yet
	joining uint32      // the request; 0: none
	in      bool
	resumed bool     // the join that is asked for has a cursor
	cursor  chat.Seq // of that
	have    chat.Seq // what it was shown last
	shows   bool     // the stream is between Joined and Left
	next    chat.Seq // of the stream

	// Where the log ended when the device joined, and by which event it was sent out (0: it
	// has left), for what has not arrived yet; and of what has.
	begins, ends []chat.Seq
	began        chat.Seq
	over         chat.Seq // an event behind began that sends it out was passed; 0: not
}

func (r *nodesRun) newPerson(i int) *person {
	return &person{
		name: fmt.Sprintf("p%d", i), token: []byte(fmt.Sprintf("token of person %04d", i)),
		begun: map[chat.RoomID]int{}, nonces: rand.New(rand.NewPCG(r.seed, uint64(100+i))),
	}
}

// startPeople makes everybody. The first one is the operator, who has no device.
func (r *nodesRun) startPeople() {
	for i := range r.plan.people + 1 {
		p := r.newPerson(i)
		r.people = append(r.people, p)
		c := r.nodes[0].rig.Dial(nil)
		c.Login(p.name, p.token)
		r.nodes[0].rig.Settle()
		if p.user = c.User.ID; p.user == 0 {
			r.fail("%s can not log in: %+v", p.name, c.Last())
		}
		c.Hangup()
		for range r.rng.IntN(r.plan.devices) + 1 {
			if i > 0 {
				r.devices = append(r.devices, r.newDevice(p))
			}
		}
	}
	r.nodes[0].rig.Settle()
}

func (r *nodesRun) newDevice(p *person) *device {
	d := &device{run: r, index: len(r.devices), person: p}
	for i := range r.plan.rooms {
		d.places = append(d.places, &simPlace{name: fmt.Sprintf("room%d", i)})
	}
	return d
}

func (d *device) String() string { return fmt.Sprintf("device %d of %s", d.index, d.person.name) }

func (d *device) fail(format string, args ...any) {
	d.run.fail("%v: %s", d, fmt.Sprintf(format, args...))
}

func (d *device) place(room chat.RoomID) *simPlace {
	for _, p := range d.places {
		if p.room == room {
			return p
		}
	}
	return nil
}

// ready reports whether the device can make requests.
func (d *device) ready() bool {
	return d.client != nil && d.client.Up() && d.client.User.ID != 0
}

// connect begins a new life with a node.
func (d *device) connect(n *simNode) {
	if n.rig == nil {
		return
	}
	d.life++
	life := d.life
	d.node, d.asked, d.read, d.requests, d.left = n, false, 0, map[uint32]string{}, map[chat.RoomID]bool{}
	d.format = n.formats[d.run.rng.IntN(len(n.formats))]
	d.omit = d.run.chance(0.5)
	for _, p := range d.places {
		p.in, p.joining, p.shows, p.begins, p.ends = false, 0, false, nil, nil
	}
	d.run.note("%v: connects to node %d, format %s, leaves out its own %t", d, n.index, d.format.Name, d.omit)
	d.client = n.rig.Connect(d.format)
	d.client.Arrived = func(a hubtest.Arrival) {
		if d.life == life {
			d.arrived(a)
		}
	}
}

// hangUp ends the connection, from this end.
func (d *device) hangUp() {
	if d.client != nil {
		d.run.note("%v: hangs up", d)
		c := d.client
		d.over()
		c.Hangup()
	}
}

// over is called when the connection is gone: nobody hears of what was asked.
func (d *device) over() {
	d.client = nil
	d.life++
	d.loseAttempts(0)
}

// loseAttempts: the outcomes of what was sent to a room, or to all, will not be told.
func (d *device) loseAttempts(room chat.RoomID) {
	for _, m := range d.run.wanted {
		for room == 0 || m.room == room {
			if !m.ended(d) {
				break
			}
			d.run.counts.Lost++
			m.lost[d.node] = true
		}
	}
}

// act does something that a user might do.
func (d *device) act() {
	r := d.run
	switch {
	case d.client == nil:
		d.connect(r.nodes[r.rng.IntN(len(r.nodes))])
	case !d.client.Up():
	case d.client.User.ID == 0:
		if !d.asked {
			d.asked = true
			d.client.Login(d.person.name, d.person.token)
		}
	default:
		d.use(d.places[r.rng.IntN(len(d.places))])
	}
}

// use does something with a room.
func (d *device) use(p *simPlace) {
	r := d.run
	if !p.in {
		if p.joining == 0 {
			d.join(p)
		}
		return
	}
	switch x := r.rng.IntN(40); {
	case x < 14:
		d.say(p)
	case x < 26:
		d.sayAgain(p.room)
	case x < 28:
		d.rule(p)
	case x < 31:
		d.ask("History", d.client.History(p.room, d.anySeq(p), 0, 1+r.rng.IntN(10)))
	case x < 32:
		d.ask("Members", d.client.Members(p.room, 0, 10))
	case x < 34:
		d.client.Pause()
	case x < 38:
		d.client.Resume()
	case x < 39:
		d.leave(p)
	default:
		d.hangUp()
	}
}

func (d *device) anySeq(p *simPlace) chat.Seq {
	return chat.Seq(d.run.rng.IntN(int(p.have) + 1))
}

func (d *device) ask(kind string, ref hub.RequestRef) {
	d.requests[ref.Request] = fmt.Sprintf("%s %d", kind, ref.Room)
}

// join asks for a room: to go on where the device stood, or for the last few events.
func (d *device) join(p *simPlace) {
	r := d.run
	if d.omit {
		d.client.Session.Omit()
	}
	j := hub.JoinRequest{Name: p.name, Create: true, Private: r.private(p.name), HistoryItemsWant: r.plan.historyItems}
	p.resumed = p.room != 0 && r.chance(0.8)
	if p.resumed {
		j.Epoch, j.Seq = r.logs.room(p.room).epoch, p.have
	}
	p.cursor = p.have
	r.note("%v: joins %s at node %d after %d, with a cursor %t", d, p.name, d.node.index, p.have, p.resumed)
	d.noteJoin(p.name)
	if r.makers[p.name] == nil {
		r.makers[p.name] = map[chat.UserID]bool{}
	}
	r.makers[p.name][d.person.user] = true
	ref := d.client.JoinAs(0, j)
	p.joining = ref.Request
	d.requests[ref.Request] = "Joined"
}

// private reports whether a room is to be made so.
func (r *nodesRun) private(name string) bool {
	for i := range r.plan.privateRooms {
		if name == fmt.Sprintf("room%d", i) {
			return true
		}
	}
	return false
}

// noteJoin remembers that the node may have to encode events in the device's format.
func (d *device) noteJoin(room string) { d.node.noteJoin(room, d.format) }

func (n *simNode) noteJoin(room string, f *hub.Format) {
	if n.joined[room] == nil {
		n.joined[room] = map[*hub.Format]bool{}
	}
	n.joined[room][f] = true
}

func (d *device) leave(p *simPlace) {
	d.run.note("%v: leaves %s", d, p.name)
	d.ask("Left", d.client.Leave(p.room))
	p.in, d.left[p.room] = false, true
}

// say publishes something new.
func (d *device) say(p *simPlace) {
	r := d.run
	m := r.newMessage(d.person, p.room)
	if m == nil {
		return
	}
	m.kind = chat.EventMessage
	m.text = fmt.Sprintf("%s-%d%s", d.person.name, m.index, strings.Repeat(".", r.rng.IntN(1+r.rng.IntN(300))))
	if r.chance(0.2) {
		m.target = d.anySeq(p)
	}
	r.counts.Published++
	d.send(m)
}

// rule gives somebody a role, or sends him out, whether or not it is the device's to do so.
func (d *device) rule(p *simPlace) {
	r := d.run
	m := r.newMessage(d.person, p.room)
	if m == nil {
		return
	}
	m.subject = r.people[r.rng.IntN(len(r.people))].user
	if m.kind = chat.EventKick; r.chance(0.7) {
		m.kind, m.role = chat.EventRole, r.anyRole()
		if m.role.MayEnd() && r.chance(0.5) {
			m.forMs = 1 + r.rng.Int64N(400)
		}
	}
	if r.chance(0.3) {
		m.text = "for a reason"
	}
	d.send(m)
}

func (r *nodesRun) anyRole() chat.Role {
	return [...]chat.Role{
		chat.RoleNone, chat.RoleBanned, chat.RoleBanned, chat.RoleReader, chat.RoleMember, chat.RoleMember, chat.RoleModerator, chat.RoleOwner,
	}[r.rng.IntN(8)]
}

// sayAgain tries something again whose outcome is not known, or was to be tried again:
// here, wherever it was tried before.
func (d *device) sayAgain(room chat.RoomID) {
	var all []*message
	for _, m := range d.run.wanted {
		if m.by == d.person && m.room == room && !m.acked && !m.dead && !m.operator {
			all = append(all, m)
		}
	}
	if len(all) > 0 {
		d.send(all[d.run.rng.IntN(len(all))])
	}
}

// send is one attempt.
func (d *device) send(m *message) {
	r := d.run
	if len(m.sessions) > 0 {
		r.counts.Retried++
		for other := range m.sessions {
			if other.node != d.node {
				r.counts.Elsewhere++
				break
			}
		}
	}
	r.note("%v: sends %v to node %d", d, m, d.node.index)
	m.open = append(m.open, d)
	m.sessions[d] = d.life
	whom := hub.Whom{ID: m.subject}
	if r.chance(0.5) {
		whom = hub.Whom{Name: r.nameOf(m.subject)}
	}
	switch m.kind {
	case chat.EventRole:
		d.client.GiveRoleAs(m.room, m.nonce, hub.RoleRequest{
			Whom: whom, Role: m.role, For: time.Duration(m.forMs) * time.Millisecond, Reason: m.text,
		})
	case chat.EventKick:
		d.client.Kick(m.room, m.nonce, hub.KickRequest{Whom: whom, Reason: m.text})
	default:
		d.client.PublishAs(m.room, m.nonce, hub.Message{Text: m.text, Target: m.target})
	}
}

func (r *nodesRun) nameOf(u chat.UserID) string {
	for _, p := range r.people {
		if p.user == u {
			return p.name
		}
	}
	return ""
}

// String names a message.
func (m *message) String() string {
	return fmt.Sprintf("%s-%d %x kind %d to room %d (%d to %d)", m.by.name, m.index, uint64(m.nonce), m.kind, m.room, m.role, m.subject)
}

// operate has the operator give a role, or try again to.
func (r *nodesRun) operate() {
	n := r.nodes[r.rng.IntN(len(r.nodes))]
	ids := r.disk.Rooms()
	if n.rig == nil || len(ids) == 0 {
		return
	}
	for _, m := range r.wanted {
		if m.operator && m.at == 0 && r.chance(0.7) {
			r.giveRole(n, m)
			return
		}
	}
	subject := r.people[1+r.rng.IntN(len(r.people)-1)]
	room := ids[r.rng.IntN(len(ids))].ID
	if r.ordains(n, room, subject.user, r.anyRole()) == nil {
		return
	}
	for _, d := range r.devices { // who speaks in that moment is in front of it or behind it
		if p := d.place(room); d.person == subject && d.node == n && d.ready() && p != nil && p.in && r.chance(0.5) {
			d.say(p)
		}
	}
}

// ordains has the operator give a role, if he may begin something.
func (r *nodesRun) ordains(n *simNode, room chat.RoomID, subject chat.UserID, role chat.Role) *message {
	m := r.newMessage(r.people[0], room)
	if m == nil {
		return nil
	}
	m.kind, m.operator, m.subject, m.role = chat.EventRole, true, subject, role
	r.counts.Roles++
	r.giveRole(n, m)
	return m
}

func (r *nodesRun) giveRole(n *simNode, m *message) {
	r.note("the operator: %v at node %d", m, n.index)
	m.lost[n] = true
	op := r.people[0]
	n.rig.Hub.GiveRole(m.room, chat.User{ID: op.user, Name: op.name}, m.nonce, m.subject, m.role)
}

// everybody in a room of a node, by format.
func (r *nodesRun) readers(n *simNode, room chat.RoomID) (formats []*hub.Format) {
	for _, d := range r.devices {
		if p := d.place(room); d.client != nil && d.node == n && p != nil && p.in && !slices.Contains(formats, d.format) {
			formats = append(formats, d.format)
		}
	}
	return formats
}

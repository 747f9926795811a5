package simulate

import (
	"slices"

	"sarang/chat"
)

// nodeLogs are the logs as they must be: they know what was asked for and what the disk
// has stored, and share no code with the server.
type nodeLogs struct {
	run   *nodesRun
	rooms map[chat.RoomID]*roomLog
}

// roomLog is one room's.
type roomLog struct {
	events  []chat.Event
	epoch   chat.Epoch // 0: not known yet
	name    string
	owner   chat.UserID
	private bool
	nonces  map[saidBy]chat.Seq
	roles   map[chat.UserID]simRole
	banned  map[chat.UserID]bool // could not do something at some time
}

// simRole is what an event of the log has given somebody.
type simRole struct {
	role    chat.Role
	untilMs int64 // 0: for good
}

// saidBy names an event by who has made it.
type saidBy struct {
	authored bool
	user     chat.UserID
	nonce    chat.Nonce
}

func (l *nodeLogs) room(id chat.RoomID) *roomLog {
	r := l.rooms[id]
	if r == nil {
		r = &roomLog{nonces: map[saidBy]chat.Seq{}, roles: map[chat.UserID]simRole{}, banned: map[chat.UserID]bool{}}
		l.rooms[id] = r
	}
	return r
}

// append judges an event at its place.
func (l *nodeLogs) append(e chat.Event) {
	r, fail := l.room(e.Room), l.run.fail
	if want := chat.Seq(len(r.events) + 1); e.Seq != want {
		fail("room %d: event %d is stored where %d is next", e.Room, e.Seq, want)
	}
	if n := len(r.events); n > 0 && e.TimeMs < r.events[n-1].TimeMs {
		fail("room %d: event %d is older than the one before", e.Room, e.Seq)
	}
	key := saidBy{e.Kind.Authored(), e.User, e.Nonce}
	if before := r.nonces[key]; before != 0 || e.Nonce == 0 {
		fail("room %d: events %d and %d of user %d have the nonce %d", e.Room, before, e.Seq, e.User, e.Nonce)
	}
	r.nonces[key] = e.Seq
	r.events = append(r.events, e)
	if key.authored {
		l.authored(r, &e)
	}
}

// authored judges what somebody has said or done.
func (l *nodeLogs) authored(r *roomLog, e *chat.Event) {
	fail := l.run.fail
	m := l.run.message(e.Room, e.User, e.Nonce)
	switch {
	case m == nil:
		fail("room %d: nobody has asked for %+v", e.Room, *e)
	case m.kind != e.Kind || m.text != e.Text || m.target != e.Target || m.subject != e.Subject || m.role != e.Role,
		m.forMs == 0 && e.UntilMs != 0, m.forMs != 0 && e.UntilMs != e.TimeMs+m.forMs:
		fail("room %d: %+v was asked for, and stored is %+v", e.Room, *m, *e)
	case m.dead:
		fail("room %d: event %d of user %d was refused for good", e.Room, e.Seq, e.User)
	}
	m.at = e.Seq
	l.run.note("log: %d of room %d is %v", e.Seq, e.Room, m)
	by, subject := r.role(e.User, e.TimeMs), r.role(e.Subject, e.TimeMs)
	switch {
	case e.Kind == chat.EventRole && !m.operator && !mayGiveRole(by, subject, r.whoIs(e.Subject, e.Role)):
		fail("room %d: at %d user %d, of role %d, gives %d to user %d, of role %d", e.Room, e.Seq, e.User, by, e.Role, e.Subject, subject)
	case e.Kind == chat.EventRole && !m.operator && e.User == e.Subject && e.Role == chat.RoleBanned:
		fail("room %d: at %d user %d bans himself", e.Room, e.Seq, e.User)
	case e.Kind == chat.EventRole && !m.operator && e.User == e.Subject && by == chat.RoleOwner && r.whoIs(e.Subject, e.Role) != chat.RoleOwner:
		fail("room %d: at %d its owner %d steps down by himself", e.Room, e.Seq, e.User)
	case e.Kind == chat.EventKick && by != chat.RoleOwner && (by != chat.RoleModerator || subject >= by):
		fail("room %d: at %d user %d, of role %d, sends user %d out, of role %d", e.Room, e.Seq, e.User, by, e.Subject, subject)
	case e.Kind == chat.EventMessage && by < chat.RoleMember:
		fail("room %d: user %d speaks at %d with role %d", e.Room, e.User, e.Seq, by)
	}
	if e.Kind == chat.EventRole {
		r.roles[e.Subject] = simRole{e.Role, e.UntilMs}
		if r.role(e.Subject, e.TimeMs) < chat.RoleMember {
			r.banned[e.Subject] = true
		}
	}
}

// sendsOut reports whether an event ends the presence of a user.
func (r *roomLog) sendsOut(e *chat.Event, user chat.UserID) bool {
	return e.Subject == user && (e.Kind == chat.EventKick || e.Kind == chat.EventRole && r.whoIs(user, e.Role) < chat.RoleReader)
}

// role is what somebody is at the end of the log, at a time.
func (r *roomLog) role(u chat.UserID, timeMs int64) chat.Role {
	given := r.roles[u]
	if given.untilMs != 0 && timeMs >= given.untilMs {
		return r.runOut(given.role)
	}
	return r.whoIs(u, given.role)
}

// runOut is what somebody is whose role for a time is over.
func (r *roomLog) runOut(role chat.Role) chat.Role {
	if r.private && role == chat.RoleBanned {
		return chat.RoleNone
	}
	return chat.RoleMember
}

// mayHaveRead reports whether somebody had the right to read a log's history at any time
// after event seq had its place.
func (r *roomLog) mayHaveRead(u chat.UserID, seq chat.Seq, nowMs int64) bool {
	var given simRole
	may := func() bool {
		return r.whoIs(u, given.role) >= chat.RoleReader || given.untilMs != 0 && given.untilMs <= nowMs && r.runOut(given.role) >= chat.RoleReader
	}
	for i := range r.events {
		e := &r.events[i]
		if e.Seq > seq && may() {
			return true
		}
		if e.Kind == chat.EventRole && e.Subject == u {
			given = simRole{e.Role, e.UntilMs}
		}
	}
	return may()
}

// whoIs is what somebody is who was given a role.
func (r *roomLog) whoIs(u chat.UserID, role chat.Role) chat.Role {
	switch {
	case role != chat.RoleNone:
		return role
	case u == r.owner:
		return chat.RoleOwner
	case r.private:
		return chat.RoleNone
	}
	return chat.RoleMember
}

func mayGiveRole(by, old, next chat.Role) bool {
	return by == chat.RoleOwner || by == chat.RoleModerator && old < chat.RoleModerator && next < chat.RoleModerator
}

// message is an event that somebody wants in a log.
type message struct {
	room     chat.RoomID
	by       *person
	nonce    chat.Nonce
	kind     chat.EventKind
	text     string
	target   chat.Seq
	subject  chat.UserID
	role     chat.Role
	forMs    int64 // the role is for a time
	operator bool

	index, oldest int               // its number among those of its author in the room, and that of the oldest one on its way then
	open          []*device         // that wait for an outcome, once for each attempt
	lost          map[*simNode]bool // that may have an attempt whose outcome nobody waits for
	sessions      map[*device]int   // the life of the device that has sent it
	refused       bool              // for good, by one attempt
	acked, dead   bool
	at            chat.Seq // in the log; 0: not yet
}

// settled reports whether nothing can become of the message any more.
func (m *message) settled() bool {
	return len(m.open) == 0 && len(m.lost) == 0 && (m.acked || m.dead || m.operator && m.at > 0)
}

// message finds one by its name.
func (r *nodesRun) message(room chat.RoomID, user chat.UserID, n chat.Nonce) *message {
	for i := len(r.wanted) - 1; i >= 0; i-- {
		if m := r.wanted[i]; m.room == room && m.by.user == user && m.nonce == n {
			return m
		}
	}
	return nil
}

// newMessage begins one, if the room will know its nonce as long as it may be on its way:
// a client keeps that bound.
func (r *nodesRun) newMessage(by *person, room chat.RoomID) *message {
	m := &message{room: room, by: by, lost: map[*simNode]bool{}, sessions: map[*device]int{}}
	oldest := -1
	for _, o := range r.wanted {
		if o.by != by || o.room != room {
			continue
		}
		if !o.settled() {
			if oldest < 0 {
				oldest = o.index
			}
			if m.index = by.begun[room]; m.index-o.oldest >= r.plan.noncesMax {
				return nil
			}
		}
	}
	m.index = by.begun[room]
	if m.oldest = oldest; oldest < 0 {
		m.oldest = m.index
	}
	by.begun[room]++
	m.nonce = chat.Nonce(by.nonces.Uint64() | 1)
	if r.plan.lowNonces {
		m.nonce = chat.Nonce(len(r.wanted) + 1)
	}
	r.wanted = append(r.wanted, m)
	return m
}

// nothingOnItsWay is called when a node has nothing to do: no attempt is with it any more
// that nobody waits for.
func (r *nodesRun) nothingOnItsWay(n *simNode) {
	for _, m := range r.wanted {
		if m.lost[n] {
			delete(m.lost, n)
			m.judge()
		}
	}
}

// judge finds out whether the message can not be stored any more.
func (m *message) judge() {
	if m.refused && len(m.open) == 0 && len(m.lost) == 0 && m.at == 0 {
		m.dead = true
	}
}

// ended is called when an attempt of d has an outcome.
func (m *message) ended(d *device) bool {
	i := slices.Index(m.open, d)
	if i < 0 {
		return false
	}
	m.open = slices.Delete(m.open, i, i+1)
	return true
}

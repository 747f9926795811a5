package swarm

import (
	"context"
	"fmt"
	"time"

	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
)

// With Config.Private the first client of each room makes it, and gives each of the others the role
// without which the room is not there for them.

// invitesMax is how many roles a client gives at once.
const invitesMax = 64

// host is what the maker of a private room knows of those who want to come in.
type host struct {
	waiting []*member
	asked   map[chat.Nonce]*member
	in      map[*member]bool
}

// owner is the client that makes a room.
func (r *run) owner(room int) *member {
	w := r.workers[room%len(r.workers)]
	return w.members[room/len(r.workers)]
}

// wantIn has the room's maker let the member in; then it joins.
func (m *member) wantIn() {
	owner := m.worker.run.owner(m.room)
	owner.worker.post(func() {
		if owner.host == nil {
			owner.host = &host{asked: map[chat.Nonce]*member{}, in: map[*member]bool{}}
		}
		if owner.host.in[m] {
			owner.letIn(m)
			return
		}
		owner.host.waiting = append(owner.host.waiting, m)
		owner.inviteMore()
	})
}

// letIn tells a member where to go.
func (m *member) letIn(guest *member) {
	room := m.roomID
	guest.worker.post(func() {
		if s := guest.session; guest.loggedIn && !guest.joined {
			if _, err := s.Join(session.Join{Room: room}); err != nil {
				s.Abort() // as in LoggedIn
			}
		}
	})
}

// inviteMore gives the next ones their role.
func (m *member) inviteMore() {
	for h := m.host; h != nil && m.online && len(h.waiting) > 0 && len(h.asked) < invitesMax; {
		guest := h.waiting[0]
		h.waiting = h.waiting[1:]
		if h.in[guest] {
			m.letIn(guest)
			continue
		}
		nonce, err := m.session.GiveRole(m.roomID, session.GiveRole{User: chat.UserID(m.worker.run.users[guest.index].Load()), Role: chat.RoleMember})
		if err != nil {
			m.worker.run.fail(fmt.Errorf("client %d can not be let into its private room: %w", guest.index, err))
			return
		}
		h.asked[nonce] = guest
	}
}

// invited takes the ack of a role; false: it is of something else.
func (m *member) invited(n chat.Nonce) bool {
	if m.host == nil || m.host.asked[n] == nil {
		return false
	}
	guest := m.host.asked[n]
	delete(m.host.asked, n)
	m.host.in[guest] = true
	m.letIn(guest)
	m.inviteMore()
	return true
}

// uninvited takes its refusal.
func (m *member) uninvited(r session.Refused) bool {
	if m.host == nil || m.host.asked[r.Nonce] == nil {
		return false
	}
	if !r.Retrying {
		m.worker.run.fail(fmt.Errorf("client %d is not let into its private room: %w", m.host.asked[r.Nonce].index, r.Err))
	}
	return true
}

// direct is what two clients do in the end, with Config.People: the first opens a direct room with the
// second, and in every other pair blocks him then. When all have, the second one opens it as well and
// says something there. Whoever has blocked him is put out of the room and hears nothing of it any
// more, and whoever has not hears it.
type direct struct {
	step    directStep
	request uint32
	nonce   chat.Nonce
	room    chat.RoomID
	heard   int // behind the block: events of the room, or that the client belongs to it
	said    int // messages of the other one that came
	out     bool
}

type directStep uint8

const (
	directNot directStep = iota
	directUnblock
	directOpen
	directJoin
	directBlock
	directOut // it waits until it is out of the room
	directSay
	directDone
)

// pairOf is the other one of a client's pair; nil: there is none, as for those who did not read.
func (r *run) pairOf(index int) *member {
	other := index ^ 1
	if c := r.config; max(index, other) >= c.Clients-c.Stalled {
		return nil
	}
	w := r.workers[other%len(r.workers)]
	return w.members[other/len(r.workers)]
}

func (m *member) blocksItsPair() bool { return m.index%4 == 0 }

// closeDirect has all pairs do so.
func (r *run) closeDirect(ctx context.Context) error {
	if r.config.People == 0 {
		return nil
	}
	r.display.phase = "talking directly"
	for second := range 2 {
		r.each(func(w *worker) {
			for _, m := range w.members {
				if m.index%2 == second && r.pairOf(m.index) != nil {
					if m.direct.step = directUnblock; second == 1 {
						m.direct.step = directOpen
					}
					m.directly()
				}
			}
		})
		_, err := r.await(ctx, r.config.Settle/2, func() bool {
			left := make([]int, len(r.workers))
			r.each(func(w *worker) {
				for _, m := range w.members {
					if m.index%2 == second && r.pairOf(m.index) != nil && m.direct.step != directDone && !m.dead {
						left[w.index]++
					}
				}
			})
			return sum(left) == 0
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// directly does what comes next.
func (m *member) directly() {
	d, s := &m.direct, m.session
	other := chat.UserID(m.worker.run.users[m.index^1].Load())
	var err error
	switch d.step {
	case directUnblock:
		d.request, err = s.Block(other, "", true)
	case directOpen:
		d.request, err = s.Direct([]chat.UserID{other}, nil)
	case directJoin:
		d.request, err = s.Join(session.Join{Room: d.room})
	case directBlock:
		if !m.blocksItsPair() {
			d.step = directDone
			return
		}
		d.request, err = s.Block(other, "", false)
	case directSay:
		d.nonce, err = s.Publish(d.room, "only for you")
	}
	if err != nil {
		m.worker.errors.add("direct", fmt.Sprintf("client %d: %v", m.index, err)) // it is not done, which is counted
	}
}

func (m *member) directNext(step directStep) {
	m.direct.request, m.direct.step = 0, step
	m.directly()
}

// Created answers that a direct room is there.
func (m *member) Created(_ *session.Session, c session.Created) {
	if d := &m.direct; d.step == directOpen && c.Request == d.request {
		d.room = c.Room.ID
		m.directNext(directJoin)
	}
}

// directJoined takes that the member is in a direct room; false: it is another room.
func (m *member) directJoined(j session.Joined) bool {
	d := &m.direct
	if d.room == 0 || j.Room.ID != d.room {
		return false
	}
	if d.step == directJoin {
		if m.index%2 == 0 {
			m.directNext(directBlock)
		} else {
			m.directNext(directSay)
		}
	}
	return true
}

// directBlocked takes the answer to a block of the pair; false: it is of another one.
func (m *member) directBlocked(b session.Blocked) bool {
	d := &m.direct
	if d.request == 0 || b.Request != d.request {
		return false
	}
	p := m.person
	delete(p.doubtful, b.User)
	if d.step == directUnblock {
		delete(p.blocked, b.User)
		m.directNext(directOpen)
	} else {
		p.blocked[b.User] = true
		d.request, d.step = 0, directOut
		m.directOver()
	}
	return true
}

// directOver begins to count what comes from the room, when the block is acknowledged and the member
// is out of it.
func (m *member) directOver() {
	if d := &m.direct; d.step == directOut && d.out {
		d.heard, d.step = 0, directDone
	}
}

// Left is the end of a room: of a direct room by a block.
func (m *member) Left(_ *session.Session, l session.Left) {
	if d := &m.direct; d.room != 0 && l.Room == d.room {
		if d.out = l.Err != nil && l.Err.Code == chat.CodeLeft; d.out {
			m.directOver()
		}
		return
	}
	m.worker.found("put out", fmt.Sprintf("client %d is put out of room %d: %v", m.index, l.Room, l.Err))
}

// Belongs tells that somebody has said something in a direct room.
func (m *member) Belongs(_ *session.Session, room chat.RoomID) {
	if room == m.direct.room {
		m.direct.heard++
	}
}

// directEvent takes an event of the direct room; false: it is of another one.
func (m *member) directEvent(e *chat.Event) bool {
	d := &m.direct
	if d.room == 0 || e.Room != d.room {
		return false
	}
	d.heard++
	if e.Kind == chat.EventMessage && uint64(e.User) == m.worker.run.users[m.index^1].Load() && e.Text == "only for you" {
		d.said++
	}
	return true
}

// directAck takes the ack of what was said there.
func (m *member) directAck(a session.Ack) bool {
	if d := &m.direct; d.nonce == 0 || d.nonce != a.Nonce {
		return false
	}
	m.direct.nonce, m.direct.step = 0, directDone
	return true
}

// directRefused takes its refusal: it stays undone, which is counted.
func (m *member) directRefused(r session.Refused) bool {
	if d := &m.direct; d.nonce == 0 || d.nonce != r.Nonce {
		return false
	}
	m.worker.errors.add("direct", fmt.Sprintf("client %d: %v", m.index, r.Err))
	return true
}

// directFailed takes the failure of what it has asked for there.
func (m *member) directFailed(f session.Failure) bool {
	d := &m.direct
	if d.request == 0 || d.request != f.Request {
		return false
	}
	d.request = 0
	if passing(f.Err) {
		m.directLater(max(f.Err.RetryAfter, closingPause))
	}
	return true
}

func (m *member) directLater(wait time.Duration) {
	m.person.timer.Data = m
	m.worker.engine.After(&m.person.timer, wait, func(t *engine.Timer) {
		if m := t.Data.(*member); !m.worker.ending {
			m.directly()
		}
	})
}

// compareDirect adds what came of a pair, once for both.
func (m *member) compareDirect(n *People) {
	other := m.worker.run.pairOf(m.index)
	if m.index%2 != 0 || other == nil || m.worker.run.config.People == 0 {
		return
	}
	n.Directs++
	d := &m.direct
	why := ""
	switch {
	case d.step == directOut:
		why = "it has blocked the other one, and was left in the room"
	case d.step != directDone || other.direct.step != directDone || d.room != other.direct.room:
		why = "it was not done"
	case m.blocksItsPair() && d.heard > 0:
		why = "it has blocked the other one, and hears of what he says there"
	case !m.blocksItsPair() && d.said != 1:
		why = fmt.Sprintf("what the other one says there came %d times", d.said)
	}
	if why != "" && !m.dead && !other.dead {
		n.DirectsWrong++
		m.worker.errors.add("direct", fmt.Sprintf("client %d: %s", m.index, why))
	}
}

package tui

import (
	"fmt"
	"slices"
	"strings"

	"sarang/chat"
	"sarang/client"
)

// network takes what came from the server. ok is false for what it does not know.
func (m *Model) network(what any) (effects []Effect, ok bool) {
	switch e := what.(type) {
	case chat.Event:
		return m.event(e), true
	case client.LoggedIn:
		return m.loggedIn(e), true
	case Lost:
		m.conn = connection{state: connLost, why: CleanLine(e.Why), retryAt: e.RetryAt}
		if e.Final {
			m.conn.state = connOver
		}
	case client.Joined:
		return append(m.joined(e), m.jumpOn()...), true
	case client.Left:
		m.left(e)
	case client.Gap:
		m.gap(e)
	case Published:
		m.published(e)
	case HistoryLoaded:
		m.historyLoaded(e)
		return m.jumpOn(), true
	case Searched:
		m.foundMore(e)
	case MembersLoaded:
		if r := m.find(e.Room); r != nil {
			r.roster(e)
		}
	case client.Marked:
		m.markedTo(e.Room, e.Seq)
	case client.Muted:
		m.mutedTo(e)
	case Mine:
		return m.isMine(e.Rooms), true
	case client.Typing:
		m.types(e)
	case client.Belongs:
		return []Effect{Open{e.Room}}, true
	case Opened:
		return m.opened(e), true
	case RoomsListed:
		m.listed(e)
	case LinksListed:
		m.linksListed(e)
	case SessionsListed:
		m.sessionsListed(e)
	case Notice:
		m.say(entryNotice, e.Text)
	case Failed:
		delete(m.joining, nameKey(e.What))
		m.say(entryError, failure(e.What, e.Err))
		return m.joinNext(), true
	case Warning:
		r := m.find(e.Room)
		if r == nil {
			r = m.room()
		}
		m.sayIn(r, entryError, e.Text)
	default:
		return nil, m.toldOfPeople(what)
	}
	return nil, true
}

// nameKey is the form that room names are compared by.
func nameKey(name string) string {
	_, key, err := chat.ParseRoomName(strings.TrimPrefix(name, "#"))
	if err != nil {
		return name
	}
	return key
}

func failure(what string, err error) string { return fmt.Sprintf("%s: %v", what, err) }

func (m *Model) event(e chat.Event) (effects []Effect) {
	r := m.find(e.Room)
	if r == nil { // Joined has not come yet, or the room was left in the meantime
		if len(m.joining) > 0 && len(m.early) < earlyMax {
			m.early = append(m.early, e)
		}
		return nil
	}
	if e.Kind == chat.EventJoin && e.User == m.me && e.Seq > r.live {
		effects = m.askMembers(r) // we came back: others may have gone
	}
	m.grow(r, func() {
		n, fresh := r.event(m.veiled(e), m.me)
		if !fresh || n.kind != entryMessage || n.own || m.blocked[e.User] {
			return
		}
		if watched := r == m.room() && !m.blurred && r.scroll == 0; !watched && n.seq > r.read {
			r.missed(n)
		}
	})
	m.markRead()
	return effects
}

// loggedIn is a connection that stands, the first one or another. Who came and went
// meanwhile is asked for.
func (m *Model) loggedIn(in client.LoggedIn) (effects []Effect) {
	m.me, m.name, m.limits = in.User, CleanLine(in.Name), in.Limits
	m.conn = connection{state: connOnline}
	for _, r := range m.rooms {
		effects = append(effects, m.askMembers(r)...)
	}
	if len(m.rooms) > 0 {
		effects = append(effects, MyRooms{})
	}
	effects = append(effects, Blocks{})
	return effects
}

// askMembers asks who is in a room.
func (m *Model) askMembers(r *room) []Effect {
	r.membersAt, r.membersDue = m.now, true
	return []Effect{Members{Room: r.info.ID, Names: membersMax}}
}

// refreshMembers asks again, when it is time, who is in the room that is shown.
func (m *Model) refreshMembers() []Effect {
	r := m.room()
	if len(m.rooms) == 0 || r.membersDue || m.conn.state != connOnline {
		return nil
	}
	switch age := m.now.Sub(r.membersAt); {
	case m.panel && !m.blurred && age >= membersInterval:
		return m.askMembers(r)
	case age >= countInterval:
		r.membersAt, r.membersDue = m.now, true
		return []Effect{Members{Room: r.info.ID}}
	}
	return nil
}

func (m *Model) joined(j client.Joined) []Effect {
	key := nameKey(j.Room.Name)
	show := m.joining[key]
	delete(m.joining, key)
	if m.find(j.Room.ID) == nil {
		r := newRoom(j)
		r.zone = m.zone
		m.recall(r, j)
		m.rooms = append(m.rooms, r)
		early := m.early
		m.early = nil
		for _, e := range early {
			m.event(e)
		}
	}
	r := m.find(j.Room.ID)
	if show {
		m.show(slices.Index(m.rooms, r))
	}
	m.markRead()
	return append(m.joinNext(), append(m.askMembers(r), MyRooms{})...)
}

// recall marks what came to a room since we were last there.
func (m *Model) recall(r *room, j client.Joined) {
	c, ok := m.seen[j.Room.Name]
	if !ok || c.Epoch != j.Room.Epoch {
		return
	}
	if r.read = c.Seq; c.Seq < j.Room.LastSeq {
		r.mark = span{after: c.Seq, upTo: j.Room.LastSeq}
	}
}

func (m *Model) left(l client.Left) {
	r := m.find(l.Room)
	if r == nil {
		return
	}
	m.seen[r.info.Name] = r.cursor()
	i := slices.Index(m.rooms, r)
	m.rooms = slices.Delete(m.rooms, i, i+1)
	if m.active > i || m.active == len(m.rooms) {
		m.active = max(0, m.active-1)
	}
	m.markRead()
	m.say(entryNotice, putOut(r.name, l.Err, l.UntilMs, m.zone))
	for _, e := range r.pending {
		m.say(entryError, "not sent to "+r.name+": "+e.text)
	}
}

func (m *Model) gap(g client.Gap) {
	r := m.find(g.Room)
	if r == nil {
		return
	}
	text := fmt.Sprintf("%d events are not available any more", g.To-g.From+1)
	if g.EpochChanged {
		text = "the room began anew: what was here before is no longer on the server"
	}
	r.gap(g)
	m.sayIn(r, entryNotice, text)
}

// published settles a message of our own. If it was stored, its event shows it; until
// that comes it stays as it is, but for the sign that it waits.
func (m *Model) published(p Published) {
	r := m.find(p.Room)
	if r == nil {
		return
	}
	m.grow(r, func() {
		if p.Err == nil {
			for _, e := range r.pending {
				if e.nonce == p.Nonce {
					e.state, e.linesWidth = sendDone, 0
				}
			}
			if p.Seq <= r.last {
				r.settle(p.Nonce)
			}
			return
		}
		if e := r.settle(p.Nonce); e != nil {
			e.state, e.why, e.linesWidth = sendFailed, CleanLine(p.Err.Error()), 0
			r.add(e)
		}
	})
}

func (m *Model) historyLoaded(h HistoryLoaded) {
	r := m.find(h.Room)
	if r == nil {
		return
	}
	if h.Err != nil {
		r.loading, m.jump = false, nil
		m.sayIn(r, entryError, failure("older messages", h.Err))
		return
	}
	for i := range h.Page.Events {
		h.Page.Events[i] = m.veiled(h.Page.Events[i])
	}
	if r.history(h.Page, m.me) == 0 && r == m.room() {
		m.hint = "this is where the room begins"
	}
}

func (m *Model) listed(l RoomsListed) {
	if l.Err != nil {
		m.say(entryError, failure("list of rooms", l.Err))
		return
	}
	m.isMine(l.Mine)
	if len(l.Rooms) == 0 {
		m.say(entryNotice, "the server has no rooms; /create #room makes one")
		return
	}
	var b strings.Builder
	m.listMine(&b, l.Mine)
	b.WriteString("rooms of the server:")
	for _, info := range l.Rooms {
		fmt.Fprintf(&b, "\n  #%s · %s", CleanLine(info.Name), count(info.Members, "member"))
		if info.Ephemeral {
			b.WriteString(" · ephemeral")
		}
		if info.Private {
			b.WriteString(" · private")
		}
		if m.find(info.ID) != nil {
			b.WriteString(" · joined")
		}
	}
	m.say(entryNotice, b.String())
}

// count writes a number with what it counts.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

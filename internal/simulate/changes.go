package simulate

import (
	"slices"

	"sarang/chat"
)

// What becomes of messages is kept here once more, from the events alone: what was said, who has
// changed it, and how a message looks behind each event of its log.

// past is what a log has been.
type past struct {
	said    []chat.Event              // as each event was stored, also what was erased since
	changes map[chat.Seq][]chat.Event // of each message, in order, as they were stored
}

func (m *model) past(id chat.RoomID) *past {
	p := m.pasts[id]
	if p == nil {
		p = &past{changes: map[chat.Seq][]chat.Event{}}
		m.pasts[id] = p
	}
	return p
}

// remember adds an event to what is known of its room, and erases what it deletes.
func (m *model) remember(e chat.Event) {
	p := m.past(e.Room)
	p.said = append(p.said, e)
	m.logs[e.Room] = append(m.logs[e.Room], e)
	if !e.Kind.Changes() {
		return
	}
	p.changes[e.Target] = append(p.changes[e.Target], e)
	if e.Kind == chat.EventDelete {
		for _, seq := range p.texts(e.Target) {
			m.logs[e.Room][seq-1].Text = ""
		}
	}
}

// texts are the events that have said something in a message.
func (p *past) texts(target chat.Seq) []chat.Seq {
	all := []chat.Seq{target}
	for _, e := range p.changes[target] {
		if e.Kind == chat.EventEdit {
			all = append(all, e.Seq)
		}
	}
	return all
}

// event returns what was stored as an event; a zero one if there is none.
func (p *past) event(seq chat.Seq) chat.Event {
	if seq == 0 || seq > chat.Seq(len(p.said)) {
		return chat.Event{}
	}
	return p.said[seq-1]
}

// look is how a message looks.
type look struct {
	text                             string
	changed, edited, deleted, pinned chat.Seq
	edits                            int
	emojis                           []mood
}

// mood is an emoji that was ever put on a message.
type mood struct {
	emoji string
	since chat.Seq // when it was put there, and nobody else had it there
	by    map[chat.UserID]chat.Seq
}

// look returns how a message looks behind an event of the log.
func (p *past) look(target, upTo chat.Seq) look {
	l := look{text: p.event(target).Text, changed: target}
	for _, e := range p.changes[target] {
		if e.Seq > upTo {
			break
		}
		l.changed = e.Seq
		switch e.Kind {
		case chat.EventEdit:
			l.text, l.edited = e.Text, e.Seq
			l.edits++
		case chat.EventDelete:
			return look{changed: e.Seq, deleted: e.Seq}
		case chat.EventPin:
			l.pinned = e.Seq
		case chat.EventUnpin:
			l.pinned = 0
		case chat.EventReact:
			l.put(&e)
		case chat.EventUnreact:
			if i := l.mood(e.Text); i >= 0 {
				delete(l.emojis[i].by, e.User)
			}
		}
	}
	return l
}

func (l *look) mood(emoji string) int {
	return slices.IndexFunc(l.emojis, func(m mood) bool { return m.emoji == emoji })
}

func (l *look) put(e *chat.Event) {
	i := l.mood(e.Text)
	if i < 0 {
		i = len(l.emojis)
		l.emojis = append(l.emojis, mood{e.Text, e.Seq, map[chat.UserID]chat.Seq{}})
	}
	if len(l.emojis[i].by) == 0 {
		l.emojis[i].since = e.Seq
	}
	l.emojis[i].by[e.User] = e.Seq
}

// mine is the event by which a user has put an emoji there; 0: it is not there.
func (l *look) mine(u chat.UserID, emoji string) chat.Seq {
	if i := l.mood(emoji); i >= 0 {
		return l.emojis[i].by[u]
	}
	return 0
}

// reactions are what a user sees of them.
func (l *look) reactions(u chat.UserID) (all []chat.Reaction) {
	order := slices.Clone(l.emojis)
	slices.SortFunc(order, func(a, b mood) int { return int(int64(a.since) - int64(b.since)) })
	for _, m := range order {
		if n := len(m.by); n > 0 {
			all = append(all, chat.Reaction{Emoji: m.emoji, Count: n, Mine: m.by[u]})
		}
	}
	return all
}

// rules reports whether a user may delete messages of others in a room, and pin: its owner.
func (m *model) rules(id chat.RoomID, u chat.UserID) bool { return m.ownerOf(id) == u }

// mayStand judges a change that is about to be stored behind all else: nil, or what is wrong.
func (m *model) mayStand(e *chat.Event) string {
	p := m.past(e.Room)
	target := p.event(e.Target)
	now := p.look(e.Target, chat.Seq(len(p.said)))
	switch own := target.User == e.User; {
	case target.Kind != chat.EventMessage:
		return "its target is no message"
	case now.deleted != 0:
		return "its target was deleted"
	case e.Kind == chat.EventEdit && !own:
		return "the message is another's"
	case e.Kind == chat.EventEdit && m.editMs > 0 && e.TimeMs-target.TimeMs > m.editMs:
		return "it is too late"
	case e.Kind == chat.EventDelete && !own && !m.rules(e.Room, e.User):
		return "the message is another's, and he is not the owner"
	case (e.Kind == chat.EventPin || e.Kind == chat.EventUnpin) && !m.rules(e.Room, e.User):
		return "he is not the owner"
	case e.Kind == chat.EventPin && now.pinned != 0, e.Kind == chat.EventUnpin && now.pinned == 0:
		return "it is so already"
	case e.Kind == chat.EventReact && now.mine(e.User, e.Text) != 0, e.Kind == chat.EventUnreact && now.mine(e.User, e.Text) == 0:
		return "it is so already"
	}
	return ""
}

// stands reports whether a wish had come true without an event of its own, by seq, at some
// moment since it was said.
func (m *model) stands(w *wish, seq chat.Seq) bool {
	p := m.past(w.room)
	for upTo := w.known; upTo <= chat.Seq(len(p.said)); upTo++ {
		now := p.look(w.target, upTo)
		if now.deleted != 0 {
			return false
		}
		mine := now.mine(w.by.user, w.text)
		switch w.kind {
		case chat.EventReact:
			if mine != 0 && mine == seq {
				return true
			}
		case chat.EventUnreact:
			if mine == 0 && seq == w.target {
				return true
			}
		case chat.EventPin:
			if now.pinned != 0 && now.pinned == seq {
				return true
			}
		case chat.EventUnpin:
			if now.pinned == 0 && seq == w.target {
				return true
			}
		}
	}
	return false
}

// mayRefuse reports whether a wish may be refused for good, with a code, for what was so at
// some moment since it was said.
func (m *model) mayRefuse(w *wish, ephemeral bool, code chat.Code) bool {
	p := m.past(w.room)
	target := p.event(w.target)
	own := target.User == w.by.user
	if w.cut {
		return true // its target may be another one
	}
	if code == chat.CodeBadRequest {
		return ephemeral || w.target > w.known
	}
	switch code {
	case chat.CodeNoMessage:
		return target.Kind != chat.EventMessage && w.kind != chat.EventMessage
	case chat.CodeErased:
		return w.kind != chat.EventMessage && p.look(w.target, chat.Seq(len(p.said))).deleted != 0
	case chat.CodeTooLate:
		return w.kind == chat.EventEdit && own && m.editMs > 0 && m.latest() > target.TimeMs+m.editMs
	case chat.CodeForbidden:
		switch w.kind {
		case chat.EventEdit:
			return !own
		case chat.EventDelete:
			return !own && !m.rules(w.room, w.by.user)
		case chat.EventPin, chat.EventUnpin:
			return !m.rules(w.room, w.by.user)
		}
	}
	return false
}

// asSaid is an event as it was when it was stored, if e is that, as a client is told it now: for
// package linear, which knows of no changes.
func (m *model) asSaid(e chat.Event) chat.Event {
	p := m.past(e.Room)
	said := p.event(e.Seq)
	if e.Text == said.Text || e.Kind != chat.EventMessage && e.Kind != chat.EventEdit {
		return e
	}
	known := e.Text == ""
	for _, seq := range p.texts(e.Seq) {
		known = known || p.event(seq).Text == e.Text
	}
	was := e
	if was.Text = said.Text; known && was == said {
		return said
	}
	return e
}

// erased notes that who has deleted a message was told so: from now on nobody is sent what it
// said.
func (m *model) erased(id chat.RoomID, target chat.Seq) {
	p := m.past(id)
	for _, seq := range p.texts(target) {
		m.unsaid[spot{id, seq}] = m.now()
		if mark, _, ok := markOf(p.event(seq).Text); ok {
			m.marks[mark] = spot{id, seq}
		}
	}
}

// spot is an event.
type spot struct {
	room chat.RoomID
	seq  chat.Seq
}

// mayStillTell reports whether somebody whose connection was opened at a time may still be told
// what an event said that is erased.
func (m *model) mayStillTell(l *link, id chat.RoomID, seq chat.Seq) bool {
	at, done := m.unsaid[spot{id, seq}]
	return !done || l.opened <= at
}

// cutChanges forgets what is known of a room behind end: what was deleted there is back.
func (m *model) cutChanges(id chat.RoomID, end chat.Seq) {
	said := m.past(id).said
	delete(m.pasts, id)
	m.logs[id] = nil
	for _, w := range m.wanted {
		if w.room == id && w.outcome == outcomeNone {
			w.cut, w.known = true, min(w.known, end)
		}
	}
	for _, e := range said[:end] {
		m.remember(e)
	}
	for at := range m.unsaid {
		if at.room != id {
			continue
		}
		if at.seq > end || m.logs[id][at.seq-1].Text != "" {
			delete(m.unsaid, at)
			if mark, _, ok := markOf(said[at.seq-1].Text); ok {
				delete(m.marks, mark)
			}
		}
	}
}

package simulate

import (
	"slices"

	"sarang/chat"
	sdk "sarang/client/session"
	"sarang/client/view"
)

// pageTold compares a page of a durable room with the log: each message looks as it did at some
// moment that is not before the end of the log that the page speaks of.
func (l *link) pageTold(q *asked, p *sdk.HistoryPage) {
	m := l.actor.run.model
	past := m.past(p.Room)
	if p.AsOf > chat.Seq(len(past.said)) {
		l.fail("history of room %d is said to be of %d events; stored are %d", p.Room, p.AsOf, len(past.said))
	}
	if p.AsOf < q.told[p.Room] {
		l.fail("history of room %d is said to be of %d events, but somebody has heard of %d before", p.Room, p.AsOf, q.told[p.Room])
	}
	states := p.States
	for _, e := range p.Events {
		said := past.event(e.Seq)
		text := e.Text
		if e.Text = said.Text; e != said {
			l.fail("history of room %d has %v, but stored is %v", p.Room, brief(e), brief(said))
		}
		switch e.Kind {
		case chat.EventMessage:
			var st *chat.State
			if len(states) > 0 && states[0].Target == e.Seq {
				st, states = &states[0], states[1:]
			}
			l.messageTold(p, e.Seq, text, st)
		case chat.EventEdit:
			if text != "" {
				l.fail("history of room %d has the text of the edit %d", p.Room, e.Seq)
			}
		default:
			if text != said.Text {
				l.fail("history of room %d has %q in event %d, which says %q", p.Room, text, e.Seq, said.Text)
			}
		}
	}
	if len(states) > 0 {
		l.fail("history of room %d says what became of %d, which is no message of it", p.Room, states[0].Target)
	}
}

// messageTold compares a message of a page.
func (l *link) messageTold(p *sdk.HistoryPage, seq chat.Seq, text string, st *chat.State) {
	a, m := l.actor, l.actor.run.model
	past := m.past(p.Room)
	upTo := p.AsOf
	if st != nil {
		if st.Changed > chat.Seq(len(past.said)) || past.event(st.Changed).Target != seq {
			l.fail("message %d of room %d is said to be changed by %d, which is not about it", seq, p.Room, st.Changed)
		}
		upTo = max(upTo, st.Changed)
	}
	want := past.look(seq, upTo)
	if st == nil && want.changed == seq && text != want.text && text != "" {
		l.fail("message %d of room %d says %q in a page, and not %q", seq, p.Room, text, want.text)
	}
	if text == "" && m.logs[p.Room][seq-1].Text != "" {
		l.fail("message %d of room %d is said to be deleted, and is not", seq, p.Room)
	}
	if st == nil {
		if want.changed != seq {
			l.fail("a page of room %d of %d events does not know that %d has changed %d", p.Room, p.AsOf, want.changed, seq)
		}
		return
	}
	got := look{changed: st.Changed, edited: st.Edited, deleted: st.Deleted, pinned: st.Pinned}
	if got.changed != want.changed || got.edited != want.edited || got.deleted != want.deleted || got.pinned != want.pinned ||
		!slices.Equal(st.Reactions, want.reactions(a.user)) {
		l.fail("message %d of room %d is %+v in a page of %d events, and should be %+v", seq, p.Room, *st, p.AsOf, want)
	}
	if text != want.text && text != "" {
		l.fail("message %d of room %d says %q in a page, and should say %q", seq, p.Room, text, want.text)
	}
}

// learn gives a page to the picture that the actor has of a room, if he has been in it since he
// asked.
func (l *link) learn(q *asked, p *sdk.HistoryPage) {
	s := l.actor.seat(p.Room)
	if s == nil || s != q.seat || s.view == nil {
		return
	}
	if err := s.view.Page(view.Page{AsOf: p.AsOf, Events: p.Events, States: p.States}); err != nil {
		l.fail("a page of room %d is of no use: %v", p.Room, err)
	}
}

// comparePictures looks at whether everybody has the picture that the log gives, whichever way
// he came by it. whole: he has all of it.
func (a *actor) comparePicture(s *seat, whole bool) {
	if s.view == nil || s.ephemeral {
		return
	}
	a.run.counts.Pictures++
	m := a.run.model
	past := m.past(s.room)
	have := s.view.Messages()
	for i := range have {
		x := &have[i]
		e := past.event(x.Seq)
		want := past.look(x.Seq, chat.Seq(len(past.said)))
		if e.Kind != chat.EventMessage || x.User != e.User || x.Target != e.Target {
			a.run.fail("%s believes that event %d of %s is %+v, which is %v", a.name, x.Seq, s.name, *x, brief(e))
		}
		if x.Text != want.text || x.Edited != want.edited || x.Deleted != want.deleted || x.Pinned != want.pinned ||
			!slices.Equal(x.Reactions, want.reactions(a.user)) {
			a.run.fail("%s has of message %d of %s the picture %+v, and should have %+v", a.name, x.Seq, s.name, *x, want)
		}
	}
	if !whole {
		return
	}
	messages := 0
	for i := range past.said {
		if past.said[i].Kind == chat.EventMessage {
			messages++
		}
	}
	if len(have) != messages {
		a.run.fail("%s has read all of %s and has %d messages of %d", a.name, s.name, len(have), messages)
	}
}

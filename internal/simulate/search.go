package simulate

import (
	"strings"

	"sarang/chat"
	sdk "sarang/client/session"
	"sarang/internal/words"
)

// What is found is what was said, all of it, and no more than a look at the logs finds.

// search looks for a message of a room, or for one that nobody has said. Where there are limits nobody
// searches: a search counts as several requests, of which the watchers know nothing.
func (a *actor) search() {
	if a.run.plan.limits.any {
		return
	}
	rng := a.run.rng
	s := a.seats[rng.IntN(len(a.seats))]
	q := sdk.Search{Room: s.room, Text: "nobody has said it", ItemsMax: rng.IntN(4)}
	if log := a.run.model.logs[s.room]; len(log) > 0 && rng.IntN(8) > 0 {
		if said := strings.Fields(log[rng.IntN(len(log))].Text); len(said) >= 3 {
			q.Text = `"` + strings.Join(said[:3], " ") + `"`
		}
	}
	switch rng.IntN(6) {
	case 0:
		q.Text = "says"
	case 1:
		q.Room = 0
	}
	known := chat.Seq(len(a.run.model.logs[q.Room]))
	id, err := a.link.session.Search(q)
	a.note("looks for %s in room %d: request %d, %v", q.Text, q.Room, id, err)
	a.link.ask(id, err, &asked{kind: askSearch, room: q.Room, search: q, known: known})
}

// SearchPage is compared with the logs.
func (l *link) SearchPage(_ *sdk.Session, p sdk.SearchPage) {
	r := l.actor.run
	l.note("has %d hits of room %d, next %q", len(p.Hits), p.Room, p.Next)
	r.counts.Searches++
	q := l.answer(p.Request, askSearch)
	query, err := words.Parse(q.search.Text)
	switch {
	case err != nil:
		l.fail("looked for %q: %v", q.search.Text, err)
	case q.room != p.Room:
		l.fail("hits of room %d, wanted are those of %d", p.Room, q.room)
	case q.search.ItemsMax > 0 && len(p.Hits) > q.search.ItemsMax:
		l.fail("%d hits, wanted are %d at most", len(p.Hits), q.search.ItemsMax)
	case r.options.ClientsOnly:
		return
	}
	has := map[chat.Seq]bool{}
	for i, h := range p.Hits {
		log := r.model.logs[h.Room]
		where, found := query.Find(h.Text)
		switch {
		case h.Seq == 0 || h.Seq > chat.Seq(len(log)) || !r.model.said(h.Event, q.since(h.Room)):
			l.fail("a hit of room %d is %v, which was not said so since it was looked for", h.Room, brief(h.Event))
		case !found || len(where) != len(h.Where):
			l.fail("looked for %s, and a hit is %v with %v", q.search.Text, brief(h.Event), h.Where)
		case q.room != 0 && h.Room != q.room:
			l.fail("looked for something in room %d, and a hit is of room %d", q.room, h.Room)
		case i > 0 && h.TimeMs > p.Hits[i-1].TimeMs:
			l.fail("a hit of %d stands behind one of %d", h.TimeMs, p.Hits[i-1].TimeMs)
		}
		has[h.Seq] = true
	}
	if p.Next != "" || q.room == 0 {
		return
	}
	for _, e := range r.model.logs[q.room][:min(int(q.known), len(r.model.logs[q.room]))] {
		if e.Kind == chat.EventMessage && !has[e.Seq] && r.model.always(e, q.known, &query) {
			l.fail("looked for %s in room %d and was not told %v", q.search.Text, q.room, brief(e))
		}
	}
}

// since is how far the log of a room was when a search was asked for, as far as that is known.
func (q *asked) since(room chat.RoomID) chat.Seq {
	if q.room == room {
		return q.known
	}
	return 0
}

// said reports whether a message has said what e says at some moment since its log was so far.
func (m *model) said(e chat.Event, since chat.Seq) bool {
	p, was := m.past(e.Room), m.logs[e.Room][e.Seq-1]
	was.Text = e.Text
	if was != e || e.Kind != chat.EventMessage {
		return false
	}
	for upTo := max(since, e.Seq); upTo <= chat.Seq(len(p.said)); upTo++ {
		if now := p.look(e.Seq, upTo); now.deleted == 0 && now.text == e.Text {
			return true
		}
	}
	return false
}

// always reports whether a message was to be found at every moment since its log was so far.
func (m *model) always(e chat.Event, since chat.Seq, query *words.Query) bool {
	p := m.past(e.Room)
	for upTo := max(since, e.Seq); upTo <= chat.Seq(len(p.said)); upTo++ {
		now := p.look(e.Seq, upTo)
		if _, found := query.Find(now.text); !found || now.deleted != 0 {
			return false
		}
	}
	return true
}

package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
)

// Looking for messages: /search asks the server, the hits stand in the place of the room until one of
// them is chosen, and then the room is shown where it was said.

// Find looks for messages; answered by Searched.
type Find struct{ Query client.Search }

// Searched answers a Find effect.
type Searched struct {
	Query client.Search
	Hits  []client.Hit
	Next  string // where older ones are
	Err   error
}

const (
	findItems    = 50
	findTriesMax = 20 // pages that are asked for while they have nothing
	jumpPagesMax = 50 // pages of history that are loaded to come to a hit
)

// findings are the hits that are shown.
type findings struct {
	query client.Search
	hits  []client.Hit
	next  string
	at    int // the one that Enter shows
	busy  bool
}

// jump is a place in a room that is to be shown when it is there.
type jump struct {
	room  chat.RoomID
	seq   chat.Seq
	pages int // loaded so far
}

// search reads the arguments of /search: words, and #room, from:NAME, has:link and has:file.
func (c *Command) search(words []string) error {
	var text []string
	for _, w := range words {
		switch {
		case strings.HasPrefix(w, "#") && len(w) > 1 && c.Room == "":
			name, err := RoomName(w)
			if err != nil {
				return err
			}
			c.Room = name
		case strings.HasPrefix(w, "from:") && len(w) > len("from:"):
			c.Who = strings.TrimPrefix(strings.TrimPrefix(w, "from:"), "@")
		case w == "has:link":
			c.Links = true
		case w == "has:file":
			c.Files = true
		default:
			text = append(text, w)
		}
	}
	c.Text = strings.Join(text, " ")
	if c.Text == "" && c.Who == "" && !c.Links && !c.Files {
		return errors.New("what?")
	}
	return nil
}

func (m *Model) look(c Command) []Effect {
	q := client.Search{Text: c.Text, Name: c.Who, Links: c.Links, Files: c.Files, ItemsMax: findItems}
	if c.Room != "" {
		i := m.index(c.Room)
		if i < 0 {
			m.hint = "you are not in #" + c.Room
			return nil
		}
		q.Room = m.rooms[i].info.ID
	}
	m.found = &findings{query: q, busy: true}
	return []Effect{Find{q}}
}

func (f Find) perform(ctx context.Context, c Conn) any {
	q := f.Query
	for range findTriesMax {
		p, err := c.Search(ctx, q)
		if err != nil {
			return Searched{Query: f.Query, Err: plainly(err)}
		}
		q.From = p.Next
		if len(p.Hits) > 0 || p.Next == "" {
			return Searched{Query: f.Query, Hits: p.Hits, Next: p.Next}
		}
	}
	return Searched{Query: f.Query, Next: q.From}
}

// foundMore takes the answer to a Find, if its hits are still wanted.
func (m *Model) foundMore(f Searched) {
	l := m.found
	if l == nil || !l.busy || l.query != f.Query {
		return
	}
	l.busy = false
	if f.Err != nil {
		m.found, m.hint = nil, failure("search", f.Err)
		return
	}
	l.hits, l.next = append(l.hits, f.Hits...), f.Next
	if len(l.hits) == 0 && l.next == "" {
		m.found, m.hint = nil, "nothing was found"
	}
}

// choosing is a key while hits are shown; false: it is not for them.
func (m *Model) choosing(name string) ([]Effect, bool) {
	l := m.found
	if l == nil || !m.input.Empty() {
		return nil, false
	}
	page := max(1, m.talkHeight()-2)
	switch name {
	case "up":
		l.at--
	case "down":
		l.at++
	case "pgup":
		l.at -= page
	case "pgdown":
		l.at += page
	case "esc":
		m.found = nil
		return nil, true
	case "enter", "kpenter":
		if len(l.hits) == 0 {
			return nil, true
		}
		return m.jumpTo(l.hits[l.at]), true
	default:
		return nil, false
	}
	var effects []Effect
	if l.at >= len(l.hits) && l.next != "" && !l.busy {
		l.busy = true
		l.query.From = l.next
		effects = []Effect{Find{l.query}}
	}
	l.at = max(0, min(l.at, len(l.hits)-1))
	return effects, true
}

// jumpTo shows a hit in its room, which is joined if it is not.
func (m *Model) jumpTo(hit client.Hit) []Effect {
	m.found = nil
	m.jump = &jump{room: hit.Room, seq: hit.Seq}
	if r := m.find(hit.Room); r != nil {
		m.show(slices.Index(m.rooms, r))
		return m.jumpOn()
	}
	m.joining[nameKey(hit.RoomName)] = true
	return []Effect{Join{Name: hit.RoomName}}
}

// jumpOn goes on with a jump: the place is shown if it is here, and else the page before is asked for.
func (m *Model) jumpOn() []Effect {
	j := m.jump
	if j == nil {
		return nil
	}
	r := m.find(j.room)
	switch {
	case r == nil || r.loading:
		return nil
	case r.first <= j.seq || !r.older:
		m.jump = nil
		m.showPlace(r, j.seq)
	case j.pages >= jumpPagesMax || m.conn.state != connOnline:
		m.jump = nil
		m.hint = "that is too far back to be shown here"
	default:
		j.pages++
		return m.loadOlder()
	}
	return nil
}

// showPlace scrolls a room to an event of its log.
func (m *Model) showPlace(r *room, seq chat.Seq) {
	fresh, below := r.firstNew(), 0
	for i := len(r.entries) + len(r.pending) - 1; i >= 0; i-- {
		e := r.at(i)
		if e.seq == seq && e.epoch == r.info.Epoch {
			r.scroll = max(0, below-m.talkHeight()/2)
			m.hint = "Esc goes back to the end"
			return
		}
		below += len(m.block(r, i, fresh))
	}
	m.hint = "the message is not here any more"
}

// foundLines are the hits, with the chosen one among them.
func (m *Model) foundLines(height int) []string {
	l := m.found
	title := "searching…"
	if !l.busy {
		title = count(len(l.hits), "message")
		if l.next != "" {
			title += ", and more behind them"
		}
		title += " · ↑ ↓ Enter · Esc"
	}
	lines := []string{m.theme.strong.Render(cut(title, m.width))}
	rows := max(1, height-1)
	from := max(0, min(l.at-rows/2, len(l.hits)-rows))
	for i := from; i < len(l.hits) && len(lines) < height; i++ {
		h := &l.hits[i]
		when := time.UnixMilli(h.TimeMs).In(m.zone).Format("2006-01-02 15:04")
		line := cut(when+" #"+CleanLine(h.RoomName)+" "+CleanLine(h.Name)+": "+m.excerpt(h), m.width-2)
		if i == l.at {
			line = m.theme.active.Render("› " + line)
		} else {
			line = "  " + line
		}
		lines = append(lines, line)
	}
	return lines
}

// excerptBefore is how much of a text is shown in front of what was found.
const excerptBefore = 20

// excerpt is a text from a little before what was found in it, in one line.
func (m *Model) excerpt(h *client.Hit) string {
	text := h.Text
	if len(h.Where) == 0 || h.Where[0].From <= excerptBefore {
		return CleanLine(text)
	}
	from := h.Where[0].From - excerptBefore
	for from > 0 && text[from]&0xC0 == 0x80 { // the beginning of a character
		from--
	}
	return "…" + CleanLine(text[from:])
}

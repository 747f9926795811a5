package hub

import (
	"cmp"
	"context"
	"slices"

	"sarang/chat"
	"sarang/internal/limit"
)

// historyBytesMax keeps a page within one packet, with room for names and numbers.
const historyBytesMax = 32 << 10

// HistoryPage is a page of a room's log. Messages have the text that they have now; what else
// became of them is in States. Edits are told without their text.
type HistoryPage struct {
	Epoch  chat.Epoch
	AsOf   chat.Seq // all that the log had up to here is in it
	Events []chat.Event
	States []chat.State // of messages that were changed, in order
	More   bool

	// Threads are told instead of a page of the log; Events are their first messages then.
	Threads []chat.Thread
}

// History tells the client a page of a room's stored log: the events above after, or,
// if before is not 0, the last ones below it.
func (s *Shard) History(o *Session, ref RequestRef, after, before chat.Seq, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	s.askHistory(o, ref, selection{}, chat.Page{After: after, Before: before, ItemsMax: s.items(itemsWant)})
}

// askHistory asks for a page of something of a room's log.
func (s *Shard) askHistory(o *Session, ref RequestRef, of selection, page chat.Page) {
	page.BytesMax = s.historyBytes(o)
	s.ask(&historyRequest{
		asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true},
		of:    of, page: page,
	})
}

// historyBytes is how much text a page may have.
func (s *Shard) historyBytes(o *Session) int {
	return cmp.Or(s.hub.config.Formats[o.format].HistoryBytesMax, historyBytesMax)
}

// historyRequest asks the room's home for the right to read.
type historyRequest struct {
	asker
	of   selection
	page chat.Page
}

func (r *historyRequest) at(h *home) {
	if h.may(r, chat.ActionHistory) {
		info := h.room.Info()
		h.shard.answer(r.session.Worker(), &historyGranted{r.asker, r.of, r.page, info.LastSeq, info.Epoch, info.Ephemeral})
	}
}

// historyGranted has the session's shard read the page.
type historyGranted struct {
	asker
	of        selection
	page      chat.Page
	last      chat.Seq // the end of the log that the right was asked for at
	epoch     chat.Epoch
	ephemeral bool
}

func (g *historyGranted) on(s *Shard) {
	o := s.session(g.session)
	if o == nil {
		return
	}
	if g.ephemeral { // nothing of it is stored
		o.requests--
		o.Client.History(o, g.ref, HistoryPage{Epoch: g.epoch})
		return
	}
	g.read(s, o)
}

func (g *historyGranted) read(s *Shard, o *Session) {
	s.read(o, g.ref, func(ctx context.Context) func(*Session) {
		moment := s.hub.erased.now()
		p, err := s.hub.readSelection(ctx, g.ref.Room, g.of, g.page, g.user)
		p.Epoch, p.AsOf = g.epoch, g.last
		return func(o *Session) {
			switch n := len(p.Events); {
			case s.hub.gone.has(g.ref.Room):
				s.fail(o, g.ref, noSuchRoom()) // what was read may be erased by now
			case err != nil:
				s.fail(o, g.ref, s.hub.typed("reading history", err))
			case n > 0 && p.Events[n-1].Seq > g.last:
				o.requests++ // it goes on
				s.ask(&historyRead{granted: *g, page: p, moment: moment})
			default:
				g.tell(s, o, &p, moment)
			}
		}
	})
}

// tell tells a page that was read at a moment. What was erased since is not in it.
func (g *historyGranted) tell(s *Shard, o *Session, p *HistoryPage, moment uint64) {
	if n := len(p.Events); n > 0 {
		known := s.hub.erased.since(moment, g.ref.Room, p.Events[0].Seq, p.Events[n-1].Seq, p.erase)
		if !known { // so much was erased that nobody knows
			o.requests++
			g.read(s, o)
			return
		}
	}
	o.Client.History(o, g.ref, *p)
	s.queued(o, g.ref.Room, p.Events)
}

// erase takes the text of an event out of the page.
func (p *HistoryPage) erase(seq chat.Seq) {
	for i := range p.Events {
		if e := &p.Events[i]; e.Seq == seq {
			e.EraseBody()
		}
	}
}

// readHistory reads a page, and what became of its messages, as a user sees them. It runs on a
// task.
func (h *Hub) readHistory(ctx context.Context, id chat.RoomID, page chat.Page, user chat.UserID) (p HistoryPage, err error) {
	if p.Events, p.More, err = h.config.Store.History(ctx, id, page); err != nil || len(p.Events) == 0 {
		return p, err
	}
	first, last := p.Events[0].Seq, p.Events[len(p.Events)-1].Seq
	if p.States, err = h.config.Store.States(ctx, id, first, last, user); err != nil {
		return p, err
	}
	p.asItIsNow()
	p.fit(page)
	return p, nil
}

// asItIsNow gives messages the texts that they have now.
func (p *HistoryPage) asItIsNow() {
	states := p.States
	for i := range p.Events {
		e := &p.Events[i]
		if e.Kind == chat.EventEdit {
			e.Text = ""
		}
		for len(states) > 0 && states[0].Target < e.Seq {
			states = states[1:]
		}
		if len(states) == 0 || states[0].Target != e.Seq {
			continue
		}
		switch st := &states[0]; {
		case st.Deleted != 0:
			e.EraseBody()
		case st.Edited != 0:
			e.Text = st.Text
		}
	}
}

// stateBytes and reactionBytes are about what they take beside their texts.
const (
	stateBytes    = 32
	reactionBytes = 32
)

// fit drops events from the page's far end until what it says is within its bound again: what
// messages are now may be longer than what they were.
func (p *HistoryPage) fit(page chat.Page) {
	costs, total := make([]int, len(p.Events)), 0
	states := p.States
	for i := range p.Events {
		costs[i] = p.Events[i].BodyBytes()
		if len(states) > 0 && states[0].Target == p.Events[i].Seq {
			costs[i] += stateBytes
			for _, r := range states[0].Reactions {
				costs[i] += reactionBytes + len(r.Emoji)
			}
			states = states[1:]
		}
		total += costs[i]
	}
	for len(p.Events) > 1 && total > page.BytesMax {
		n := len(p.Events) - 1
		p.More = true
		if page.Before == 0 {
			total -= costs[n]
			p.Events, costs = p.Events[:n], costs[:n]
			continue
		}
		total -= costs[0]
		p.Events, costs = p.Events[1:], costs[1:]
	}
	first, last := p.Events[0].Seq, p.Events[len(p.Events)-1].Seq
	p.States = slices.DeleteFunc(p.States, func(st chat.State) bool { return st.Target < first || st.Target > last })
}

// historyRead is a page with events that the room's home did not know when the right to it
// was asked for: one of them may have taken that right. So the home is asked once more, when
// it knows them.
type historyRead struct {
	granted historyGranted
	page    HistoryPage
	moment  uint64
	late    bool
}

func (r *historyRead) from() *asker { return &r.granted.asker }

func (r *historyRead) at(h *home) {
	if !r.late && h.lacks(h.room.Info().Epoch, r.page.Events[len(r.page.Events)-1].Seq) {
		r.late = true
		h.whenCaughtUp(r)
		return
	}
	if h.may(r, chat.ActionHistory) {
		h.shard.answer(r.granted.session.Worker(), &historyAllowed{r})
	}
}

// historyAllowed has the page told.
type historyAllowed struct{ read *historyRead }

func (a *historyAllowed) on(s *Shard) {
	r := a.read
	if o := s.session(r.granted.session); o != nil {
		o.requests--
		r.granted.tell(s, o, &r.page, r.moment)
	}
}

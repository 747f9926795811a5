package hub

import (
	"cmp"
	"context"

	"sarang/chat"
	"sarang/internal/limit"
)

// historyBytesMax keeps a page within one packet, with room for names and numbers.
const historyBytesMax = 32 << 10

// History tells the client a page of a room's stored log: the events above after, or,
// if before is not 0, the last ones below it.
func (s *Shard) History(o *Session, ref RequestRef, after, before chat.Seq, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	s.ask(&historyRequest{
		asker: asker{session: o.Engine.ID(), network: o.network, user: o.User, ref: ref, counted: true},
		page:  chat.Page{After: after, Before: before, ItemsMax: s.items(itemsWant), BytesMax: s.historyBytes(o)},
	})
}

// historyBytes is how much text a page may have.
func (s *Shard) historyBytes(o *Session) int {
	return cmp.Or(s.hub.config.Formats[o.format].HistoryBytesMax, historyBytesMax)
}

// historyRequest asks the room's home for the right to read.
type historyRequest struct {
	asker
	page chat.Page
}

func (r *historyRequest) at(h *home) {
	if h.may(r, chat.ActionHistory) {
		info := h.room.Info()
		h.shard.answer(r.session.Worker(), &historyGranted{r.asker, r.page, info.LastSeq, info.Epoch, info.Ephemeral})
	}
}

// historyGranted has the session's shard read the page.
type historyGranted struct {
	asker
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
		o.Client.History(o, g.ref, g.epoch, nil, false)
		return
	}
	s.read(o, g.ref, func(ctx context.Context) func(*Session) {
		events, more, err := s.hub.config.Store.History(ctx, g.ref.Room, g.page)
		return func(o *Session) {
			switch n := len(events); {
			case err != nil:
				s.fail(o, g.ref, s.hub.typed("reading history", err))
			case n > 0 && events[n-1].Seq > g.last:
				o.requests++ // it goes on
				s.ask(&historyRead{asker: g.asker, epoch: g.epoch, events: events, more: more})
			default:
				o.Client.History(o, g.ref, g.epoch, events, more)
			}
		}
	})
}

// historyRead is a page with events that the room's home did not know when the right to it
// was asked for: one of them may have taken that right. So the home is asked once more, when
// it knows them.
type historyRead struct {
	asker
	epoch  chat.Epoch
	events []chat.Event
	more   bool
	late   bool
}

func (r *historyRead) at(h *home) {
	if !r.late && h.lacks(h.room.Info().Epoch, r.events[len(r.events)-1].Seq) {
		r.late = true
		h.whenCaughtUp(r)
		return
	}
	if h.may(r, chat.ActionHistory) {
		h.shard.answer(r.session.Worker(), &historyAllowed{r})
	}
}

// historyAllowed has the page told.
type historyAllowed struct{ page *historyRead }

func (a *historyAllowed) on(s *Shard) {
	if o := s.session(a.page.session); o != nil {
		o.requests--
		o.Client.History(o, a.page.ref, a.page.epoch, a.page.events, a.page.more)
	}
}

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
	late bool
}

func (r *historyRequest) at(h *home) {
	if !h.may(r, chat.ActionHistory) {
		return
	}
	info := h.room.Info()
	if !r.late && h.lacks(info.Epoch, max(r.page.After, r.page.Before)) {
		r.late = true
		h.whenCaughtUp(r)
		return
	}
	h.shard.answer(r.session.Worker(), &historyGranted{r.asker, r.page, info.LastSeq, info.Epoch, info.Ephemeral})
}

// historyGranted has the session's shard read the page.
type historyGranted struct {
	asker
	page      chat.Page
	last      chat.Seq // what the right holds for: who is sent out by what is stored behind it does not see that
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
			if err != nil {
				s.fail(o, g.ref, s.hub.typed("reading history", err))
				return
			}
			if n := len(events); n > 0 && events[n-1].Seq > g.last {
				events = slices.DeleteFunc(events, func(e chat.Event) bool { return e.Seq > g.last })
				more = more && g.page.Before != 0
			}
			o.Client.History(o, g.ref, g.epoch, events, more)
		}
	})
}

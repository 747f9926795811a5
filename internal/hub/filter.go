package hub

import (
	"context"
	"fmt"
	"slices"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/internal/words"
)

// What a room does not take from its members: words, phrases, addresses of the web. The home knows it
// from when the room is loaded, and looks at what is said, and at edits, before they are on their way
// to the log; moderators are not filtered. A room without a filter is asked for one comparison.
//
// A server that shares the store with others learns of a filter that was set at another one when it
// learns that others have written to the room, or loads it again.

// filter is what a room does not take.
type filter struct {
	version uint64
	words   *words.Filter
	links   bool
}

// newFilter returns nil for what filters nothing and was never set.
func newFilter(f *chat.RoomFilter) *filter {
	if f.Version == 0 {
		return nil
	}
	return &filter{f.Version, words.NewFilter(f.Words), f.Links}
}

// refuses returns what is said to who wants to say a text; nil if it is taken.
func (f *filter) refuses(text string) *chat.Error {
	switch {
	case f.links && words.HasLink(text):
		return chat.Filtered(true)
	case f.words.Finds(text):
		return chat.Filtered(false)
	}
	return nil
}

// passes reports whether the room's filter takes what somebody says. If not, he is refused; if it is
// not known yet what he may do, or whether he has said it before, the publish is run again when it is.
func (h *home) passes(p *publishRequest) bool {
	if h.filter == nil || p.kind != chat.EventMessage && p.kind != chat.EventEdit || p.operator {
		return true
	}
	err := h.filter.refuses(p.text)
	waits := func(r homeRequest) bool { _, is := r.(*publishAgain); return is }
	switch {
	case slices.ContainsFunc(h.authorsAsked[p.user], waits): // his messages stay in order
		h.authorsAsked[p.user] = append(h.authorsAsked[p.user], p.again(h))
		return false
	case err == nil:
		return true
	case !h.room.Loaded(p.user):
		h.whenKnown(p.user, p.again(h))
		return false
	}
	if h.room.HasNonce(p.user, p.nonce) || h.room.RoleOf(p.user, h.shard.hub.nowMs()).May(chat.ActionFilter) {
		return true // a retry, of which the room says what has become, or a moderator
	}
	h.shard.hub.counts.filtered.Add(1)
	h.refusePublish(p, err)
	return false
}

// setFilter has the room take what a filter takes, unless it knows of a newer one.
func (h *home) setFilter(f *chat.RoomFilter) {
	if h.filter == nil || h.filter.version < f.Version {
		h.filter = newFilter(f)
	}
}

// refreshFilter asks the store for the room's filter when others have written to the room.
func (h *home) refreshFilter() {
	hub, id := h.shard.hub, h.id()
	store, keeps := hub.config.Store.(chat.Moderation)
	if !keeps || h.filterAsked {
		return
	}
	h.filterAsked = h.shard.give(hub.queries, limit.Source{}, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		f, err := store.RoomFilter(ctx, id)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			h.filterAsked = false
			if err != nil {
				hub.logTrouble(&hub.troubles.request, "reading the filter of a room failed", "room", id, "error", err)
				return
			}
			h.setFilter(&f)
		}))
	})
}

// filterOf reads what a room does not take, as it is loaded.
func (h *Hub) filterOf(ctx context.Context, r *chat.Room) (f chat.RoomFilter, err error) {
	if store, keeps := h.config.Store.(chat.Moderation); keeps && !r.Ephemeral && !r.IsDirect() {
		return store.RoomFilter(ctx, r.ID)
	}
	return f, nil
}

// Filter tells the client what a room does not take, or, with set, changes it; the client is told
// Filtered or Failed. When it is, the filter holds. The strings are lent.
func (s *Shard) Filter(o *Session, ref RequestRef, set *chat.RoomFilter) {
	m := moderation{kind: moderationFilter}
	if set != nil {
		kept, err := chat.CheckFilter(set.Words)
		if err != nil {
			s.fail(o, ref, asError(err))
			return
		}
		own := make([]string, len(kept))
		bytes := 0
		for i, w := range kept {
			if !words.HasWords(w) {
				s.fail(o, ref, chat.Errorf(chat.CodeBadText, "a word of a filter has a letter or a digit at least"))
				return
			}
			own[i] = string([]byte(w))
			bytes += len(w)
		}
		if !s.mayAsk(o, ref) || !s.diskTakes(o, ref) || !s.mayStore(o, ref, 1, bytes) {
			return
		}
		m.filter = &chat.RoomFilter{Words: own, Links: set.Links}
	}
	s.moderate(o, ref, m)
}

// filterRoom does it at the store, and returns what has the room's home know it and tells the client.
func (h *Hub) filterRoom(ctx context.Context, store chat.Moderation, who *asker, m *moderation) (func(*Session), error) {
	if m.filter == nil {
		f, err := store.RoomFilter(ctx, who.ref.Room)
		return func(o *Session) { o.Client.Filtered(o, who.ref, f) }, err
	}
	what := fmt.Sprintf("filter: %d words", len(m.filter.Words))
	if m.filter.Links {
		what += ", links"
	}
	f, err := store.SetRoomFilter(ctx, who.ref.Room, *m.filter, chat.AuditEntry{
		Nonce: h.Uint64() | 1, TimeMs: h.nowMs(), Act: chat.AuditRoomSetting, By: who.user, Room: who.ref.Room, What: what,
	})
	return func(o *Session) {
		o.requests++ // until the home has it
		h.Shard(o.Engine.Worker()).ask(&filterRequest{*who, f})
	}, err
}

// filterRequest tells a room's home of a filter that is stored.
type filterRequest struct {
	asker
	filter chat.RoomFilter
}

func (r *filterRequest) at(h *home) {
	h.setFilter(&r.filter)
	h.shard.answer(r.session.Worker(), &filterSet{r.asker, r.filter})
}

// filterSet tells who has asked.
type filterSet struct {
	asker
	filter chat.RoomFilter
}

func (f *filterSet) on(s *Shard) {
	if o := s.session(f.session); o != nil {
		o.requests--
		o.Client.Filtered(o, f.ref, f.filter)
	}
}

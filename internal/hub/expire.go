package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// What is too old is found by the store, piece by piece, and erased by the event that says so: it gets its place
// in the log as all others do, so whoever reads the log learns at which place what is gone. Then it is
// taken out of memory as what was deleted is (erase.go).

// Expire erases what a store has found to be too old (chat.Expirer). Nobody is told the outcome: what is not
// done then is found again. Any goroutine may call it.
func (h *Hub) Expire(x chat.Expiry) {
	s := h.shards[h.homeOf(x.Room)]
	if s == nil || h.draining.Load() {
		return // the workers have not started, or go
	}
	s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
		s.request(roomRequest{room: x.Room, other: &expireRequest{expiry: x}})
	}))
}

type expireRequest struct {
	asker
	expiry chat.Expiry
}

func (r *expireRequest) at(h *home) {
	x := r.expiry
	switch {
	case h.ending(chat.ActionPublish) != nil:
	case x.UpTo > h.room.Info().LastSeq: // others have written it
		h.catchUp.again = true
		h.goOnCatchingUp()
	case h.room.Forget(x.UpTo):
		h.expiring = x
	}
	h.touch()
}

// expired is called when an event is in the log that erases its beginning. It returns which texts go that stand
// behind what is erased: of edits; 0 if nobody here knows.
func (h *home) expired(e *chat.Event) []chat.Seq {
	x := h.expiring
	if x.UpTo != e.Target {
		return []chat.Seq{0} // others have done it
	}
	h.expiring = chat.Expiry{}
	h.shard.hub.counts.expired.Add(int64(x.Events))
	if h.editedAt > x.AsOf {
		return []chat.Seq{0}
	}
	return x.Edits
}

// erasedUnseen is called when the log goes on with first behind after: what others have written between was erased
// before this server has seen it. What follows from it is asked for, and then the room goes on behind it.
func (h *home) erasedUnseen(after, first chat.Seq) {
	h.catchUp.running = true
	hub, id := h.shard.hub, h.id()
	ok := h.shard.give(hub.queries, limit.Source{Session: uint64(id)}, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		info, err := hub.config.Store.Room(ctx, id)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.skipErased(after, first, info, err) }))
	})
	if !ok {
		h.catchUp.running = false
		h.catchUpFailed("too many requests wait for the store; try again")
		h.touch()
	}
}

func (h *home) skipErased(after, first chat.Seq, info chat.Room, err error) {
	h.catchUp.running, h.catchUp.again = false, true
	switch now := h.room.Info().LastSeq; {
	case err != nil:
		h.catchUp.again = false // the next hint, or the next commit, finds it
		hub := h.shard.hub
		hub.logTrouble(&hub.troubles.page, "reading a room failed", "room", h.id(), "error", err)
		h.catchUpFailed("the room's log can not be read now; try again")
	case now != after || len(h.room.InFlight()) > 0: // it has gone on
	default:
		h.shard.hub.erased.note(h.id(), []chat.Seq{0})
		h.room.Skip(info, first, overloaded("the room's log was behind; try again with the same nonce"), h)
		h.named(info.Name, info.Key)
		h.entry.lastSeq.Store(uint64(first - 1))
		h.editedAt, h.expiring = first-1, chat.Expiry{}
		for _, st := range h.streams {
			if st != nil {
				h.skipTo(st, uint64(first))
			}
		}
	}
	h.catchUp.waiting = append(h.catchUp.asked, h.catchUp.waiting...)
	h.catchUp.asked = nil
	h.touch()
	h.goOnCatchingUp()
}

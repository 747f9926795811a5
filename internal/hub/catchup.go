package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
)

// catchUpState is how far a home is with reading what others have written.
type catchUpState struct {
	running bool          // the store is asked
	again   bool          // and is to be asked once more
	waiting []homeRequest // run when that is over
}

// busy reports whether anything is to be read, or waits for that.
func (c *catchUpState) busy() bool { return c.running || len(c.waiting) > 0 }

// lacks reports whether a client knows an event of the room's log that is not here yet.
func (h *home) lacks(epoch chat.Epoch, seq chat.Seq) bool {
	info := h.room.Info()
	return !info.Ephemeral && epoch == info.Epoch && seq > info.LastSeq
}

// whenCaughtUp runs r again when the room has what others have written so far: r speaks
// of events that are not here, as of a client who comes from another node.
func (h *home) whenCaughtUp(r homeRequest) {
	h.catchUp.again = true
	h.catchUp.waiting = append(h.catchUp.waiting, r)
	h.goOnCatchingUp()
}

// CatchUp tells the hub that others may have written to a room of the store: if the
// room is loaded it reads what it does not have. Without it a room finds out when it
// commits. Any goroutine may call it.
func (h *Hub) CatchUp(id chat.RoomID) {
	s := h.shards[h.homeOf(id)]
	if s == nil {
		return // the workers have not started: nothing is loaded
	}
	s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
		if home := s.homes[id]; home != nil && !home.room.Info().Ephemeral {
			home.catchUp.again = true
			home.goOnCatchingUp()
		}
	}))
}

// goOnCatchingUp asks the store for what is behind the log that the room knows, if that
// is wanted. While a batch is in flight it waits: the outcome of that tells as much.
func (h *home) goOnCatchingUp() {
	if !h.catchUp.again || h.catchUp.running || len(h.room.InFlight()) > 0 {
		return
	}
	h.catchUp.running, h.catchUp.again = true, false
	hub, id, after := h.shard.hub, h.id(), h.room.Info().LastSeq
	ok := h.shard.give(hub.queries, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		events, more, err := hub.config.Store.History(ctx, id, chat.Page{
			After: after, ItemsMax: chat.ConflictEventsMax, BytesMax: hub.config.PageBytesMax,
		})
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.caughtUp(after, events, more, err) }))
	})
	if !ok {
		h.catchUp.running = false // the next hint, or the next commit, finds it
		h.catchUpFailed("too many requests wait for the store; try again")
	}
}

// caughtUp takes in what others had written behind after.
func (h *home) caughtUp(after chat.Seq, events []chat.Event, more bool, err error) {
	h.catchUp.running = false
	hub := h.shard.hub
	switch {
	case err != nil:
		hub.logTrouble(&hub.troubles.page, "reading what others have written failed", "room", h.id(), "error", err)
		h.catchUpFailed("the room's log can not be read now; try again")
	case len(h.room.InFlight()) > 0 || h.room.Info().LastSeq != after:
		h.catchUp.again = true
	case len(events) > 0 && events[len(events)-1].Seq != after+chat.Seq(len(events)):
		hub.logTrouble(&hub.troubles.page, "the log of a room has a hole", "room", h.id(), "after", after)
		h.catchUpFailed("the room's log can not be read; try again")
	case len(events) > 0:
		h.show(events, noRef)
		h.room.Apply(events, h)
		h.entry.lastSeq.Store(uint64(h.room.Info().LastSeq))
		h.catchUp.again = h.catchUp.again || more
	}
	h.touch()
	h.goOnCatchingUp()
	h.endCatchUp()
}

// endCatchUp goes on with what has waited, if the room is up to date.
func (h *home) endCatchUp() {
	if h.catchUp.running || h.catchUp.again {
		return
	}
	waiting := h.catchUp.waiting
	h.catchUp.waiting = nil
	for _, r := range waiting {
		r.at(h)
	}
}

// catchUpFailed refuses what has waited.
func (h *home) catchUpFailed(why string) {
	waiting := h.catchUp.waiting
	h.catchUp.waiting = nil
	for _, r := range waiting {
		h.shard.refuse(r.from(), overloaded(why))
	}
}

package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// catchUpState is how far a home is with reading what others have written.
type catchUpState struct {
	running bool          // the store is asked
	again   bool          // and is to be asked once more
	asked   []homeRequest // run when that has been answered
	waiting []homeRequest // came since then: for them it is asked once more
}

// busy reports whether anything is to be read, or waits for that.
func (c *catchUpState) busy() bool { return c.running || len(c.asked)+len(c.waiting) > 0 }

// take returns all that waits, which waits no more.
func (c *catchUpState) take() []homeRequest {
	all := append(c.asked, c.waiting...)
	c.asked, c.waiting = nil, nil
	return all
}

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
	h.catchUp.asked = h.catchUp.take()
	hub, id, after := h.shard.hub, h.id(), h.room.Info().LastSeq
	from := limit.Source{Session: uint64(id)} // nobody in particular
	if asked := h.catchUp.asked; len(asked) > 0 {
		from = asked[0].from().source()
	}
	ok := h.shard.give(hub.queries, from, func() {
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

// caughtUp takes in what others had written behind after. A room in which much is said has
// moved on by then, or is about to: what was read is of use only as far as it shows that
// nothing is missing, so that nobody waits until the room falls silent.
func (h *home) caughtUp(after chat.Seq, events []chat.Event, more bool, err error) {
	h.catchUp.running = false
	hub, end := h.shard.hub, after+chat.Seq(len(events))
	switch {
	case err == nil && len(events) > 0 && events[0].Seq > after+1:
		h.erasedUnseen(after, events[0].Seq)
		return
	case err != nil:
		hub.logTrouble(&hub.troubles.page, "reading what others have written failed", "room", h.id(), "error", err)
		h.catchUpFailed("the room's log can not be read now; try again")
	case len(events) > 0 && events[len(events)-1].Seq != end:
		hub.logTrouble(&hub.troubles.page, "the log of a room has a hole", "room", h.id(), "after", after)
		h.catchUpFailed("the room's log can not be read; try again")
	default:
		if len(events) > 0 && len(h.room.InFlight()) == 0 && h.room.Info().LastSeq == after {
			h.erase(events)
			h.reveal(events, noRef)
			h.renamedElsewhere(events)
			h.refreshFilter()
			h.room.Apply(events, h)
			h.entry.lastSeq.Store(uint64(h.room.Info().LastSeq))
		}
		if more || end > h.room.Info().LastSeq {
			h.catchUp.again = true
			break
		}
		asked := h.catchUp.asked
		h.catchUp.asked = nil
		for _, r := range asked {
			r.at(h)
		}
	}
	h.touch()
	h.goOnCatchingUp()
}

// catchUpFailed refuses what has waited.
func (h *home) catchUpFailed(why string) {
	for _, r := range h.catchUp.take() {
		h.shard.refuse(r.from(), overloaded(why))
	}
}

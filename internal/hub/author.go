package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/internal/room"
)

// whenKnown runs r again when the room knows the user's role.
func (h *home) whenKnown(u chat.UserID, r homeRequest) { h.loadAuthor(r.from().source(), u, r) }

// loadAuthor asks the store, for somebody, what it remembers of a user, and runs then again
// when that is known; an ephemeral room has nothing there.
func (h *home) loadAuthor(from limit.Source, u chat.UserID, then ...homeRequest) {
	waiting, asked := h.authorsAsked[u]
	if h.authorsAsked == nil {
		h.authorsAsked = map[chat.UserID][]homeRequest{}
	}
	h.authorsAsked[u] = append(waiting, then...)
	if asked {
		return
	}
	h.room.AwaitAuthor(u)
	if h.room.Info().Ephemeral {
		h.authorLoaded(u, chat.Author{}, nil)
		return
	}
	hub, id := h.shard.hub, h.id()
	ok := h.shard.give(hub.queries, from, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		stored, err := hub.config.Store.Author(ctx, id, u, hub.config.NoncesPerUserMax)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.authorLoaded(u, stored, err) }))
	})
	if !ok {
		h.authorLoaded(u, chat.Author{}, chat.Errorf(chat.CodeUnavailable, "too many requests wait for the store"))
	}
}

func (h *home) authorLoaded(u chat.UserID, stored chat.Author, err error) {
	waiting := h.authorsAsked[u]
	delete(h.authorsAsked, u)
	if err != nil {
		hub := h.shard.hub
		hub.logTrouble(&hub.troubles.author, "reading an author failed", "room", h.id(), "user", u, "error", err)
		h.room.AuthorFailed(u, unavailable(err), failing{h})
		for _, r := range waiting {
			h.shard.refuse(r.from(), overloaded("the roles of the room can not be read now; try again"))
		}
		h.touch()
		return
	}
	h.room.LoadAuthor(u, stored, h)
	for _, r := range waiting {
		r.at(h)
	}
	h.touch()
}

// failing is a home whose store did not do its work: what is refused then was not
// refused by the room.
type failing struct{ *home }

// Refuse tells a publisher to try again.
func (f failing) Refuse(a room.Ack, err *chat.Error) { f.giveUp(a, err) }

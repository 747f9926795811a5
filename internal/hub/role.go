package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// GiveRole has a user given a role in a room that the session is in; the client is told
// Ack or Failed, as for a message. No protocol has a request for it as yet.
func (s *Shard) GiveRole(o *Session, ref RequestRef, subject chat.UserID, role chat.Role) {
	if !s.mayAsk(o, ref) || s.tooFastMessage(o, ref) || !s.mayAuthor(o, ref) || !s.takesPublish(o, ref) {
		return
	}
	id := o.Engine.ID()
	known := func(err error) {
		switch o := s.session(id); {
		case o == nil || o.place(ref.Room) == nil: // it has left, and is told nothing of the room
		case err != nil:
			s.fail(o, ref, s.hub.typed("looking up a user", err))
		case s.mayAuthor(o, ref) && s.diskTakes(o, ref) && s.mayStore(o, ref, 1, 0):
			s.author(o, ref, publishRequest{kind: chat.EventRole, subject: subject, role: role})
		}
	}
	if !s.lookUpUser(o.source(), subject, known) {
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

// lookUpUser finds out, for somebody, whether a user exists; known is called on this worker.
// False: too many things wait for the store.
func (s *Shard) lookUpUser(from limit.Source, u chat.UserID, known func(error)) bool {
	hub := s.hub
	return s.give(hub.queries, from, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		_, err := hub.config.Store.User(ctx, u)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { known(err) }))
	})
}

// GiveRole is a role given by the server's operator, in the name of the user by. Nobody
// is told the outcome; with the same nonce it may be given again. by and subject must be
// users of the store. Any goroutine may call it.
func (h *Hub) GiveRole(room chat.RoomID, by chat.User, n chat.Nonce, subject chat.UserID, role chat.Role) {
	s := h.shards[h.homeOf(room)]
	if s == nil {
		return // the workers have not started
	}
	s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
		s.request(roomRequest{room: room, publish: publishRequest{
			kind: chat.EventRole, user: by.ID, name: by.Name, nonce: n, subject: subject, role: role, operator: true,
		}})
	}))
}

package hub

import (
	"context"
	"strings"
	"time"

	"sarang/chat"
	"sarang/engine"
)

// Whom says which user a request is about: by id, or by the name that he has now.
type Whom struct {
	ID   chat.UserID
	Name string // lent; used when there is no ID
}

// RoleRequest gives somebody a role.
type RoleRequest struct {
	Whom   Whom
	Role   chat.Role
	For    time.Duration // the role ends by itself after that; 0: not
	Reason string        // lent; may be empty
}

// KickRequest sends somebody out of a room, who may come back.
type KickRequest struct {
	Whom   Whom
	Reason string // lent; may be empty
}

// GiveRole has a user given a role in a room that the session is in; the client is told
// Ack or Failed, as for a message. Who may not join any more by that is out of the room
// behind the event (ended.go).
func (s *Shard) GiveRole(o *Session, ref RequestRef, r RoleRequest) {
	s.rule(o, ref, r.Whom, publishRequest{kind: chat.EventRole, role: r.Role, forMs: r.For.Milliseconds(), text: r.Reason})
}

// Kick has a user sent out of a room that the session is in; the client is told Ack or
// Failed, as for a message.
func (s *Shard) Kick(o *Session, ref RequestRef, r KickRequest) {
	s.rule(o, ref, r.Whom, publishRequest{kind: chat.EventKick, text: r.Reason})
}

// rule sends an event that is about another user, when it is known who that is.
func (s *Shard) rule(o *Session, ref RequestRef, whom Whom, p publishRequest) {
	ref.Event = p.kind
	if !s.mayPublish(o, ref) {
		return
	}
	if err := checkReason(p.text); err != nil {
		s.fail(o, ref, err)
		return
	}
	key, err := whom.key()
	if err != nil {
		s.fail(o, ref, err)
		return
	}
	p.text = strings.Clone(p.text)
	id, early := o.Engine.ID(), !o.inRoom(ref.Room)
	known := func(u chat.UserID, err error) {
		o := s.session(id)
		if o != nil {
			s.published(o) // what follows counts by itself
		}
		switch {
		case o != nil && o.place(ref.Room) == nil && early: // its join was refused
			s.fail(o, ref, notMember())
		case o == nil || o.place(ref.Room) == nil: // it has left, and is told nothing of the room
		case err != nil:
			s.fail(o, ref, s.hub.typed("looking up a user", err))
		case s.mayAuthor(o, ref) && s.diskTakes(o, ref) && s.mayStore(o, ref, 1, len(p.text)):
			p.subject = u
			s.author(o, ref, p)
		}
	}
	s.publishes(o)
	if !s.lookUpUser(o, whom.ID, key, known) {
		s.published(o)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

func checkReason(reason string) *chat.Error {
	if reason == "" {
		return nil
	}
	if err := chat.CheckText(reason, chat.ReasonBytesMax); err != nil {
		return chat.Errorf(chat.CodeBadText, "the reason is not allowed: %v", err)
	}
	return nil
}

// key is the comparison form of the name, "" for an id.
func (w *Whom) key() (string, *chat.Error) {
	if w.ID != 0 {
		return "", nil
	}
	_, key, err := chat.ParseUserName(strings.Clone(w.Name)) // it is lent
	if err != nil {
		return "", asError(err)
	}
	return key, nil
}

// lookUpUser finds out which user is meant, by id or else by key; known is called on this
// worker. False: too many things wait for the store, and it is not.
func (s *Shard) lookUpUser(o *Session, u chat.UserID, key string, known func(chat.UserID, error)) bool {
	hub := s.hub
	return s.give(hub.queries, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		u, err := hub.user(ctx, u, key)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { known(u, err) }))
	})
}

// user asks the store for a user by id, or by key if that is 0.
func (h *Hub) user(ctx context.Context, id chat.UserID, key string) (chat.UserID, error) {
	if id == 0 {
		u, err := h.config.Store.UserByKey(ctx, key)
		if chat.CodeOf(err) == chat.CodeNoUser {
			err = chat.Errorf(chat.CodeNoUser, "there is no user of that name")
		}
		return u.ID, err
	}
	_, err := h.config.Store.User(ctx, id)
	if chat.CodeOf(err) == chat.CodeBadRequest {
		err = chat.Errorf(chat.CodeNoUser, "there is no such user")
	}
	return id, err
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

package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
)

// nameRequest wants the id of a room that has a name.
type nameRequest struct {
	session engine.SessionID
	maker   maker
	ref     RequestRef
	room    NewRoom // its name is the display form; the rest is for create
	create  bool    // make it if there is none
	then    func(*Session, chat.RoomID)
}

// nameLookup is a name that the store is asked for. When a crowd comes to a room that is
// not loaded, or not there yet, the store is asked once by each shard.
type nameLookup struct {
	key     string
	waiting []nameRequest
	tries   int // creations that came too late
}

// createTriesMax bounds how often a room is looked for that another one always makes
// first, and that is not there then.
const createTriesMax = 5

// resolve finds out the id of a room by its key; r.then is called, or the client is told
// Failed, if the session is still there.
func (s *Shard) resolve(o *Session, ref RequestRef, key string, r nameRequest) {
	if !s.begin(o, ref) {
		return
	}
	r.session, r.maker, r.ref = o.Engine.ID(), o.maker(), ref
	l := s.lookups[key]
	if l == nil {
		l = &nameLookup{key: key}
		s.lookups[key] = l
		defer s.lookUp(l)
	}
	l.waiting = append(l.waiting, r)
}

func (s *Shard) lookUp(l *nameLookup) {
	hub := s.hub
	ok := s.give(hub.queries, l.waiting[0].maker.source, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		r, err := hub.config.Store.RoomByKey(ctx, l.key)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.lookedUp(l, r, err) }))
	})
	if !ok {
		s.resolved(l, 0, overloaded("too many requests wait for the store; try again"))
	}
}

// lookedUp answers those who only asked, and makes the room for the others.
func (s *Shard) lookedUp(l *nameLookup, r chat.Room, err error) {
	if chat.CodeOf(err) != chat.CodeNoRoom || l.tries >= createTriesMax {
		s.resolved(l, r.ID, err)
		return
	}
	makers := l.waiting[:0]
	for _, w := range l.waiting {
		if w.create {
			makers = append(makers, w)
		} else {
			s.resolveOne(&w, 0, err)
		}
	}
	l.waiting = makers
	made := func(r chat.Room, err error) {
		if chat.CodeOf(err) == chat.CodeRoomExists {
			l.tries++
			s.lookUp(l)
			return
		}
		s.resolved(l, r.ID, err)
	}
	for len(l.waiting) > 0 {
		first := &l.waiting[0]
		err := s.makeRoom(first.maker, first.room, l.key, made)
		if err == nil {
			return
		}
		s.resolveOne(first, 0, err) // it may not; the next one may
		l.waiting = l.waiting[1:]
	}
	delete(s.lookups, l.key)
}

// resolved answers all who wait for a name.
func (s *Shard) resolved(l *nameLookup, id chat.RoomID, err error) {
	delete(s.lookups, l.key)
	for i := range l.waiting {
		s.resolveOne(&l.waiting[i], id, err)
	}
}

func (s *Shard) resolveOne(r *nameRequest, id chat.RoomID, err error) {
	o := s.session(r.session)
	if o == nil {
		return
	}
	o.requests--
	switch {
	case err == nil:
		r.then(o, id)
	case chat.CodeOf(err) == chat.CodeNoRoom:
		s.fail(o, r.ref, noRoomNamed(r.room.Name))
	default:
		s.fail(o, r.ref, s.hub.typed("looking up a room", err))
	}
}

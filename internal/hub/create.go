package hub

import (
	"context"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// NewRoom is what somebody who makes a room wants.
type NewRoom struct {
	Name      string // lent
	Ephemeral bool
	Private   bool // not with Ephemeral
}

// check refuses what can not be.
func (n *NewRoom) check() *chat.Error {
	if n.Private && n.Ephemeral {
		return chat.Errorf(chat.CodeBadRequest, "an ephemeral room can not be private: it has no roles")
	}
	return nil
}

// Create makes a room; the client is told Created or Failed.
func (s *Shard) Create(o *Session, ref RequestRef, n NewRoom) {
	if !s.mayRequest(o, ref, limit.LevelEntries) {
		return
	}
	if err := n.check(); err != nil {
		s.fail(o, ref, err)
		return
	}
	display, key, err := chat.ParseRoomName(strings.Clone(n.Name)) // it is lent
	if err != nil {
		s.fail(o, ref, asError(err))
		return
	}
	if s.hub.rooms.find(key) != nil {
		s.fail(o, ref, roomExists(display))
		return
	}
	if !s.begin(o, ref) {
		return
	}
	id := o.Engine.ID()
	made := func(r chat.Room, err error) {
		if o := s.session(id); o != nil {
			o.requests--
			if err != nil {
				s.fail(o, ref, s.hub.typed("creating a room", err))
				return
			}
			o.Client.Created(o, ref, RoomInfo{Room: r})
		}
	}
	n.Name = display
	if err := s.makeRoom(o.maker(), n, key, made); err != nil {
		o.requests--
		s.fail(o, ref, err)
	}
}

// makeRoom makes a room in the store, and tells its home. made is called on
// this worker, unless an error is returned.
func (s *Shard) makeRoom(m maker, n NewRoom, key string, made func(chat.Room, error)) *chat.Error {
	if err := s.mayMake(&m); err != nil {
		return err
	}
	hub := s.hub
	r := chat.Room{
		Name: n.Name, Key: key, Epoch: hub.newEpoch(), Ephemeral: n.Ephemeral, Private: n.Private,
		Creator: m.user, CreatedMs: hub.nowMs(),
	}
	quota := chat.RoomQuota{CreatorMax: hub.config.UserRoomsMax, AllMax: hub.config.RoomsMax}
	ok := s.give(hub.claims, m.source, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		stored, err := hub.config.Store.CreateRoom(ctx, r, quota)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			if err == nil {
				s.answer(hub.homeOf(stored.ID), &roomMade{stored})
			}
			made(stored, err)
		}))
	})
	if !ok {
		hub.noteLimited(limitedEntries, s.now(), m.peer, m.user)
		return overloaded("too many requests wait for the store; try again")
	}
	return nil
}

func roomExists(name string) *chat.Error {
	return chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", name)
}

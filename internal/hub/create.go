package hub

import (
	"context"
	"strings"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Create makes a room; the client is told Created or Failed.
func (s *Shard) Create(o *Session, ref RequestRef, name string, ephemeral bool) {
	if !s.mayRequest(o, ref, limit.LevelEntries) {
		return
	}
	display, key, err := chat.ParseRoomName(strings.Clone(name)) // it is lent
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
	if !s.makeRoom(o.source(), display, key, ephemeral, made) {
		o.requests--
		s.limited(o, limitedEntries)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again"))
	}
}

// makeRoom makes a room in the store, for somebody, and tells its home. made is called on
// this worker. False: too many things wait for the store, and it is not.
func (s *Shard) makeRoom(from limit.Source, name, key string, ephemeral bool, made func(chat.Room, error)) bool {
	hub := s.hub
	r := chat.Room{Name: name, Key: key, Epoch: hub.newEpoch(), Ephemeral: ephemeral, CreatedMs: hub.nowMs()}
	return s.give(hub.claims, from, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		stored, err := hub.config.Store.CreateRoom(ctx, r)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			if err == nil {
				s.answer(hub.homeOf(stored.ID), &roomMade{stored})
			}
			made(stored, err)
		}))
	})
}

func roomExists(name string) *chat.Error {
	return chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", name)
}

package hub

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// A room is read from the store when somebody wants something of it, and let go when
// nobody has used it for Config.RoomIdle. Its home shard sees to both.

// loadingRoom is a room that the store is asked for, and what waits for it.
type loadingRoom struct{ waiting []roomRequest }

// serveRequest runs a request at the home of its room, which is here.
func (s *Shard) serveRequest(r *roomRequest) {
	if h := s.homes[r.room]; h != nil {
		h.serve(r)
		return
	}
	l := s.loading[r.room]
	if l == nil {
		l = new(loadingRoom)
		s.loading[r.room] = l
		defer s.load(r.from().source(), r.room)
	}
	l.waiting = append(l.waiting, *r)
}

// load asks the store for a room, for somebody.
func (s *Shard) load(from limit.Source, id chat.RoomID) {
	hub := s.hub
	ok := s.give(hub.queries, from, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		r, err := hub.config.Store.Room(ctx, id)
		var f chat.RoomFilter
		if err == nil {
			f, err = hub.filterOf(ctx, &r)
		}
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) { s.loaded(id, r, f, err) }))
	})
	if !ok {
		s.loaded(id, chat.Room{}, chat.RoomFilter{}, overloaded("too many requests wait for the store; try again"))
	}
}

// loaded goes on with what has waited for a room.
func (s *Shard) loaded(id chat.RoomID, r chat.Room, f chat.RoomFilter, err error) {
	l := s.loading[id]
	delete(s.loading, id)
	if err == nil && s.homes[id] == nil {
		if s.placeForHome() {
			s.addHome(r).filter = newFilter(&f)
		} else {
			s.hub.noteLimited(limitedLoaded, s.now(), netip.Addr{}, 0)
			err = overloaded("too many rooms are in use; try again later")
		}
	}
	if l == nil {
		return
	}
	h := s.homes[id]
	for i := range l.waiting {
		w := &l.waiting[i]
		behind, follows := w.other.(*joinFollower)
		switch {
		case h != nil:
			h.serve(w)
		case chat.CodeOf(err) == chat.CodeNoRoom && follows:
			s.answer(behind.session.Worker(), behind)
		case chat.CodeOf(err) == chat.CodeNoRoom && w.other == nil:
			s.refuse(w.from(), notMember()) // as of a room that is hidden
		case chat.CodeOf(err) == chat.CodeNoRoom:
			s.refuse(w.from(), noSuchRoom())
		default:
			s.refuse(w.from(), s.hub.typed("loading a room", err))
		}
	}
}

// from says who made the request.
func (r *roomRequest) from() *asker {
	if r.other != nil {
		return r.other.from()
	}
	who := r.publish.asker(r.room)
	return &who
}

// addHome makes the home of a room as it is in the store. The log of an ephemeral room
// is not there: this is a new life of it.
func (s *Shard) addHome(r chat.Room) *home {
	if r.Ephemeral {
		r.Epoch, r.LastSeq, r.LastMs = s.hub.newEpoch(), 0, 0
	}
	return s.addNewHome(r)
}

func (s *Shard) addNewHome(r chat.Room) *home {
	h := newHome(s, s.hub.rooms.add(r))
	s.homes[r.ID] = h
	h.usedAt = s.worker.Now()
	h.rest()
	return h
}

// roomMade tells the home of a room that was just made: it need not ask the store.
type roomMade struct{ room chat.Room }

func (m *roomMade) on(s *Shard) {
	if s.homes[m.room.ID] == nil && s.loading[m.room.ID] == nil && s.placeForHome() {
		s.addNewHome(m.room)
	}
}

// quiet reports whether nothing of the room is on its way.
func (h *home) quiet() bool {
	return h.room.Idle() && len(h.authorsAsked) == 0 && len(h.timesAsked) == 0 && len(h.targetsAsked) == 0 && !h.catchUp.busy() && !h.renaming && len(h.linkJoins) == 0 && !h.purging && h.deleting == nil
}

// unused reports whether nobody is in the room and nothing of it on its way.
func (h *home) unused() bool { return h.room.Members() == 0 && h.quiet() }

// rest has the room go when nobody uses it for long enough.
func (h *home) rest() {
	if !h.unload.Running() && h.unused() {
		h.unload.Data = h
		h.shard.worker.After(&h.unload, h.shard.hub.config.RoomIdle, unloadRoom)
		h.shard.keepResting(h)
	}
}

// keepResting notes a home that may have to make a place for another one.
func (s *Shard) keepResting(h *home) {
	if h.resting {
		return
	}
	h.resting = true
	s.resting = append(s.resting, h)
	if len(s.resting) > 2*len(s.homes)+restingSlack {
		s.resting = slices.DeleteFunc(s.resting, func(h *home) bool { return s.homes[h.id()] != h })
	}
}

const (
	restingSlack = 64
	restingLooks = 64 // at so many it is looked for one that can go
)

// placeForHome reports whether one more room may be in memory. If there are as many as may
// be, one that nobody uses goes, of those that have rested for longest.
func (s *Shard) placeForHome() bool {
	most := s.hub.config.RoomsLoadedMax
	if n := len(s.hub.shards); most == 0 || len(s.homes) < (most+n-1)/n {
		return true
	}
	for range min(len(s.resting), restingLooks) {
		h := s.resting[0]
		s.resting[0] = nil
		s.resting = s.resting[1:]
		switch {
		case s.homes[h.id()] != h: // it has gone
		case h.unused():
			s.hub.counts.roomsPushed.Add(1)
			h.letGo()
			return true
		default:
			s.resting = append(s.resting, h)
			continue
		}
		h.resting = false
	}
	return false
}

func unloadRoom(t *engine.Timer) {
	h := t.Data.(*home)
	s := h.shard
	if !h.unused() {
		return // touch begins again when it is
	}
	if wait := h.usedAt + s.hub.config.RoomIdle - s.worker.Now(); wait > 0 {
		s.worker.After(t, max(wait, time.Millisecond), unloadRoom)
		return
	}
	h.letGo()
}

// letGo ends a home that nobody uses.
func (h *home) letGo() {
	delete(h.shard.homes, h.id())
	h.shard.hub.rooms.remove(h.entry)
	h.close()
}

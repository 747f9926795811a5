package hub

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/lock"
)

// A room gets another name, or goes. Both are decided by the store: names are unique in it, and
// what it has deleted comes back by no restart.

// hasName reports whether an event may go on that gives the room a name, which the store has
// given it then. If not, it is run again when the store has answered.
func (h *home) hasName(p *publishRequest) bool {
	info := h.room.Info()
	if p.kind != chat.EventName || p.renamed || info.Ephemeral || info.IsDirect() {
		return true
	}
	if !h.room.Loaded(p.user) {
		h.whenKnown(p.user, p.again(h))
		return false
	}
	if h.room.HasNonce(p.user, p.nonce) {
		return true // a retry: the room says what has become of the first one
	}
	hub := h.shard.hub
	store, keeps := hub.config.Store.(chat.Moderation)
	err := h.room.Access(p.user, chat.ActionSettings, hub.nowMs())
	switch {
	case err != nil && !p.operator:
		h.refusePublish(p, err)
	case !keeps:
		h.refusePublish(p, chat.Errorf(chat.CodeBadRequest, "this server can not rename rooms"))
	case h.renaming:
		h.refusePublish(p, overloaded("the room is being renamed; try again with the same nonce"))
	default:
		h.rename(store, *p)
	}
	return false
}

func (h *home) rename(store chat.Moderation, p publishRequest) {
	hub, id, now := h.shard.hub, h.id(), h.shard.hub.nowMs()
	entry := chat.AuditEntry{
		Nonce: hub.Uint64() | 1, TimeMs: now, Act: chat.AuditRoomArchived, By: p.user, Room: id, What: "renamed: " + h.room.Info().Name + " is " + p.text,
	}
	h.renaming = true
	who := p.asker(id)
	ok := h.shard.give(hub.claims, who.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		err := store.RenameRoom(ctx, id, p.text, p.key, now+hub.config.RoomNamesKept.Milliseconds(), entry)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.renamed(p, err) }))
	})
	if !ok {
		h.renamed(p, overloaded("too many requests wait for the store; try again"))
	}
}

func (h *home) renamed(p publishRequest, err error) {
	h.renaming = false
	if err != nil {
		h.refusePublish(&p, h.shard.hub.typed("renaming a room", err))
		h.touch()
		return
	}
	h.named(p.text, p.key)
	p.renamed = true
	h.publish(&p)
	h.touch()
}

// named has this server know the room by another name.
func (h *home) named(name, key string) {
	h.room.SetName(name, key)
	h.entry = h.shard.hub.rooms.rename(h.entry, name, key)
}

// renamedElsewhere is called with what others have written: the newest name holds.
func (h *home) renamedElsewhere(events []chat.Event) {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Kind != chat.EventName {
			continue
		}
		if name, key, err := chat.ParseRoomName(events[i].Text); err == nil {
			h.named(name, key)
		}
		return
	}
}

// DeleteRoom deletes a room; the client is told Done or Failed. When it is told Done nobody is
// in the room, and nothing of it is shown to anybody any more.
func (s *Shard) DeleteRoom(o *Session, ref RequestRef) {
	if s.mayRequest(o, ref, limit.LevelEntries) && s.begin(o, ref) {
		s.ask(&deleteRequest{asker{session: o.Engine.ID(), network: o.network, user: o.User, name: o.Name, ref: ref, counted: true}})
	}
}

type deleteRequest struct{ asker }

func (r *deleteRequest) at(h *home) {
	if r.session == 0 {
		if err := h.ending(chat.ActionDeleteRoom); err != nil {
			h.shard.refuse(&r.asker, err)
			return
		}
	} else if !h.may(r, chat.ActionDeleteRoom) {
		return
	}
	if _, keeps := h.shard.hub.config.Store.(chat.Moderation); !keeps || h.room.Info().Ephemeral {
		h.shard.refuse(&r.asker, chat.Errorf(chat.CodeBadRequest, "this room can not be deleted"))
		return
	}
	h.deleting = r
	h.touch()
}

// ending refuses what comes to a room that is being deleted, or was. Who reads goes on until it
// is.
func (h *home) ending(a chat.Action) *chat.Error {
	switch {
	case h.deleted:
		return noSuchRoom()
	case h.deleting != nil && (a == chat.ActionPublish || a == chat.ActionJoin || a == chat.ActionDeleteRoom):
		return overloaded("the room is being deleted")
	}
	return nil
}

// goOnDeleting asks the store to delete the room when nothing of it is on its way any more.
func (h *home) goOnDeleting() {
	r := h.deleting
	if r == nil || h.deleted || h.storeDeletes || !h.room.Idle() || h.catchUp.busy() || h.renaming || len(h.linkJoins) > 0 {
		return
	}
	h.storeDeletes = true
	hub, id, info, now := h.shard.hub, h.id(), h.room.Info(), h.shard.hub.nowMs()
	store := hub.config.Store.(chat.Moderation)
	entry := chat.AuditEntry{Nonce: hub.Uint64() | 1, TimeMs: now, Act: chat.AuditRoomArchived, By: r.user, Room: id, What: "deleted: " + info.Name}
	ok := h.shard.give(hub.claims, r.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		err := store.DeleteRoom(ctx, id, now+hub.config.RoomNamesKept.Milliseconds(), entry)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.storeHasDeleted(err) }))
	})
	if !ok {
		h.storeHasDeleted(overloaded("too many requests wait for the store; try again"))
	}
}

func (h *home) storeHasDeleted(err error) {
	r, s := h.deleting, h.shard
	h.deleting, h.storeDeletes = nil, false
	if err != nil && chat.CodeOf(err) != chat.CodeNoRoom {
		s.refuse(&r.asker, s.hub.typed("deleting a room", err))
		h.touch()
		return
	}
	h.deleted = true
	h.room.Close()
	s.hub.gone.add(h.id())
	s.hub.rooms.remove(h.entry)
	s.hub.erased.note(h.id(), []chat.Seq{0})
	why := Removed{Room: h.id(), Seq: h.room.Info().LastSeq, Code: chat.CodeRoomDeleted, By: r.name}
	for to := range s.hub.shards {
		for i, st := range h.streams {
			if st != nil && st.readers[to] > 0 {
				s.answer(to, &roomEnded{formatIndex(i), why})
			}
		}
	}
	// Behind it, so that nobody is left who would be fed from what is still there.
	e := &erasure{from: s, home: h, room: h.id(), texts: []chat.Seq{0}, left: len(s.hub.shards)}
	h.erasures = append(h.erasures, e)
	e.then = func() {
		if !s.hub.operated.tell(r.session, r.ref.Nonce, nil) {
			s.answer(r.session.Worker(), &requestDone{r.asker})
		}
	}
	s.erasing++
	for to := range s.hub.shards {
		s.answer(to, &eraseTexts{e})
	}
	if !s.hub.erasingRooms.Swap(true) {
		s.eraseDeleted(eraseDeletedPause)
	}
	h.touch()
}

// roomEnded has a shard put everybody out of a room.
type roomEnded struct {
	format formatIndex
	why    Removed
}

func (e *roomEnded) on(s *Shard) {
	r := s.replicas[replicaKey{e.why.Room, e.format}]
	if r == nil {
		return
	}
	var all []*Session
	for c := range r.feed.Readers() {
		if o := sessionOf(c.Session()); o != nil {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b *Session) int { return cmp.Compare(a.Engine.ID(), b.Engine.ID()) })
	for _, o := range all {
		s.remove(o, &e.why)
	}
}

// requestDone tells who has asked.
type requestDone struct{ asker }

func (d *requestDone) on(s *Shard) {
	if o := s.session(d.session); o != nil {
		o.requests--
		o.Client.Done(o, d.ref)
	}
}

// eraseDeletedMax is how many rows are erased in one transaction.
const eraseDeletedMax = 1000

// eraseDeleted has the store erase what is left of deleted rooms, piece by piece, with pauses in
// which others have the store. There is one such loop, however many rooms are deleted. What a server
// does not come to is done by the next one (Hub.EraseDeleted).
func (s *Shard) eraseDeleted(wait time.Duration) {
	s.worker.After(&engine.Timer{}, wait, func(*engine.Timer) {
		if s.hub.draining.Load() {
			return
		}
		ok := s.give(s.hub.claims, limit.Source{}, func() {
			more, err := s.hub.EraseDeleted()
			s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
				switch {
				case err != nil:
					s.hub.logTrouble(&s.hub.troubles.request, "erasing a deleted room failed; trying again later", "error", err)
					s.eraseDeleted(eraseDeletedRetry)
				case more:
					s.eraseDeleted(eraseDeletedPause)
				default:
					s.hub.erasingRooms.Store(false)
				}
			}))
		})
		if !ok {
			s.eraseDeleted(eraseDeletedRetry)
		}
	})
}

const (
	eraseDeletedPause = 50 * time.Millisecond
	eraseDeletedRetry = 5 * time.Second
)

// EraseDeleted erases a piece of what is left of deleted rooms, and reports whether there may be
// more. It may block.
func (h *Hub) EraseDeleted() (more bool, err error) {
	store, keeps := h.config.Store.(chat.Moderation)
	if !keeps {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
	defer cancel()
	return store.EraseDeleted(ctx, eraseDeletedMax)
}

// goneRooms are the rooms that were deleted last: what was read of one before is not told.
type goneRooms struct {
	mu     lock.Mutex
	count  int
	recent [goneRoomsKept]chat.RoomID
}

const goneRoomsKept = 1024

func (g *goneRooms) init() { g.mu.Init(lock.NewClass("hub.gone")) }

func (g *goneRooms) add(id chat.RoomID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.recent[g.count%goneRoomsKept] = id
	g.count++
}

func (g *goneRooms) has(id chat.RoomID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count > 0 && slices.Contains(g.recent[:min(g.count, goneRoomsKept)], id)
}

package hub

import (
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/room"
)

// home is a room at its home shard: its state, its streams, and which shards have
// readers.
type home struct {
	shard        *Shard
	entry        *entry
	room         *room.Room
	streams      []*stream                      // by formatIndex; nil: nobody reads that format
	ready        bool                           // in shard.ready
	pending      int                            // bytes that are counted in hub.pending
	authorsAsked map[chat.UserID][]homeRequest  // of the store, and what waits for it
	times        map[chat.Seq]int64             // TimeMs of some events; see samelog.go
	timesAsked   map[chat.Seq][]homeRequest     // events that the store is asked for, and what waits for it
	targetsAsked map[targetKey][]publishRequest // the same for messages that are to be changed
	catchUp      catchUpState                   // see catchup.go
	erasures     []*erasure                     // that are not done
	usedAt       time.Duration                  // worker's time of the last request
	expiry       engine.Timer                   // of those who are away
	unload       engine.Timer                   // runs while nobody uses the room
	resting      bool                           // in shard.resting
	direct       []chat.UserID                  // of a direct room: whose it is
	renaming     bool                           // the store gives it another name
	filter       *filter                        // what it does not take; nil: it takes everything
	filterAsked  bool                           // the store is asked for it
	linkJoins    map[chat.UserID]*linkJoin      // who is on his way into the room; see joinlink.go
	deleting     *deleteRequest                 // it is being deleted, for who has asked; nil: it is not
	purging      bool                           // messages of somebody are being deleted; see purge.go
	expiring     chat.Expiry                    // what is being erased for its age; see expire.go
	editedAt     chat.Seq                       // no edit stands behind it
	storeDeletes bool                           // the store is asked to
	deleted      bool                           // it is not there any more, but for those who leave it
}

func newHome(s *Shard, e *entry) *home {
	return &home{
		shard: s, entry: e, room: room.New(e.room, s.hub.roomConfig()),
		streams: make([]*stream, len(s.hub.config.Formats)), direct: e.room.DirectUsers(),
		editedAt: e.room.LastSeq,
	}
}

func (h *home) id() chat.RoomID { return h.room.Info().ID }

func (h *home) info() RoomInfo { return RoomInfo{h.room.Info(), h.room.Members()} }

// serve runs a request.
func (h *home) serve(r *roomRequest) {
	h.usedAt = h.shard.worker.Now()
	if r.other == nil {
		h.publish(&r.publish)
		return
	}
	r.other.at(h)
}

// touch is called after every change of the room: others see its figures, its batch is
// taken at the end of the tick, if it has one, and if nobody uses it, it goes soon.
func (h *home) touch() {
	h.entry.members.Store(int64(h.room.Members()))
	h.account()
	h.goOnDeleting()
	if !h.ready && h.room.Wants() {
		h.ready = true
		h.shard.ready = append(h.shard.ready, h)
	}
	h.rest()
}

// account brings the hub's count of bytes on their way up to date. Most joins and leaves
// change nothing there, and the count is shared by all workers.
func (h *home) account() {
	if now := h.room.PendingBytes(); now != h.pending {
		h.shard.hub.pending.Add(int64(now - h.pending))
		h.pending = now
	}
}

// take gives the store what has gathered; nil if that is nothing. An ephemeral room's
// batch has nowhere to go and is in the log at once.
func (h *home) take(nowMs int64) *job {
	if !h.room.Info().Ephemeral {
		after := h.room.Info().LastSeq
		var events []chat.Event
		for len(events) == 0 && h.room.Wants() { // a batch may be refused whole
			events = h.room.Take(nowMs, h)
		}
		h.touch()
		if len(events) == 0 {
			return nil
		}
		return &job{home: h, room: h.id(), after: after, events: events}
	}
	for h.room.Wants() {
		if events := h.room.Take(nowMs, h); len(events) > 0 {
			h.committed(events)
		}
	}
	h.touch()
	return nil
}

// stored is called with the outcome of a job.
func (h *home) stored(j *job) {
	switch {
	case j.err != nil:
		h.catchUp.again = h.catchUp.again || j.conflict != nil // what is between is erased
		h.room.Failed(func(a room.Ack) { h.giveUp(a, unavailable(j.err)) })
	case j.conflict != nil:
		h.overtaken(j.conflict)
	default:
		h.committed(j.events)
	}
	h.touch()
	h.goOnCatchingUp()
}

// committed is called when the batch in flight is in the log: it goes to the readers,
// and the authors are told.
func (h *home) committed(events []chat.Event) {
	rules, erases := false, false
	for i := range events {
		k := events[i].Kind
		rules = rules || k.Rules()
		erases = erases || k == chat.EventDelete || k == chat.EventExpire || k == chat.EventEdit
	}
	var gone *erasure
	if erases {
		gone = h.erase(events)
	}
	if rules {
		h.committedRules(events, gone)
		return
	}
	h.show(events, h.room.InFlightRef)
	h.room.Committed(h.ackBehind(gone))
	h.entry.lastSeq.Store(uint64(h.room.Info().LastSeq))
}

// committedRules is committed where somebody may be sent out: he is told before what became
// of his own events.
func (h *home) committedRules(events []chat.Event, gone *erasure) {
	events = slices.Clone(events) // the room's own are gone with their batch
	refs := make([]room.Ref, len(events))
	for i := range refs {
		refs[i] = h.room.InFlightRef(i)
	}
	h.room.Committed(h.ackBehind(gone))
	h.reveal(events, func(i int) room.Ref { return refs[i] })
	h.entry.lastSeq.Store(uint64(h.room.Info().LastSeq))
}

// overtaken is called when others have written to the log before the batch in flight:
// the room takes that in and decides again.
func (h *home) overtaken(c *chat.Conflict) {
	h.shard.hub.counts.conflicts.Add(1)
	h.erase(c.Between)
	h.reveal(c.Between, noRef)
	h.renamedElsewhere(c.Between)
	h.refreshFilter()
	h.room.Overtaken(c.Between, h)
	h.entry.lastSeq.Store(uint64(h.room.Info().LastSeq))
}

// may reports whether the one who makes a request has the right to it. If not, he is
// refused; if that is not known yet, the request is run again when it is.
func (h *home) may(r homeRequest, a chat.Action) bool {
	who := r.from()
	if err := h.ending(a); err != nil {
		h.shard.refuse(who, err)
		return false
	}
	if !h.room.Known(who.user) {
		h.whenKnown(who.user, r)
		return false
	}
	if err := h.room.Access(who.user, a, h.shard.hub.nowMs()); err != nil {
		if err.Code == chat.CodeNoRoom {
			err = who.hidden(err)
		}
		h.shard.refuse(who, err)
		return false
	}
	return true
}

// hidden is what is told of a room that is hidden from who asks: what would be told if it
// were not there. But that its name is in use can not be hidden from who wants it.
func (a *asker) hidden(err *chat.Error) *chat.Error {
	switch {
	case a.byName == "":
		return err
	case a.create:
		return roomExists(a.byName)
	}
	return noRoomNamed(a.byName)
}

// close lets go of what the home has of the worker.
func (h *home) close() {
	for _, st := range h.streams {
		if st != nil {
			st.close()
		}
	}
	h.shard.worker.Stop(&h.expiry)
	h.shard.worker.Stop(&h.unload)
	h.shard.hub.pending.Add(-int64(h.pending))
}

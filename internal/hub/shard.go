package hub

import (
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
)

// Shard is a worker's part of the hub: the rooms whose home it is, replicas of all
// rooms that its sessions are in, and what is to be posted to other shards at the end
// of the tick. It belongs to its worker.
type Shard struct {
	hub       *Hub
	worker    *engine.Worker
	homes     map[chat.RoomID]*home
	loading   map[chat.RoomID]*loadingRoom
	lookups   map[string]*nameLookup // by key
	replicas  map[replicaKey]*replica
	ready     []*home // with batches to take
	resting   []*home // that nobody used when they were put here, in that order; some are used now, or gone
	outbox    []outbox
	scratch   []byte
	texts     []byte // see keep
	lag       limit.Lag
	recheck   engine.Timer // see checkLoad
	turn      turn
	loggedIn  int           // sessions
	seenTimer engine.Timer  // runs while there are any; see tellSeen
	leftTimer engine.Timer  // see tellLeft
	nowAt     time.Duration // see now
	nowIs     time.Duration
	members   memberQueue
	erasing   int                               // erasures that not all shards have done; see erase.go
	told      map[engine.SessionID][]queuedPage // pages that may not be sent yet; see queued
}

// StartShard makes the shard of w. It is called once for each worker, before any
// session: engine.Config.OnStart.
func (h *Hub) StartShard(w *engine.Worker) {
	s := &Shard{
		hub: h, worker: w,
		homes:    map[chat.RoomID]*home{},
		loading:  map[chat.RoomID]*loadingRoom{},
		lookups:  map[string]*nameLookup{},
		replicas: map[replicaKey]*replica{},
		outbox:   make([]outbox, len(h.shards)),
	}
	h.shards[w.Index()] = s
	w.OnTick(s.tick)
	w.OnYield(s.yields, s.yielded)
	w.OnStop(s.stop)
}

// Shard returns the shard of a worker, for a gateway's handler there.
func (h *Hub) Shard(w *engine.Worker) *Shard { return h.shards[w.Index()] }

// Hub is what the shard belongs to.
func (s *Shard) Hub() *Hub { return s.hub }

// tick hands on what the worker's tick amounted to.
func (s *Shard) tick() {
	s.checkLoad()
	if len(s.ready) > 0 {
		s.takeBatches()
	}
	s.storeMembers()
	s.hub.awake()
	if s.hub.storing() {
		s.worker.Yield(s.hub.begun)
	}
	for to := range s.outbox {
		o := &s.outbox[to]
		if o.empty() {
			continue
		}
		b := &shardBatch{to: s.hub.shards[to], outbox: *o}
		*o = outbox{}
		if !b.to.worker.Post(b) {
			b.drop()
		}
	}
}

// give has f done by tasks, soon, for somebody. False: too many wait.
func (s *Shard) give(to *tasks, from limit.Source, f func()) bool {
	ok := to.do(from, f)
	if ok {
		s.worker.Yield(s.hub.begun)
	}
	return ok
}

// takeBatches sends what has gathered in the rooms to the store.
func (s *Shard) takeBatches() {
	now := s.hub.nowMs()
	ready := s.ready
	s.ready = nil // a batch that is refused whole may leave another one behind it
	var jobs []*job
	for i, h := range ready {
		ready[i] = nil
		h.ready = false
		if !h.room.Wants() {
			continue
		}
		if j := h.take(now); j != nil {
			jobs = append(jobs, j)
		}
	}
	if s.ready == nil {
		s.ready = ready[:0]
	}
	if len(jobs) > 0 {
		s.hub.writer.submit(jobs)
	}
}

func (s *Shard) idle() bool {
	for _, h := range s.homes {
		if !h.quiet() {
			return false
		}
	}
	for i := range s.outbox {
		if !s.outbox[i].empty() {
			return false
		}
	}
	return len(s.loading) == 0 && s.erasing == 0 && !s.members.flying && len(s.members.waiting) == 0
}

// stop lets go of the shard's buffers, when its worker ends.
func (s *Shard) stop() {
	for _, r := range s.replicas {
		r.feed.Close()
	}
	for _, h := range s.homes {
		h.close()
	}
	for i := range s.outbox {
		(&shardBatch{outbox: s.outbox[i]}).drop()
	}
}

package hub

import (
	"sync/atomic"
	"time"
)

// turns has the goroutines that talk to the store and the workers take turns where they
// share processors. Go's scheduler serves whatever can run in a circle, and a call of the
// store holds its processor while it waits for the disk: so 64 goroutines with a login each
// were 64 waits for the disk in front of a worker's next tick. With turns they have a slice
// of time together, whatever they do, and then workers that have something to do have
// sliceRest times as much.
//
// It is for all that is done beside the workers but for the commit of messages, which is one
// goroutine and what people wait for.
type turns struct {
	slice time.Duration // 0: workers have processors of their own, and nobody takes turns
	since atomic.Int64  // when the slice began; sliceFresh, sliceNone
	idle  atomic.Bool   // the worker that has begun the slice has nothing to do
}

// What is in turns.since when no slice has begun.
const (
	sliceFresh = -1 // it begins with the next task
	sliceNone  = -2 // nothing is begun
)

const (
	sliceRest    = 3  // workers have so many times what a slice took
	sliceRestMax = 15 // but not more than so many slices: who waits for the store has his turn, too
)

// open begins a slice.
func (t *turns) open(idle bool) {
	t.idle.Store(idle)
	t.since.Store(sliceFresh)
}

// close ends it.
func (t *turns) close() { t.since.Store(sliceNone) }

// over reports whether no task is to be begun until a worker opens a slice. Any goroutine
// may ask. While no worker has anything to do slices follow each other, and alone says
// whether who asks may begin one: else there would be no end of them.
func (t *turns) over(now time.Duration, alone bool) bool {
	if t.slice <= 0 {
		return false
	}
	since := t.since.Load()
	switch {
	case since == sliceNone:
		return true
	case since == sliceFresh:
		t.since.CompareAndSwap(sliceFresh, int64(now))
		return false
	case now-time.Duration(since) < t.slice:
		return false
	case alone && t.idle.Load():
		t.since.CompareAndSwap(since, int64(now))
		return false
	}
	return true
}

// turn is a shard's part in that.
type turn struct {
	began time.Duration // of the slice
	idle  bool
	next  time.Duration // no slice before that while the worker has something to do
	first int           // of the pools, whose tasks begin; it changes
}

// yields is called when the worker is about to yield; idle: it would sleep.
func (s *Shard) yields(idle bool) {
	h, t := s.hub, &s.turn
	t.began = 0
	if h.turns.slice <= 0 || h.allWaiting() == 0 {
		return
	}
	now := h.now()
	if !idle && now < t.next {
		return
	}
	t.began, t.idle = now, idle
	h.turns.open(idle)
	if idle {
		h.counts.slicesIdle.Add(1)
	} else {
		h.counts.slicesBusy.Add(1)
	}
	pools := h.pools()
	t.first = (t.first + 1) % len(pools)
	for i := range pools {
		pools[(t.first+i)%len(pools)].resume()
	}
}

// yielded is called when it has its processor again.
func (s *Shard) yielded() {
	h, t := s.hub, &s.turn
	if t.began == 0 || t.idle {
		return
	}
	h.turns.close()
	t.next = t.began + min((1+sliceRest)*(h.now()-t.began), (1+sliceRestMax)*h.turns.slice)
}

// awake is called when the worker has had something to do.
func (h *Hub) awake() {
	if h.turns.slice > 0 && h.turns.idle.Load() {
		h.turns.idle.Store(false)
	}
}

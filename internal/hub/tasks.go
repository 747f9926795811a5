package hub

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sarang/internal/limit"
	"sarang/lock"
)

// tasks runs what may block on a bounded number of goroutines, which are there only
// while there is something to do. They do not hand work to each other: the scheduler of
// Go would run a chain of them before anything else that waits for the processor.
// Networks have their turns in a circle, and so have the sessions of one: who wants much
// waits for himself.
type tasks struct {
	mu       lock.Mutex
	queue    limit.Queue[func()]
	since    atomic.Int64 // since when the network whose turn is next waits; noneWaits
	running  atomic.Int64 // goroutines; changed under mu
	starting atomic.Int64 // of these, those that have not come to their first task; changed under mu
	stopped  atomic.Bool  // something waits for a slice that is to begin; changed under mu
	most     int
	bounds   taskBounds
	now      func() time.Duration
	manual   bool // no goroutines: step runs them
	closed   bool
	waits    *atomic.Int64 // how many are in this queue and in others of the same bound
	turns    *turns        // with the workers
	wg       sync.WaitGroup
}

// taskBounds say how many may wait: of all that count in waits, and in one tasks of a
// network, or of a session that counts for itself.
type taskBounds struct{ all, network int }

// noneWaits is in tasks.since while that is so.
const noneWaits = -1

// newTasks makes one that runs so many at once.
func (h *Hub) newTasks(most int) *tasks {
	c := &h.config
	t := &tasks{
		most: most, bounds: taskBounds{c.StoreQueueMax, c.AddressStoreQueueMax},
		waits: &h.storeQueue, turns: &h.turns, manual: c.Manual, now: h.now,
	}
	t.mu.Init(lock.NewClass("hub.tasks"))
	t.since.Store(noneWaits)
	return t
}

// do runs f soon, for somebody. False: too many wait, or it is closed; f is not run.
func (t *tasks) do(from limit.Source, f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.waits.Load() >= int64(t.bounds.all) || t.bounds.network > 0 && t.queue.LenOf(from) >= t.bounds.network {
		return false
	}
	t.queue.Push(from, t.now(), f)
	t.note()
	t.waits.Add(1)
	switch {
	case t.manual:
	case t.turns.slice > 0:
		t.stopped.Store(true)
	default:
		t.start(1)
	}
	return true
}

// start adds goroutines, so many as there may be. mu is held.
func (t *tasks) start(n int) {
	for range min(n, t.most-int(t.running.Load())) {
		t.running.Add(1)
		t.starting.Add(1)
		t.wg.Add(1)
		go t.run()
	}
}

// resume starts what waits for a slice, at its beginning.
func (t *tasks) resume() {
	if !t.stopped.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped.Store(false)
	if !t.closed {
		t.start(t.queue.Len())
	}
}

func (t *tasks) run() {
	defer t.wg.Done()
	for first := true; ; first = false {
		t.mu.Lock()
		if first {
			t.starting.Add(-1)
		}
		if t.queue.Len() == 0 || t.cut() {
			t.running.Add(-1)
			t.mu.Unlock()
			return
		}
		f := t.queue.Pop(t.now())
		t.note()
		t.waits.Add(-1)
		t.mu.Unlock()
		f()
		runtime.Gosched() // workers and the writer come first, where processors are few
	}
}

// cut reports whether a goroutine has to end because the slice is over. mu is held.
func (t *tasks) cut() bool {
	if !t.turns.over(t.now(), t.running.Load() == 1) {
		return false
	}
	t.stopped.Store(true)
	return true
}

// note brings since up to date.
func (t *tasks) note() {
	since, waits := t.queue.Since()
	if !waits {
		since = noneWaits
	}
	t.since.Store(int64(since))
}

// wait is how long the network whose turn is next has waited: so long about has one to
// wait that comes now, whatever others have asked for. Any goroutine may ask.
func (t *tasks) wait(now time.Duration) time.Duration {
	since := t.since.Load()
	if since == noneWaits {
		return 0
	}
	return max(now-time.Duration(since), 0)
}

// step runs one of the tasks that wait, whichever.
func (t *tasks) step(i int) {
	t.mu.Lock()
	f := t.queue.Take(i, t.now())
	t.note()
	t.waits.Add(-1)
	t.mu.Unlock()
	f()
}

// busy reports whether anything is being done, or is to be. Any goroutine may ask.
func (t *tasks) busy() bool { return t.running.Load() > 0 || t.stopped.Load() }

// begun reports whether nothing waits that could be begun. Any goroutine may ask.
func (t *tasks) begun() bool { return t.starting.Load() == 0 }

// waiting is how many are in this queue.
func (t *tasks) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queue.Len()
}

// close drops what waits and returns when what runs is done.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.stopped.Store(false)
	t.waits.Add(-int64(t.queue.Len()))
	t.queue = limit.Queue[func()]{}
	t.note()
	t.mu.Unlock()
	t.wg.Wait()
}

package hub

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"sarang/lock"
)

// tasks runs what may block on a bounded number of goroutines, which are there only
// while there is something to do. They do not hand work to each other: the scheduler of
// Go would run a chain of them before anything else that waits for the processor.
type tasks struct {
	mu       lock.Mutex
	queue    []func()
	running  atomic.Int64 // goroutines; changed under mu
	starting atomic.Int64 // of these, those that have not come to their first task; changed under mu
	most     int
	queueMax int
	manual   bool // no goroutines: step runs them
	closed   bool
	waits    *atomic.Int64 // how many are in this queue and in others of the same bound
	wg       sync.WaitGroup
}

// newTasks makes one that runs so many at once. At most queueMax wait, all together, of
// those that count in waits.
func newTasks(most, queueMax int, waits *atomic.Int64, manual bool) *tasks {
	t := &tasks{most: most, queueMax: queueMax, waits: waits, manual: manual}
	t.mu.Init(lock.NewClass("hub.tasks"))
	return t
}

// do runs f soon. False: too many wait, or it is closed; f is not run.
func (t *tasks) do(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.waits.Load() >= int64(t.queueMax) {
		return false
	}
	t.queue = append(t.queue, f)
	t.waits.Add(1)
	if t.running.Load() < int64(t.most) && !t.manual {
		t.running.Add(1)
		t.starting.Add(1)
		t.wg.Add(1)
		go t.run()
	}
	return true
}

func (t *tasks) run() {
	defer t.wg.Done()
	for first := true; ; first = false {
		t.mu.Lock()
		if first {
			t.starting.Add(-1)
		}
		if len(t.queue) == 0 {
			t.queue = nil
			t.running.Add(-1)
			t.mu.Unlock()
			return
		}
		f := t.queue[0]
		t.queue[0] = nil
		t.queue = t.queue[1:]
		t.waits.Add(-1)
		t.mu.Unlock()
		f()
		runtime.Gosched() // workers and the writer come first, where processors are few
	}
}

// step runs the task that waits at place i.
func (t *tasks) step(i int) {
	t.mu.Lock()
	f := t.queue[i]
	t.queue = slices.Delete(t.queue, i, i+1)
	t.waits.Add(-1)
	t.mu.Unlock()
	f()
}

// busy reports whether anything is being done. Any goroutine may ask.
func (t *tasks) busy() bool { return t.running.Load() > 0 }

// begun reports whether nothing waits that could be begun. Any goroutine may ask.
func (t *tasks) begun() bool { return t.starting.Load() == 0 }

// waiting is how many are in this queue.
func (t *tasks) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue)
}

// close drops what waits and returns when what runs is done.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.waits.Add(-int64(len(t.queue)))
	t.queue = nil
	t.mu.Unlock()
	t.wg.Wait()
}

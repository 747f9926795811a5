package hub

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/lock"
)

// job is a room's batch on its way to the store.
type job struct {
	home   *home
	events []chat.Event
	err    error
}

// writer is the group commit: one goroutine that takes whatever batches have gathered
// and stores them in one transaction. While it waits for the disk, the next group
// gathers.
type writer struct {
	hub    *Hub
	mu     lock.Mutex
	queue  []*job
	wake   chan struct{}
	closed bool

	queued   atomic.Int64 // jobs in the queue
	unstored atomic.Int64 // and those that are being stored
	wg       sync.WaitGroup

	appends []chat.Append // reused
}

func newWriter(h *Hub) *writer {
	w := &writer{hub: h, wake: make(chan struct{}, 1)}
	w.mu.Init(lock.NewClass("hub.writer"))
	if !h.config.Manual {
		w.wg.Add(1)
		go w.run()
	}
	return w
}

func (w *writer) submit(jobs []*job) {
	w.mu.Lock()
	w.queue = append(w.queue, jobs...)
	w.unstored.Add(int64(len(jobs)))
	w.queued.Add(int64(len(jobs)))
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) run() {
	defer w.wg.Done()
	for range w.wake {
		for w.waiting() {
			w.step()
		}
		if w.over() {
			return
		}
	}
}

// commitEventsMax is about how many events are stored in one transaction: the rooms
// whose batches wait are acknowledged no later than that takes.
const commitEventsMax = 8192

// step stores what has gathered, or the first of it.
func (w *writer) step() {
	w.mu.Lock()
	n, events := 0, 0
	for ; n < len(w.queue) && events < commitEventsMax; n++ {
		events += len(w.queue[n].events)
	}
	jobs := w.queue[:n:n]
	w.queued.Add(-int64(n))
	if w.queue = w.queue[n:]; len(w.queue) == 0 {
		w.queue = nil
	}
	w.mu.Unlock()
	if len(jobs) > 0 {
		w.appends = w.commit(jobs, w.appends[:0])
		w.unstored.Add(-int64(len(jobs)))
		w.answer(jobs)
	}
}

// over says whether the writer is closed and everything is stored.
func (w *writer) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed && len(w.queue) == 0
}

// begun says whether nothing waits that could be begun: what gathers during a commit
// could not. Any goroutine may ask.
func (w *writer) begun() bool {
	queued := w.queued.Load()
	return queued == 0 || w.unstored.Load() > queued
}

func (w *writer) waiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) > 0
}

// commit stores all jobs and notes in each what became of it.
func (w *writer) commit(jobs []*job, appends []chat.Append) []chat.Append {
	for _, j := range jobs {
		appends = append(appends, chat.Append{Room: j.home.id(), Events: j.events})
	}
	start := time.Now()
	err := w.hub.config.Store.Commit(context.Background(), appends)
	w.hub.counts.commitNanos.Add(int64(time.Since(start)))
	switch {
	case err == nil:
		w.hub.counts.commits.Add(1)
		for _, j := range jobs {
			w.hub.counts.committed.Add(int64(len(j.events)))
		}
	case chat.CodeOf(err) == chat.CodeUncertain:
		w.findOut(jobs, err)
	case len(jobs) > 1: // one bad batch must not take the others with it
		for i := range jobs {
			w.commit(jobs[i:i+1], nil)
		}
	default:
		w.hub.counts.failed.Add(1)
		w.hub.complain(&w.hub.troubles.commit, "storing a batch failed", "room", jobs[0].home.id(), "events", len(jobs[0].events), "error", err)
		jobs[0].err = err
	}
	clear(appends)
	return appends
}

// findOut asks the store what it has, after a commit whose outcome is not known. It
// does not give up before it knows: to acknowledge or to refuse would both be guesses.
func (w *writer) findOut(jobs []*job, cause error) {
	w.hub.config.Logger.Error("a commit's outcome is not known; asking the store", "error", cause)
	for _, j := range jobs {
		for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
			ctx, cancel := context.WithTimeout(context.Background(), w.hub.config.StoreTimeout)
			last, err := w.hub.config.Store.LastSeq(ctx, j.home.id())
			cancel()
			if err == nil {
				if last < j.events[len(j.events)-1].Seq {
					j.err = cause
				}
				break
			}
			if chat.CodeOf(err) == chat.CodeClosed {
				j.err = cause
				break
			}
			if !w.hub.config.Manual {
				time.Sleep(wait)
			}
		}
	}
}

// answer posts the outcomes to the home shards, one post each.
func (w *writer) answer(jobs []*job) {
	byShard := make([][]*job, len(w.hub.shards))
	for _, j := range jobs {
		i := j.home.shard.worker.Index()
		byShard[i] = append(byShard[i], j)
	}
	for i, mine := range byShard {
		if len(mine) > 0 {
			w.hub.shards[i].worker.Post(&outcome{w.hub.shards[i], mine})
		}
	}
}

// outcome brings jobs back to their shard.
type outcome struct {
	shard *Shard
	jobs  []*job
}

// Deliver moves the batches to their logs, or gives them up.
func (o *outcome) Deliver(*engine.Worker) {
	for _, j := range o.jobs {
		o.shard.stored(j)
	}
}

// close stores what is queued and ends.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	w.wg.Wait()
}

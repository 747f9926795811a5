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
	home     *home
	room     chat.RoomID
	after    chat.Seq // the end of the log that it was decided at
	events   []chat.Event
	err      error          // it was not stored
	conflict *chat.Conflict // nor then: others had written
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
	since    atomic.Int64 // when the call of the store began that runs, in Unix nanoseconds; 0: none runs
	unstored atomic.Int64 // and those that are being stored

	submitted, finished atomic.Int64 // jobs since the start; see passed
	wg                  sync.WaitGroup

	appends []chat.Append // reused
	id      chat.BatchID  // of the last batch
}

func newWriter(h *Hub) *writer {
	w := &writer{hub: h, wake: make(chan struct{}, 1), id: chat.BatchID{Writer: h.Uint64()}}
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
	w.submitted.Add(int64(len(jobs)))
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

// step stores what has gathered, or the first of it: the rooms whose batches wait are
// acknowledged no later than CommitEventsMax events take.
func (w *writer) step() {
	w.mu.Lock()
	n, events := 0, 0
	for ; n < len(w.queue) && events < w.hub.config.CommitEventsMax; n++ {
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
		w.finished.Add(int64(len(jobs)))
	}
}

// over reports whether the writer is closed and everything is stored.
func (w *writer) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed && len(w.queue) == 0
}

// begun reports whether nothing waits that could be begun: what gathers during a commit
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
		appends = append(appends, chat.Append{Room: j.room, After: j.after, Events: j.events})
	}
	w.id.Number++
	start := time.Now()
	conflicts, err := w.commitSurely(chat.Batch{ID: w.id, Appends: appends})
	w.hub.counts.commitNanos.Add(int64(time.Since(start)))
	switch {
	case err == nil:
		w.stored(jobs, conflicts)
	case len(jobs) > 1: // one bad batch must not take the others with it
		for i := range jobs {
			w.commit(jobs[i:i+1], nil)
		}
	default:
		w.hub.counts.failed.Add(1)
		w.hub.logTrouble(&w.hub.troubles.commit, "storing a batch failed", "room", jobs[0].room, "events", len(jobs[0].events), "error", err)
		jobs[0].err = err
	}
	clear(appends)
	return appends
}

// stored notes what a transaction has stored, and where others had written before.
func (w *writer) stored(jobs []*job, conflicts []chat.Conflict) {
	w.hub.counts.commits.Add(1)
	for _, j := range jobs {
		if len(conflicts) > 0 && conflicts[0].Room == j.room {
			j.conflict = &conflicts[0]
			conflicts = conflicts[1:]
			if len(j.conflict.Between) == 0 {
				j.err = chat.Errorf(chat.CodeUnavailable, "the log of room %d ends at %d, before %d", j.room, j.conflict.Last, j.after)
			}
			continue
		}
		w.hub.counts.committed.Add(int64(len(j.events)))
	}
}

// commitSurely commits a batch and, if the outcome is not known, commits it again until
// it is: the store recognizes it. It does not give up while the store can only not be
// reached: to acknowledge and to refuse would both be guesses. Any other error is told as
// ever: the rooms that the fault has nothing to do with go on, and if the batch was stored
// after all, the next one of its room finds it there, nonces included.
func (w *writer) commitSurely(b chat.Batch) ([]chat.Conflict, error) {
	conflicts, err := w.call(context.Background(), b)
	if chat.CodeOf(err) != chat.CodeUncertain {
		return conflicts, err
	}
	w.hub.config.Logger.Error("a commit's outcome is not known; asking the store", "error", err)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		ctx, cancel := context.WithTimeout(context.Background(), w.hub.config.StoreTimeout)
		conflicts, err = w.call(ctx, b)
		cancel()
		if code := chat.CodeOf(err); code != chat.CodeUncertain && code != chat.CodeUnavailable {
			return conflicts, err
		}
		w.hub.logTrouble(&w.hub.troubles.commit, "a commit's outcome is still not known", "error", err)
		if !w.hub.config.Manual {
			time.Sleep(wait)
		}
	}
}

// call is the store's Commit; others see how long it takes.
func (w *writer) call(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	w.since.Store(time.Now().UnixNano())
	defer w.since.Store(0)
	return w.hub.config.Store.Commit(ctx, b)
}

// CommitStill is how long the commit lasts that the store has not ended yet; 0: there is
// none. Any goroutine may call it.
func (h *Hub) CommitStill() time.Duration {
	if since := h.writer.since.Load(); since > 0 {
		return max(time.Since(time.Unix(0, since)), 0)
	}
	return 0
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
		j.home.stored(j)
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

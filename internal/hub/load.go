package hub

import (
	"sync/atomic"
	"time"

	"sarang/engine"
	"sarang/internal/limit"
)

// load is how much of what the server can take it has to do, and what it does without
// for that. Every shard checks it at the end of each tick.
type load struct {
	level atomic.Int32
	lags  []atomic.Int64 // of the shards: how late their ticks are, smoothed
}

func (l *load) now() limit.Level { return limit.Level(l.level.Load()) }

// Load is how loaded the server is. The fractions are of what the configuration
// allows.
type Load struct {
	Level        limit.Level
	PublishBytes float64 // on their way to the store, of PublishBytesPendingMax
	StoreQueue   float64 // calls that wait for the store, of StoreQueueMax
	EntryWait    float64 // of a network for its turn to log in, make a room or enter one, of StoreWaitMax
	PageWait     float64 // and to read a page, of StoreWaitMax
	WorkerLag    float64 // length of the latest worker's ticks, of WorkerLagMax
}

// Load may be called from any goroutine.
func (h *Hub) Load() Load {
	c := &h.config
	l := Load{
		Level:        h.load.now(),
		PublishBytes: float64(h.pending.Load()) / float64(c.PublishBytesPendingMax),
		StoreQueue:   float64(h.tasksWaiting()) / float64(c.StoreQueueMax),
	}
	if c.StoreWaitMax > 0 {
		now := h.now()
		of := func(t *tasks) float64 { return float64(t.wait(now)) / float64(c.StoreWaitMax) }
		l.EntryWait, l.PageWait = max(of(h.claims), of(h.queries)), of(h.reads)
	}
	if c.WorkerLagMax > 0 {
		for i := range h.load.lags {
			l.WorkerLag = max(l.WorkerLag, float64(h.load.lags[i].Load())/float64(c.WorkerLagMax))
		}
	}
	return l
}

// most is the largest of the fractions. Calls that wait for the store are no reason to
// refuse messages, which go another way; and those that wait for pages are no reason to
// let nobody in.
func (l *Load) most() float64 {
	return max(l.PublishBytes, min(max(l.StoreQueue, l.EntryWait), storeQueueMost), min(l.PageWait, pageWaitMost), l.WorkerLag)
}

const (
	storeQueueMost = 0.99 // just below what refuses messages
	pageWaitMost   = 0.84 // just below what lets nobody in
)

// checkLoad brings the level up to date, at the end of a tick.
func (s *Shard) checkLoad() {
	h := s.hub
	took := s.worker.LastTick()
	lag := s.lag.Add(max(took, s.worker.Behind()), took, s.worker.Now())
	h.load.lags[s.worker.Index()].Store(int64(lag))
	for {
		l := h.Load()
		next := l.Level.Next(l.most())
		if next == l.Level {
			break
		}
		if h.load.level.CompareAndSwap(int32(l.Level), int32(next)) {
			h.logLevel(l, next)
			break
		}
	}
	// A worker that sleeps would not see that the load is gone.
	restless := h.load.now() > limit.LevelNone || lag > 0 && h.config.WorkerLagMax > 0 && lag >= h.config.WorkerLagMax/lagNothing
	if restless && !s.recheck.Running() {
		s.worker.After(&s.recheck, loadInterval, func(*engine.Timer) {})
	}
}

const (
	// loadInterval is how often a worker checks the load while there is some.
	loadInterval = 100 * time.Millisecond

	// lagNothing: a lag below this part of WorkerLagMax is none.
	lagNothing = 10
)

func (h *Hub) logLevel(was Load, now limit.Level) {
	log := h.config.Logger.Info
	if now > was.Level {
		log = h.config.Logger.Warn
	}
	log("load level", "level", now, "was", was.Level,
		"publish_bytes", was.PublishBytes, "store_queue", was.StoreQueue,
		"entry_wait", was.EntryWait, "page_wait", was.PageWait, "worker_lag", was.WorkerLag)
}

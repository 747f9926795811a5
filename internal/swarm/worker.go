package swarm

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sarang/client/session"
	"sarang/engine"
)

// worker is the swarm's part of an engine worker, which owns it. It is read by others
// when the engine has ended.
type worker struct {
	*session.Handler
	run       *run
	engine    *engine.Worker
	index     int
	members   []*member // clients index, index + workers, …
	journals  []*journal
	inspector *inspector
	rng       *rand.Rand

	waiting     []*member // want to connect, and may when others have joined
	connecting  int       // connects and joins under way
	connectsMax int

	publishing bool   // messages may be made
	due        uint64 // open loop: so many messages of the whole run were due by now
	released   bool   // stalled clients read again
	ending     bool   // nobody comes back any more

	latency    *hdrhistogram.Histogram // microseconds, of clients that are not stalled
	ackLatency *hdrhistogram.Histogram // microseconds
	clockAt    int64                   // nanoseconds since the run began
	clockUses  int

	counts workerCounts
	live   liveCounts
	errors errorLog
}

// workerCounts are a worker's own.
type workerCounts struct {
	joined, dead                    int
	exhausted                       int // publishers that have made all their messages
	published, acked, refused       uint64
	retried                         uint64 // refusals after which the session retries by itself
	delivered, deliveredLive        uint64
	gaps, faults                    uint64
	reconnects, disconnects, broken uint64
	connectsFailed                  uint64
	goodbyes                        uint64
	bad                             uint64 // deliveries that a check has found wrong so far
	pongs                           int
	lastLive                        int64 // time of the last delivery to a client that is not stalled
	lastAck                         int64

	shownDeleted uint64 // texts that came on a connection that was begun when they were deleted, or in a page
	pagesRead    uint64
	listsRead    uint64

	people People
}

// liveCounts are what the run polls while it goes on; brought up to date by tick.
type liveCounts struct {
	joined, published, exhausted, acked, delivered, bad atomic.Int64
}

// Latencies are measured from 1 µs to a minute, to three digits.
const (
	latencyMicrosMax = 60_000_000
	latencyDigits    = 3
)

func newWorker(r *run, index int, e *engine.Worker) *worker {
	w := &worker{
		Handler:     session.NewHandler(),
		run:         r,
		engine:      e,
		index:       index,
		inspector:   &inspector{payloads: newPayloads(r.config.Seed, r.config.SizeBytes), hashSeed: r.hashSeed, users: r.users, config: r.config, clientOf: &r.clientOf},
		rng:         rand.New(rand.NewPCG(r.config.Seed, uint64(index))),
		connectsMax: max(1, r.config.ConnectsMax/r.config.Workers),
		latency:     hdrhistogram.New(1, latencyMicrosMax, latencyDigits),
		ackLatency:  hdrhistogram.New(1, latencyMicrosMax, latencyDigits),
		errors:      errorLog{},
	}
	for range r.config.Rooms {
		w.journals = append(w.journals, &journal{})
	}
	for i := index; i < r.config.Clients; i += r.config.Workers {
		w.members = append(w.members, newMember(w, i))
	}
	return w
}

// tick brings up to date what the run polls; it is called at the end of the engine
// worker's ticks.
func (w *worker) tick() {
	w.clockUses = clockUsesMax // the next tick is later
	n, l := &w.counts, &w.live
	l.joined.Store(int64(n.joined))
	l.published.Store(int64(n.published))
	l.exhausted.Store(int64(n.exhausted))
	l.acked.Store(int64(n.acked))
	l.delivered.Store(int64(n.delivered))
	l.bad.Store(int64(n.bad))
}

// clockUsesMax is for how many deliveries of one tick a reading of the clock is good.
const clockUsesMax = 16

// clock is the time since the run began, in nanoseconds.
func (w *worker) clock() int64 {
	if w.clockUses++; w.clockUses >= clockUsesMax {
		w.clockUses, w.clockAt = 0, w.run.clock()
	}
	return w.clockAt
}

// joinAll begins to connect everybody.
func (w *worker) joinAll() {
	w.waiting = append(w.waiting, w.members...)
	w.connectMore()
}

// connectMore connects those who wait, as far as the bound allows.
func (w *worker) connectMore() {
	for len(w.waiting) > 0 && w.connecting < w.connectsMax && !w.ending {
		m := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.connecting++
		m.connecting = true
		m.dialledAt = w.run.clock()
		m.session = session.New(m.state, m)
		if _, err := w.engine.Connect(w.run.addr, w.run.protocol, m.session); err != nil {
			m.lost(engine.Reason{Code: engine.ReasonConnect, Err: err})
		}
	}
}

// arrived ends a member's connecting, whatever came of it.
func (w *worker) arrived(m *member) {
	if m.connecting {
		m.connecting = false
		w.connecting--
	}
}

// begin lets the publishers publish.
func (w *worker) begin() {
	w.publishing = true
	for _, m := range w.members {
		if m.publisher != nil && m.publisher.quota == 0 {
			w.counts.exhausted++
		}
	}
	if w.run.config.Rate == 0 {
		w.pumpAll()
	}
}

// dueBy has what is due by now published: messages 0 to due - 1 of the whole run.
func (w *worker) dueBy(due uint64) {
	c := w.run.config
	from, publishers := w.due, uint64(c.Publishers)
	w.due = due
	if due-from >= publishers {
		w.pumpAll()
		return
	}
	for k := from; k < due; k++ {
		if p := int(k % publishers); p%c.Workers == w.index {
			w.members[p/c.Workers].publisher.pump()
		}
	}
}

func (w *worker) pumpAll() {
	for _, m := range w.members {
		if m.publisher == nil {
			break // publishers come first
		}
		m.publisher.pump()
	}
}

// breakOne breaks the connection of the first member at or after the i-th that is
// online, not stalled, and not in the middle of something.
func (w *worker) breakOne(i int) {
	for k := range w.members {
		m := w.members[(i%len(w.members)+k)%len(w.members)]
		if m.online && !m.breaking && !m.stalled {
			w.counts.broken++
			m.breaking = true
			m.session.Abort()
			return
		}
	}
}

// release lets the stalled clients read.
func (w *worker) release() {
	w.released = true
	for _, m := range w.members {
		if m.stalled {
			m.release()
		}
	}
}

// end keeps everybody from coming back.
func (w *worker) end() { w.ending, w.publishing = true, false }

// backoff is how long to wait before the n-th try: doubling, half of it random.
func (w *worker) backoff(n int) time.Duration {
	d := 20 * time.Millisecond << min(n, 7)
	return d/2 + time.Duration(w.rng.Int64N(int64(d/2)))
}

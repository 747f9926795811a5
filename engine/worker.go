package engine

import (
	"sync/atomic"
	"time"

	"sarang/aio"
	"sarang/mem"
)

// Worker is one goroutine on one thread with one driver, and everything that it
// owns: sessions, timers, buffers, a mailbox. Its methods are for its own goroutine
// only, but for Post and Index.
type Worker struct {
	service  *Service
	index    int
	driver   aio.Driver
	bindings []*binding // by protocol; nil where none of its sessions have been here

	events     []aio.Event
	now        time.Duration
	lastTick   time.Duration // how long it took
	tickEnd    time.Duration // when it was over
	stood      time.Duration // how long the worker has stood still, all in all; see catchUp
	polls      int           // likewise
	polled     int           // likewise
	sessions   sessionTable
	listeners  []*listener
	wheel      wheel
	mail       mailbox
	pool       *mem.Pool
	ops        *mem.ObjectPool[sendOp]
	buffers    *mem.ObjectPool[sessionBuffers]
	unadmitted int // bytes kept of sessions that have not logged in
	trimAt     time.Duration
	dirtyFeeds []*Feed
	touched    []SessionID
	waiting    lanes // sessions that wait for a turn: their frames wait, or unread bytes
	slice      slice
	mailLeft   []Message     // taken, and not delivered yet
	mailSince  time.Duration // when it was taken
	fetching   []*Cursor     // to be fetched for at the end of the tick
	onTick     []func()
	onStop     []func()
	stats      Stats
	clockBase  time.Duration // what the driver's clock is behind the service's
	lastPulse  atomic.Int64  // see pulse; below 0: of a round's end
	asked      atomic.Int64  // since when a message of Still is on its way; 0: none is
	trace      trace

	plain, raw []byte // reused by codecs
	codeLeft   int    // so much may still be coded in this tick

	up       bool // between open and release
	stopping bool
	crowded  bool // the workers have all of Go's processors

	yields     bool          // see Yield
	yieldAsked time.Duration // since when
	begun      func() bool   // reports whether the work has begun

	beforeYield func(idle bool)
	afterYield  func()
}

// tick is the worker's loop body: collect, handle, serve. wait bounds how long it
// sleeps when there is nothing to do; negative is no bound.
func (w *Worker) tick(wait time.Duration) error {
	n, err := w.collect(wait)
	w.mail.awake()
	if err != nil {
		return err
	}
	began := w.driver.Now()
	w.now = began
	w.pulse(began, true)
	caughtUp := w.catchUp(n)
	w.stats.Ticks++
	w.codeLeft = codedTickBytesMax / 2
	w.beginSlice(w.now)
	for i := range w.events[:n] {
		w.handle(&w.events[i])
	}
	w.endSlice()
	w.serveMail()
	if caughtUp {
		w.wheel.advance(w.now)
	}
	w.serveWaiting()
	for _, f := range w.onTick {
		f()
	}
	w.serveAll()
	w.fetchAll()
	w.tickEnd = w.driver.Now()
	w.lastTick = w.tickEnd - began
	w.stoodStill(w.lastTick)
	w.pulse(w.tickEnd, false)
	if w.now >= w.trimAt {
		w.trimAt = w.now + trimInterval
		w.ops.Trim()
		w.buffers.Trim()
	}
	return nil
}

// trimInterval is how often a worker frees objects that only a peak has needed.
const trimInterval = 2 * time.Second

// collect waits for completions, at most as long as sleepFor says.
func (w *Worker) collect(wait time.Duration) (int, error) {
	if w.yields {
		return w.collectAndYield(wait)
	}
	return w.driver.Wait(w.events, w.sleepFor(wait))
}

// pending reports whether something is to be done in the next tick, whatever comes.
func (w *Worker) pending() bool {
	return len(w.touched)+w.waiting.count+len(w.mailLeft)+len(w.dirtyFeeds) > 0
}

// sleepFor is how long the worker may wait for completions.
func (w *Worker) sleepFor(wait time.Duration) time.Duration {
	if w.pending() || !w.mail.sleep() {
		return 0
	}
	if d := w.wheel.wait(w.now); d >= 0 && (wait < 0 || d < wait) {
		return d
	}
	return wait
}

// serveAll gives those who may have something to send one send each: readers of the
// feeds that grew, as far as the time reaches, and the sessions that were touched.
func (w *Worker) serveAll() {
	n, served := len(w.dirtyFeeds), 0
	for end := time.Duration(0); served < n; served++ {
		if f := w.dirtyFeeds[served]; !f.serve() {
			w.dirtyFeeds = append(w.dirtyFeeds, f)
		}
		if n == 1 {
			continue // it is bounded itself
		}
		if now := w.driver.Now(); end == 0 {
			end = now + w.service.config.SliceMax
		} else if now >= end {
			served++
			break // the others are the first of the next tick
		}
	}
	rest := copy(w.dirtyFeeds, w.dirtyFeeds[served:])
	clear(w.dirtyFeeds[rest:])
	w.dirtyFeeds = w.dirtyFeeds[:rest]
	w.codeLeft = codedTickBytesMax / 2
	n = len(w.touched) // serving may touch others: they are for the next tick
	for i := range n {
		if s := w.Session(w.touched[i]); s != nil {
			s.flags &^= flagTouched
			w.serve(s)
		}
	}
	w.touched = w.touched[:copy(w.touched, w.touched[n:])]
}

// handle is the one switch of the worker.
func (w *Worker) handle(e *aio.Event) {
	w.trace.add(e)
	if l := w.listenerOf(e.Token); l != nil {
		l.handle(e)
		return
	}
	s := w.sessions.byToken(e.Token)
	invariant(s != nil, "a completion for a session that is gone")
	switch e.Kind {
	case aio.KindConnect:
		w.connected(s, e)
	case aio.KindRecv:
		w.received(s, e)
	case aio.KindSend:
		switch {
		case e.Err == nil:
			w.sent(s, e.N)
		case e.More:
			w.blocked(s)
		default:
			s.endSend()
			s.fail(Reason{ReasonBroken, e.Err})
		}
	case aio.KindWritable:
		s.flags &^= flagBlocked
		if e.Err != nil {
			s.fail(Reason{ReasonBroken, e.Err})
			return
		}
		w.serve(s)
	case aio.KindDisconnect:
		w.disconnected(s)
	}
}

// Post hands m to the worker, from any goroutine. What one goroutine posts is
// delivered in order. False: the worker has not started or has ended, and m is not
// delivered.
func (w *Worker) Post(m Message) bool { return w.mail.post(m) }

// Index is the worker's number, from 0.
func (w *Worker) Index() int { return w.index }

// Service is what the worker belongs to.
func (w *Worker) Service() *Service { return w.service }

// Now is the worker's time: that of the completions it handles, monotonic since some
// start.
func (w *Worker) Now() time.Duration { return w.now }

// LastTick is how long the worker's last whole tick took, without the wait for
// something to do: so late is what arrives at the start of a tick like it.
func (w *Worker) LastTick() time.Duration { return w.lastTick }

// Pool is where the worker's buffers come from.
func (w *Worker) Pool() *mem.Pool { return w.pool }

// Session finds a session of this worker; nil if it is over.
func (w *Worker) Session(id SessionID) *Session { return w.sessions.get(id) }

// Each calls f for all sessions of this worker that are Connected and not ending. f
// may end them.
func (w *Worker) Each(f func(s *Session)) {
	w.sessions.each(func(s *Session) {
		if s.flags&flagOpened != 0 && !s.Closing() {
			f(s)
		}
	})
}

// After starts t: f is called on this worker when d has passed, once, and up to a
// wheel's tick (16 ms) later. A running t is started anew. t.Data is the caller's.
func (w *Worker) After(t *Timer, d time.Duration, f func(*Timer)) {
	t.call = f
	w.wheel.set(&t.timerNode, w.now+d)
}

// Stop keeps t from firing.
func (w *Worker) Stop(t *Timer) { w.wheel.stop(&t.timerNode) }

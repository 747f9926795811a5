package engine

import (
	"math"
	"net/netip"
	"runtime"
	"time"

	"sarang/aio"
	"sarang/mem"
)

// Worker is one goroutine on one thread with one driver, and everything that it
// owns: sessions, timers, buffers, a mailbox. Its methods are for its own goroutine
// only, but for Post and Index.
type Worker struct {
	service *Service
	index   int
	driver  aio.Driver
	handler Handler
	ticker  Ticker // handler, if it is one

	events     []aio.Event
	now        time.Duration
	sessions   sessionTable
	listeners  []*listener
	wheel      wheel
	mail       mailbox
	pool       *mem.Pool
	ops        *mem.ObjectPool[sendOp]
	dirtyFeeds []*Feed
	touched    []SessionID
	fetching   []*Cursor // to be asked for by Behind at the end of the tick
	stats      Stats
	trace      trace

	scratch, plain, raw []byte // reused for encoding

	up       bool // between open and release
	stopping bool
}

// tick is the worker's loop body: collect, handle, serve. wait bounds how long it
// sleeps when there is nothing to do; negative is no bound.
func (w *Worker) tick(wait time.Duration) error {
	n, err := w.driver.Wait(w.events, w.sleepFor(wait))
	w.mail.awake()
	if err != nil {
		return err
	}
	w.now = w.driver.Now()
	w.stats.Ticks++
	for i := range w.events[:n] {
		w.handle(&w.events[i])
	}
	for _, m := range w.mail.take() {
		m.Deliver(w)
	}
	w.wheel.advance(w.now)
	if w.ticker != nil {
		w.ticker.Tick()
	}
	w.serveAll()
	w.askBehind()
	return nil
}

// sleepFor is how long the worker may wait for completions.
func (w *Worker) sleepFor(wait time.Duration) time.Duration {
	if len(w.touched) > 0 || len(w.dirtyFeeds) > 0 || !w.mail.sleep() {
		return 0
	}
	if d := w.wheel.wait(w.now); d >= 0 && (wait < 0 || d < wait) {
		return d
	}
	return wait
}

// serveAll gives every session that may have something to send one send: the
// readers of the feeds that grew, and the sessions that were touched.
func (w *Worker) serveAll() {
	for i := 0; i < len(w.dirtyFeeds); i++ {
		w.dirtyFeeds[i].serve()
		w.dirtyFeeds[i] = nil
	}
	w.dirtyFeeds = w.dirtyFeeds[:0]
	n := len(w.touched) // serving may touch again: that is for the next tick
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

// adopt makes a session of a connection that a listener accepted.
func (w *Worker) adopt(c aio.Conn) {
	if w.stopping || w.service.draining.Load() {
		w.driver.Discard(c)
		w.service.live.Add(-1)
		return
	}
	s := w.sessions.open(w)
	socket, err := w.driver.Attach(c, s.token())
	if err != nil {
		w.sessions.free(s)
		w.service.live.Add(-1)
		w.stats.AcceptErrors++
		return
	}
	s.socket, s.peer = socket, c.Peer
	w.stats.Accepted++
	w.opened(s)
}

// opened begins the life of a session whose connection stands.
func (w *Worker) opened(s *Session) {
	s.openedAt, s.lastRecv = w.now, w.now
	s.timer.fire, s.timer.Data = sessionTimer, s
	s.armTimer()
	if f := w.service.config.NewCodec; f != nil {
		if c := f(s); c != nil {
			s.codec = &codecState{codec: c}
			if err := s.codec.start(s); err != nil {
				s.fail(Reason{ReasonCodec, err})
				return
			}
		}
	}
	s.flags |= flagOpened
	s.receive()
	s.touch() // for what was sent while it was connecting
	w.handler.Connected(s)
}

// Connect opens a session to addr. The handler is told Connected, or Disconnected
// with ReasonConnect. data becomes the session's Data.
func (w *Worker) Connect(addr netip.AddrPort, data any) (*Session, error) {
	if w.stopping || w.service.draining.Load() {
		return nil, ErrClosed
	}
	if !w.service.admit() {
		return nil, ErrSessionsMax
	}
	s := w.sessions.open(w)
	socket, err := w.driver.Connect(addr, w.service.config.Socket, s.token())
	if err != nil {
		w.sessions.free(s)
		w.service.live.Add(-1)
		return nil, err
	}
	s.socket, s.peer, s.Data = socket, addr, data
	s.flags |= flagConnecting
	return s, nil
}

func (w *Worker) connected(s *Session, e *aio.Event) {
	s.flags &^= flagConnecting
	if e.Err != nil {
		s.fail(Reason{ReasonConnect, e.Err})
		return
	}
	if s.flags&flagClosing != 0 {
		return
	}
	w.stats.Connected++
	w.opened(s)
}

// disconnected ends a session: nothing of it is in flight any more.
func (w *Worker) disconnected(s *Session) {
	invariant(s.op == nil && s.flags&(flagReceiving|flagSending) == 0,
		"a session was closed with a request in flight")
	for s.cursors != nil {
		s.cursors.Close()
	}
	if s.codec != nil {
		s.codec.release()
	}
	w.stats.Disconnected[s.reason.Code]++
	w.handler.Disconnected(s, s.reason)
	for s.cursors != nil {
		s.cursors.Close()
	}
	s.out.drop(s.out.n)
	s.pend.drop(s.pend.n)
	s.tail.drop(s.tail.n)
	w.sessions.free(s)
	w.service.live.Add(-1)
}

// armTimer sets the session's one timer to its next deadline.
func (s *Session) armTimer() {
	if s.Closing() {
		return
	}
	c, at := &s.w.service.config, never
	if c.IdleTimeout > 0 {
		at = s.lastRecv + c.IdleTimeout
	}
	if s.flags&flagAdmitted != 0 && c.HeartbeatInterval > 0 {
		at = min(at, max(s.lastRecv, s.beatAt)+c.HeartbeatInterval)
	}
	if s.flags&flagPaused != 0 && at < never {
		at = max(at, s.w.now+pausedLook) // the silence is ours
	}
	if s.flags&flagAdmitted == 0 && c.LoginDeadline > 0 {
		at = min(at, s.openedAt+c.LoginDeadline)
	}
	if at < never {
		s.w.wheel.set(&s.timer, at)
	} else {
		s.w.wheel.stop(&s.timer)
	}
}

const (
	never = time.Duration(math.MaxInt64)

	// pausedLook is how often the deadlines of a paused session are looked at.
	pausedLook = time.Second
)

// sessionTimer is called when a session's next deadline may have passed.
func sessionTimer(t *Timer) {
	s := t.Data.(*Session)
	w, c := s.w, &s.w.service.config
	silent := w.now - s.lastRecv
	if s.flags&flagPaused != 0 {
		silent = 0 // the silence is ours
	}
	admitted := s.flags&flagAdmitted != 0
	switch {
	case s.flags&flagClosing != 0:
	case s.flags&flagFlushing != 0: // the peer took too long over our farewell
		s.fail(s.reason)
	case !admitted && c.LoginDeadline > 0 && w.now >= s.openedAt+c.LoginDeadline:
		s.End(Reason{Code: ReasonLoginDeadline})
	case c.IdleTimeout > 0 && silent >= c.IdleTimeout:
		s.End(Reason{Code: ReasonIdle})
	case admitted && c.HeartbeatInterval > 0 && silent >= c.HeartbeatInterval:
		s.beatAt = w.now
		if h, ok := w.handler.(Heartbeater); ok {
			h.Heartbeat(s)
		}
		s.armTimer()
	default:
		s.armTimer()
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
	t.fire = f
	w.wheel.set(t, w.now+d)
}

// Stop keeps t from firing.
func (w *Worker) Stop(t *Timer) { w.wheel.stop(t) }

// run is the worker's goroutine.
func (w *Worker) run(ready chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.open()
	ready <- err
	if err != nil {
		return
	}
	defer w.service.crashed(w)
	for !w.over() {
		if err := w.tick(-1); err != nil {
			panic(&InvariantError{What: "the driver is broken: " + err.Error()})
		}
	}
	w.release()
}

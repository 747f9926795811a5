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
	lastTick   time.Duration // how long it took
	sessions   sessionTable
	listeners  []*listener
	wheel      wheel
	mail       mailbox
	pool       *mem.Pool
	ops        *mem.ObjectPool[sendOp]
	spools     *mem.ObjectPool[spool]
	trimAt     time.Duration
	dirtyFeeds []*Feed
	touched    []SessionID
	resumed    []SessionID // with packets that wait for that
	fetching   []*Cursor   // to be asked for by Behind at the end of the tick
	stats      Stats
	trace      trace

	scratch, plain, raw []byte // reused for encoding

	up       bool // between open and release
	stopping bool
	crowded  bool // the workers have all of Go's processors
	givesWay bool // see GiveWay

	gaveWork time.Duration // when it was told to
	begun    func() bool   // what was given
}

// tick is the worker's loop body: collect, handle, serve. wait bounds how long it
// sleeps when there is nothing to do; negative is no bound.
func (w *Worker) tick(wait time.Duration) error {
	n, err := w.collect(wait)
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
	w.deliverHeld()
	if w.ticker != nil {
		w.ticker.Tick()
	}
	w.serveAll()
	w.askBehind()
	w.lastTick = w.driver.Now() - w.now
	if w.now >= w.trimAt {
		w.trimAt = w.now + trimInterval
		w.ops.Trim()
		w.spools.Trim()
	}
	return nil
}

// trimInterval is how often a worker looks for objects that only a peak has needed.
const trimInterval = 2 * time.Second

// collect waits for completions, at most as long as sleepFor says. If the worker is to
// give way, it does so before it sleeps, when what is queued has gone out; and if it finds
// no time to sleep, giveWayAfter it was told to.
func (w *Worker) collect(wait time.Duration) (int, error) {
	if !w.givesWay {
		return w.driver.Wait(w.events, w.sleepFor(wait))
	}
	n, err := w.driver.Wait(w.events, 0)
	busy := n > 0 || w.pending()
	if err != nil || busy && w.driver.Now()-w.gaveWork < giveWayAfter {
		return n, err
	}
	w.giveWay()
	if busy {
		return n, nil
	}
	w.now = w.driver.Now()
	return w.driver.Wait(w.events, w.sleepFor(wait))
}

// giveWayAfter is when a worker that has always something to do gives way, at the end of
// a tick.
const giveWayAfter = time.Millisecond

// GiveWay tells that goroutines outside of the workers were given work, or are at it, and
// that it is to be done soon. They get the processor before the worker sleeps: a thread
// that sleeps in the kernel keeps Go's processor until the runtime's watchdog comes by and
// takes it away, 20 µs later or 10 ms, and one that does not sleep keeps it for 10 ms and
// more. begun tells whether nothing waits that could be begun; the worker calls it. It does
// nothing if there were processors left for others than the workers at the start.
func (w *Worker) GiveWay(begun func() bool) {
	invariant(begun != nil, "giving way needs to know when it is over")
	if !w.givesWay {
		w.givesWay, w.gaveWork, w.begun = w.crowded, w.now, begun
	}
}

// giveWay lets others have the processor, a few times at most: each 61st time Go's
// scheduler looks first at where this goroutine has just queued up, and comes back with
// nothing done.
func (w *Worker) giveWay() {
	w.givesWay = false
	runtime.Gosched()
	for tries := 1; tries < giveWayTries && !w.begun(); tries++ {
		runtime.Gosched()
	}
}

const giveWayTries = 3

// pending says whether something is to be done in the next tick, whatever comes.
func (w *Worker) pending() bool { return len(w.touched)+len(w.resumed)+len(w.dirtyFeeds) > 0 }

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
// feeds that grew, and the sessions that were touched.
func (w *Worker) serveAll() {
	n := len(w.dirtyFeeds)
	for i := range n {
		if f := w.dirtyFeeds[i]; !f.serve() {
			w.dirtyFeeds = append(w.dirtyFeeds, f)
		}
	}
	rest := copy(w.dirtyFeeds, w.dirtyFeeds[n:])
	clear(w.dirtyFeeds[rest:])
	w.dirtyFeeds = w.dirtyFeeds[:rest]
	n = len(w.touched) // serving may touch again: that is for the next tick
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
		w.service.turnedAway(c)
		return
	}
	s := w.sessions.open(w)
	socket, err := w.driver.Attach(c, s.token())
	if err != nil {
		w.sessions.free(s)
		w.service.turnedAway(c)
		w.stats.AcceptErrors++
		return
	}
	if w.service.config.Gate != nil {
		s.flags |= flagGated
	}
	s.socket = socket
	s.setPeer(c.Peer)
	w.stats.Accepted++
	w.opened(s)
}

// opened begins the life of a session whose connection stands.
func (w *Worker) opened(s *Session) {
	s.mark, s.lastRecv = ticksUp(w.now), ticksUp(w.now)
	s.armTimer()
	if f := w.service.config.NewCodec; f != nil {
		if c := f(s); c != nil {
			s.spooling()
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
	s.socket, s.Data = socket, data
	s.setPeer(addr)
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
	p := s.spool
	w.stats.Disconnected[p.reason.Code]++
	if s.flags&flagRefused == 0 {
		w.handler.Disconnected(s, p.reason)
	}
	for s.cursors != nil {
		s.cursors.Close()
	}
	p.out.drop(p.out.n)
	p.pend.drop(p.pend.n)
	p.tail.drop(p.tail.n)
	w.spools.Put(p)
	w.leave(s)
	w.sessions.free(s)
}

// armTimer sets the session's one timer to its next deadline.
func (s *Session) armTimer() {
	if s.Closing() {
		return
	}
	c, left := &s.w.service.config, never
	silent, marked := s.w.since(s.lastRecv), s.w.since(s.mark)
	if c.IdleTimeout > 0 {
		left = c.IdleTimeout - silent
	}
	if s.flags&flagAdmitted != 0 && c.HeartbeatInterval > 0 {
		left = min(left, c.HeartbeatInterval-min(silent, marked))
	}
	if s.flags&flagPaused != 0 && left < never {
		left = max(left, pausedLook) // the silence is ours
	}
	if s.flags&flagAdmitted == 0 && c.LoginDeadline > 0 {
		left = min(left, c.LoginDeadline-marked)
	}
	if left < never {
		s.w.wheel.set(&s.timer, s.w.now+left)
	} else {
		s.w.wheel.stop(&s.timer)
	}
}

const (
	never = time.Duration(math.MaxInt64)

	// pausedLook is how often the deadlines of a paused session are looked at.
	pausedLook = time.Second
)

// deadline is called when the session's next deadline may have passed.
func (s *Session) deadline() {
	w, c := s.w, &s.w.service.config
	silent := w.since(s.lastRecv)
	if s.flags&flagPaused != 0 {
		silent = 0 // the silence is ours
	}
	admitted := s.flags&flagAdmitted != 0
	switch {
	case s.flags&flagClosing != 0:
	case s.flags&flagFlushing != 0: // the peer took too long over our farewell
		s.fail(s.spool.reason)
	case !admitted && c.LoginDeadline > 0 && w.since(s.mark) >= c.LoginDeadline:
		s.End(Reason{Code: ReasonLoginDeadline})
	case c.IdleTimeout > 0 && silent >= c.IdleTimeout:
		s.End(Reason{Code: ReasonIdle})
	case admitted && c.HeartbeatInterval > 0 && silent >= c.HeartbeatInterval:
		s.mark = ticksUp(w.now)
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

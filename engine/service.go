package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"sarang/aio"
	"sarang/lock"
	"sarang/mem"
)

// Config says what a Service is to be. Zero fields take the defaults.
type Config struct {
	Name       string                               // in logs and crash reports; default "engine"
	OnStart    func(w *Worker)                      // called on each worker when all workers stand, before anything is listened to; nil: nothing
	OpenDriver func(worker int) (aio.Driver, error) // default: the best that this machine has
	Workers    int                                  // default 1
	Driver     aio.Config                           // for the default OpenDriver
	Socket     aio.SocketOptions                    // for all sockets; see DefaultSocket

	SessionsMax         int                   // of the whole service; default 60000
	Gate                Gate                  // called for each accepted connection; nil: all may come in
	FarewellsMax        int                   // refused connections that a reason is sent to at once, beyond SessionsMax; default 32; negative: none
	DirectQueueBytesMax int                   // per session; default 64 KiB; see Session.Send
	UnadmittedBytesMax  int                   // kept of what all sessions together have sent that are not admitted; default 4 MiB; see Protocol
	SendBytesMax        int                   // about the most in one send; default 256 KiB
	FeedWindowBytesMax  int                   // what a feed keeps in memory; default 256 KiB
	FeedBurstBytesMax   int                   // and grows to while readers that keep up take it; default 4 MiB, or FeedWindowBytesMax if that is set
	PoolBytesMax        int64                 // of the memory that buffers are taken from; 0: no limit. Beyond it sends fail, and what a feed can not keep is to be fetched
	FeedTurnMax         int                   // readers of a feed served in one tick; default 1024 (with 256 a room of 1,000 costs some 5 % more)
	SliceMax            time.Duration         // about how long a worker handles frames, or mail, before it does other things; default 4 ms
	SliceFramesMax      int                   // and so many frames, or messages, at most; default: only the time counts
	TurnFramesMax       int                   // frames of a session in one turn, when several wait for theirs; default 16
	LaneOf              func(*Session) uint64 // sessions of one lane share its turns when frames have to wait; nil: each is a lane. Called on the session's worker, at any time of its life
	LoginDeadline       time.Duration         // until Admit; default 10 s; negative: none
	HeartbeatInterval   time.Duration         // silence before Heartbeat; default 30 s; negative: none
	IdleTimeout         time.Duration         // silence before the session ends; default 90 s; negative: none
	LingerTimeout       time.Duration         // for an orderly close; default 3 s

	Logger   *slog.Logger // default slog.Default()
	CrashDir string       // where crash reports go; default the system's temporary folder
	Debug    bool         // buffers from mem's debug allocator

	// Manual is for simulations: no goroutines; the caller's goroutine runs the
	// workers by Step, and all of the service's methods are for it alone.
	Manual bool
}

// DefaultSocket is what most services want: no delay, and a socket that counts as
// full when 64 KiB wait unsent in it, so that a slow reader's backlog stays in the
// log instead of in the kernel.
func DefaultSocket() aio.SocketOptions {
	return aio.SocketOptions{NoDelay: true, UnsentLowatBytes: 64 << 10}
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "engine")
	c.Workers = cmp.Or(c.Workers, 1)
	c.SessionsMax = cmp.Or(c.SessionsMax, 60000)
	c.FarewellsMax = cmp.Or(c.FarewellsMax, 32)
	c.DirectQueueBytesMax = cmp.Or(c.DirectQueueBytesMax, 64<<10)
	c.UnadmittedBytesMax = cmp.Or(c.UnadmittedBytesMax, 4<<20)
	c.SendBytesMax = cmp.Or(c.SendBytesMax, 256<<10)
	if c.FeedWindowBytesMax == 0 {
		c.FeedBurstBytesMax = cmp.Or(c.FeedBurstBytesMax, 4<<20)
	}
	c.FeedWindowBytesMax = cmp.Or(c.FeedWindowBytesMax, 256<<10)
	c.FeedBurstBytesMax = cmp.Or(c.FeedBurstBytesMax, c.FeedWindowBytesMax)
	c.FeedTurnMax = cmp.Or(c.FeedTurnMax, 1024)
	c.SliceMax = cmp.Or(c.SliceMax, 4*time.Millisecond)
	c.SliceFramesMax = cmp.Or(c.SliceFramesMax, math.MaxInt32)
	c.TurnFramesMax = cmp.Or(c.TurnFramesMax, 16)
	c.LoginDeadline = cmp.Or(c.LoginDeadline, 10*time.Second)
	c.HeartbeatInterval = cmp.Or(c.HeartbeatInterval, 30*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 90*time.Second)
	c.LingerTimeout = cmp.Or(c.LingerTimeout, 3*time.Second)
	c.CrashDir = cmp.Or(c.CrashDir, os.TempDir())
	c.Socket = cmp.Or(c.Socket, DefaultSocket())
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

// Service is a set of workers with their sessions: a server, a client, or both. Its
// methods may be called from any goroutine that is not a worker.
type Service struct {
	config    Config
	made      time.Time
	pool      *mem.Pool
	workers   []*Worker
	next      atomic.Uint32
	live      atomic.Int64 // sessions, including those that are on their way to a worker
	farewells atomic.Int64 // refused connections that a reason is being sent to
	draining  atomic.Bool

	mu      lock.Mutex
	started bool
	ended   chan struct{} // closed when all workers have ended
	running atomic.Int32
	leaks   []error

	detached      Protocol // of sessions that are detached; protocolDetached
	detachedLocks *lock.Class
	protocolsMu   lock.Mutex // guards what follows; a leaf
	protocols     []*Protocol
	bound         []bool // by protocol: its handler exists on every worker
}

// New makes a service; nothing runs yet.
func New(c Config) (*Service, error) {
	c = c.withDefaults()
	if c.Workers < 1 || c.Workers > 128 {
		return nil, fmt.Errorf("engine: Workers is %d; it must be 1 to 128", c.Workers)
	}
	if c.OpenDriver == nil {
		kind, _, err := aio.Choose("auto")
		if err != nil {
			return nil, err
		}
		c.OpenDriver = func(int) (aio.Driver, error) { return aio.Open(kind, c.Driver) }
	}
	s := &Service{config: c, made: time.Now(), ended: make(chan struct{}), pool: mem.NewPool(mem.Config{Debug: c.Debug, LimitBytes: c.PoolBytesMax})}
	s.mu.Init(lock.NewClass("engine.service"))
	s.detached = Protocol{
		Name: "detached", Framer: wholeFramer{}, NewHandler: func(*Worker) Handler { return detachedHandler{} },
	}
	s.protocols, s.bound = []*Protocol{&s.detached}, []bool{false}
	s.protocolsMu.Init(lock.NewClass("engine.protocols"))
	s.detachedLocks = lock.NewClass("engine.detached")
	mail := lock.NewClass("engine.mailbox")
	for i := range c.Workers {
		w := &Worker{service: s, index: i}
		w.mail.mu.Init(mail)
		s.workers = append(s.workers, w)
	}
	return s, nil
}

// Start opens the drivers and launches the workers.
func (s *Service) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return ErrStarted
	}
	s.started = true
	ready := make(chan error, len(s.workers))
	s.running.Store(int32(len(s.workers)))
	for _, w := range s.workers {
		if s.config.Manual {
			ready <- w.open()
		} else {
			go w.run(ready)
		}
	}
	var failed error
	for range s.workers {
		if err := <-ready; err != nil {
			failed = err
			s.workerEnded()
		}
	}
	if failed != nil {
		s.stopAll()
		return errors.Join(failed, s.endManual())
	}
	for _, w := range s.workers {
		s.do(w, func(w *Worker) { w.start() })
	}
	return nil
}

// do runs f on w and waits for it. False: the worker has not started, or has ended.
func (s *Service) do(w *Worker, f func(w *Worker)) bool {
	if s.config.Manual {
		if w.up {
			f(w)
		}
		return w.up
	}
	done := make(chan struct{})
	if !w.Post(MessageFunc(func(w *Worker) { f(w); close(done) })) {
		return false
	}
	<-done
	return true
}

// Workers returns the workers, by index.
func (s *Service) Workers() []*Worker { return s.workers }

// Listen begins to accept connections that speak p on addr, and returns the address that
// it has; port 0 picks a port. It may be called several times.
func (s *Service) Listen(addr netip.AddrPort, p *Protocol) (netip.AddrPort, error) {
	at, err := s.listen(addr, s.config.Socket, p)
	if err != nil {
		return at, fmt.Errorf("listen on %v: %w", addr, err)
	}
	return at, nil
}

// ListenV6Only is Listen on an IPv6 address that leaves connections of IPv4 to another
// listener of the same port.
func (s *Service) ListenV6Only(addr netip.AddrPort, p *Protocol) (netip.AddrPort, error) {
	o := s.config.Socket
	o.V6Only = true
	at, err := s.listen(addr, o, p)
	if err != nil {
		return at, fmt.Errorf("listen on %v: %w", addr, err)
	}
	return at, nil
}

// ListenInherited is Listen on a listening socket that another program has opened and
// handed over (systemd's socket activation). It is the service's from then on.
func (s *Service) ListenInherited(handle uintptr, p *Protocol) (netip.AddrPort, error) {
	o := s.config.Socket
	o.Inherited = handle
	at, err := s.listen(netip.AddrPort{}, o, p)
	if err != nil {
		return at, fmt.Errorf("taking over the listening socket %d: %w", handle, err)
	}
	return at, nil
}

func (s *Service) listen(addr netip.AddrPort, o aio.SocketOptions, p *Protocol) (at netip.AddrPort, err error) {
	protocol, err := s.bind(p)
	if err != nil {
		return at, err
	}
	err = ErrClosed
	s.do(s.nextWorker(), func(w *Worker) { at, err = w.listen(addr, o, protocol) })
	return at, err
}

// Connect opens a session to addr that speaks p, on the next worker in turn; see
// Worker.Connect.
func (s *Service) Connect(addr netip.AddrPort, p *Protocol, data any) error {
	if _, err := s.bind(p); err != nil {
		return err
	}
	err := ErrClosed
	s.do(s.nextWorker(), func(w *Worker) { _, err = w.Connect(addr, p, data) })
	return err
}

func (s *Service) nextWorker() *Worker {
	return s.workers[int(s.next.Add(1)-1)%len(s.workers)]
}

// admit counts a new session, if there may be one more.
func (s *Service) admit() bool {
	if s.live.Add(1) > int64(s.config.SessionsMax) {
		s.live.Add(-1)
		return false
	}
	return true
}

// Sessions is the number of sessions that are open or being opened.
func (s *Service) Sessions() int { return int(s.live.Load()) }

// Step runs one tick of each worker of a Manual service.
func (s *Service) Step() error {
	for _, w := range s.workers {
		if !w.up {
			return ErrClosed
		}
		if err := w.tick(0); err != nil {
			return err
		}
	}
	return nil
}

// Drain stops listening, ends all sessions in order (ReasonDraining), and waits for
// them until ctx is done; then those that are left are aborted. New sessions are
// refused from here on. In a Manual service it only begins, and the caller steps on.
func (s *Service) Drain(ctx context.Context) {
	s.draining.Store(true)
	for _, w := range s.workers {
		s.do(w, (*Worker).drain)
	}
	if s.config.Manual {
		return
	}
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for s.Sessions() > 0 {
		select {
		case <-ctx.Done():
			for _, w := range s.workers {
				s.do(w, (*Worker).abortAll)
			}
			return
		case <-poll.C:
		}
	}
}

// Close ends everything at once: sessions are aborted, workers end, drivers and
// memory are released. It returns what had leaked, if anything had.
func (s *Service) Close() error {
	s.mu.Lock()
	started := s.started
	s.started = true
	s.mu.Unlock()
	if !started {
		return nil
	}
	s.stopAll()
	if err := s.endManual(); err != nil {
		return err
	}
	<-s.ended
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.leaks...)
}

func (s *Service) stopAll() {
	s.draining.Store(true)
	for _, w := range s.workers {
		if s.config.Manual {
			w.stop()
		} else {
			w.Post(MessageFunc((*Worker).stop))
		}
	}
}

// endManual ends the workers of a Manual service that are up.
func (s *Service) endManual() error {
	if !s.config.Manual {
		return nil
	}
	for _, w := range s.workers {
		if !w.up {
			continue
		}
		for !w.over() {
			if err := w.tick(time.Millisecond); err != nil {
				return err
			}
		}
		w.release()
	}
	return nil
}

func (s *Service) leaked(err error) {
	if err != nil {
		s.mu.Lock()
		s.leaks = append(s.leaks, err)
		s.mu.Unlock()
	}
}

// workerEnded is called by each worker; the last one closes the pool that all share.
func (s *Service) workerEnded() {
	if s.running.Add(-1) == 0 {
		s.leaked(s.pool.Close())
		close(s.ended)
	}
}

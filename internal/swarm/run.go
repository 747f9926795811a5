package swarm

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sarang/aio"
	"sarang/client"
	"sarang/client/session"
	"sarang/engine"
	"sarang/packet"
)

// run is one run of the swarm. Its fields are set before the workers start, or atomic,
// or belong to the goroutine of Run.
type run struct {
	config    *Config
	addr      netip.AddrPort
	hashSeed  maphash.Seed
	timetable timetable
	started   time.Time       // the swarm's time is since then
	users     []atomic.Uint64 // user id by client, from its login on
	clientOf  sync.Map        // with Config.Changes: the client by chat.UserID
	gone      gone
	reached   atomic.Bool  // somebody has logged in
	beganAt   atomic.Int64 // when publishing began; the swarm's time
	due       atomic.Int64 // open loop: so many messages were due by now
	failed    chan error   // the first reason why the run can not go on

	engine   *engine.Service
	protocol *engine.Protocol
	workers  []*worker
	report   *Report
	display  *display

	server    [3]usage // before the connects, after the joins, at the end
	sampledAt [3]int64
}

// lastPing is the value of the pings at the end of a run, whose answers show that
// nothing else is on its way.
const lastPing = 2

// firstContactTimeout is how long a server that nobody has reached yet is tried.
const firstContactTimeout = 5 * time.Second

// Run runs c and reports what was found. It returns when everything is
// closed. An error means that not all have joined, or that the run could not go on:
// the report says how far it came. There is no report if c makes no sense or nothing
// was tried. When ctx is done, publishing stops and the run ends in order.
func Run(ctx context.Context, c Config) (*Report, error) {
	c = c.WithDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &run{
		config: &c, hashSeed: maphash.MakeSeed(), timetable: timetable{c.Rate}, started: time.Now(),
		users: make([]atomic.Uint64, c.Clients), failed: make(chan error, 1),
		workers: make([]*worker, c.Workers), display: newDisplay(c.Progress),
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	began, err := r.phases(ctx)
	r.each(func(w *worker) { w.end() })
	r.display.clear()
	if e := r.engine.Close(); e != nil && err == nil {
		err = e
	}
	if !began {
		err = r.explain(err)
	}
	r.collect(err)
	return r.report, err
}

// explain adds what the clients have met to the reason of a run that never began.
func (r *run) explain(err error) error {
	all := errorLog{}
	for _, w := range r.workers {
		all.merge(w.errors)
	}
	most := ""
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		if most == "" || all[kind].Count > all[most].Count {
			most = kind
		}
	}
	if most == "" {
		return err
	}
	return fmt.Errorf("%w (%s, %d times; first: %s)", err, most, all[most].Count, all[most].First[0])
}

// open resolves the address and starts the engine.
func (r *run) open(ctx context.Context) error {
	var err error
	if r.addr, err = resolve(ctx, r.config.Addr); err != nil {
		return err
	}
	kind, _, err := aio.Choose(r.config.IO)
	if err != nil {
		return err
	}
	c := session.ServiceConfig()
	c.Name = "sarang-swarm"
	c.Workers = r.config.Workers
	c.Driver = aio.Config{SocketsMax: r.config.Clients/r.config.Workers + 64}
	c.OpenDriver = func(int) (aio.Driver, error) { return aio.Open(kind, c.Driver) }
	c.SessionsMax = r.config.Clients + 1
	c.DirectQueueBytesMax += packet.SizeMax
	c.OnStart = func(e *engine.Worker) {
		w := newWorker(r, e.Index(), e)
		r.workers[e.Index()] = w
		e.OnTick(w.tick)
	}
	newHandler := func(e *engine.Worker) engine.Handler { return r.workers[e.Index()] }
	r.protocol = r.config.protocol(newHandler)
	r.report = &Report{IO: kind}
	if r.engine, err = engine.New(c); err != nil {
		return err
	}
	if err = r.engine.Start(); err != nil {
		return errors.Join(err, r.engine.Close())
	}
	return nil
}

// protocol is what the clients speak.
func (c *Config) protocol(newHandler func(*engine.Worker) engine.Handler) *engine.Protocol {
	p := session.NewProtocol(newHandler)
	switch c.Proto {
	case protoWeb, protoWebTLS:
		p = session.NewWebSocket(c.Addr, webPath, newHandler, nil)
	case protoText, protoTextTLS:
		p = session.NewWebSocketJSON(c.Addr, webPath, newHandler)
	}
	if c.Proto != protoTLS && c.Proto != protoWebTLS && c.Proto != protoTextTLS {
		return p
	}
	host, _, _ := net.SplitHostPort(c.Addr) // it was resolved
	return session.OverTLS(p, c.TLS, host)
}

// resolve finds the address of HOST:PORT.
func resolve(ctx context.Context, hostport string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return netip.AddrPort{}, &client.AddrError{Addr: hostport, Err: err}
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, &client.AddrError{Addr: hostport, Err: err}
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, &client.AddrError{Addr: hostport, Err: err}
	}
	var all []netip.AddrPort
	for _, a := range addrs {
		all = append(all, netip.AddrPortFrom(a.Unmap(), uint16(number)))
	}
	return answering(ctx, all), nil
}

// answering returns the first address where somebody listens: a name may have one of
// IPv6 and one of IPv4, and a server only one of them. If there is none it is the first,
// for the clients to say what is wrong. A single address is not tried.
func answering(ctx context.Context, all []netip.AddrPort) netip.AddrPort {
	if len(all) == 1 {
		return all[0]
	}
	for _, a := range all {
		dialer := net.Dialer{Timeout: firstContactTimeout / time.Duration(len(all))}
		if c, err := dialer.DialContext(ctx, "tcp", a.String()); err == nil {
			_ = c.Close()
			return a
		}
	}
	return all[0]
}

// clock is the time since the run began, in nanoseconds. Any goroutine.
func (r *run) clock() int64 { return int64(time.Since(r.started)) }

// patience is how long a client may be without its connection.
func (r *run) patience() time.Duration {
	if !r.reached.Load() {
		return min(firstContactTimeout, r.config.ResumeTimeout)
	}
	return r.config.ResumeTimeout
}

// fail ends the run; the first reason counts. Any goroutine.
func (r *run) fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

// post runs f on the worker, some time. Any goroutine.
func (w *worker) post(f func()) {
	w.engine.Post(engine.MessageFunc(func(*engine.Worker) { f() }))
}

// each runs f on every worker and waits for all.
func (r *run) each(f func(w *worker)) {
	done := make(chan struct{}, len(r.workers))
	posted := 0
	for _, w := range r.workers {
		if w.engine.Post(engine.MessageFunc(func(*engine.Worker) { f(w); done <- struct{}{} })) {
			posted++
		}
	}
	for range posted {
		<-done
	}
}

// total adds up what the workers show while the run goes on.
func (r *run) total(count func(*liveCounts) *atomic.Int64) (n int64) {
	for _, w := range r.workers {
		n += count(&w.live).Load()
	}
	return n
}

func (r *run) joined() int64 {
	return r.total(func(l *liveCounts) *atomic.Int64 { return &l.joined })
}

func (r *run) published() int64 {
	return r.total(func(l *liveCounts) *atomic.Int64 { return &l.published })
}

func (r *run) exhausted() int64 {
	return r.total(func(l *liveCounts) *atomic.Int64 { return &l.exhausted })
}

func (r *run) acked() int64 {
	return r.total(func(l *liveCounts) *atomic.Int64 { return &l.acked })
}

func (r *run) delivered() int64 {
	return r.total(func(l *liveCounts) *atomic.Int64 { return &l.delivered })
}

func (r *run) bad() int64 {
	return r.total(func(l *liveCounts) *atomic.Int64 { return &l.bad })
}

// errInterrupted ends a wait because a person wants the run to end.
var errInterrupted = errors.New("interrupted")

// pollEvery is how often a wait checks its condition.
const pollEvery = 10 * time.Millisecond

// await waits until done returns true. It returns false when timeout has passed, and an
// error when the run can not go on or ctx is done.
func (r *run) await(ctx context.Context, timeout time.Duration, done func() bool) (bool, error) {
	deadline := time.Now().Add(timeout)
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if done() {
			return true, nil
		}
		select {
		case err := <-r.failed:
			return false, err
		case <-ctx.Done():
			return false, errInterrupted
		case now := <-poll.C:
			if now.After(deadline) {
				return done(), nil
			}
			r.display.show(r)
		}
	}
}

// Package hubtest runs hubs without a protocol: a gateway that records what the hub has
// to tell instead of encoding it, on an engine that is stepped by hand over a simulated
// network. The hub's own tests use it, and those that put several hubs on one store.
//
// A Rig is one hub; its Clients make requests by calling the hub's methods, as a gateway
// does, and read the room events that come over their connections as lines of text.
// Everything happens on the caller's goroutine and is repeatable.
package hubtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
)

// Config shapes a Rig. Store is required.
type Config struct {
	Store   chat.Store
	Seed    uint64               // of what the hub draws; another one for each life on the same store
	Workers int                  // default 1
	Formats []*hub.Format        // default: one, "line"
	Hub     hub.Config           // Store, Formats, Manual, Now and Random are the rig's
	Engine  engine.Config        // Manual, drivers and protocols are the rig's
	World   *aiosim.World        // default: one of its own
	Port    uint16               // where it listens; default 7000
	Fail    func(string, ...any) // told what must not be; default: panic
}

// Rig is one hub on an engine, with clients.
type Rig struct {
	Hub    *hub.Hub
	Engine *engine.Service
	World  *aiosim.World

	config   Config
	far      *engine.Service // the clients' ends
	protocol *engine.Protocol
	client   *engine.Protocol
	at       netip.AddrPort
	clients  []*Client
	drivers  []*aiosim.Driver
}

// Epoch is the time of a rig's hub when its world begins.
var Epoch = time.UnixMilli(1_800_000_000_000)

// New brings a rig up.
func New(c Config) *Rig {
	if c.Workers == 0 {
		c.Workers = 1
	}
	if len(c.Formats) == 0 {
		c.Formats = []*hub.Format{NewFormat("line", hub.MarkNone)}
	}
	if c.World == nil {
		c.World = aiosim.NewWorld(aiosim.Config{Seed: c.Seed})
	}
	if c.Port == 0 {
		c.Port = 7000
	}
	if c.Fail == nil {
		c.Fail = func(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
	}
	r := &Rig{config: c, World: c.World}
	r.start()
	return r
}

func (r *Rig) check(err error) {
	if err != nil {
		r.config.Fail("the rig does not start: %v", err)
	}
}

func (r *Rig) start() {
	c := &r.config
	quiet := slog.New(slog.DiscardHandler)
	h := c.Hub
	h.Store, h.Formats, h.Manual, h.Logger = c.Store, c.Formats, true, quiet
	h.Now = func() time.Time { return Epoch.Add(r.World.Now()) }
	h.Random = rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%d %d", c.Seed, c.Port)))
	var err error
	r.Hub, err = hub.New(h, c.Workers)
	r.check(err)
	open := func(int) (aio.Driver, error) {
		d := r.World.NewDriver(aio.Config{EventsMax: 64})
		r.drivers = append(r.drivers, d)
		return d, nil
	}
	e := c.Engine
	e.Name, e.Workers, e.Manual, e.OpenDriver, e.Logger = "hubtest", c.Workers, true, open, quiet
	e.Driver = aio.Config{EventsMax: 64}
	e.Gate, e.OnStart = r.Hub.Gate(), r.Hub.StartShard
	e.LoginDeadline, e.HeartbeatInterval, e.IdleTimeout = -1, -1, -1
	r.Engine, err = engine.New(e)
	r.check(err)
	r.check(r.Engine.Start())
	r.far, err = engine.New(engine.Config{
		Name: "clients", Manual: true, OpenDriver: open, Driver: aio.Config{EventsMax: 64}, Logger: quiet,
		Socket: c.Engine.Socket, Debug: c.Engine.Debug,
		LoginDeadline: -1, HeartbeatInterval: -1, IdleTimeout: -1,
	})
	r.check(err)
	r.check(r.far.Start())
	r.protocol = &engine.Protocol{Name: "record", Framer: lines{}, NewHandler: func(w *engine.Worker) engine.Handler {
		return &recorder{rig: r, shard: r.Hub.Shard(w)}
	}}
	r.client = &engine.Protocol{Name: "line", Framer: lines{}, NewHandler: func(*engine.Worker) engine.Handler {
		return &reader{rig: r}
	}}
	r.at, err = r.Engine.Listen(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), c.Port), r.protocol)
	r.check(err)
}

// Step runs one tick of the hub's and of the clients' workers.
func (r *Rig) Step() {
	r.check(r.Engine.Step())
	r.check(r.far.Step())
}

// StepStore does one of the things that wait for the store: which of Waiting.
func (r *Rig) StepStore(which int) { r.Hub.Step(which) }

// Waiting is how many things wait for the store.
func (r *Rig) Waiting() int { return r.Hub.Steps() }

// settleTicks is for how many ticks nothing happens when a rig is at rest: what one
// worker posts to another takes a tick or two.
const settleTicks = 4

// Settle goes on, without letting timers fire, until nothing has anything to do.
func (r *Rig) Settle() {
	for quiet := 0; quiet < settleTicks; quiet++ {
		if r.Hub.Steps() > 0 {
			r.Hub.Step(0)
			quiet = 0
		}
		r.Step()
		r.World.Advance(r.World.Now())
		if slices.ContainsFunc(r.drivers, (*aiosim.Driver).Ready) {
			quiet = 0
		}
	}
}

// Pass lets time go by, timers included, and settles.
func (r *Rig) Pass(d time.Duration) {
	for end := r.World.Now() + d; r.World.Now() < end; {
		r.World.Advance(min(end, r.World.Now()+max(20*time.Millisecond, d/passSteps)))
		r.Settle()
	}
}

// passSteps is in how many steps a long time passes.
const passSteps = 50

// Close ends the rig and returns what had leaked; the store stays open.
func (r *Rig) Close() error {
	err := errors.Join(r.far.Close(), r.Engine.Close())
	r.Hub.Close()
	return err
}

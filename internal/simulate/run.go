package simulate

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"sarang/internal/store/storesim"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/chat"
	sdk "sarang/client/session"
	"sarang/engine"
	"sarang/internal/simulate/linear"
)

// Options are for one run.
type Options struct {
	Size       float64           // how long it is; 0 is 1
	Transcript func(line string) // told of everything; nil: nobody
	Strike     *Strike           // nil: what goes wrong is the seed's choice

	// ClientsOnly leaves the judgment to package linear, which knows what clients
	// were told, and nothing of the disk. It shows what that check finds by itself.
	ClientsOnly bool
}

// Result is what a run came to.
type Result struct {
	Seed    uint64
	Nodes   bool // it was RunNodes
	Plan    string
	Failure string // empty: all is well
	Stack   string // of a panic that nobody expected
	At      time.Duration
	Counts  Counts
	Struck  bool // the moment of Options.Strike was reached
}

// linearTimeout is how long the order of a room's operations is looked for, in real
// time: thousands of times what it takes.
const linearTimeout = 20 * time.Second

// run is a simulation under way.
type run struct {
	seed    uint64
	plan    plan
	rng     *rand.Rand
	options Options
	world   *aiosim.World
	disk    *storesim.Disk
	copied  *storesim.Copy // of the disk; see putBack
	model   *model
	seen    *linear.Recorder // what clients are told of durable rooms
	logger  *slog.Logger
	counts  Counts
	steps   int

	server     *server       // nil while it is down
	startAt    time.Duration // when it comes up again
	clients    *engine.Service
	speaks     *engine.Protocol // the clients
	speaksWeb  *engine.Protocol // those of them that talk over WebSocket
	speaksTLS  *engine.Protocol // and over TLS
	clientTaps *taps
	ghosts     *ghosts
	actors     []*actor
	sent       map[chat.UserID]uint64 // messages stored, by author

	wallOffset       time.Duration
	wallLatest       time.Time // that there has been
	diskRates        diskRates
	diskFullUntil    time.Duration
	diskStalledUntil time.Duration
	tasksStalled     bool // of what waits for the disk, only commits are done
	readsWaiting     int  // that were asked for since
	healed           bool
	probing          bool // everybody keeps up
	resting          bool // nobody does anything for a while
	refuseNext       int  // calls of the disk
	walks            map[walkKey][]chat.UserID
	rooms            []sdk.RoomInfo // the list of rooms that is being read page by page

	armed, struck bool // see Strike
	calls         int  // of the disk
}

// failure is the panic value that ends a run.
type failure struct{ what string }

// Run runs one seed to its end or its failure. It uses no goroutine but the caller's.
func Run(seed uint64, o Options) (result Result) {
	if o.Size == 0 {
		o.Size = 1
	}
	r := newRun(seed, o)
	result = Result{Seed: seed, Plan: fmt.Sprintf("%+v", r.plan)}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a use after free is a failure like others
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case *failure:
			result.Failure = cause.what
			r.note("FAILED: %s", cause.what)
		default:
			result.Failure = fmt.Sprintf("panic: %v", cause)
			result.Stack = string(debug.Stack())
			r.note("FAILED: %s", result.Failure)
		}
		if o.ClientsOnly {
			result.Failure, result.Stack = r.linear(), ""
		}
		result.At, result.Counts, result.Struck = r.world.Now(), r.total(), r.wasStruck()
	}()
	r.run()
	if what := r.linear(); what != "" && !o.ClientsOnly {
		r.fail("%s", what)
	}
	return result
}

// linear says what is wrong with the order of what clients were told.
func (r *run) linear() string {
	if r.counts.PutBacks > 0 {
		return "" // what clients saw is of several logs
	}
	report, err := r.seen.Check(linearTimeout)
	r.counts.LinearRooms, r.counts.LinearOperations = report.Rooms, report.Operations
	var illegal *linear.Error
	switch {
	case errors.As(err, &illegal):
		return err.Error()
	case err != nil:
		r.counts.LinearUndecided++
	}
	return ""
}

func newRun(seed uint64, o Options) *run {
	r := &run{
		seed: seed, options: o, rng: rand.New(rand.NewPCG(seed, 1)),
		logger: slog.New(slog.DiscardHandler), sent: map[chat.UserID]uint64{}, walks: map[walkKey][]chat.UserID{},
		seen: linear.NewRecorder(),
	}
	r.plan = draw(rand.New(rand.NewPCG(seed, 2)), o.Size)
	r.plan.limits.draw(rand.New(rand.NewPCG(seed, 3)), &r.plan)
	r.plan.drawPutBack(rand.New(rand.NewPCG(seed, 4)))
	r.plan.drawChanges(rand.New(rand.NewPCG(seed, 5)))
	r.plan.drawAnswers(rand.New(rand.NewPCG(seed, 6)))
	if o.Strike != nil {
		r.plan.tame()
	}
	r.world = aiosim.NewWorld(aiosim.Config{
		Seed: seed, Transcript: o.Transcript,
		SendBufferBytes: r.plan.socketBufferBytes, RecvBufferBytes: r.plan.socketBufferBytes,
	})
	r.model = newModel(r.fail)
	r.model.clock = func() int64 {
		if !r.probing {
			return 0
		}
		return r.wallClock().UnixMilli()
	}
	r.model.now, r.model.latest = r.world.Now, func() int64 { return r.wallLatest.UnixMilli() }
	r.model.editMs = int64(r.plan.editSecondsMax) * 1000
	r.model.ownerOf = func(id chat.RoomID) chat.UserID { return r.disk.Owner(id) }
	if o.ClientsOnly {
		r.model.fail = func(string, ...any) {}
	}
	r.model.watched = r.plan.limits.any
	r.model.forgetful = r.plan.authorsMax < 2*r.plan.clients
	r.disk = storesim.NewDisk(func(e chat.Event) {
		r.counts.Stored++
		if e.Kind == chat.EventMessage {
			r.sent[e.User]++
		}
		r.countChange(&e)
		r.model.stored(shownAs(e))
	})
	if r.recorded() {
		r.logger = slog.New(slog.NewTextHandler(lineWriter{r}, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	}
	return r
}

// shownAs is an event as clients get it: the nonces of joins and leaves are the server's
// own affair.
func shownAs(e chat.Event) chat.Event {
	if !e.Kind.Authored() {
		e.Nonce = 0
	}
	return e
}

// lineWriter writes log lines to the transcript.
type lineWriter struct{ run *run }

// Write notes a line.
func (w lineWriter) Write(b []byte) (int, error) {
	w.run.note("log: %s", b[:max(len(b)-1, 0)])
	return len(b), nil
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

func (r *run) recorded() bool { return r.options.Transcript != nil }

// note writes a line of the transcript.
func (r *run) note(format string, args ...any) {
	if r.recorded() {
		r.options.Transcript(fmt.Sprintf("%v ", r.world.Now()) + fmt.Sprintf(format, args...))
	}
}

func (r *run) fail(format string, args ...any) {
	panic(&failure{fmt.Sprintf(format, args...)})
}

func (r *run) broken(what string) { r.fail("%s", what) }

// run is the whole of it.
func (r *run) run() {
	r.disk.SetTrouble(trouble{r})
	r.startClients()
	r.ghosts = newGhosts(r)
	r.startServer()
	r.changeWeather()
	for r.steps = 0; r.steps < r.plan.steps; r.steps++ {
		r.step()
	}
	r.settle()
	r.finish()
}

func (r *run) startClients() {
	p := &r.plan
	r.speaks, r.speaksWeb = sdk.NewProtocol(nil), newWebSocket(r.seed)
	r.speaksTLS = overTLS(r.speaksWeb, newTLSRecords(), true)
	r.clientTaps = newTaps(r.world, r.broken)
	r.clientTaps.opened = func(c connection) { r.opened(c, false) }
	c := sdk.ServiceConfig()
	c.Name, c.Manual, c.Debug, c.Logger = "clients", true, p.debug, r.logger
	c.Workers = 1 + int(r.seed%2)
	c.OpenDriver = r.clientTaps.open(aio.Config{RecvBufferBytes: p.recvBufferBytes, RecvBuffers: 8, EventsMax: 64})
	c.Driver = aio.Config{EventsMax: 64}
	c.Socket = aio.SocketOptions{SendBufferBytes: p.socketBufferBytes, RecvBufferBytes: p.socketBufferBytes}
	c.HeartbeatInterval, c.IdleTimeout, c.LingerTimeout = p.heartbeat, p.idle, p.linger
	c.SliceFramesMax, c.TurnFramesMax = p.sliceFramesMax, p.turnFramesMax
	var err error
	if r.clients, err = engine.New(c); err == nil {
		err = r.clients.Start()
	}
	if err != nil {
		r.fail("the clients do not start: %v", err)
	}
	for i := range p.clients {
		r.actors = append(r.actors, newActor(r, i))
	}
}

// step is one choice of the seed.
func (r *run) step() {
	r.strike()
	r.goOnDraining()
	if r.server == nil && r.world.Now() >= r.startAt {
		r.startServer()
	}
	if r.steps%64 == 0 {
		r.checkMemory()
	}
	x, q := r.rng.Float64(), &r.plan.rates
	for _, c := range [...]struct {
		rate float64
		do   func()
	}{
		{q.pass, r.pass},
		{q.act, func() { r.actors[r.rng.IntN(len(r.actors))].act() }},
		{q.harm, r.harm},
		{q.move, r.moveOn},
		{q.crash, func() { r.crash(r.rng.IntN(4) == 0) }},
		{q.drain, r.drain},
		{q.storm, r.storm},
		{q.jump, r.jump},
		{q.weather, r.changeWeather},
		{q.disk, r.changeDisk},
		{q.stall, r.stallDisk},
		{q.ghost, r.ghosts.appear},
		{q.copyDisk, r.copyDisk},
		{q.putBack, r.putBack},
	} {
		if x -= c.rate; x < 0 {
			c.do()
			return
		}
	}
	switch r.rng.IntN(5) {
	case 0, 1:
		r.tickServer(false)
	case 2, 3:
		r.ghosts.tick()
		r.tick(r.clients, r.clientTaps, len(r.clientTaps.drivers), false)
	default:
		r.tickHub()
	}
}

// pass lets time go by: until something happens on the network, or a little.
func (r *run) pass() {
	until := r.world.Now() + time.Duration(r.rng.IntN(20))*time.Millisecond
	if next, ok := r.world.Next(); ok && r.rng.IntN(4) > 0 {
		until = min(next, r.world.Now()+time.Second)
	}
	r.world.Advance(until)
}

// wallClock is the time of day, which jumps now and then.
func (r *run) wallClock() time.Time {
	now := time.UnixMilli(1_800_000_000_000).Add(r.world.Now() + r.wallOffset)
	if now.After(r.wallLatest) {
		r.wallLatest = now
	}
	return now
}

func (r *run) retryDelay() time.Duration {
	if r.healed {
		return time.Duration(r.rng.IntN(50)) * time.Millisecond
	}
	return time.Duration(r.rng.IntN(800)) * time.Millisecond
}

func (r *run) storedOf(u chat.UserID) uint64 { return r.sent[u] }

// ephemeral tells the kind of a room, as some client was told.
func (r *run) ephemeral(id chat.RoomID) bool {
	for _, a := range r.actors {
		if s := a.seat(id); s != nil {
			return s.ephemeral
		}
	}
	return len(r.model.logs[id]) == 0
}

package simulate

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
)

// nodesRun is a simulation of several servers on one store.
type nodesRun struct {
	seed    uint64
	plan    nodesPlan
	rng     *rand.Rand
	options Options
	world   *aiosim.World
	disk    *storesim.Disk
	logs    *nodeLogs
	counts  NodeCounts
	steps   int
	healed  bool
	faults  diskRates

	nodes   []*simNode
	people  []*person
	devices []*device
	wanted  []*message
	known   int                             // rooms
	makers  map[string]map[chat.UserID]bool // who has asked for a room, by its name
	hints   []hint
}

// simNode is one server, through all its lives.
type simNode struct {
	index   int
	rig     *hubtest.Rig // of this life; nil while it is down
	store   *storesim.Store
	startAt int // the step in which it comes up
	life    int
	formats []*hub.Format
	joined  map[string]map[*hub.Format]bool // rooms that were asked for in this life
}

// hint is one that is on its way to a node.
type hint struct {
	node *simNode
	room chat.RoomID
}

// RunNodes runs a seed with several servers on one store, each a hub with clients of its
// own (package hubtest), to its end or its failure. It uses no goroutine but the caller's.
func RunNodes(seed uint64, o Options) (result Result) {
	if o.Size == 0 {
		o.Size = 1
	}
	r := newNodesRun(seed, o)
	result = Result{Seed: seed, Nodes: true, Plan: fmt.Sprintf("%+v", r.plan)}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case *failure:
			result.Failure = cause.what
		default:
			result.Failure = fmt.Sprintf("panic: %v", cause)
			result.Stack = string(debug.Stack())
		}
		if result.Failure != "" {
			r.note("FAILED: %s", result.Failure)
		}
		r.counts.Steps = r.steps
		result.At, result.Counts = r.world.Now(), Counts{Nodes: r.counts}
	}()
	r.run()
	return result
}

func newNodesRun(seed uint64, o Options) *nodesRun {
	r := &nodesRun{
		seed: seed, options: o, rng: rand.New(rand.NewPCG(seed, 4)),
		plan: drawNodes(rand.New(rand.NewPCG(seed, 5)), o.Size),
	}
	r.world = aiosim.NewWorld(aiosim.Config{
		Seed: seed, Transcript: o.Transcript,
		SendBufferBytes: r.plan.socketBufferBytes, RecvBufferBytes: r.plan.socketBufferBytes,
	})
	r.makers = map[string]map[chat.UserID]bool{}
	r.logs = &nodeLogs{run: r, rooms: map[chat.RoomID]*roomLog{}}
	r.disk = storesim.NewDisk(r.stored)
	r.disk.SetConflictEventsMax(r.plan.conflictEventsMax)
	return r
}

// note writes a line of the transcript.
func (r *nodesRun) note(format string, args ...any) {
	if r.options.Transcript != nil {
		r.options.Transcript(fmt.Sprintf("%v ", r.world.Now()) + fmt.Sprintf(format, args...))
	}
}

func (r *nodesRun) fail(format string, args ...any) {
	panic(&failure{fmt.Sprintf(format, args...)})
}

func (r *nodesRun) chance(p float64) bool { return r.rng.Float64() < p }

func (r *nodesRun) run() {
	for i := range r.plan.nodes {
		n := &simNode{index: i}
		r.nodes = append(r.nodes, n)
		r.start(n)
	}
	r.startPeople()
	r.disk.SetTrouble(nodesTrouble{r})
	for r.steps = 0; r.steps < r.plan.steps; r.steps++ {
		r.step()
		r.read()
	}
	r.end()
}

// nowMs is the servers' time.
func (r *nodesRun) nowMs() int64 { return hubtest.Epoch.Add(r.world.Now()).UnixMilli() }

// learnOwners looks at who owns rooms that were made: somebody who has asked for them.
func (r *nodesRun) learnOwners() {
	rooms := r.disk.Rooms()
	if len(rooms) == r.known {
		return
	}
	r.known = len(rooms)
	for _, room := range rooms {
		log := r.logs.room(room.ID)
		if log.owner == 0 && !r.makers[room.Name][room.Creator] {
			r.fail("room %s is owned by user %d, who has not asked for it", room.Name, room.Creator)
		}
		if want := r.private(room.Name); room.Private != want {
			r.fail("room %s is private: %t, was made so: %t", room.Name, room.Private, want)
		}
		log.owner, log.private = room.Creator, room.Private
	}
}

// stored is told of every event that the disk has for good.
func (r *nodesRun) stored(e chat.Event) {
	r.counts.Stored++
	r.logs.append(e)
	for _, n := range r.nodes {
		r.hints = append(r.hints, hint{n, e.Room})
	}
}

// start brings a node up.
func (r *nodesRun) start(n *simNode) {
	p := &r.plan
	n.life++
	n.store, n.joined = r.disk.Open(), map[string]map[*hub.Format]bool{}
	n.formats = []*hub.Format{
		hubtest.NewFormat("plain", hub.MarkNone),
		hubtest.NewFormat("session", hub.MarkSession),
		hubtest.NewFormat("user", hub.MarkUser),
	}
	n.rig = hubtest.New(hubtest.Config{
		Store: n.store, Seed: r.seed<<8 | uint64(n.life), Workers: p.workers[n.index], Formats: n.formats,
		World: r.world, Port: uint16(7000 + n.index), Fail: r.fail,
		Hub: hub.Config{
			BatchEventsMax: p.batchEventsMax, BatchTextBytesMax: p.batchTextBytesMax, AuthorsMax: p.authorsMax,
			NoncesPerUserMax: p.noncesMax, CommitEventsMax: p.commitEventsMax, PageBytesMax: p.pageBytesMax,
			ChunkBytes: p.chunkBytes, AnnounceMembersMax: p.announceMembersMax, AwayGrace: p.awayGrace,
			RoomIdle: p.roomIdle, StoreTimeout: time.Hour, WorkerLagMax: -1,
		},
		Engine: engine.Config{
			Debug: p.debug, FeedWindowBytesMax: p.feedWindowBytesMax, FeedBurstBytesMax: p.feedBurstBytesMax,
			SendBytesMax: p.sendBytesMax, FeedTurnMax: p.feedTurnMax, Logger: slog.New(slog.DiscardHandler),
		},
	})
}

// crash ends a node as kill -9 does.
func (r *nodesRun) crash(n *simNode) {
	if n.rig == nil {
		return
	}
	r.note("node %d: dies", n.index)
	r.counts.Crashes++
	r.stop(n)
	r.disk.Crash()
	n.startAt = r.steps + r.rng.IntN(60)
}

// stop ends a life of a node, and looks at whether anything was lost.
func (r *nodesRun) stop(n *simNode) {
	r.checkEncoded(n)
	s := n.rig.Hub.Stats()
	r.counts.Conflicts, r.counts.Pages = r.counts.Conflicts+int(s.Conflicts), r.counts.Pages+int(s.Pages)
	if err := n.rig.Close(); err != nil {
		r.fail("when node %d closes: %v", n.index, err)
	}
	n.rig = nil
	if err := n.store.Close(); err != nil {
		r.fail("when the store of node %d closes: %v", n.index, err)
	}
	r.read()
	r.nothingOnItsWay(n)
}

// step is one choice of the seed.
func (r *nodesRun) step() {
	for _, n := range r.nodes {
		if n.rig == nil && r.steps >= n.startAt {
			r.note("node %d: starts", n.index)
			r.start(n)
		}
	}
	n := r.nodes[r.rng.IntN(len(r.nodes))]
	q, x := &r.plan.rates, r.rng.Float64()
	for _, c := range [...]struct {
		rate float64
		do   func()
	}{
		{q.act, func() { r.devices[r.rng.IntN(len(r.devices))].act() }},
		{q.operate, r.operate},
		{q.hint, r.hint},
		{q.pass, r.pass},
		{q.settle, func() { r.settle(n) }},
		{q.crash, func() { r.crash(n) }},
		{q.disk, r.changeDisk},
		{q.weather, r.changeWeather},
		{0.3, func() { r.stepStore(n) }},
	} {
		if x -= c.rate; x < 0 {
			c.do()
			return
		}
	}
	if n.rig != nil {
		n.rig.Step()
	}
}

// stepStore does one of the things that wait for a node's store.
func (r *nodesRun) stepStore(n *simNode) {
	if n.rig == nil || n.rig.Waiting() == 0 {
		return
	}
	which := r.rng.IntN(n.rig.Waiting())
	r.note("node %d: does %d of %d at the store", n.index, which, n.rig.Waiting())
	if r.dies(func() { n.rig.StepStore(which) }) {
		r.crash(n)
	}
}

// settle has a node go on until it has nothing to do.
func (r *nodesRun) settle(n *simNode) {
	if n.rig == nil {
		return
	}
	if r.dies(n.rig.Settle) {
		r.crash(n)
		return
	}
	r.read()
	r.nothingOnItsWay(n)
}

// dies runs a step and reports whether a node died in it.
func (r *nodesRun) dies(step func()) bool {
	cause := died(step)
	if cause != nil {
		r.note("disk: %v", cause)
	}
	return cause != nil
}

// pass lets time go by.
func (r *nodesRun) pass() {
	until := r.world.Now() + time.Duration(r.rng.IntN(30))*time.Millisecond
	if next, ok := r.world.Next(); ok && r.chance(0.7) {
		until = min(until, max(next, r.world.Now()))
	}
	r.world.Advance(until)
}

// hint delivers one, or loses it, or leaves it to be delivered once more.
func (r *nodesRun) hint() {
	if len(r.hints) == 0 {
		return
	}
	i := r.rng.IntN(len(r.hints))
	h := r.hints[i]
	if !r.chance(0.1) {
		r.hints[i] = r.hints[len(r.hints)-1]
		r.hints = r.hints[:len(r.hints)-1]
	}
	if h.node.rig != nil && !r.chance(r.plan.hintsLost) {
		r.counts.Hints++
		h.node.rig.Hub.CatchUp(h.room)
	}
}

package simulate

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/node"
	"sarang/internal/store/storesim"
)

// serverPort is where the server listens, at every address there is: in this network a
// client has the address that it connects to, and so the server sees where it is from.
const serverPort = 7777

// What a client is told when the server goes down, and what is added for who is not let
// in.
const (
	retryAfterMin = 10 * time.Millisecond
	retryAfterMax = 300 * time.Millisecond
)

// server is one life of the server.
type server struct {
	store *storesim.Store
	node  *node.Node
	hub   *hub.Hub
	svc   *engine.Service
	taps  *taps

	draining   bool          // nothing new is taken
	goodbye    bool          // the sessions are being ended
	drainUntil time.Duration // then it stops, whatever is left
}

// startServer brings up a server on the disk, as cmd/sarang does.
func (r *run) startServer() {
	r.note("server: starts")
	r.counts.Starts++
	s := &server{store: r.disk.Open(), taps: newTaps(r.world, r.broken)}
	s.taps.watch = newWatch(r)
	s.taps.says = r.says
	s.taps.opened = func(c connection) { r.opened(c, true) }
	p := &r.plan
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(r.rng.Uint32())
	}
	var err error
	s.node, err = node.New(node.Config{
		Hub: hub.Config{
			Store: s.store, Logger: r.logger, Now: r.wallClock,
			Random: rand.NewChaCha8(seed), Manual: true,
			TextBytesMax: p.textBytesMax, PublishesInFlightMax: p.publishesInFlightMax,
			EditSecondsMax:  p.editSecondsMax,
			HistoryItemsMax: p.historyItemsMax, PageBytesMax: p.pageBytesMax,
			AnnounceMembersMax: p.announceMembersMax, AuthorsMax: p.authorsMax,
			AnswerQueueBytesMax: p.answerQueueBytesMax,
			BatchEventsMax:      p.batchEventsMax, RetriesWaitMax: p.retriesWaitMax, CommitEventsMax: p.commitEventsMax, ChunkBytes: p.chunkBytes,
			AwayGrace: p.awayGrace, RoomIdle: p.roomIdle, StoreTimeout: time.Hour,
			Limits: p.limits.rates, RoomsJoinedMax: p.limits.roomsJoinedMax,
			PublishBytesPendingMax: p.limits.publishBytesPendingMax, StoreQueueMax: p.limits.storeQueueMax,
			StoreWaitMax: -1, // a disk that stands still on purpose is no load here
		},
		Engine: engine.Config{
			Name: "simulate", Workers: p.workers, Manual: true, Debug: p.debug, Logger: r.logger,
			OpenDriver:   s.taps.open(aio.Config{RecvBufferBytes: p.recvBufferBytes, RecvBuffers: 8, EventsMax: 64}),
			Driver:       aio.Config{EventsMax: 64},
			Socket:       aio.SocketOptions{SendBufferBytes: p.socketBufferBytes, RecvBufferBytes: p.socketBufferBytes},
			FarewellsMax: p.limits.farewellsMax,
			SessionsMax:  p.sessionsMax, DirectQueueBytesMax: p.directQueueBytesMax,
			SendBytesMax: p.sendBytesMax, FeedWindowBytesMax: p.feedWindowBytesMax,
			FeedBurstBytesMax: p.feedBurstBytesMax, FeedTurnMax: p.feedTurnMax,
			SliceFramesMax: p.sliceFramesMax, TurnFramesMax: p.turnFramesMax,
			LoginDeadline: p.login, HeartbeatInterval: p.heartbeat, IdleTimeout: p.idle, LingerTimeout: p.linger,
		},
		Server: "simulate", RetryAfterMin: retryAfterMin, RetryAfterMax: retryAfterMax,
	})
	if err != nil {
		r.fail("the server does not start: %v", err)
	}
	s.hub, s.svc = s.node.Hub, s.node.Engine
	protocol, err := s.protocol(r)
	if err == nil {
		err = s.svc.Start()
	}
	if err == nil {
		_, err = s.svc.Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), serverPort), protocol)
	}
	if err == nil {
		_, err = s.svc.Listen(netip.AddrPortFrom(netip.IPv6Unspecified(), serverPort), protocol)
	}
	if err == nil && r.plan.webSockets() {
		err = s.listenWeb()
	}
	if err != nil {
		r.fail("the server does not start: %v", err)
	}
	r.server = s
}

// tickServer runs one tick of the first few workers, of which some see nothing new.
func (r *run) tickServer(all bool) {
	if r.server != nil {
		r.tick(r.server.svc, r.server.taps, r.plan.workers, all)
	}
}

func (r *run) tick(svc *engine.Service, t *taps, workers int, all bool) {
	if !all {
		if r.rng.IntN(2) == 0 {
			t.turn = 1 + r.rng.IntN(workers)
		}
		if r.rng.IntN(3) == 0 {
			blind := r.rng.Uint32()
			t.blind = func(worker int) bool { return blind>>worker&1 == 1 }
		}
	}
	if err := svc.Step(); err != nil && !errors.Is(err, errNotYet) {
		r.fail("a tick failed: %v", err)
	}
	if t.watch != nil {
		t.watch.endTick()
	}
	t.turn, t.blind = 1<<30, func(int) bool { return false }
}

// tickHub does one of the things that wait for the store, if the disk moves.
func (r *run) tickHub() {
	if r.server == nil {
		return
	}
	from, n := r.hubSteps()
	if n <= from {
		return
	}
	h := r.server.hub
	which := from + r.rng.IntN(n-from)
	if r.recorded() {
		r.note("hub: does %d of %d", which, n)
	}
	if r.dies(func() { h.Step(which) }) {
		r.crash(r.rng.IntN(4) == 0)
	}
}

// hubSteps are the things that the hub may do now: from the first number on, below the
// second.
func (r *run) hubSteps() (from, n int) {
	if r.server == nil {
		return 0, 0
	}
	h := r.server.hub
	n = h.Steps()
	if r.tasksStalled {
		return 0, n - h.Stats().TasksWaiting
	}
	if n > h.Stats().TasksWaiting && r.world.Now() < r.diskStalledUntil {
		return 1, n // the commit has to wait
	}
	return 0, n
}

// dies runs a step and reports whether the program died in it.
func (r *run) dies(step func()) bool {
	cause := died(step)
	if cause != nil {
		r.note("disk: %v", cause)
	}
	return cause != nil
}

// died runs a step and returns how the disk ended the program in it, if it did.
func died(step func()) (cause *storesim.DiedError) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *storesim.DiedError:
			cause = e
		default:
			panic(e)
		}
	}()
	step()
	return nil
}

// crash ends the server as kill -9 does, or as a loss of power.
func (r *run) crash(powerLoss bool) {
	s := r.server
	if s == nil {
		return
	}
	r.note("server: dies, with its machine %t", powerLoss)
	if powerLoss {
		r.counts.PowerLosses++
	} else {
		r.counts.Crashes++
	}
	s.taps.die(powerLoss)
	r.disk.Crash()
	r.dispose()
	r.down()
}

// down leaves the server down for a while.
func (r *run) down() {
	r.startAt = r.world.Now()
	if r.rng.IntN(2) == 0 {
		r.startAt += time.Duration(r.rng.IntN(2000)) * time.Millisecond
	}
}

// dispose closes what is left of a server and looks at whether anything was lost.
func (r *run) dispose() {
	s := r.server
	r.server = nil
	r.countRefusals(s.hub)
	s.taps.unwatch()
	if err := s.svc.Close(); err != nil {
		r.fail("when the server closes: %v", err)
	}
	if n := s.svc.Sessions(); n != 0 {
		r.fail("the server has closed, and has %d sessions", n)
	}
	if n := len(s.taps.conns); n != 0 {
		r.fail("%d accepted connections were neither used nor closed", n)
	}
	s.hub.Close()
	if err := s.store.Close(); err != nil && chat.CodeOf(err) != chat.CodeClosed {
		r.fail("when the store closes: %v", err)
	}
}

// drain begins an orderly end.
func (r *run) drain() {
	if s := r.server; s != nil && !s.draining {
		r.note("server: drains")
		r.counts.Drains++
		s.draining, s.drainUntil = true, r.world.Now()+2*time.Second
		s.hub.BeginDrain()
	}
}

// goOnDraining takes the next step of an orderly end when it is time.
func (r *run) goOnDraining() {
	s := r.server
	if s == nil || !s.draining {
		return
	}
	late := r.world.Now() >= s.drainUntil
	switch {
	case !s.goodbye && (late || s.hub.Steps() == 0):
		s.goodbye, s.drainUntil = true, r.world.Now()+time.Second
		s.taps.unwatch()
		s.svc.Drain(context.Background())
	case s.goodbye && (late || s.svc.Sessions() == 0):
		r.note("server: stops")
		r.dispose()
		r.down()
	}
}

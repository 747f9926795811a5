package native_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/node"
	"sarang/internal/password"
	"sarang/internal/store/storesim"
)

// rig is a whole server in one goroutine, on a simulated network and disk, with peers
// that talk to it in bytes. What goes wrong is a panic with a *finding.
type rig struct {
	world *aiosim.World
	log   map[chat.RoomID][]chat.Event // what is stored, by room
	hub   *hub.Hub
	svc   *engine.Service
	at    netip.AddrPort

	driver *aiosim.Driver // of all peers
	events []aio.Event
	peers  []*peer // by token
	told   int     // packets that peers were sent
}

// finding is the panic value of a broken promise.
type finding struct{ what string }

func failf(format string, args ...any) { panic(&finding{fmt.Sprintf(format, args...)}) }

// The server's limits, small so that they are met.
const (
	textBytesMax    = 4000
	historyItemsMax = 5
	roomsJoinedMax  = 3
	heartbeatEvery  = 300 * time.Millisecond
	idleTimeout     = time.Second
)

// rigOptions are what the first byte of an input decides.
type rigOptions byte

const (
	twoWorkers rigOptions = 1 << iota
	cutReads              // bytes arrive in small pieces
	cutSends              // sockets take less than they could
	smallSockets
	fewInFlight
	smallQueue
	smallWindow
	debugMemory
)

func (o rigOptions) pick(f rigOptions, set, clear int) int {
	if o&f != 0 {
		return set
	}
	return clear
}

func newRig(o rigOptions, seed uint64) *rig {
	r := &rig{log: map[chat.RoomID][]chat.Event{}, events: make([]aio.Event, 64)}
	var faults aiosim.Faults
	if o&cutReads != 0 {
		faults.SegmentBytesMin, faults.SegmentBytesMax, faults.ShortRecv = 1, 60, 0.5
	}
	if o&cutSends != 0 {
		faults.ShortSend, faults.SpuriousFull = 0.5, 0.3
	}
	socket := o.pick(smallSockets, 500, 20000)
	r.world = aiosim.NewWorld(aiosim.Config{Seed: seed, Faults: faults, SendBufferBytes: socket, RecvBufferBytes: socket})
	disk := storesim.NewDisk(func(e chat.Event) {
		if !e.Kind.Authored() {
			e.Nonce = 0 // the server's own affair
		}
		r.log[e.Room] = append(r.log[e.Room], e)
	})
	n, err := node.New(node.Config{
		Hub: hub.Config{
			Store: disk.Open(), Logger: slog.New(slog.DiscardHandler),
			Now:    func() time.Time { return time.UnixMilli(1_800_000_000_000).Add(r.world.Now()) },
			Random: rand.NewChaCha8([32]byte{byte(seed)}), Manual: true,
			PasswordCost: password.Cost{MemoryKiB: password.MemoryKiBMin, Passes: 1},
			TextBytesMax: textBytesMax, RoomsJoinedMax: roomsJoinedMax, HistoryItemsMax: historyItemsMax,
			PublishesInFlightMax: o.pick(fewInFlight, 2, 0), RequestsInFlightMax: 3,
			PageBytesMax: 9000, AwayGrace: 200 * time.Millisecond,
		},
		Engine: engine.Config{
			Name: "fuzz", Workers: o.pick(twoWorkers, 2, 1), Manual: true, Debug: o&debugMemory != 0,
			Logger: slog.New(slog.DiscardHandler),
			OpenDriver: func(int) (aio.Driver, error) {
				return r.world.NewDriver(aio.Config{RecvBufferBytes: 512, RecvBuffers: 8, EventsMax: 64}), nil
			},
			Driver:              aio.Config{EventsMax: 64},
			Socket:              aio.SocketOptions{SendBufferBytes: socket, RecvBufferBytes: socket},
			SessionsMax:         8,
			DirectQueueBytesMax: o.pick(smallQueue, 6000, 40<<10),
			FeedWindowBytesMax:  o.pick(smallWindow, 300, 8<<10),
			LoginDeadline:       400 * time.Millisecond, HeartbeatInterval: heartbeatEvery, IdleTimeout: idleTimeout,
			LingerTimeout: 100 * time.Millisecond,
		},
		Server: "fuzz", RetryAfterMin: time.Millisecond, RetryAfterMax: 2 * time.Millisecond,
	})
	check(err)
	r.hub, r.svc = n.Hub, n.Engine
	check(r.svc.Start())
	protocol, err := n.Protocol("tcp")
	check(err)
	r.at, err = r.svc.Listen(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), 7777), protocol)
	check(err)
	r.driver = r.world.NewDriver(aio.Config{RecvBufferBytes: 1024, RecvBuffers: 8, EventsMax: 64})
	return r
}

func check(err error) {
	if err != nil {
		failf("the server does not start: %v", err)
	}
}

// poll hands the peers what has happened to them.
func (r *rig) poll() int {
	n, err := r.driver.Wait(r.events, 0)
	if err != nil {
		failf("the peers' driver: %v", err)
	}
	for i := range r.events[:n] {
		r.peers[r.events[i].Token].handle(&r.events[i])
	}
	return n
}

// step is one tick of the server.
func (r *rig) step() {
	if err := r.svc.Step(); err != nil {
		failf("a tick: %v", err)
	}
}

// roundsMax is far more than anything takes to come to rest.
const roundsMax = 20000

// rest goes on, without time passing, until nobody has anything to do.
func (r *rig) rest() {
	for quiet, round := 0, 0; quiet < 3; round++ {
		if round > roundsMax {
			failf("it never comes to rest: %+v, hub %+v", r.svc.Stats(), r.hub.Stats())
		}
		quiet++
		if r.busy() {
			quiet = 0
		}
		r.step()
		if r.hub.Steps() > 0 {
			r.hub.Step(0)
		}
		r.poll()
		r.world.Advance(r.world.Now())
	}
}

func (r *rig) busy() bool {
	return r.hub.Steps() > 0 || r.world.Ready()
}

// pass lets time go by, in steps in which peers still answer in time.
func (r *rig) pass(d time.Duration) {
	for end := r.world.Now() + d; ; {
		r.rest()
		now := r.world.Now()
		if now >= end {
			return
		}
		until := min(end, now+25*time.Millisecond)
		if next, due := r.world.Next(); due && next > now {
			until = min(until, next)
		}
		r.world.Advance(until)
	}
}

// close ends the server and looks at what is left over.
func (r *rig) close() {
	if err := r.svc.Close(); err != nil {
		failf("when the server closes: %v", err)
	}
	if n := r.svc.Sessions(); n != 0 {
		failf("the server has closed and has %d sessions", n)
	}
	r.hub.Close()
	if err := r.driver.Release(); err != nil {
		failf("the peers' driver: %v", err)
	}
	if n := r.world.Stats().EndsOpen; n != 0 {
		failf("%d ends of connections are open when all is closed", n)
	}
}

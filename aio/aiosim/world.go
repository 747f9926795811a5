package aiosim

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"sarang/aio"
	"sarang/lock"
)

// The defaults of a socket buffer, and where the world begins to pick ports.
const (
	bufferBytesDefault = 65536
	bufferBytesMax     = 1 << 29 // two of them fit an int32
	backlogDefault     = 4096
	listenPortFirst    = 20000
	connectPortFirst   = 32768
	connectPortLast    = 60999
	synRetry           = time.Second
	driversMax         = 1<<16 - 2
)

// World is a network and a clock, shared by the drivers that NewDriver makes. Its
// methods may be called from any goroutine.
type World struct {
	mu      lock.Mutex
	changed *sync.Cond // something came up for a Wait that blocks
	waiting int        // how many block

	config Config
	faults Faults
	rng    *rand.Rand
	stats  Stats

	now        time.Duration
	timeline   timeline
	ends       slab[end]
	dials      map[uint32]netip.AddrPort // where connecting ends go, by end
	fuses      map[uint32]int            // bytes until a connection is reset, by the end that they reach
	listeners  map[netip.AddrPort][]*listener
	drivers    []*Driver
	spare      []*stream
	spareBytes int // what they take

	addresses      []netip.Addr // by number
	addressNumbers map[netip.Addr]uint32
	listenPort     uint16
	connectPort    uint16
	connectWraps   int // how often all ports have been used
}

// NewWorld returns a world at time 0 with nothing in it.
func NewWorld(c Config) *World {
	c.SendBufferBytes = cmp.Or(c.SendBufferBytes, bufferBytesDefault)
	c.RecvBufferBytes = cmp.Or(c.RecvBufferBytes, bufferBytesDefault)
	w := &World{
		config: c, faults: c.Faults,
		rng:            rand.New(rand.NewPCG(c.Seed, 0)),
		dials:          make(map[uint32]netip.AddrPort),
		listeners:      make(map[netip.AddrPort][]*listener),
		addressNumbers: make(map[netip.Addr]uint32),
		listenPort:     listenPortFirst,
		connectPort:    connectPortFirst,
	}
	w.mu.Init(lock.NewClass("aiosim.world"))
	w.changed = sync.NewCond(&w.mu)
	return w
}

// NewDriver opens a driver in this world. It belongs to one goroutine, as every
// driver does, but needs no thread of its own.
func (w *World) NewDriver(c aio.Config) *Driver {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.drivers) == driversMax {
		panic("aiosim: too many drivers in one world")
	}
	c = c.WithDefaults()
	d := &Driver{
		world: w, number: uint16(len(w.drivers) + 1), config: c,
		rubbish: bytes.Repeat([]byte{0xdd}, c.RecvBufferBytes),
	}
	w.drivers = append(w.drivers, d)
	return d
}

// Now is the world's time since its beginning.
func (w *World) Now() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Next returns when the next thing on the network is due. It reports false if
// nothing is scheduled: the world changes only if somebody starts a request.
func (w *World) Next() (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.timeline.next()
	return at, at != never
}

// Step moves the clock to the next thing due and lets it happen. It reports false,
// and changes nothing, if nothing is scheduled.
func (w *World) Step() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.timeline.next()
	if at == never {
		return false
	}
	w.advance(at)
	return true
}

// Advance moves the clock to until, and lets everything happen that is due by
// then. It does nothing if until is past.
func (w *World) Advance(until time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.timeline.next() <= until {
		w.advance(w.timeline.next())
	}
	w.advance(until)
}

// Ready reports whether some driver may have an event to collect now. If it is
// false, Wait(0) of every driver returns none.
func (w *World) Ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.drivers {
		if len(d.ready) > 0 {
			return true
		}
	}
	return w.timeline.next() <= w.now
}

// Faults returns what goes wrong at present.
func (w *World) Faults() Faults {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

// SetFaults changes what goes wrong from now on; SetFaults(Faults{}) heals the
// network. What is on the way already keeps its time.
func (w *World) SetFaults(f Faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = f
}

// Stats returns what has happened so far.
func (w *World) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// advance moves the clock forward to at, which is not later than the next thing
// due or exactly there, and runs what is due.
func (w *World) advance(at time.Duration) {
	w.now = max(w.now, at)
	w.runDue()
}

// runDue lets everything happen whose time has come.
func (w *World) runDue() {
	for w.timeline.next() <= w.now {
		d := w.timeline.pop()
		if d.kind == dueAbort {
			w.drivers[d.driver-1].abortDue(d)
			continue
		}
		e := w.ends.at(d.index)
		if e.gen != d.gen {
			continue // the end is gone
		}
		switch d.kind {
		case dueSyn:
			w.synArrives(d.index, e)
		case dueConnected:
			e.flags &^= endConnecting
			w.poke(e)
		case dueRefused:
			e.flags = e.flags&^endConnecting | endRefused
			w.poke(e)
		case dueArrival:
			w.arrive(d.index, e)
		case dueSpace:
			w.spaceDue(e)
		}
	}
}

// schedule puts d on the timeline.
func (w *World) schedule(d due) {
	w.timeline.push(d)
	w.signal()
}

// signal lets Waits that block poll again.
func (w *World) signal() {
	if w.waiting > 0 {
		w.changed.Broadcast()
	}
}

// poke lets the owner of e, if it has one, poll it.
func (w *World) poke(e *end) {
	if e.driver != 0 {
		w.drivers[e.driver-1].makeReady(e.slot)
	}
}

// spaceDue lets the owner of e send again.
func (w *World) spaceDue(e *end) {
	if e.driver != 0 {
		d := w.drivers[e.driver-1]
		d.slots.at(e.slot).flags |= slotSpace
		d.makeReady(e.slot)
	}
}

// chance decides for or against something of probability p.
func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// between draws a time from lo to hi, both included.
func (w *World) between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(w.rng.Int64N(int64(hi-lo)+1))
}

// delay draws how long something is on the way.
func (w *World) delay() time.Duration {
	if w.faults.DelayMax > w.faults.DelayMin {
		w.stats.DelaysDrawn++
	}
	return w.between(w.faults.DelayMin, w.faults.DelayMax)
}

// addressNumber returns the number that stands for a, so that an end need not
// hold an address of 24 bytes.
func (w *World) addressNumber(a netip.Addr) uint32 {
	n, ok := w.addressNumbers[a]
	if !ok {
		n = uint32(len(w.addresses))
		w.addresses = append(w.addresses, a)
		w.addressNumbers[a] = n
	}
	return n
}

// note writes a line of the transcript, if somebody reads it.
func (w *World) note(format string, args ...any) {
	w.config.Transcript(fmt.Sprintf("%v ", w.now) + fmt.Sprintf(format, args...))
}

// recorded reports whether there is a transcript; notes are made only then, for
// their cost.
func (w *World) recorded() bool { return w.config.Transcript != nil }

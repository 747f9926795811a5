package simulate

import (
	"math/rand/v2"
	"time"

	"sarang/aio/aiosim"
	"sarang/internal/store/storesim"
)

// nodesPlan is what a seed decides before anything runs.
type nodesPlan struct {
	nodes         int
	workers       []int // of each node
	people, rooms int
	devices       int // of each person, at most
	steps         int
	lowNonces     bool // nonces that are counted up; else they are random
	privateRooms  int  // of the rooms, the first ones

	// Limits, small so that they are met. Giving a role needs two authors in memory at once.
	batchEventsMax, batchTextBytesMax     int
	authorsMax, noncesMax                 int
	commitEventsMax, conflictEventsMax    int
	pageBytesMax, chunkBytes              int
	announceMembersMax, historyItems      int
	feedWindowBytesMax, feedBurstBytesMax int
	sendBytesMax, feedTurnMax             int
	socketBufferBytes                     int
	awayGrace, roomIdle                   time.Duration
	debug                                 bool

	trouble   float64 // 0: nothing goes wrong, 1: everything often
	hintsLost float64
	rates     nodesRates
}

// nodesRates are how often something is done, per step.
type nodesRates struct {
	act, operate, hint, pass, settle, crash, disk, weather float64
}

func drawNodes(rng *rand.Rand, size float64) nodesPlan {
	among := func(all ...int) int { return all[rng.IntN(len(all))] }
	milliseconds := func(lo, hi int) time.Duration { return time.Duration(lo+rng.IntN(hi-lo+1)) * time.Millisecond }
	p := nodesPlan{
		nodes: 2 + rng.IntN(2), people: 2 + rng.IntN(5), rooms: 1 + rng.IntN(3), devices: 1 + rng.IntN(3),
		lowNonces:      rng.IntN(2) == 0,
		batchEventsMax: among(1, 2, 3, 1024), batchTextBytesMax: among(1, 200, 256<<10),
		authorsMax: among(3, 4, 6, 4096), noncesMax: among(1, 2, 3, 5, 256),
		commitEventsMax: among(1, 4, 8192), conflictEventsMax: among(1, 2, 256),
		pageBytesMax: among(1, 300, 64<<10), chunkBytes: among(200, 1000, 16<<10),
		announceMembersMax: among(-1, 2, 100), historyItems: 1 + rng.IntN(20),
		feedWindowBytesMax: among(100, 600, 20000), feedTurnMax: among(1, 2, 1024),
		sendBytesMax: among(100, 2000, 16<<10), socketBufferBytes: among(300, 1500, 65536),
		awayGrace: milliseconds(1, 500), roomIdle: milliseconds(1, 500),
		debug: rng.IntN(16) == 0, trouble: rng.Float64(), hintsLost: rng.Float64() * rng.Float64(),
	}
	p.privateRooms = max(0, rng.IntN(2*p.rooms+1)-p.rooms)
	p.feedBurstBytesMax = p.feedWindowBytesMax * among(1, 10)
	for range p.nodes {
		p.workers = append(p.workers, 1+rng.IntN(3))
	}
	p.steps = int(size * float64(500+rng.IntN(2500)))
	rate := func(most float64) float64 {
		if rng.IntN(4) == 0 {
			return 0
		}
		return most * rng.Float64()
	}
	p.rates = nodesRates{
		act: 0.05 + 0.25*rng.Float64(), operate: rate(0.03), hint: rate(0.1), pass: 0.02 + 0.1*rng.Float64(),
		settle: rate(0.02), crash: rate(0.003), disk: rate(0.01), weather: rate(0.01),
	}
	return p
}

// nodesTrouble is the Trouble of a run.
type nodesTrouble struct{ run *nodesRun }

// Next draws a fault.
func (t nodesTrouble) Next(call string) storesim.Fault {
	fault := t.run.drawFault(call)
	if fault != storesim.FaultNone {
		t.run.counts.Faults++
		t.run.note("disk: %s: %v", call, fault)
	}
	return fault
}

func (r *nodesRun) drawFault(call string) storesim.Fault {
	if r.healed {
		return storesim.FaultNone
	}
	return r.faults.draw(r.rng, call)
}

// Kept decides for what is in doubt.
func (t nodesTrouble) Kept() bool {
	kept := t.run.rng.IntN(2) == 0
	t.run.note("disk: what was in doubt is kept: %t", kept)
	return kept
}

// changeDisk draws how well the disk works from now on.
func (r *nodesRun) changeDisk() {
	r.faults = diskRates{}
	if w := r.plan.trouble; r.chance(0.7) {
		r.faults.unavailable = 0.4 * w * r.rng.Float64()
		r.faults.uncertain = 0.4 * w * r.rng.Float64()
		if r.plan.rates.crash > 0 {
			r.faults.dies = 0.03 * w * r.rng.Float64()
		}
	}
}

// changeWeather draws how well the networks of the clients work from now on.
func (r *nodesRun) changeWeather() {
	sometimes := func(most float64) float64 {
		if r.chance(0.5) {
			return 0
		}
		return most * r.plan.trouble * r.rng.Float64()
	}
	f := aiosim.Faults{
		DelayMax:  time.Duration(r.rng.IntN(30)) * time.Millisecond,
		ShortSend: sometimes(0.9), ShortRecv: sometimes(0.9), SpuriousFull: sometimes(0.5), Reset: sometimes(0.01),
	}
	if r.chance(0.5) {
		f.SegmentBytesMin, f.SegmentBytesMax = 1, 1+r.rng.IntN(400)
	}
	r.world.SetFaults(f)
}

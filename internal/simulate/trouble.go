package simulate

import (
	"errors"
	"math/rand/v2"
	"time"

	"sarang/internal/store/storesim"

	"sarang/aio/aiosim"
)

// diskRates are how often the disk fails, per call.
type diskRates struct {
	unavailable, uncertain, dies float64
}

// trouble is the Trouble of a run.
type trouble struct{ run *run }

// Next draws a fault.
func (t trouble) Next(call string) storesim.Fault {
	r := t.run
	if r.refuseNext > 0 {
		r.refuseNext--
		r.countFault(storesim.FaultUnavailable)
		r.note("disk: %s: %v", call, storesim.FaultUnavailable)
		return storesim.FaultUnavailable
	}
	if r.healed || r.server == nil { // a server that can not start is another story
		return storesim.FaultNone
	}
	if fault, full := r.full(call); full {
		return fault
	}
	fault := r.drawFault(call)
	r.countFault(fault)
	if fault != storesim.FaultNone && r.recorded() {
		r.note("disk: %s: %v", call, fault)
	}
	return fault
}

// full refuses what writes while there is no space.
func (r *run) full(call string) (storesim.Fault, bool) {
	writes := call == "Commit" || call == "ClaimUser" || call == "CreateRoom"
	if !writes || r.world.Now() >= r.diskFullUntil {
		return storesim.FaultNone, false
	}
	r.counts.DiskFull++
	if r.recorded() {
		r.note("disk: %s: no space", call)
	}
	return storesim.FaultUnavailable, true
}

func (r *run) countFault(f storesim.Fault) {
	c := &r.counts
	switch f {
	case storesim.FaultUnavailable:
		c.DiskUnavailable++
	case storesim.FaultUncertain:
		c.DiskUncertain++
	case storesim.FaultDieBefore:
		c.DiedBefore++
	case storesim.FaultDieBetween:
		c.DiedBetween++
	case storesim.FaultDieAfter:
		c.DiedAfter++
	}
}

func (r *run) drawFault(call string) storesim.Fault {
	if s := r.options.Strike; s != nil {
		return s.fault(r)
	}
	return r.diskRates.draw(r.rng, call)
}

// draw decides what happens to a call.
func (q *diskRates) draw(rng *rand.Rand, call string) storesim.Fault {
	x := rng.Float64()
	if x -= q.dies; x < 0 {
		return storesim.FaultDieBefore + storesim.Fault(rng.IntN(3))
	}
	if x -= q.uncertain; x < 0 && call == "Commit" {
		return storesim.FaultUncertain
	}
	if x -= q.unavailable; x < 0 {
		return storesim.FaultUnavailable
	}
	return storesim.FaultNone
}

// Kept decides for what is in doubt.
func (t trouble) Kept() bool {
	kept := t.run.rng.IntN(2) == 0
	if kept {
		t.run.counts.Kept++
	} else {
		t.run.counts.Lost++
	}
	t.run.note("disk: what was in doubt is kept: %t", kept)
	return kept
}

// changeDisk draws how well the disk works from now on.
func (r *run) changeDisk() {
	r.diskRates = diskRates{}
	if w := r.plan.weather; r.rng.IntN(3) > 0 {
		r.diskRates.unavailable = 0.5 * w * r.rng.Float64()
		r.diskRates.uncertain = 0.3 * w * r.rng.Float64()
		if r.plan.rates.crash > 0 {
			r.diskRates.dies = 0.03 * w * r.rng.Float64()
		}
	}
	r.note("disk: %+v", r.diskRates)
}

// stallDisk lets the disk be slow, or full, for a while.
func (r *run) stallDisk() {
	until := r.world.Now() + time.Duration(r.rng.IntN(1500))*time.Millisecond
	if r.rng.IntN(2) == 0 {
		r.note("disk: is full until %v", until)
		r.diskFullUntil = until
		return
	}
	r.counts.DiskSlow++
	r.note("disk: commits wait until %v", until)
	r.diskStalledUntil = until
}

func (r *run) changeWeather() {
	f := r.plan.drawFaults(r.rng)
	if r.options.Strike != nil {
		f = goodWeather()
	}
	r.note("weather: %+v", f)
	r.world.SetFaults(f)
}

// harm does something to one connection.
func (r *run) harm() {
	all := r.clientTaps.connections()
	if r.server != nil && r.rng.IntN(4) == 0 {
		all = r.server.taps.connections()
	}
	if len(all) == 0 {
		return
	}
	c := all[r.rng.IntN(len(all))]
	var err error
	switch n := r.rng.IntN(12); {
	case n < 4:
		err = c.driver.Stall(c.name, time.Duration(r.rng.IntN(3000))*time.Millisecond)
	case n < 6:
		err = c.driver.Reset(c.name)
	case n < 8:
		err = c.driver.ResetAfter(c.name, r.rng.IntN(r.rng.IntN(2000)+1))
	case n < 10:
		err = c.driver.Sip(c.name, 1+r.rng.IntN(r.rng.IntN(40)+1))
	default:
		err = c.driver.Vanish(c.name)
	}
	if err != nil {
		r.fail("a connection can not be harmed: %v", err)
	}
}

// moveOn has a client lose its network and come back by another one at once. The
// server learns nothing of the end of the old connection.
func (r *run) moveOn() {
	a := r.actors[r.rng.IntN(len(r.actors))]
	if a.link == nil || a.link.session.Engine() == nil {
		return
	}
	c, ok := r.clientTaps.connectionOf(a.link.session.Engine())
	if !ok {
		return
	}
	r.moveAway(a, c)
}

// moveAway takes an actor from one network to another.
func (r *run) moveAway(a *actor, c connection) {
	a.note("moves to another network")
	r.counts.Moves++
	if err := c.driver.Vanish(c.name); err != nil {
		r.fail("a connection can not be harmed: %v", err)
	}
	a.hurry = true
	a.link.session.Abort()
}

// storm disconnects everybody, to come back at once.
func (r *run) storm() {
	r.note("storm: all clients lose their connections")
	r.counts.Storms++
	at := r.world.Now() + time.Duration(r.rng.IntN(300))*time.Millisecond
	for _, a := range r.actors {
		if a.link != nil && r.rng.IntN(8) > 0 {
			a.link.session.Abort()
		}
		a.retryAt = at
	}
}

// jump moves the clock: the wall clock anywhere, or all time ahead by a few seconds.
func (r *run) jump() {
	kind := r.rng.IntN(4)
	if r.plan.limits.any {
		kind = 3 // see the caveats of the package
	}
	if kind < 3 {
		r.counts.WallJumps++
	} else {
		r.counts.Leaps++
	}
	switch kind {
	case 0:
		// By less than what a name is reserved for: beyond that it is free by right.
		r.wallOffset = time.Duration(r.rng.Int64N(int64(28*24*time.Hour))) - 14*24*time.Hour
	case 1, 2:
		r.wallOffset += time.Duration(r.rng.IntN(20000)-10000) * time.Millisecond
	default:
		r.world.Advance(r.world.Now() + time.Duration(r.rng.IntN(8000))*time.Millisecond)
	}
	r.note("clock: it is %v", r.wallClock().UTC())
}

// heal ends all trouble.
func (r *run) heal() {
	r.note("all is healed")
	r.healed = true
	r.diskFullUntil, r.diskStalledUntil = 0, 0
	r.world.SetFaults(aiosim.Faults{DelayMin: time.Millisecond, DelayMax: 5 * time.Millisecond})
	all := r.clientTaps.connections()
	if r.server != nil {
		all = append(all, r.server.taps.connections()...)
	}
	for _, c := range all {
		if err := errors.Join(c.driver.Sip(c.name, 0), c.driver.ResetAfter(c.name, -1)); err != nil {
			r.fail("a connection can not be healed: %v", err)
		}
	}
}

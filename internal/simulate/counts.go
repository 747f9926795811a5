package simulate

import "sarang/aio/aiosim"

// Counts are what has happened in a run, or in several.
type Counts struct {
	Steps, Published, Acked, Shown, Stored int
	Gaps                                   int // told of, in ephemeral rooms
	Crashes, Drains, Storms                int
	DiskFaults, ClockJumps, Harms          int
	Network                                aiosim.Stats
}

// Add adds another run's.
func (c *Counts) Add(o Counts) {
	for _, p := range [][2]*int{
		{&c.Steps, &o.Steps},
		{&c.Published, &o.Published},
		{&c.Acked, &o.Acked},
		{&c.Shown, &o.Shown},
		{&c.Stored, &o.Stored},
		{&c.Gaps, &o.Gaps},
		{&c.Crashes, &o.Crashes},
		{&c.Drains, &o.Drains},
		{&c.Storms, &o.Storms},
		{&c.DiskFaults, &o.DiskFaults},
		{&c.ClockJumps, &o.ClockJumps},
		{&c.Harms, &o.Harms},
	} {
		*p[0] += *p[1]
	}
	a, b := &c.Network, &o.Network
	for _, p := range [][2]*uint64{
		{&a.Connected, &b.Connected},
		{&a.Stalls, &b.Stalls},
		{&a.NetworkResets, &b.NetworkResets},
		{&a.Resets, &b.Resets},
		{&a.Vanished, &b.Vanished},
		{&a.Refusals, &b.Refusals},
		{&a.ShortSends, &b.ShortSends},
		{&a.ShortRecvs, &b.ShortRecvs},
		{&a.WouldBlocks, &b.WouldBlocks},
		{&a.HeldAborts, &b.HeldAborts},
		{&a.AcceptErrors, &b.AcceptErrors},
	} {
		*p[0] += *p[1]
	}
}

// total is what this run amounts to so far.
func (r *run) total() Counts {
	c := r.counts
	c.Steps, c.Published, c.Network = r.steps, len(r.model.wanted), r.world.Stats()
	return c
}

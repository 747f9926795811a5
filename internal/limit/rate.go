package limit

import (
	"math"
	"time"
)

// Rate is so many units in a time, and so many more at once for somebody who was quiet
// for long enough (the burst). The zero Rate is no limit.
type Rate struct {
	every float64       // nanoseconds per unit
	slack time.Duration // what the burst is worth
}

// NewRate returns the rate of units in per with a burst. units below 1 are no limit; a
// burst below 1 is 1.
func NewRate(units int, per time.Duration, burst int) Rate {
	if units < 1 {
		return Rate{}
	}
	r := Rate{every: float64(per) / float64(units)}
	r.slack = r.worth(max(burst, 1))
	return r
}

// Times returns the rate of so many who each have r: n times the units, and n times the
// burst. n is at least 1.
func (r Rate) Times(n int) Rate { return Rate{every: r.every / float64(n), slack: r.slack} }

// None reports whether the rate is no limit.
func (r Rate) None() bool { return r.every == 0 }

// worthMost keeps sums of times far from where they overflow: 30 years.
const worthMost = 30 * 365 * 24 * time.Hour

// worth is the time in which n units come back.
func (r Rate) worth(n int) time.Duration {
	return time.Duration(math.Ceil(min(float64(n)*r.every, float64(worthMost))))
}

// Meter is what somebody has used of a Rate: the time at which all of it will have come
// back (the generic cell rate algorithm, ITU-T I.371, Annex A). The zero Meter has used
// nothing.
type Meter struct{ full time.Duration }

// Take uses one unit and returns 0, or uses nothing and returns how long it is until
// there is one.
func (m *Meter) Take(r Rate, now time.Duration) (wait time.Duration) {
	if wait = m.Wait(r, now); wait == 0 && !r.None() {
		m.full = m.with(r, now)
	}
	return wait
}

// Wait is how long it is until there is a unit; 0 if there is one.
func (m *Meter) Wait(r Rate, now time.Duration) time.Duration {
	if r.None() {
		return 0
	}
	return max(m.with(r, now)-now-r.slack, 0)
}

// with is what full is with one unit more. Take never leaves more than the slack in use: if
// there is more, the clock was set back.
func (m *Meter) with(r Rate, now time.Duration) time.Duration {
	return min(max(m.full, now), now+r.slack) + r.worth(1)
}

// TakeN is Take for n units. More than the burst are allowed when all has come back.
func (m *Meter) TakeN(r Rate, now time.Duration, n int) (wait time.Duration) {
	if r.None() {
		return 0
	}
	full := max(m.full, now) + r.worth(n)
	if wait = full - now - max(r.slack, r.worth(n)); wait > 0 {
		return wait
	}
	m.full = full
	return 0
}

// Give gives back n units that were taken and not needed.
func (m *Meter) Give(r Rate, n int) {
	if !r.None() {
		m.full -= r.worth(n)
	}
}

// Spend uses n units, whether or not they are there, and returns how long it is until
// the debt is paid: 0 if there is none.
func (m *Meter) Spend(r Rate, now time.Duration, n int) (wait time.Duration) {
	if r.None() {
		return 0
	}
	m.full = max(m.full, now) + r.worth(n)
	return m.Debt(r, now)
}

// Debt is how long it is until the debt of Spend is paid.
func (m *Meter) Debt(r Rate, now time.Duration) time.Duration {
	if r.None() {
		return 0
	}
	return max(m.full-now-r.slack, 0)
}

// Rested reports whether everything has come back.
func (m *Meter) Rested(now time.Duration) bool { return m.full <= now }

package swarm

import (
	"math"
	"time"
)

// timetable says when each message of an open loop is due: evenly, on a grid that a
// pacer can keep. Latency is measured from these times, so that a server (or a swarm)
// that falls behind is not flattered: what waits counts from when it was due.
type timetable struct {
	rate float64 // messages per second
}

// paceGrid is how finely messages are timed. At more than one message per step they
// are due in small groups.
const paceGrid = 500 * time.Microsecond

// at is when message k is due, in nanoseconds since the start.
func (t timetable) at(k uint64) int64 {
	nanos := int64(float64(k) / t.rate * 1e9)
	return (nanos + int64(paceGrid) - 1) / int64(paceGrid) * int64(paceGrid)
}

// within is how many messages a run of length d has.
func (t timetable) within(d time.Duration) uint64 {
	return uint64(math.Ceil(d.Seconds() * t.rate))
}

// due is how many messages are due at the given time.
func (t timetable) due(nanos int64) uint64 {
	if nanos < 0 {
		return 0
	}
	n := uint64(float64(nanos) / 1e9 * t.rate)
	for t.at(n) <= nanos { // the grid and the rounding decide about the last ones
		n++
	}
	for n > 0 && t.at(n-1) > nanos {
		n--
	}
	return n
}

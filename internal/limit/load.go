package limit

import "time"

// Level is what a server does without because it has too much to do. Each level has
// what the ones before it have.
type Level int32

// The levels.
const (
	LevelNone      Level = iota
	LevelEphemeral       // without publishes to ephemeral rooms
	LevelReads           // and without reads that the store or a worker pays for
	LevelEntries         // and without new logins, joins, rooms and connections
	LevelPublishes       // and without durable publishes
)

// String returns the level's name.
func (l Level) String() string {
	switch l {
	case LevelEphemeral:
		return "ephemeral"
	case LevelReads:
		return "reads"
	case LevelEntries:
		return "entries"
	case LevelPublishes:
		return "publishes"
	}
	return "none"
}

// enterAt are the loads, as fractions of what the server takes, at which the levels
// begin. A level ends when the load is leaveBelow less than that: a load that stays
// about the same does not switch to and fro.
var enterAt = [...]float64{LevelEphemeral: 0.5, LevelReads: 0.7, LevelEntries: 0.85, LevelPublishes: 1}

const leaveBelow = 0.1

// Next returns the level that follows l at a load.
func (l Level) Next(load float64) Level {
	for l < LevelPublishes && load >= enterAt[l+1] {
		l++
	}
	for l > LevelNone && load < enterAt[l]-leaveBelow {
		l--
	}
	return l
}

// Lag is how late something is that goes round and round, smoothed over lagSmooth: how late
// it was in each round, weighted by the time that the round took. Time between rounds counts
// as no lateness.
type Lag struct {
	value, at time.Duration
}

// lagSmooth is long enough that one stall does not count as load, and short enough that
// a load which has gone is forgotten soon.
const lagSmooth = 2 * time.Second

// Add notes how late it was in the round that began at the time of the last Add, how long
// that round took, and that another begins now. It returns the smoothed lateness.
func (l *Lag) Add(late, took, now time.Duration) time.Duration {
	l.blend(late, took)
	l.blend(0, now-l.at-took)
	l.at = now
	return l.value
}

func (l *Lag) blend(value, span time.Duration) {
	weight := min(float64(max(span, 0))/float64(lagSmooth), 1)
	l.value += time.Duration(float64(value-l.value) * weight)
}

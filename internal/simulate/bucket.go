package simulate

import "time"

// rate is so many units per second, and a burst for who was quiet. No units are no
// limit. It is what docs/limits.md says, in numbers that are easy to read and not those
// of the server.
type rate struct{ perSecond, burst float64 }

func rateOf(units int, per time.Duration, burst int) rate {
	if units < 1 {
		return rate{}
	}
	return rate{float64(units) / per.Seconds(), float64(max(burst, 1))}
}

// bucket is what somebody has used of a rate and has not got back.
type bucket struct {
	used float64
	at   time.Duration
}

// left is how many units there are at a time; below 0 it is a debt.
func (b *bucket) left(r rate, now time.Duration) float64 {
	return r.burst - b.owed(r, now)
}

func (b *bucket) owed(r rate, now time.Duration) float64 {
	return max(b.used-r.perSecond*max(now-b.at, 0).Seconds(), 0)
}

// take uses n units. Times do not go back.
func (b *bucket) take(r rate, now time.Duration, n float64) {
	b.used = b.owed(r, now) + n
	b.at = max(b.at, now)
}

// rested reports whether all has come back, or is too close to say.
func (b *bucket) rested(r rate, now time.Duration) bool {
	return r.perSecond == 0 || b.left(r, now) >= r.burst-grain
}

// grain is what rounding may make of a unit: the server counts in nanoseconds.
const grain = 1e-4

// wait is how long it takes until there are so many units where there are left.
func (r rate) wait(left, want float64) time.Duration {
	return seconds(max(want-left, 0) / r.perSecond)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// answer is yes, no, or too close to say.
type answer uint8

const (
	unsure answer = iota
	yes
	no
)

// has reports whether there is a unit.
func (b *bucket) has(r rate, now time.Duration) answer {
	left := b.left(r, now)
	switch {
	case r.perSecond == 0 || left >= 1+grain:
		return yes
	case left < 1-grain:
		return no
	}
	return unsure
}

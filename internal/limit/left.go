package limit

import (
	"net/netip"
	"time"
)

// LeftConfig bounds what an address may leave behind: what it had stored stays when it has
// gone, so these rates are slow.
type LeftConfig struct {
	RoomsPerHour, RoomsPerDay Rate // new rooms; both hold
	Bytes                     Rate // of messages and other events
}

// left is what an address has used of them.
type left struct{ roomsHour, roomsDay, bytes Meter }

func (l *left) rested(now time.Duration) bool {
	return l.roomsHour.Rested(now) && l.roomsDay.Rested(now) && l.bytes.Rested(now)
}

// Room counts a new room of an address and returns 0, or how long it is until one is
// allowed.
func (a *Addresses) Room(ip netip.Addr, now time.Duration) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.place(keyOf(ip), now)
	if p == nil {
		return time.Second // as for Login
	}
	c, hour, day := &a.config.Left, p.left.roomsHour, p.left.roomsDay
	wait = max(hour.Take(c.RoomsPerHour, now), day.Take(c.RoomsPerDay, now))
	if wait == 0 {
		p.left.roomsHour, p.left.roomsDay = hour, day
	}
	return wait
}

// Store counts n bytes that an address wants stored and returns 0, or counts none and
// returns how long it is until they are allowed.
func (a *Addresses) Store(ip netip.Addr, now time.Duration, n int) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.place(keyOf(ip), now)
	if p == nil {
		return time.Second
	}
	return p.left.bytes.TakeN(a.config.Left.Bytes, now, n)
}

// Unstore takes n bytes back that Store has counted and nobody has used.
func (a *Addresses) Unstore(ip netip.Addr, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i, known := a.index[keyOf(ip)]; known {
		a.places[i].left.bytes.Give(a.config.Left.Bytes, n)
	}
}

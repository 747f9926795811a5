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

// times are the bounds of a network that may leave as much as n addresses.
func (c LeftConfig) times(n int) LeftConfig {
	return LeftConfig{c.RoomsPerHour.Times(n), c.RoomsPerDay.Times(n), c.Bytes.Times(n)}
}

// left is what an address has used of them.
type left struct{ roomsHour, roomsDay, bytes Meter }

func (l *left) rested(now time.Duration) bool {
	return l.roomsHour.Rested(now) && l.roomsDay.Rested(now) && l.bytes.Rested(now)
}

// Room counts a new room of an address and returns 0, or how long it is until one is
// allowed.
func (a *Addresses) Room(ip netip.Addr, now time.Duration) (wait time.Duration) {
	return a.leave(ip, now, func(l *left, c *LeftConfig) time.Duration {
		return max(l.roomsHour.Take(c.RoomsPerHour, now), l.roomsDay.Take(c.RoomsPerDay, now))
	})
}

// leave has an address and the networks that it is in leave something behind: all of them,
// or none if one of them has to wait.
func (a *Addresses) leave(ip netip.Addr, now time.Duration, take func(*left, *LeftConfig) time.Duration) (wait time.Duration) {
	all, ip := a.boundsOf(ip)
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.look(ip, all, now)
	if !ok {
		return time.Second // as for Login
	}
	var used [3]left
	for i := range all {
		used[i] = a.places[at[i]].left
		wait = max(wait, take(&used[i], &all[i].left))
	}
	for i := range all {
		if wait == 0 {
			a.places[at[i]].left = used[i]
		}
	}
	return wait
}

// Store counts n bytes that an address wants stored and returns 0, or counts none and
// returns how long it is until they are allowed.
func (a *Addresses) Store(ip netip.Addr, now time.Duration, n int) (wait time.Duration) {
	return a.leave(ip, now, func(l *left, c *LeftConfig) time.Duration { return l.bytes.TakeN(c.Bytes, now, n) })
}

// Unstore takes n bytes back that Store has counted and nobody has used.
func (a *Addresses) Unstore(ip netip.Addr, n int) {
	all, ip := a.boundsOf(ip)
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range all {
		if at, known := a.index[keyOf(ip, all[i].bits)]; known {
			a.places[at].left.bytes.Give(all[i].left.Bytes, n)
		}
	}
}

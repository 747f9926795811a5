package limit

import (
	"encoding/binary"
	"net/netip"
	"time"

	"sarang/lock"
)

// AddressConfig bounds what an address may do. An address is one of IPv4, or a /64 of
// IPv6: so much is given to one customer.
type AddressConfig struct {
	AddressesMax   int  // remembered at once; at least 1
	ConnectionsMax int  // at once; 0: no limit
	Connects       Rate // new connections
	Logins         Rate // logins, successful or not
	Left           LeftConfig
}

// Verdict is the answer to a new connection.
type Verdict uint8

// The verdicts.
const (
	Welcome Verdict = iota
	TooMany         // the address has as many connections as it may have
	TooFast         // the address connects too fast
	Full            // as many addresses as can be remembered are busy
)

// Addresses remembers how busy addresses are, up to a number of addresses. One that has
// no connections and has used nothing, or whose rates have recovered, is forgotten when
// its place is wanted; of what it has left behind, that is slow, and is forgotten sooner
// when all places are taken. If all places are of busy addresses, unknown ones are refused and
// known ones do not notice. Any goroutine may call its methods.
type Addresses struct {
	config AddressConfig
	mu     lock.Mutex
	index  map[addressKey]int32
	places []address // never moved to the front; free ones are in free
	free   []int32
	hand   int // the next place to be looked at for being forgotten
}

type address struct {
	key      addressKey
	used     bool
	sessions int32
	connects Meter
	logins   Meter
	left     left
}

// addressKey is an address of IPv4, or the first half of one of IPv6.
type addressKey struct {
	prefix uint64
	four   bool
}

func keyOf(a netip.Addr) addressKey {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return addressKey{uint64(binary.BigEndian.Uint32(b[:])), true}
	}
	b := a.As16()
	return addressKey{binary.BigEndian.Uint64(b[:8]), false}
}

// NewAddresses makes an empty table.
func NewAddresses(c AddressConfig) *Addresses {
	a := &Addresses{config: c, index: map[addressKey]int32{}}
	a.mu.Init(lock.NewClass("limit.addresses"))
	return a
}

// Enter counts a new connection of an address, if it is Welcome. If it is TooFast, wait
// is how long it is until one would be.
func (a *Addresses) Enter(ip netip.Addr, now time.Duration) (v Verdict, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.place(keyOf(ip), now)
	if p == nil {
		return Full, 0
	}
	if most := a.config.ConnectionsMax; most > 0 && int(p.sessions) >= most {
		return TooMany, 0
	}
	if wait = p.connects.Take(a.config.Connects, now); wait > 0 {
		return TooFast, wait
	}
	p.sessions++
	return Welcome, 0
}

// Leave takes a connection away that was Welcome.
func (a *Addresses) Leave(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i, known := a.index[keyOf(ip)]; known && a.places[i].sessions > 0 {
		a.places[i].sessions--
	}
}

// Login counts a login of an address and returns 0, or how long it is until one is
// allowed.
func (a *Addresses) Login(ip netip.Addr, now time.Duration) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.place(keyOf(ip), now)
	if p == nil {
		return time.Second // nothing is known of it, and there is no place to note it
	}
	return p.logins.Take(a.config.Logins, now)
}

// Len is the number of addresses that are remembered.
func (a *Addresses) Len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.index)
}

// place returns what is known of an address, made if need be; nil if there is no place
// for it.
func (a *Addresses) place(k addressKey, now time.Duration) *address {
	if i, known := a.index[k]; known {
		return &a.places[i]
	}
	// Two looked at for each that comes: the table does not grow beyond what is in use.
	a.forget(2, now, false)
	if len(a.free) == 0 && len(a.places) == a.config.AddressesMax {
		a.forget(fullLooks, now, true)
	}
	var i int32
	switch n := len(a.free); {
	case n > 0:
		i = a.free[n-1]
		a.free = a.free[:n-1]
	case len(a.places) < a.config.AddressesMax:
		i = int32(len(a.places))
		a.places = append(a.places, address{})
	default:
		return nil
	}
	a.places[i] = address{key: k, used: true}
	a.index[k] = i
	return &a.places[i]
}

// fullLooks is how many places are looked at when all are taken: the work for one
// connection is bounded, and the next one goes on from there.
const fullLooks = 64

// forget looks at n places and frees those of which nothing needs to be known; if need be,
// also those of which it is only known what they have left behind.
func (a *Addresses) forget(n int, now time.Duration, needed bool) {
	for range min(n, len(a.places)) {
		a.hand = (a.hand + 1) % len(a.places)
		p := &a.places[a.hand]
		if p.used && p.sessions == 0 && p.connects.Rested(now) && p.logins.Rested(now) && (needed || p.left.rested(now)) {
			delete(a.index, p.key)
			*p = address{}
			a.free = append(a.free, int32(a.hand))
		}
	}
}

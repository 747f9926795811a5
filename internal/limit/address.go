package limit

import (
	"encoding/binary"
	"net/netip"
	"time"

	"sarang/lock"
)

// AddressConfig bounds what an address may do. An address is one of IPv4, or a /64 of
// IPv6: so much is given to one customer, at least. Others are given a /56 or a /48, and
// can be as many addresses as they like: these networks are counted, too.
type AddressConfig struct {
	AddressesMax   int  // addresses and networks remembered at once; at least 1, for IPv6 at least 3
	ConnectionsMax int  // at once; 0: no limit
	Connects       Rate // new connections
	Logins         Rate // logins, successful or not
	Left           LeftConfig

	// A network of IPv6 may do as much as so many addresses; 0: it is not counted.
	Network56Addresses int
	Network48Addresses int
}

// bounds are what an address or network of one size may do.
type bounds struct {
	bits     int
	most     int // connections at once; 0: no limit
	connects Rate
	logins   Rate
	left     LeftConfig
}

// times are the bounds of a network that may do as much as n addresses.
func (c *AddressConfig) times(bits, n int) bounds {
	return bounds{bits, c.ConnectionsMax * n, c.Connects.Times(n), c.Logins.Times(n), c.Left.times(n)}
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

// Addresses remembers how busy addresses and networks are, up to a number of them. One that
// has no connections and has used nothing, or whose rates have recovered, is forgotten when
// its place is wanted; of what it has left behind, that is slow, and is forgotten sooner
// when all places are taken. If all places are of busy ones, unknown ones are refused and
// known ones do not notice. Any goroutine may call its methods.
type Addresses struct {
	config AddressConfig
	four   []bounds // of IPv4
	six    []bounds // of IPv6, the widest network first
	mu     lock.Mutex
	index  map[addressKey]int32
	places []address // never moved to the front; free ones are in free
	free   []int32
	hand   int // the next place to be looked at for being forgotten
}

type address struct {
	key      addressKey
	used     bool
	held     bool // somebody is being looked up: it is not forgotten
	sessions int32
	connects Meter
	logins   Meter
	left     left
}

// addressKey is an address of IPv4, or the first bits of one of IPv6.
type addressKey struct {
	prefix uint64
	bits   uint8
	four   bool
}

func keyOf(a netip.Addr, bits int) addressKey {
	if a.Is4() {
		b := a.As4()
		return addressKey{uint64(binary.BigEndian.Uint32(b[:])), 32, true}
	}
	b := a.As16()
	return addressKey{binary.BigEndian.Uint64(b[:8]) >> (64 - bits), uint8(bits), false}
}

// NewAddresses makes an empty table.
func NewAddresses(c AddressConfig) *Addresses {
	a := &Addresses{config: c, index: map[addressKey]int32{}}
	if c.Network48Addresses > 0 {
		a.six = append(a.six, c.times(48, c.Network48Addresses))
	}
	if c.Network56Addresses > 0 {
		a.six = append(a.six, c.times(56, c.Network56Addresses))
	}
	a.six, a.four = append(a.six, c.times(64, 1)), []bounds{c.times(32, 1)}
	a.mu.Init(lock.NewClass("limit.addresses"))
	return a
}

// boundsOf are the bounds of an address and of the networks that it is in, and how the
// address is counted.
func (a *Addresses) boundsOf(ip netip.Addr) ([]bounds, netip.Addr) {
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return a.four, ip
	}
	return a.six, ip
}

// Enter counts a new connection of an address, if it is Welcome. If it is TooFast, wait
// is how long it is until one would be. of is the address, or the network that it is in,
// which is at its bound.
func (a *Addresses) Enter(ip netip.Addr, now time.Duration) (v Verdict, wait time.Duration, of netip.Prefix) {
	all, ip := a.boundsOf(ip)
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.look(ip, all, now)
	if !ok {
		return Full, 0, of
	}
	for i := range all {
		p, most := &a.places[at[i]], all[i].most
		if most > 0 && int(p.sessions) >= most {
			of, _ = ip.Prefix(all[i].bits)
			return TooMany, 0, of
		}
		if w := p.connects.Wait(all[i].connects, now); w > wait {
			wait = w
			of, _ = ip.Prefix(all[i].bits)
		}
	}
	if wait > 0 {
		return TooFast, wait, of
	}
	for i := range all {
		p := &a.places[at[i]]
		p.connects.Take(all[i].connects, now)
		p.sessions++
	}
	return Welcome, 0, of
}

// Leave takes a connection away that was Welcome.
func (a *Addresses) Leave(ip netip.Addr) {
	all, ip := a.boundsOf(ip)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range all {
		if i, known := a.index[keyOf(ip, b.bits)]; known && a.places[i].sessions > 0 {
			a.places[i].sessions--
		}
	}
}

// Login counts a login of an address and returns 0, or how long it is until one is
// allowed, and which address or network has had too many.
func (a *Addresses) Login(ip netip.Addr, now time.Duration) (wait time.Duration, of netip.Prefix) {
	all, ip := a.boundsOf(ip)
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.look(ip, all, now)
	if !ok {
		return time.Second, of // nothing is known of it, and there is no place to note it
	}
	for i := range all {
		if w := a.places[at[i]].logins.Wait(all[i].logins, now); w > wait {
			wait = w
			of, _ = ip.Prefix(all[i].bits)
		}
	}
	for i := range all {
		if wait == 0 {
			a.places[at[i]].logins.Take(all[i].logins, now)
		}
	}
	return wait, of
}

// Len is the number of addresses and networks that are remembered.
func (a *Addresses) Len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.index)
}

// look returns the places of an address and of the networks that it is in, by bounds, made
// if need be; false if there is no place for one of them.
func (a *Addresses) look(ip netip.Addr, all []bounds, now time.Duration) (at [3]int32, ok bool) {
	n := 0
	for ; n < len(all); n++ {
		if at[n] = a.place(keyOf(ip, all[n].bits), now); at[n] < 0 {
			break
		}
		a.places[at[n]].held = true
	}
	for i := range n {
		a.places[at[i]].held = false
	}
	return at, n == len(all)
}

// place returns the place of an address or network, made if need be; -1 if there is none.
func (a *Addresses) place(k addressKey, now time.Duration) int32 {
	if i, known := a.index[k]; known {
		return i
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
		return -1
	}
	a.places[i] = address{key: k, used: true}
	a.index[k] = i
	return i
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
		if p.used && p.sessions == 0 && !p.held && p.connects.Rested(now) && p.logins.Rested(now) && (needed || p.left.rested(now)) {
			delete(a.index, p.key)
			*p = address{}
			a.free = append(a.free, int32(a.hand))
		}
	}
}

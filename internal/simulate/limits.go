package simulate

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"sarang/internal/hub"
	"sarang/internal/limit"
)

// limitPlan is what a seed decides about the limits of docs/limits.md, and where
// clients come from. Some seeds have none of them.
type limitPlan struct {
	any   bool // there are limits, or a load that can be reached
	rates hub.Limits

	roomsJoinedMax         int // 0: far away
	publishBytesPendingMax int // 0: far away
	storeQueueMax          int // 0: far away
	farewellsMax           int // 0: the default

	// Where clients connect to and, in this network, from: the near end of a
	// connection has the address of the far one. By client.
	homes []netip.AddrPort
	// Where strangers come from.
	foreign []netip.AddrPort
}

// Networks. Clients of one number share an address, or a /64.
func homeV4(number int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 1, byte(number)}) }

func homeV6(number, host int) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfd, 7: byte(number), 15: byte(host)})
}

// draw decides. It has a generator of its own, so that all else is as without limits.
func (l *limitPlan) draw(rng *rand.Rand, p *plan) {
	homes := 1 + rng.IntN([]int{1, 3, p.clients}[rng.IntN(3)])
	six := rng.IntN(3) == 0
	sharers := make([]int, homes)
	for i := range p.clients {
		n := rng.IntN(homes)
		sharers[n]++
		at := homeV4(n)
		if six {
			at = homeV6(n, 1+i)
		}
		l.homes = append(l.homes, netip.AddrPortFrom(at, serverPort))
	}
	for n := range 3 {
		l.foreign = append(l.foreign, netip.AddrPortFrom(homeV4(200+n), serverPort))
	}
	if rng.IntN(5) < 2 {
		return
	}
	l.any = true
	// What changes the order in which sessions are served that come together, or when, is
	// nothing for who counts what each may.
	p.doorwayBytes, p.sliceFramesMax, p.turnFramesMax = 0, 1<<20, 1<<20
	l.drawRates(rng, homes, slices.Max(sharers))
	l.drawBounds(rng)
	p.sessionsMax = 60000 // so that a refusal says which limit it was
}

// drawRates decides about rates. At one of the homes there are so many clients: they must
// all get in.
func (l *limitPlan) drawRates(rng *rand.Rand, homes, sharers int) {
	among := func(all ...int) int { return all[rng.IntN(len(all))] }
	maybe := func(all ...int) int { return among(0, 1) * among(all...) }
	l.rates = hub.Limits{
		AddressesMax:             among(homes+1, homes+3, 1000),
		AddressConnectionsMax:    among(0, 1) * max(among(0, 0, 1, 5), sharers),
		AddressConnectsPerSecond: maybe(2, 5, 20), AddressConnectsBurst: among(1, 4, 20),
		AddressLoginsPerMinute: maybe(60, 200, 1000), AddressLoginsBurst: among(1, 5, 30),
		FarewellsPerSecond: among(0, 1, 3, 50),
		LoginsFailedMax:    maybe(1, 2, 5),
		MessagesPerSecond:  maybe(5, 15, 60), MessagesBurst: among(1, 3, 10),
		RequestsPerSecond: maybe(5, 15, 60), RequestsBurst: among(1, 3, 10),
		ReceiveBytesPerSecond: maybe(8<<10, 20000, 64<<10), ReceiveBytesBurst: among(2000, 8000, 50000),
	}
	if rng.IntN(3) == 0 { // the first address is trusted
		l.rates.Trusted = limit.Trust{placeOf(l.homes[0].Addr())}
	}
}

// drawBounds decides about what bounds memory and work.
func (l *limitPlan) drawBounds(rng *rand.Rand) {
	among := func(all ...int) int { return all[rng.IntN(len(all))] }
	maybe := func(all ...int) int { return among(0, 1) * among(all...) }
	l.roomsJoinedMax = maybe(1, 2, 3)
	l.farewellsMax = maybe(1, 3)
	if rng.IntN(3) == 0 {
		l.publishBytesPendingMax = among(700, 4000, 20000)
	}
	if rng.IntN(4) == 0 {
		l.storeQueueMax = among(2, 5, 20)
	}
	if l.loaded() && rng.IntN(4) > 0 { // so that it is the load that is met
		l.rates.MessagesPerSecond, l.rates.RequestsPerSecond, l.rates.ReceiveBytesPerSecond = 0, 0, 0
	}
}

// loaded reports whether a load can be reached.
func (l *limitPlan) loaded() bool { return l.publishBytesPendingMax > 0 || l.storeQueueMax > 0 }

// rest is how long everything that a limit counts takes to come back to who has used
// all of it and is quiet.
func (l *limitPlan) rest() time.Duration {
	rest := time.Duration(0)
	for _, r := range []rate{l.connects(), l.logins(), l.messages(), l.requests(), l.bytes(), l.farewells()} {
		if r.perSecond > 0 {
			rest = max(rest, seconds(r.burst/r.perSecond))
		}
	}
	return rest
}

func (l *limitPlan) connects() rate {
	return rateOf(l.rates.AddressConnectsPerSecond, time.Second, l.rates.AddressConnectsBurst)
}

func (l *limitPlan) logins() rate {
	return rateOf(l.rates.AddressLoginsPerMinute, time.Minute, l.rates.AddressLoginsBurst)
}

func (l *limitPlan) messages() rate {
	return rateOf(l.rates.MessagesPerSecond, time.Second, l.rates.MessagesBurst)
}

func (l *limitPlan) requests() rate {
	return rateOf(l.rates.RequestsPerSecond, time.Second, l.rates.RequestsBurst)
}

func (l *limitPlan) bytes() rate {
	return rateOf(l.rates.ReceiveBytesPerSecond, time.Second, l.rates.ReceiveBytesBurst)
}

func (l *limitPlan) farewells() rate {
	return rateOf(l.rates.FarewellsPerSecond, time.Second, l.rates.FarewellsPerSecond)
}

// trusts reports whether an address is one of those that the rates do not hold for.
func (l *limitPlan) trusts(a netip.Addr) bool {
	for _, p := range l.rates.Trusted {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// addressesBound reports whether anything is counted by address.
func (l *limitPlan) addressesBound() bool {
	r := &l.rates
	return r.AddressConnectionsMax > 0 || r.AddressConnectsPerSecond > 0 || r.AddressLoginsPerMinute > 0
}

// stranger is where the next stranger comes from: an address of its own, or a client's.
func (r *run) stranger() netip.AddrPort {
	l := &r.plan.limits
	if l.any && !r.healed && r.rng.IntN(2) == 0 {
		return l.homes[r.rng.IntN(len(l.homes))]
	}
	return l.foreign[r.rng.IntN(len(l.foreign))]
}

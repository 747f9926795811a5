package limit_test

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sarang/internal/limit"
)

// networks is a table under test, with what its bounds say counted in the plainest way.
type networks struct {
	*rapid.T
	config limit.AddressConfig
	table  *limit.Addresses
	now    time.Duration
	open   map[netip.Prefix]int             // connections
	came   map[netip.Prefix][]time.Duration // Welcome
	inside []netip.Addr
	units  int // connects per second of an address, and their burst; 0: no limit
	burst  int
}

// worth is how many addresses' worth each network that an address is in may do.
func (n *networks) worth(a netip.Addr) map[netip.Prefix]int {
	bits := map[int]int{64: 1, 56: n.config.Network56Addresses, 48: n.config.Network48Addresses}
	if a = a.Unmap(); a.Is4() {
		bits = map[int]int{32: 1}
	}
	all := map[netip.Prefix]int{}
	for b, times := range bits {
		if times > 0 {
			p, _ := a.Prefix(b)
			all[p] = times
		}
	}
	return all
}

// enter has an address connect, and judges what it is told.
func (n *networks) enter(a netip.Addr) {
	known := n.open[one(a)] > 0
	v, wait, of := n.table.Enter(a, n.now)
	atBound := map[netip.Prefix]bool{}
	for p, times := range n.worth(a) {
		if most := n.config.ConnectionsMax * times; most > 0 && n.open[p] >= most {
			atBound[p] = true
		}
	}
	switch v {
	case limit.Welcome:
		if len(atBound) > 0 {
			n.Fatalf("%v is let in, and these are full: %v", a, atBound)
		}
		n.inside = append(n.inside, a)
		for p, times := range n.worth(a) {
			n.open[p]++
			n.came[p] = append(n.came[p], n.now)
			n.notTooFast(p, times)
		}
	case limit.TooMany:
		if !atBound[of] {
			n.Fatalf("%v is kept out for %v; full are %v", a, of, atBound)
		}
	case limit.TooFast:
		if n.units == 0 || wait <= 0 || n.worth(a)[of] == 0 {
			n.Fatalf("%v is to wait %v, for %v", a, wait, of)
		}
	case limit.Full:
		if n.table.Len() < n.config.AddressesMax || known {
			n.Fatalf("%v finds no place; %d are remembered, %d may be", a, n.table.Len(), n.config.AddressesMax)
		}
	}
	if n.table.Len() > n.config.AddressesMax {
		n.Fatalf("%d are remembered; %d may be", n.table.Len(), n.config.AddressesMax)
	}
}

// one is an address as it is counted itself.
func one(a netip.Addr) netip.Prefix {
	if a = a.Unmap(); a.Is4() {
		return netip.PrefixFrom(a, 32)
	}
	p, _ := a.Prefix(64)
	return p
}

// notTooFast checks that no span of time had more than the rate and the burst of a network.
func (n *networks) notTooFast(p netip.Prefix, times int) {
	if n.units == 0 {
		return
	}
	all := n.came[p]
	for i := range all {
		span := (n.now - all[i]).Seconds()
		if most := float64(times)*(float64(n.burst)+float64(n.units)*span) + 1e-3; float64(len(all)-i) > most {
			n.Fatalf("%v: %d connects in %.3f s; at most %.3f are allowed", p, len(all)-i, span, most)
		}
	}
}

func (n *networks) leave(i int) {
	a := n.inside[i]
	n.inside = append(n.inside[:i], n.inside[i+1:]...)
	n.table.Leave(a)
	for p := range n.worth(a) {
		n.open[p]--
	}
}

// drawAddress draws one of few addresses, so that they share networks.
func drawAddress(t *rapid.T) netip.Addr {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	for _, part := range []struct{ at, most int }{{5, 1}, {6, 2}, {7, 2}, {15, 1}} {
		b[part.at] = byte(rapid.IntRange(0, part.most).Draw(t, "part"))
	}
	if rapid.IntRange(0, 5).Draw(t, "family") == 0 {
		return netip.AddrFrom4([4]byte{192, 0, 2, b[7]})
	}
	return netip.AddrFrom16(b)
}

// walk does things with a table, for as long as it is told to.
func walk(t *rapid.T) {
	n := &networks{T: t, open: map[netip.Prefix]int{}, came: map[netip.Prefix][]time.Duration{}}
	n.config = limit.AddressConfig{
		AddressesMax:       rapid.SampledFrom([]int{1, 3, 6, 1000}).Draw(t, "addresses"),
		ConnectionsMax:     rapid.IntRange(0, 3).Draw(t, "connections"),
		Network56Addresses: rapid.IntRange(0, 3).Draw(t, "/56"),
		Network48Addresses: rapid.IntRange(0, 4).Draw(t, "/48"),
	}
	if n.units = rapid.IntRange(0, 3).Draw(t, "rate"); n.units > 0 {
		n.burst = rapid.IntRange(1, 4).Draw(t, "burst")
		n.config.Connects = limit.NewRate(n.units, time.Second, n.burst)
		n.config.Logins = n.config.Connects
	}
	n.table = limit.NewAddresses(n.config)
	for range rapid.IntRange(1, 200).Draw(t, "steps") {
		switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
		case what < 6:
			n.enter(drawAddress(t))
		case what < 8 && len(n.inside) > 0:
			n.leave(rapid.IntRange(0, len(n.inside)-1).Draw(t, "who"))
		case what == 8:
			n.table.Login(drawAddress(t), n.now)
		default:
			n.now += time.Duration(rapid.IntRange(0, 900).Draw(t, "millis")) * time.Millisecond
		}
	}
	// When all have gone and rested, there is a place for anybody.
	for len(n.inside) > 0 {
		n.leave(0)
	}
	n.now += time.Hour
	if v, _, of := n.table.Enter(addr("192.0.2.77"), n.now); v != limit.Welcome {
		t.Fatalf("all have gone, and verdict %d for %v", v, of)
	}
}

func TestNetworksProperty(t *testing.T) { rapid.Check(t, walk) }

func FuzzNetworks(f *testing.F) { f.Fuzz(rapid.MakeFuzz(walk)) }

// One customer with a /48 is not 65536 customers.
func TestNetworks(t *testing.T) {
	a := limit.NewAddresses(limit.AddressConfig{AddressesMax: 1000, ConnectionsMax: 2, Network56Addresses: 2, Network48Addresses: 3})
	enter := func(ip string, want limit.Verdict, of string) {
		t.Helper()
		v, _, got := a.Enter(addr(ip), 0)
		if v != want || of != "" && got != netip.MustParsePrefix(of) {
			t.Errorf("%s: verdict %d for %v, want %d for %s", ip, v, got, want, of)
		}
	}
	enter("2001:db8:0:1::1", limit.Welcome, "")
	enter("2001:db8:0:1::2", limit.Welcome, "")
	enter("2001:db8:0:1::3", limit.TooMany, "2001:db8:0:1::/64")
	enter("2001:db8:0:2::1", limit.Welcome, "")
	enter("2001:db8:0:3::1", limit.Welcome, "")
	enter("2001:db8:0:4::1", limit.TooMany, "2001:db8::/56")
	enter("2001:db8:0:101::1", limit.Welcome, "")
	enter("2001:db8:0:201::1", limit.Welcome, "")
	enter("2001:db8:0:301::1", limit.TooMany, "2001:db8::/48")
	enter("2001:db8:1:301::1", limit.Welcome, "")
	enter("192.0.2.1", limit.Welcome, "")
	a.Leave(addr("2001:db8:0:201::1"))
	enter("2001:db8:0:301::1", limit.Welcome, "")
	enter("2001:db8:0:301::1", limit.TooMany, "2001:db8::/48")
}

func TestNetworkLogins(t *testing.T) {
	a := limit.NewAddresses(limit.AddressConfig{AddressesMax: 1000, Logins: limit.NewRate(60, time.Minute, 1), Network48Addresses: 2})
	for _, ip := range []string{"2001:db8:0:1::1", "2001:db8:0:2::1"} {
		if wait, _ := a.Login(addr(ip), 0); wait != 0 {
			t.Errorf("%s waits %v", ip, wait)
		}
	}
	if wait, of := a.Login(addr("2001:db8:0:3::1"), 0); wait != time.Second/2 || of.Bits() != 48 {
		t.Errorf("the third of a /48 waits %v for %v", wait, of)
	}
}

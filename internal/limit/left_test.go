package limit_test

import (
	"net/netip"
	"testing"
	"time"

	"sarang/internal/limit"
)

var (
	someone = netip.MustParseAddr("192.0.2.1")
	another = netip.MustParseAddr("192.0.2.2")
)

func leaving(addresses int) *limit.Addresses {
	return limit.NewAddresses(limit.AddressConfig{AddressesMax: addresses, Left: limit.LeftConfig{
		RoomsPerHour: limit.NewRate(2, time.Hour, 2), RoomsPerDay: limit.NewRate(3, 24*time.Hour, 3),
		Bytes: limit.NewRate(3600, time.Hour, 1000),
	}})
}

// Rooms of an address are bounded by hour and by day; a refusal uses nothing of either.
func TestRoomsOfAnAddress(t *testing.T) {
	a := leaving(10)
	want := func(at, wait time.Duration) {
		t.Helper()
		if got := a.Room(someone, at); got != wait {
			t.Errorf("at %v a room waits for %v, want %v", at, got, wait)
		}
	}
	want(0, 0)
	want(0, 0)
	want(0, 30*time.Minute)
	want(0, 30*time.Minute)
	if wait := a.Room(another, 0); wait != 0 {
		t.Errorf("somebody else waits for %v", wait)
	}
	want(30*time.Minute, 0)
	want(2*time.Hour, 6*time.Hour)
	want(8*time.Hour, 0)
}

// Bytes are taken whole or not at all, and given back.
func TestBytesOfAnAddress(t *testing.T) {
	a := leaving(10)
	want := func(at time.Duration, n int, wait time.Duration) {
		t.Helper()
		if got := a.Store(someone, at, n); got != wait {
			t.Errorf("at %v %d bytes wait for %v, want %v", at, n, got, wait)
		}
	}
	want(0, 900, 0)
	want(0, 200, 100*time.Second)
	want(0, 100, 0)
	want(0, 1, time.Second)
	a.Unstore(someone, 50)
	want(0, 50, 0)
	want(0, 5000, 1000*time.Second) // more than the burst: when all has come back
	want(1000*time.Second, 5000, 0)
	want(1000*time.Second, 1, 4001*time.Second)
}

// What somebody has left behind is remembered after he has gone, but nobody is kept out
// for it.
func TestWhoHasLeftSomething(t *testing.T) {
	a := leaving(2)
	a.Store(someone, 0, 1000)
	for range 100 {
		if v, _, _ := a.Enter(another, 0); v != limit.Welcome {
			t.Fatalf("another one is told %v", v)
		}
		a.Leave(another)
	}
	if a.Store(someone, 0, 1000) == 0 {
		t.Error("what an address has had stored is forgotten while there is room")
	}
	a.Enter(another, 0)
	if v, _, _ := a.Enter(netip.MustParseAddr("192.0.2.3"), 0); v != limit.Welcome {
		t.Errorf("a third one is told %v: the place is taken by somebody who has gone", v)
	}
}

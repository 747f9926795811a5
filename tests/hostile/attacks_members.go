package main

import (
	"fmt"
	"net/netip"
	"time"

	pb "sarang/proto/sarang/v1"
)

// memberAttacks ask for members of a large room, an item at a time: all that an address may
// ask at once, and then as fast as it may.
func memberAttacks() []attack {
	all := []attack{}
	for _, n := range []int{1000, 10000} {
		all = append(all, attack{
			name: fmt.Sprintf("members-%d", n),
			what: fmt.Sprintf("64 sessions of each address that ask for the members of a room of %d, one by one", n),
			fair: true, trusts: hallNetwork,
			prepare: func(a *attacker, ready func()) { fillHall(a, n, ready) }, start: askWhoIsThere,
		})
	}
	return all
}

const (
	hall         = "hall"
	hallNetwork  = "127.0.3.0/24"
	askedBurst   = 100 // requests that a session may make at once
	askedASecond = 10
)

// fillHall has a room filled by n who do nothing else, from addresses that the limits do not
// hold for, and by those who will ask.
func fillHall(a *attacker, n int, ready func()) {
	missing := n + a.many(addressSessions*a.addresses)
	here := func(*bot) {
		if missing--; missing == 0 {
			ready()
		}
	}
	late := func(b *bot, err error) { a.fail("%s was ended in the hall: %s", b.name, short(err)) }
	a.gradually(n, 50, 25*time.Millisecond, func(i int) {
		b := &bot{a: a, name: a.newName(), joins: hall, create: true, onReady: here, onEnd: late}
		b.from = netip.AddrFrom4([4]byte{127, 0, 3, byte(1 + i%200)})
		b.dial()
	})
	for i := range a.many(addressSessions * a.addresses) {
		b := &bot{a: a, name: a.newName(), joins: hall, create: true, onReady: here, onEnd: late}
		a.bots = append(a.bots, b)
		a.r.after(time.Duration(i)*500*time.Microsecond, b.dial)
	}
}

// askWhoIsThere has those ask who came for it.
func askWhoIsThere(a *attacker) {
	ask := func(n int) {
		for _, b := range a.bots {
			var all []byte
			for range n {
				b.nonce++
				all = append(all, encode(pb.CMembers, &pb.Members{Request: uint32(b.nonce), Room: b.room, ItemsMax: 1})...)
			}
			a.tally.Figures["requests"] += float64(n)
			b.say(all)
		}
	}
	ask(askedBurst)
	a.r.after(time.Second, func() { a.every(time.Second, func() { ask(askedASecond) }) })
}

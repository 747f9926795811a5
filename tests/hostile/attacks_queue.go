package main

import (
	"strings"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// queueAttacks want what others wait for, too: turns at the store. Each address has as
// many sessions as it may have.
func queueAttacks() []attack {
	return []attack{
		{name: "creators", what: "64 sessions of each address that make rooms as fast as they are answered", fair: true, start: creators},
		{name: "historians", what: "64 sessions of each address that ask for history with large messages, and walk through it", fair: true, start: historians},
	}
}

const (
	addressSessions = 64
	sessionRequests = 8 // that may be under way
	taleTextBytes   = 16 << 10
	taleWriters     = 20
	taleWriterSays  = 12
	taleItems       = 200
	taleRoom        = "tales"

	// rest is how long a session that was refused something does not ask.
	rest = 100 * time.Millisecond
)

// gently is when the n-th session connects: an address may connect 100 times at once, and
// all of them are not to meet the server's queue of connections at once.
func gently(n int) time.Duration { return time.Duration(n) * 200 * time.Microsecond }

// eachSession begins to connect all sessions; ask makes the n-th request of one.
func (a *attacker) eachSession(joins string, ask func(b *bot, n int) []byte) {
	for range a.many(addressSessions * a.addresses) {
		b := &bot{a: a, name: a.newName(), joins: joins, create: true, onEnd: redial}
		ready, n := false, 0
		more := func(b *bot) {
			for ready && !b.c.closed && !a.over() && b.open < sessionRequests {
				b.open++
				b.say(ask(b, n))
				n++
				a.tally.Figures["requests"]++
			}
		}
		b.onOpen = func(b *bot) { ready, b.room = false, 0 }
		b.onReady = func(b *bot) {
			ready = true
			more(b)
		}
		b.onTold = func(b *bot, p packet.Packet) {
			if p.ID == pb.SError && ready { // too fast, or too many: not at once
				a.r.after(rest, func() { more(b) })
				return
			}
			more(b)
		}
		a.r.after(gently(a.names), b.dial)
	}
}

// creators make rooms.
func creators(a *attacker) {
	a.eachSession("", func(*bot, int) []byte {
		return encode(pb.CCreate, &pb.Create{Name: a.newName()})
	})
}

// historians fill a room with messages of the longest kind and ask for its history, of
// which a page holds two: from its end, from its beginning, and from anywhere.
func historians(a *attacker) {
	for range taleWriters {
		b := &bot{a: a, name: a.newName(), joins: taleRoom, create: true}
		b.onReady = func(b *bot) {
			for range taleWriterSays {
				b.nonce++
				b.say(encode(pb.CChat, &pb.Publish{Room: b.room, Nonce: b.nonce, Text: strings.Repeat("t", taleTextBytes)}))
			}
		}
		b.onTold = func(_ *bot, p packet.Packet) {
			if p.ID == pb.SAck {
				a.tally.Figures["tales"]++
			}
		}
		b.dial()
	}
	a.eachSession(taleRoom, func(b *bot, n int) []byte {
		h := &pb.History{Request: uint32(n), Room: b.room, ItemsMax: taleItems}
		switch n % 3 {
		case 0:
			h.Before = 1 << 60
		case 1:
			h.Before = uint64(1 + n%(taleWriters*taleWriterSays))
		}
		return encode(pb.CHistory, h)
	})
}

package main

import (
	"strings"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// readAttacks do not read what they are sent.
func readAttacks() []attack {
	return []attack{
		{name: "never-read", what: "200 who join the rooms of the well-behaved and never read", cheap: true, start: func(a *attacker) { deafReaders(a, 0) }},
		{name: "byte-read", what: "200 who join these rooms and read a byte a second", start: func(a *attacker) { deafReaders(a, 1) }},
		{name: "stalled", what: "1,000 who stop reading a busy room, and read it all in the end", long: true, start: stalled},
	}
}

// smallRecvBuffer is a socket of which little is in the system's memory.
const smallRecvBuffer = 4096

func deafReaders(a *attacker, sipBytes int) {
	bots := make([]*bot, a.many(200))
	a.gradually(len(bots), 20, 10*time.Millisecond, func(i int) {
		b := &bot{
			a: a, name: a.newName(), joins: goodRoom(i % 5), onEnd: redial,
			options: socketOptions{recvBufferBytes: smallRecvBuffer},
			onOpen:  func(b *bot) { b.room = 0 },
			onReady: func(b *bot) { b.c.listen(false) },
		}
		bots[i] = b
		b.dial()
	})
	if sipBytes > 0 {
		a.every(time.Second, func() {
			for _, b := range bots {
				if b != nil && b.c != nil && b.c.deaf {
					b.c.sip(sipBytes)
				}
			}
		})
	}
}

// The stalled readers' room: what is said in it, and by how many it is left unread.
const (
	stalledReaders   = 1000
	stalledEvery     = 20 * time.Millisecond
	stalledTextBytes = 1000
	catchUpMax       = 3 * time.Minute
)

// stalled has readers stop in a busy room for a while. Then they read: each must have
// everything, in order, once. What the server's memory does meanwhile is for the
// conductor to see.
func stalled(a *attacker) {
	var last uint64 // acknowledged
	done := 0
	var readSince time.Time
	readers := make([]*bot, a.many(stalledReaders))
	check := func(b *bot, p packet.Packet) {
		if p.ID != pb.SChat {
			return
		}
		var e pb.Event
		if e.UnmarshalVT(p.Payload) != nil || e.Seq != b.next {
			a.fail("a stalled reader is shown event %d, %d is next", e.Seq, b.next)
		}
		if b.next = e.Seq + 1; b.next > last && !readSince.IsZero() && b.nonce == 0 {
			b.nonce = 1 // has everything
			done++
			a.tally.Figures["catch_up_seconds"] = time.Since(readSince).Seconds()
		}
	}
	talker := &bot{a: a, name: a.newName(), joins: "stalled", create: true, onTold: func(_ *bot, p packet.Packet) {
		var ack pb.Ack
		if p.ID == pb.SAck && ack.UnmarshalVT(p.Payload) == nil {
			last = max(last, ack.Seq)
		}
	}}
	text := strings.Repeat("s", stalledTextBytes)
	a.until = time.Now().Add(a.stall)
	talker.onReady = func(b *bot) {
		a.gradually(len(readers), 50, 20*time.Millisecond, func(i int) {
			r := &bot{
				a: a, name: a.newName(), joins: "stalled", options: socketOptions{recvBufferBytes: smallRecvBuffer},
				onReady: func(r *bot) { r.c.listen(false) }, onTold: check,
				onEnd: func(_ *bot, err error) { a.fail("a stalled reader was ended: %s", short(err)) },
			}
			readers[i] = r
			r.dial()
		})
		a.every(stalledEvery, func() {
			b.nonce++
			b.say(encode(pb.CChat, &pb.Publish{Room: b.room, Nonce: b.nonce, Text: text}))
		})
	}
	talker.dial()
	a.r.at(a.until.Add(500*time.Millisecond), func() { // the last message has been acknowledged
		readSince = time.Now()
		for _, r := range readers {
			if r != nil && r.room != 0 {
				r.c.listen(true)
			} else {
				a.fail("a stalled reader never got into its room")
				done++
			}
		}
	})
	a.wait = func() bool {
		a.tally.Figures["stalled_messages"] = float64(last)
		if time.Since(a.until) > catchUpMax {
			a.fail("%d of %d stalled readers have everything, %v after they began to read", done, len(readers), catchUpMax)
			return false
		}
		return done < len(readers)
	}
}

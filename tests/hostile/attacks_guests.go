package main

import (
	"fmt"
	"strings"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// guestAttacks leave behind what they can.
func guestAttacks() []attack {
	return []attack{
		{name: "guests", what: "64 sessions of each address that make rooms, fill them, and come again under other names", start: guests},
	}
}

const (
	guestRooms    = 50 // that the talkers share
	guestInFlight = 4
	guestPause    = 250 * time.Millisecond // after a refusal
	guestStay     = 2 * time.Second        // of those who come and go
)

// guests are four kinds, as many of each.
func guests(a *attacker) {
	large := strings.Repeat("g", taleTextBytes)
	for i := range a.many(addressSessions * a.addresses) {
		b := &bot{a: a, name: a.newName(), create: true, joins: fmt.Sprint("guests-", i%guestRooms)}
		switch i / a.addresses % 4 { // of each address as many of each kind
		case 0:
			b.guestAsks(func() []byte { return encode(pb.CCreate, &pb.Create{Name: a.newName()}) })
		case 1:
			b.guestAsks(func() []byte {
				b.nonce++
				return encode(pb.CChat, &pb.Publish{Room: b.room, Nonce: b.nonce, Text: large})
			})
		case 2:
			b.joins = a.newName() // a room of its own
			b.guestAsks(func() []byte {
				if b.nonce++; b.nonce%8 == 0 {
					return encode(pb.CHistory, &pb.History{Room: b.room, Before: 1 << 60, ItemsMax: taleItems})
				}
				return encode(pb.CChat, &pb.Publish{Room: b.room, Nonce: b.nonce, Text: "a small one"})
			})
		default:
			b.guestGoes()
		}
		a.r.after(gently(i), b.dial)
	}
}

// guestAsks has a guest say something again and again, and rest when it is refused.
func (b *bot) guestAsks(next func() []byte) {
	ready, resting := false, false
	more := func() {
		for ready && !resting && !b.c.closed && !b.a.over() && b.open < guestInFlight {
			b.open++
			b.say(next())
		}
	}
	b.onEnd = redial
	b.onOpen = func(b *bot) { ready, b.room = false, 0 }
	b.onReady = func(*bot) {
		ready = true
		more()
	}
	b.onTold = func(b *bot, p packet.Packet) {
		if p.ID == pb.SError && !resting {
			resting = true
			b.a.r.after(guestPause, func() {
				resting = false
				if !ready && b.c != nil && !b.c.closed {
					b.c.close(true) // it was not let in
					redial(b, nil)
				}
				more()
			})
		}
		more()
	}
}

// guestGoes has a guest come, say something and go, again and again, each time as
// somebody new.
func (b *bot) guestGoes() {
	again := func(b *bot, err error) {
		b.name, b.token = b.a.newName(), nil
		redial(b, err)
	}
	b.onOpen = func(b *bot) { b.room = 0 }
	b.onReady = func(b *bot) {
		b.nonce++
		b.say(encode(pb.CChat, &pb.Publish{Room: b.room, Nonce: b.nonce, Text: "here I am"}))
	}
	b.onTold = func(b *bot, p packet.Packet) {
		if p.ID == pb.SAck || p.ID == pb.SError {
			c := b.c
			b.a.r.after(guestStay, func() {
				if !c.closed {
					c.close(true)
					again(b, nil)
				}
			})
		}
	}
	b.onEnd = again
}

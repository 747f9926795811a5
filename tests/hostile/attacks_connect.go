package main

import (
	"encoding/binary"
	"time"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// silentMax is the server's limit of sessions where that is to be reached.
const silentMax = "6000"

// connectAttacks never get as far as a login, or try little else.
func connectAttacks() []attack {
	return []attack{
		{name: "slow-header", what: "2,000 connections that say a byte a second", cheap: true, start: slowHeader},
		{name: "connect-fin", what: "connects and orderly ends, as fast as it goes", cheap: true, start: func(a *attacker) { connects(a, false) }},
		{name: "connect-rst", what: "connects and resets, as fast as it goes", cheap: true, start: func(a *attacker) { connects(a, true) }},
		{name: "first-packet", what: "400 connections with a first packet that never ends", fair: true, poolMax: 8 << 20, cheap: true, start: firstPackets},
		{name: "silent", what: "connections that say nothing, up to the limit of sessions", serverArgs: []string{"--sessions-max", silentMax}, start: silent},
		{name: "logins", what: "logins with wrong tokens and with new names", cheap: true, start: logins},
		{name: "passwords", what: "500 who log in by wrong passwords, as fast as they are answered", start: passwords},
		{name: "garbage", what: "random bytes, impossible sizes, broken payloads, half packets", cheap: true, start: garbage},
		{name: "mass-close", what: "5,000 sessions that reach one deadline at the same moment", serverArgs: []string{"--login-deadline", massDeadline.String()}, start: massClose},
	}
}

// slowHeader says a login that never ends, a byte a second; some do not say even that.
func slowHeader(a *attacker) {
	head := binary.LittleEndian.AppendUint16(nil, 400)
	head = binary.LittleEndian.AppendUint16(head, pb.CLogin)
	bots := make([]*bot, a.many(2000))
	said := make([]int, len(bots))
	a.gradually(len(bots), 100, 20*time.Millisecond, func(i int) {
		bots[i] = &bot{a: a, onEnd: redial, onOpen: func(*bot) { said[i] = 0 }}
		bots[i].dial()
	})
	a.every(time.Second, func() {
		for i, b := range bots {
			if b == nil || b.c == nil || !b.c.up || b.c.closed || i%8 == 0 {
				continue
			}
			one := []byte{0x0a}
			if said[i] < len(head) {
				one = head[said[i] : said[i]+1]
			}
			said[i]++
			b.say(one)
		}
	})
}

// firstPackets say as much of a first packet as they may: all of the largest but for its last
// byte, and half of them all of one that is allowed. Who is ended comes again.
func firstPackets(a *attacker) {
	const connections, allowed = 400, 4096
	for i := range a.many(connections) {
		size := packet.SizeMax
		if i%2 == 0 {
			size = allowed
		}
		b := &bot{a: a, onEnd: redial}
		b.onOpen = func(b *bot) {
			head := binary.LittleEndian.AppendUint16(nil, uint16(size))
			b.say(append(binary.LittleEndian.AppendUint16(head, pb.CLogin), make([]byte, size-5)...))
		}
		a.r.after(gently(i), b.dial)
	}
}

// connectsOpen is how many connects are under way at once.
const connectsOpen = 128

func connects(a *attacker, reset bool) {
	open := 0
	one := func() {
		b := &bot{a: a, onEnd: func(*bot, error) { open-- }}
		b.onOpen = func(b *bot) {
			open--
			b.c.close(reset)
		}
		if b.c = a.dial(b, socketOptions{}); b.c != nil {
			open++
		}
	}
	a.turns(func() {
		for range connectsOpen - open {
			one()
		}
	})
	a.every(100*time.Millisecond, func() { a.tally.Figures["connects_per_second"] = float64(a.tally.Connects) / a.duration.Seconds() })
}

// silent fills the server up and keeps it full.
func silent(a *attacker) {
	a.gradually(a.many(6500), 100, 20*time.Millisecond, func(int) {
		b := &bot{a: a, onEnd: redial}
		b.dial()
	})
}

// logins are wrong tokens for names that others have, again and again in one
// connection, and names that nobody has, each in a connection of its own.
func logins(a *attacker) {
	wrong := login(goodName(1), make([]byte, 16))
	for range a.many(50) {
		b := &bot{a: a, onEnd: redial}
		b.onOpen = func(b *bot) { b.say(repeated(wrong, 8)) }
		b.onTold = func(b *bot, p packet.Packet) {
			if p.ID == pb.SError && len(b.c.out) == 0 {
				b.say(wrong)
			}
		}
		b.dial()
	}
	for range a.many(50) {
		b := &bot{a: a}
		next := func() {
			b.name, b.token = a.newName(), nil
			b.dial()
		}
		b.onReady = func(b *bot) {
			a.tally.Figures["users_made"]++
			b.c.close(false)
			if !a.over() {
				a.r.after(time.Millisecond, next)
			}
		}
		b.onEnd = func(*bot, error) { a.r.after(50*time.Millisecond, next) }
		next()
	}
}

// passwords are logins by name and password: each costs the server what a password costs, whether
// there is an account of that name or not.
func passwords(a *attacker) {
	for range a.many(500) {
		b := &bot{a: a, onEnd: redial}
		try := encode(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: a.newName(), Password: "one that is not right", Client: "hostile"})
		b.onOpen = func(b *bot) { b.say(try) }
		b.onTold = func(b *bot, p packet.Packet) {
			if p.ID == pb.SError && len(b.c.out) == 0 {
				b.say(try)
			}
		}
		b.dial()
	}
}

func repeated(b []byte, n int) (all []byte) {
	for range n {
		all = append(all, b...)
	}
	return all
}

// garbage says what is no protocol, or almost is.
func garbage(a *attacker) {
	for i := range a.many(100) {
		b := &bot{a: a, onEnd: redial}
		kind := i % 6
		if kind == 5 {
			b.name = a.newName()
			b.onDrain = func(b *bot) {
				if b.nonce++; b.nonce%50 == 0 {
					b.c.finish()
					return
				}
				b.say(brokenPackets(a))
			}
		} else {
			b.onOpen = func(b *bot) { b.say(rubbish(a, kind)) }
			b.onDrain = func(b *bot) {
				if kind > 2 {
					return // half packets: and then silence
				}
				b.say(rubbish(a, kind))
			}
		}
		b.dial()
	}
}

func rubbish(a *attacker, kind int) []byte {
	switch kind {
	case 0: // random bytes
		b := make([]byte, 1+a.rng.IntN(5000))
		for i := range b {
			b[i] = byte(a.rng.Uint32())
		}
		return b
	case 1: // a header of size 0
		return []byte{0, 0, pb.CLogin, 0}
	case 2: // ids that nobody knows
		return []byte{8, 0, byte(a.rng.Uint32()), 0xff, 1, 2, 3, 4}
	case 3: // the largest size, and nothing of it
		return []byte{0xff, 0xff, pb.CLogin, 0}
	}
	return []byte{200, 0, pb.CLogin, 0, 1, 2, 3}
}

// brokenPackets have good headers and bad payloads.
func brokenPackets(a *attacker) (all []byte) {
	for range 20 {
		id := byte(2 * a.rng.IntN(16))
		n := a.rng.IntN(60)
		all = append(all, byte(4+n), 0, id, 0)
		for range n {
			all = append(all, byte(a.rng.Uint32()))
		}
	}
	return all
}

// massClose opens connections in one go and says nothing: the login deadline of all of
// them is the same moment.
func massClose(a *attacker) {
	for range a.many(5000) {
		b := &bot{a: a}
		b.dial()
	}
}

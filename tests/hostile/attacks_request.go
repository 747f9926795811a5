package main

import (
	"strings"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// requestAttacks ask too much.
func requestAttacks() []attack {
	return []attack{
		{name: "requests", what: "50 who ask for history, rooms and members as fast as they are answered", cheap: true, start: func(a *attacker) { asking(a, questions) }},
		{name: "join-leave", what: "50 who join and leave a room as fast as they are answered", cheap: true, start: func(a *attacker) { asking(a, comings) }},
		{name: "rooms", what: "50 who make rooms as fast as they are answered", start: func(a *attacker) { asking(a, roomNames(a)) }},
		{name: "unread-answers", what: "50 who ask and never read the answers", start: unreadAnswers},
	}
}

// askedAtOnce is how many requests are under way in each connection.
const askedAtOnce = 16

// asking keeps requests under way; next makes one, and says how many answers it has.
func asking(a *attacker, next func(b *bot, n int) ([]byte, int)) {
	for i := range a.many(50) {
		b := &bot{a: a, name: a.newName(), joins: "asked", create: true, onEnd: redial}
		n := i
		more := func(b *bot) {
			if b.room == 0 || b.c.closed || a.over() || b.open >= askedAtOnce/2 {
				return
			}
			var batch []byte
			for b.open < askedAtOnce {
				one, answers := next(b, n)
				batch = append(batch, one...)
				b.open += answers
				n++
			}
			a.tally.Figures["requests"] += askedAtOnce / 2
			b.say(batch)
		}
		b.onOpen = func(b *bot) { b.room = 0 }
		b.onReady = more
		b.onTold = func(b *bot, _ packet.Packet) { more(b) }
		b.dial()
	}
}

// questions read.
func questions(b *bot, n int) ([]byte, int) {
	switch n % 4 {
	case 0:
		return encode(pb.CHistory, &pb.History{Request: uint32(n), Room: 1 + uint64(n/4%5), Before: 1 << 60}), 1
	case 1:
		return encode(pb.CList, &pb.List{Request: uint32(n)}), 1
	case 2:
		return encode(pb.CMembers, &pb.Members{Request: uint32(n), Room: 1 + uint64(n/4%5)}), 1
	}
	return encode(pb.CHistory, &pb.History{Request: uint32(n), Room: 1 + uint64(n/4%5), After: uint64(n)}), 1
}

// comings join and leave the bot's own room, each of which is an event of it.
func comings(b *bot, n int) ([]byte, int) {
	leave := encode(pb.CLeave, &pb.Leave{Request: uint32(n), Room: b.room})
	return append(leave, encode(pb.CJoin, &pb.Join{Request: uint32(n), Room: b.room})...), 2
}

// roomNames makes rooms, with names of the longest kind.
func roomNames(a *attacker) func(b *bot, n int) ([]byte, int) {
	return func(*bot, int) ([]byte, int) {
		name := a.newName()
		return encode(pb.CCreate, &pb.Create{Name: name + strings.Repeat("-", 60-len(name))}), 1
	}
}

// unreadAnswers asks for much with little.
func unreadAnswers(a *attacker) {
	for range a.many(50) {
		b := &bot{a: a, name: a.newName(), onEnd: redial, options: socketOptions{recvBufferBytes: smallRecvBuffer}}
		ask := encode(pb.CHistory, &pb.History{Room: 1, Before: 1 << 60})
		ask = repeated(append(ask, encode(pb.CList, &pb.List{})...), 100)
		ready := false
		b.onOpen = func(*bot) { ready = false }
		b.onReady = func(b *bot) {
			ready = true
			b.c.listen(false)
			b.say(ask)
		}
		b.onDrain = func(b *bot) {
			if ready && !a.over() {
				b.say(ask)
			}
		}
		b.dial()
	}
}

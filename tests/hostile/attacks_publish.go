package main

import (
	"strings"

	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// publishAttacks talk too much.
func publishAttacks() []attack {
	flood := func(room string, bots int, text string, sameNonce bool) func(a *attacker) {
		return func(a *attacker) { publishFlood(a, room, bots, text, sameNonce) }
	}
	large := strings.Repeat("L", 16<<10)
	return []attack{
		{name: "publish-large", what: "20 who publish the longest texts as fast as it goes, in a room of their own", start: flood("flood", 20, large, false)},
		{name: "publish-small", what: "20 who publish tiny texts as fast as it goes, in a room of their own", cheap: true, start: flood("flood", 20, "x", false)},
		{name: "publish-retry", what: "20 who publish one nonce again and again", start: flood("flood", 20, "x", true)},
		{name: "publish-busy", what: "5 who publish tiny texts as fast as it goes in a room of the well-behaved", start: flood(goodRoom(0), 5, "x", false)},
	}
}

// publishBatchBytes is how much is said at once.
const publishBatchBytes = 32 << 10

func publishFlood(a *attacker, room string, bots int, text string, sameNonce bool) {
	for range a.many(bots) {
		b := &bot{a: a, name: a.newName(), joins: room, create: true, onEnd: redial}
		ready := false
		more := func() {
			var batch []byte
			for len(batch) < publishBatchBytes {
				if b.nonce++; sameNonce {
					b.nonce = 1
				}
				batch = append(batch, encode(pb.CChat, &pb.Publish{Room: b.room, Nonce: b.nonce, Text: text})...)
				a.tally.Figures["publishes"]++
			}
			b.say(batch)
		}
		b.onOpen = func(b *bot) { ready, b.room = false, 0 }
		b.onReady = func(*bot) {
			ready = true
			more()
		}
		b.onDrain = func(*bot) {
			if ready && !a.over() {
				more()
			}
		}
		b.onTold = func(_ *bot, p packet.Packet) {
			if p.ID == pb.SAck {
				a.tally.Figures["acknowledged"]++
			}
		}
		b.dial()
	}
}

package native_test

import (
	"runtime/debug"
	"testing"
)

// FuzzSession plays a script of up to three clients against a whole server on a
// simulated network: packets that are almost right, cut anywhere, repeated, in any
// order, and connections that end anyhow. The server must not panic nor leak, whatever
// it says must be well-formed, each request is answered once, and a client beside them
// that behaves must not notice.
func FuzzSession(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, input []byte) { playIn(t, input) })
}

func playIn(t *testing.T, input []byte) (s *script) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if found, ok := recover().(*finding); ok {
			t.Fatal(found.what)
		} else if found != nil {
			panic(found)
		}
	}()
	return play(input)
}

// TestSessionScripts plays the seeds in every kind of world, and sees that they do
// what they are for.
func TestSessionScripts(t *testing.T) {
	for i, seed := range seeds() {
		told := 0
		for world := range 256 {
			if single := world&(world-1) == 0 || world == 255; !single && (slow || testing.Short()) {
				continue // every kind by itself, and all at once
			}
			input := append([]byte{byte(world), byte(i)}, seed[2:]...)
			told += playIn(t, input).r.told
		}
		if told == 0 {
			t.Errorf("seed %d: the server says nothing", i)
		}
	}
}

// say is an act in a seed.
func say(act, who, after byte, args ...byte) []byte {
	return append([]byte{act | who<<4 | after<<6}, args...)
}

func acts(all ...[]byte) []byte {
	b := []byte{0, 1}
	for _, a := range all {
		b = append(b, a...)
	}
	return b
}

// seeds are conversations for a fuzzer to begin with.
func seeds() [][]byte {
	enter := func(who byte) []byte {
		return append(say(actLogin, who, afterRest, who|20), say(actJoin, who, afterRest, 8)...)
	}
	var ask [][]byte
	ask = append(ask, enter(0))
	for _, act := range []byte{actCreate, actList, actHistory, actMembers, actPing, actUnknown} {
		ask = append(ask, say(act, 0, afterHold, 9, 8), say(act, 0, afterTick, 0x8e, 0xc1), say(act, 0, afterTick, 0xc0, 0),
			say(act, 0, afterRest, 6, 0xe3), say(act, 0, afterRest, 6, 0xc0))
	}
	var many [][]byte
	for nonce := range byte(14) {
		many = append(many, say(actPublish, 0, afterRest, 3<<3|2, 1+nonce))
	}
	meet := func(who byte) []byte {
		return append(say(actLogin, who, afterRest, who|20), say(actJoin, who, afterRest, 10)...)
	}
	return [][]byte{
		// The first one makes a room, and bans the second one, who speaks meanwhile, lets him in
		// again, sends him out, and is not obeyed by him.
		acts(meet(0), meet(1), say(actPublish, 1, afterHold, 7<<3|7, 5), say(actPing, 0, afterSend, 0xc7, 0x25, 1), say(actPublish, 1, afterRest, 7<<3|7, 6),
			say(actPublish, 0, afterRest, 7<<3|7, 7), say(actJoin, 1, afterRest, 2), say(actPing, 0, afterRest, 0x47, 0x05, 2),
			say(actJoin, 1, afterRest, 2), say(actPing, 0, afterRest, 0xe7, 0x05, 3), say(actJoin, 1, afterRest, 2),
			say(actPing, 1, afterRest, 0xc7, 0x24, 4), say(actPing, 1, afterRest, 0xe7, 0x06, 4), say(actPing, 0, afterRest, 0xc7, 0xa1, 0xff)),
		acts(enter(0), say(actPublish, 0, afterRest, 7<<3|1, 5), say(actPublish, 0, afterRest, 7<<3|1, 5),
			say(actGood, 0, afterSend), say(actLeave, 0, afterRest, 1), say(actPublish, 0, afterRest, 7<<3|1, 6),
			say(actJoin, 0, afterRest, 8), say(actPublish, 0, afterHold, 7<<3|1, 8), say(actLeave, 0, afterRest, 1),
			say(actJoin, 0, afterRest, 8), say(actPublish, 0, afterRest, 2<<3|1, 9), say(actPublish, 0, afterRest, 0<<3|1, 9),
			say(actPublish, 0, afterRest, 1<<3|1, 9), say(actPublish, 0, afterRest, 4<<3|1, 9), say(actPublish, 0, afterRest, 5<<3|1, 9)),
		acts(ask...),
		// The queue is full of messages, the reader is deaf, and hears it all later.
		acts(enter(0), enter(1), say(actListen, 1, afterTick, 0),
			say(actPublish, 0, afterHold, 3<<3|1, 1), say(actPublish, 0, afterHold, 3<<3|1, 2), say(actPublish, 0, afterHold, 3<<3|1, 3),
			say(actPublish, 0, afterHold, 3<<3|1, 4), say(actPublish, 0, afterHold, 3<<3|1, 5), say(actPublish, 0, afterRest, 3<<3|1, 6),
			say(actGood, 0, afterRest), say(actListen, 1, afterRest, 1)),
		// An ephemeral room with a deaf reader.
		acts(say(actLogin, 0, afterRest, 20), say(actJoin, 0, afterRest, 25), say(actLogin, 1, afterRest, 21), say(actJoin, 1, afterRest, 25),
			say(actListen, 1, afterTick, 0), acts(many...)[2:], say(actListen, 1, afterRest, 1)),
		// Spoilt in every way, then the ends.
		acts(enter(0), say(actSpoil, 0, afterHold, 1, 5), say(actPublish, 0, afterRest, 7<<3|1, 9), say(actSpoil, 0, afterHold, 2, 3),
			say(actPublish, 0, afterRest, 7<<3|1, 10), say(actSpoil, 0, afterHold, 7, 6), say(actList, 0, afterRest, 1, 2),
			say(actSpoil, 0, afterHold, 5, 6), say(actPing, 0, afterRest, 1), say(actEnd, 0, afterRest, 1)),
		// A ping with a field that nobody knows, a group that ends as another: found by
		// the fuzzer when it came back as it was.
		acts(say(actRaw, 0, afterRest, 7, 7, 0, 12, 0, 0x7b, 0x84, 0x01)),
		acts(say(actSpoil, 0, afterHold, 4, 0), say(actLogin, 0, afterRest, 0), say(actSpoil, 1, afterHold, 4, 3), say(actPing, 1, afterRest, 0), say(actPass, 0, afterHold, 60),
			say(actRaw, 1, afterTick, 4, 200, 0, 4, 0), say(actPass, 1, afterHold, 255), say(actEnd, 2, afterRest, 0)),
		acts(enter(0), enter(1), say(actEnd, 0, afterRest, 2), enter(0), say(actPass, 0, afterRest, 60),
			say(actJoin, 1, afterRest, 9), say(actJoin, 1, afterRest, 10), say(actJoin, 1, afterRest, 0x48, 2),
			say(actEnd, 1, afterHold, 0), say(actPass, 0, afterRest, 255), say(actPass, 0, afterRest, 255)),
	}
}

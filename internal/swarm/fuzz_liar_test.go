package swarm

import (
	"encoding/binary"
	"math"
	"reflect"
	"testing"

	"sarang/chat"
)

// FuzzLiar has a server tell one member something else than the others: events left
// out, doubled, exchanged or changed, anywhere and in any field. Whatever it is, it must
// be found, and must not cost more than a report.
func FuzzLiar(f *testing.F) {
	const far = math.MaxUint64
	act := func(what, at byte, n uint64) []byte {
		return binary.LittleEndian.AppendUint64([]byte{what, at}, n)
	}
	f.Add(byte(0), []byte{})
	for what := range byte(liarActs) {
		f.Add(what, act(what, sceneJoins+3, uint64(what)))
		f.Add(what, append(act(what, 0, 1), act(what, sceneJoins+sceneMessages-1, far)...))
	}
	f.Add(byte(1), append(act(liarSeq, 5, 1<<40), act(liarSeq, 6, placesAheadMax+5)...))
	f.Add(byte(2), append(act(liarSeq, 13, placesAheadMax+13), act(liarDrop, 7, 0)...))
	f.Fuzz(func(t *testing.T, who byte, script []byte) {
		s := newScene(t)
		liar := int(who) % sceneMembers
		var told []chat.Event
		report := s.play(func(member int, log []chat.Event) []chat.Event {
			if member == liar {
				told = lie(log, script[:min(len(script), 400)])
				return told
			}
			return log
		})
		if honest := reflect.DeepEqual(told, s.log); honest != report.OK() {
			t.Fatalf("the server was honest: %t; found: %t, %+v\ntold %+v", honest, report.OK(), report, told)
		}
		if report.Delivered > report.Expected || report.Delivered+report.Lost > report.Expected {
			t.Fatalf("%d were delivered of %d, and %d lost", report.Delivered, report.Expected, report.Lost)
		}
	})
}

// What the server does to the events that it tells.
const (
	liarDrop = iota
	liarDouble
	liarExchange
	liarSeq
	liarKind
	liarUser
	liarName
	liarNonce
	liarTime
	liarText
	liarActs
)

// lie returns the log as the script has made it: an act in ten bytes.
func lie(log []chat.Event, script []byte) []chat.Event {
	for ; len(script) >= 10 && len(log) > 0; script = script[10:] {
		i, n := int(script[1])%len(log), binary.LittleEndian.Uint64(script[2:])
		e := &log[i]
		switch script[0] % liarActs {
		case liarDrop:
			log = append(log[:i:i], log[i+1:]...)
		case liarDouble:
			log = append(log[:i+1:i+1], log[i:]...)
		case liarExchange:
			other := &log[int(n%uint64(len(log)))]
			*e, *other = *other, *e
		case liarSeq:
			e.Seq = chat.Seq(n)
		case liarKind:
			e.Kind = chat.EventKind(n)
		case liarUser:
			e.User = chat.UserID(n)
		case liarName:
			e.Name += string(rune(n % 128))
		case liarNonce:
			e.Nonce = chat.Nonce(n)
		case liarTime:
			e.TimeMs = int64(n)
		case liarText:
			if b := []byte(e.Text); len(b) > 0 {
				b[n%uint64(len(b))] ^= 1 << (n >> 32 % 8)
				e.Text = string(b)
			} else {
				e.Text = "x"
			}
		}
	}
	return log
}

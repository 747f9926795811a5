package engine_test

import (
	"encoding/binary"
	"testing"
	"time"

	"sarang/engine"
	"sarang/packet"
)

// spend has a millisecond go by.
func (h *harness) spend() {
	end := h.now() + time.Millisecond
	if h.world != nil {
		h.world.Advance(end)
		return
	}
	for h.now() < end {
	}
}

// numberedFrames are packets with the numbers from 0 to n-1.
func numberedFrames(n int) (all []byte) {
	for i := range n {
		all = append(all, pack(idEcho, binary.LittleEndian.AppendUint32(nil, uint32(i))...)...)
	}
	return all
}

// A crowd that sends much at one moment, in frames that take long, holds up itself: others
// are served between its frames, timers fire and mail is delivered, and each of the crowd
// has its turn. All frames are handled, each session's in order.
func TestCrowdWaitsForItself(t *testing.T) {
	const crowd, frames = 8, 100
	c := setup{config: engine.Config{HeartbeatInterval: -1, IdleTimeout: -1, LoginDeadline: -1}}
	everywhere(t, c, func(h *harness) {
		next := map[*engine.Session]uint32{}
		inTick, mostInTick, all, mailed := 0, 0, 0, 0
		var quiet *engine.Session
		quietAt := -1
		h.packet = func(s *engine.Session, p packet.Packet) {
			if s == quiet {
				quietAt = all
				return
			}
			if i := binary.LittleEndian.Uint32(p.Payload); i != next[s] {
				h.Fatalf("frame %d of a session, %d is next", i, next[s])
			}
			next[s]++
			all++
			inTick++
			h.spend()
		}
		h.tick = func() { mostInTick, inTick = max(mostInTick, inTick), 0 }
		var loud []*peer
		for range crowd {
			p, _ := h.connect()
			loud = append(loud, p)
		}
		q, s := h.connect()
		quiet = s
		for _, p := range loud {
			p.write(numberedFrames(frames))
		}
		h.until("the crowd is heard", func() bool { return all > 0 })
		q.write(pack(idEcho))
		var beat engine.Timer
		fired := time.Duration(0)
		h.worker.After(&beat, 50*time.Millisecond, func(*engine.Timer) { fired = h.now() })
		asked := h.now()
		h.worker.Post(engine.MessageFunc(func(*engine.Worker) { mailed = all }))
		h.until("the quiet one is heard, and the timer", func() bool { return quietAt >= 0 && fired > 0 })
		// Two slices of frames, of 4 ms each and what passes between looks at the clock.
		if mostInTick > 2*(16+8) {
			h.Errorf("%d frames of a millisecond each were handled in one tick", mostInTick)
		}
		if quietAt > crowd*frames/4 {
			h.Errorf("the quiet one was heard after %d of %d frames", quietAt, crowd*frames)
		}
		if mailed > crowd*frames/4 {
			h.Errorf("mail was delivered after %d of %d frames", mailed, crowd*frames)
		}
		if h.world != nil && fired-asked > 150*time.Millisecond {
			h.Errorf("a timer of 50 ms fired after %v", fired-asked)
		}
		h.until("half is handled", func() bool { return all >= crowd*frames/2 })
		least, most := uint32(frames), uint32(0)
		for _, n := range next {
			least, most = min(least, n), max(most, n)
		}
		if len(next) != crowd || most-least > 64 {
			h.Errorf("of the crowd %d were heard, one %d times and one %d", len(next), least, most)
		}
		h.until("all is handled", func() bool { return all == crowd*frames })
		if h.service.Stats().SlicesCut == 0 || h.worker.Behind() != 0 {
			h.Errorf("%d slices were cut; behind by %v", h.service.Stats().SlicesCut, h.worker.Behind())
		}
	})
}

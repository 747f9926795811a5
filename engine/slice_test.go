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

// Sessions of one lane share its turns: a crowd of 20 that belong together holds up somebody
// else who asks for as much as one of them no longer than one of them would.
func TestLaneWaitsForItself(t *testing.T) {
	const crowd, frames = 20, 24
	var other *engine.Session
	c := setup{config: engine.Config{HeartbeatInterval: -1, IdleTimeout: -1, LoginDeadline: -1}}
	c.config.LaneOf = func(s *engine.Session) uint64 {
		if s == other {
			return 2
		}
		return 1
	}
	everywhere(t, c, func(h *harness) {
		all, his, allThen := 0, 0, 0
		h.packet = func(s *engine.Session, _ packet.Packet) {
			all++
			if s == other {
				if his++; his == frames {
					allThen = all
				}
			}
			h.spend()
		}
		var loud []*peer
		for range crowd {
			p, _ := h.connect()
			loud = append(loud, p)
		}
		q, s := h.connect()
		other, all, his = s, 0, 0
		for _, p := range loud {
			p.write(numberedFrames(frames))
		}
		h.until("the crowd is heard", func() bool { return all > 0 })
		q.write(numberedFrames(frames))
		h.until("the other one is heard", func() bool { return his == frames })
		// As much of the crowd's, and what is handled as it arrives.
		if allThen > crowd*frames/4 {
			h.Errorf("all of the other one's frames were handled after %d of %d", allThen, (crowd+1)*frames)
		}
		h.until("all is handled", func() bool { return all == (crowd+1)*frames })
		if h.worker.Behind() != 0 {
			h.Errorf("behind by %v", h.worker.Behind())
		}
	})
}

// parts is a message of many parts.
type parts struct {
	h           *harness
	left, calls int
}

func (p *parts) Deliver(*engine.Worker) { p.left = 0 }

func (p *parts) DeliverPart(w *engine.Worker) (done bool) {
	for p.calls++; p.left > 0 && !w.Spent(); p.left-- {
		p.h.spend()
	}
	return p.left == 0
}

// A message of many parts takes several ticks; what was posted later comes behind it.
func TestMessageInParts(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		ticks, p := 0, &parts{h: h, left: 100}
		before := -1
		h.tick = func() { ticks++ }
		h.worker.Post(p)
		h.worker.Post(engine.MessageFunc(func(*engine.Worker) { before = p.left }))
		h.until("both are delivered", func() bool { return before >= 0 })
		if before != 0 {
			h.Errorf("%d parts were left when the next message was delivered", before)
		}
		if p.calls < 4 || ticks < p.calls { // 100 ms, 4 ms and up to 16 parts at a time
			h.Errorf("it was delivered in %d parts, in %d ticks", p.calls, ticks)
		}
	})
}

// BenchmarkFrames is what a frame costs beside its handler: 256 of them arrive together.
func BenchmarkFrames(b *testing.B) {
	onReal(b, "epoll", setup{config: engine.Config{HeartbeatInterval: -1, IdleTimeout: -1, LoginDeadline: -1}}, func(h *harness) {
		n := 0
		h.packet = func(*engine.Session, packet.Packet) { n++ }
		p, _ := h.connect()
		some := make([]byte, 0, 4096)
		for len(some) < cap(some) {
			some = append(some, pack(idEcho, make([]byte, 12)...)...)
		}
		b.ResetTimer()
		for want := len(some) / 16; n < b.N; want += len(some) / 16 {
			p.write(some)
			for n < want {
				if err := h.service.Step(); err != nil {
					b.Fatal(err)
				}
				h.peers.poll(0)
			}
		}
	})
}

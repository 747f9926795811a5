package engine_test

import (
	"testing"
	"time"

	"sarang/aio"
	"sarang/engine"
	"sarang/packet"
)

// A worker that stood still for longer than any deadline (its process was stopped, the
// machine was asleep) reads what has arrived before it gives up anybody, also if that is
// more than one Wait can bring. The time in which it stood is nobody's silence: who has
// nothing to say unless he is asked is asked. Who then stays silent is given up.
func TestStoodStill(t *testing.T) {
	const idle, beat = 5 * time.Second, 2 * time.Second
	c := setup{
		simply: true, driver: aio.Config{EventsMax: 4},
		config: engine.Config{HeartbeatInterval: beat, IdleTimeout: idle, LoginDeadline: 3 * time.Second, Driver: aio.Config{EventsMax: 4}},
	}
	everywhere(t, c, func(h *harness) {
		heard, beats := 0, 0
		h.packet = func(*engine.Session, packet.Packet) { heard++ }
		h.heartbeat = func(*engine.Session) { beats++ }
		const n = 40
		var all []*peer
		for range n {
			p, s := h.connect()
			s.Admit()
			all = append(all, p)
		}
		answer, answered := engine.Timer{}, false
		h.worker.After(&answer, time.Second, func(*engine.Timer) { answered = heard == n/2 })
		h.connect() // and is about to log in
		for _, p := range all[:n/2] {
			p.write(pack(idEcho)) // the service is not stepped: it stands still
		}
		h.world.Advance(h.now() + time.Hour)
		h.until("what had arrived is handled", func() bool { return heard == n/2 || len(h.ended) > 0 })
		h.until("the timer fires", func() bool { return !answer.Running() })
		if len(h.ended) > 0 {
			h.Fatalf("%d sessions were ended, the first with %v", len(h.ended), h.ended[0])
		}
		if !answered {
			h.Error("a timer fired before what had arrived was handled")
		}
		h.pass(beat + slack)
		if len(h.ended) > 0 || beats < n/2 {
			h.Fatalf("%d sessions were ended; %d of %d were asked for a sign of life", len(h.ended), beats, n)
		}
		since := h.now()
		h.tick = func() {
			for _, p := range h.peers.all {
				if p.over() && !p.closed {
					p.close()
				}
			}
		}
		h.until("the silent ones are given up", func() bool { return len(h.ended) == n+1 })
		if d := h.now() - since; d > idle {
			h.Errorf("that took %v", d)
		}
	})
}

// A timer that is due fires between handlers that take long, not behind all of them.
func TestTimersBetweenSlowHandlers(t *testing.T) {
	const slow, frames = 350 * time.Millisecond, 8
	onSim(t, setup{config: engine.Config{HeartbeatInterval: -1, IdleTimeout: -1, LoginDeadline: -1}}, func(h *harness) {
		handled, firedAt := 0, -1
		h.packet = func(*engine.Session, packet.Packet) {
			handled++
			h.world.Advance(h.now() + slow)
		}
		var all []*peer
		for range frames {
			p, _ := h.connect()
			all = append(all, p)
		}
		var timer engine.Timer
		h.worker.After(&timer, 400*time.Millisecond, func(*engine.Timer) { firedAt = handled })
		for _, p := range all {
			p.write(pack(idEcho))
		}
		h.until("all is handled", func() bool { return handled == frames && firedAt >= 0 })
		if firedAt > 4 { // it is due in the second; what had arrived by then may be read first
			h.Errorf("the timer fired after %d of %d handlers", firedAt, frames)
		}
	})
}

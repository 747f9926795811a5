package engine_test

import (
	"errors"
	"testing"

	"sarang/engine"
	"sarang/packet"
)

// small is a protocol whose first frames are small.
func small(h *harness) *engine.Protocol {
	return &engine.Protocol{
		Name: "small first", Framer: packet.Framer{}, UnadmittedFrameBytesMax: 100,
		NewHandler: func(*engine.Worker) engine.Handler { return plainHandler{h} },
	}
}

// Before Admit a frame is bounded by what the protocol says, whole or in parts, and is
// refused as soon as its size shows; after it by the framer alone.
func TestFirstFrameIsSmall(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		at := h.listen(small(h))
		heard := 0
		h.packet = func(s *engine.Session, p packet.Packet) {
			if heard++; p.ID == idStart {
				s.Admit()
			}
		}
		dial := func() *peer {
			n := len(h.sessions)
			p := h.peers.connect(h, at, noDelay)
			h.until("a session", func() bool { return len(h.sessions) > n && p.connected })
			return p
		}
		large := pack(idEcho, make([]byte, 97)...)
		for name, b := range map[string][]byte{"whole": large, "its header": large[:4], "its header, and more": large[:50]} {
			p, before := dial(), len(h.ended)
			p.write(b)
			h.until(name+" is refused", p.over)
			p.close()
			h.until("the session ends", func() bool { return len(h.ended) > before })
			var why *engine.UnadmittedFrameError
			if got := h.ended[before]; got.Code != engine.ReasonFrame || !errors.As(got.Err, &why) || why.BytesMax != 100 {
				h.Errorf("%s: ended with %v", name, got)
			}
		}
		if heard != 0 {
			h.Errorf("%d frames were handled", heard)
		}
		p := dial()
		p.write(append(pack(idEcho, make([]byte, 96)...), pack(idStart)...))
		h.until("the login", func() bool { return heard == 2 })
		p.write(large)
		h.until("a large frame after it", func() bool { return heard == 3 })
	})
}

// What is kept of all sessions together that are not admitted is bounded: those who want
// more are ended, and nobody else notices. When they are gone, there is room again.
func TestUnadmittedBytesBounded(t *testing.T) {
	c := setup{config: engine.Config{UnadmittedBytesMax: 500}}
	everywhere(t, c, func(h *harness) {
		at := h.listen(small(h))
		heard := 0
		h.packet = func(s *engine.Session, _ packet.Packet) { heard++; s.Admit() }
		part := pack(idEcho, make([]byte, 96)...)[:60]
		var all []*peer
		dial := func() *peer {
			n := len(h.sessions)
			p := h.peers.connect(h, at, noDelay)
			h.until("a session", func() bool { return len(h.sessions) > n && p.connected })
			return p
		}
		for i := range 10 {
			p := dial()
			all = append(all, p)
			p.write(part)
			received := uint64(60 * (i + 1))
			h.until("it arrives", func() bool { return h.service.Stats().BytesReceived == received })
		}
		over := 0
		h.until("those beyond the bound are ended", func() bool {
			over = 0
			for _, p := range all {
				if p.over() {
					over++
				}
			}
			return over >= 2
		})
		if over != 2 {
			h.Errorf("%d of 10 were ended; there is room for 8", over)
		}
		whole := dial()
		whole.write(pack(idEcho))
		h.until("a login in one piece", func() bool { return heard == 1 })
		for _, p := range all {
			p.close()
		}
		h.until("they are gone", func() bool { return len(h.ended) == 10 })
		for range 8 {
			p := dial()
			p.write(part)
			h.pass(holdUp(h) / 10)
			p.write(make([]byte, 40))
		}
		h.until("logins in two pieces", func() bool { return heard == 9 })
	})
}

package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/packet"
)

// collected keeps copies of the packets that a handler is told of.
type collected struct{ ids, payloads []string }

func (c *collected) packet(_ *engine.Session, p packet.Packet) {
	c.ids = append(c.ids, fmt.Sprint(p.ID))
	c.payloads = append(c.payloads, string(p.Payload))
}

func TestPacketsCutAnywhere(t *testing.T) {
	stream := bytes.Join([][]byte{
		pack(2), pack(4, 'a'), pack(6, []byte("annyeonghaseyo")...), pack(8), pack(10, 0, 0),
	}, nil)
	everywhere(t, setup{}, func(h *harness) {
		var c collected
		h.packet = c.packet
		p, _ := h.connect()
		received := uint64(0)
		for cut := 1; cut < len(stream); cut++ {
			c = collected{}
			h.packet = c.packet
			for _, part := range [][]byte{stream[:cut], stream[cut:]} {
				p.write(part)
				received += uint64(len(part))
				h.until("the part to arrive", func() bool { return h.service.Stats().BytesReceived == received })
			}
			want := []string{"", "a", "annyeonghaseyo", "", "\x00\x00"}
			if fmt.Sprint(c.ids) != "[2 4 6 8 10]" || fmt.Sprintf("%q", c.payloads) != fmt.Sprintf("%q", want) {
				h.Fatalf("cut after %d bytes: ids %v, payloads %q", cut, c.ids, c.payloads)
			}
		}
	})
}

func TestPacketsByteByByte(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		var c collected
		h.packet = c.packet
		p, _ := h.connect()
		for i, b := range append(pack(2, 'x', 'y'), pack(4)...) {
			p.write([]byte{b})
			h.until("the byte to arrive", func() bool { return h.service.Stats().BytesReceived == uint64(i+1) })
		}
		if fmt.Sprint(c.ids, c.payloads) != "[2 4] [xy ]" {
			h.Fatalf("got %v %q", c.ids, c.payloads)
		}
	})
}

func TestLargestPacketsInSmallBuffers(t *testing.T) {
	c := setup{driver: aio.Config{RecvBufferBytes: 1000, RecvBuffers: 16}}
	everywhere(t, c, func(h *harness) {
		payload := bytes.Repeat([]byte("0123456789abcdef"), 5000)[:packet.PayloadBytesMax]
		n := 0
		h.packet = func(_ *engine.Session, p packet.Packet) {
			if !bytes.Equal(p.Payload, payload) {
				h.Fatalf("packet %d is not what was sent", n)
			}
			n++
		}
		p, _ := h.connect()
		for range 5 {
			p.write(pack(2, payload...))
		}
		h.until("all packets", func() bool { return n == 5 })
		if used := h.service.Stats().Memory.Total.InUseBytes; used != 0 {
			h.Errorf("an idle session has %d bytes of buffers", used)
		}
	})
}

// A header with a size below its own is no packet. What was promised goes out
// before the connection ends, the farewell last.
func TestBadSizes(t *testing.T) {
	for _, size := range []uint16{0, 1, 3} {
		for _, after := range []int{0, 1} { // packets before the bad one
			t.Run(fmt.Sprintf("size %d after %d", size, after), func(t *testing.T) {
				everywhere(t, setup{}, func(h *harness) { badSize(h, size, after) })
			})
		}
	}
}

func badSize(h *harness, size uint16, after int) {
	h.packet = func(s *engine.Session, p packet.Packet) {
		if p.ID != idEcho {
			h.Errorf("packet %d was delivered after framing was lost", p.ID)
		}
		_ = s.Send(pack(idEcho, p.Payload...))
	}
	h.farewell = func(to engine.Sender, why engine.Reason) {
		_ = to.Send(pack(idBye, byte(why.Code)))
	}
	p, _ := h.connect()
	b := binary.LittleEndian.AppendUint16(nil, size)
	b = append(b, 0, 0)
	b = append(b, pack(4)...) // looks like a packet, and must not be one
	if after > 0 {
		b = append(pack(idEcho, 'e'), b...)
	}
	p.write(b)
	h.until("the end", p.over)
	got := p.take()
	if len(got) != after+1 || got[after].ID != idBye || got[after].Payload[0] != byte(engine.ReasonFrame) {
		h.Fatalf("the peer got %v", got)
	}
	p.close()
	h.until("the session's end", func() bool { return len(h.ended) == 1 })
	why := h.ended[0]
	var frame *packet.FrameError
	if why.Code != engine.ReasonFrame || !errors.As(why.Err, &frame) || frame.Size != int(size) {
		h.Errorf("ended with %v", why)
	}
	if n := h.service.Stats().FrameErrors; n != 1 {
		h.Errorf("%d frame errors are counted", n)
	}
}

// Nothing that an ending session still receives reaches the handler.
func TestNoPacketsWhileClosing(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		n := 0
		h.packet = func(s *engine.Session, _ packet.Packet) {
			n++
			s.Close()
		}
		p, _ := h.connect()
		b := bytes.Repeat(pack(2, 'x'), 100)
		p.write(b[:3]) // the packet that closes comes in two parts
		h.until("a part", func() bool { return h.service.Stats().BytesReceived == 3 })
		p.write(b[3:])
		h.until("the end", p.over)
		p.write(pack(2))
		p.close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if n != 1 {
			h.Errorf("%d packets were delivered, 1 before Close", n)
		}
	})
}

// Pause holds the peer up; Resume loses nothing.
func TestPauseResume(t *testing.T) {
	c := setup{config: engine.Config{Socket: aio.SocketOptions{RecvBufferBytes: 64 << 10}}}
	everywhere(t, c, func(h *harness) {
		const total = 4 << 20
		next, pauseAt := uint32(0), uint32(10)
		h.packet = func(s *engine.Session, p packet.Packet) {
			if got := binary.LittleEndian.Uint32(p.Payload); got != next {
				h.Fatalf("packet %d arrived instead of %d", got, next)
			}
			if next++; next == pauseAt {
				s.Pause()
			}
		}
		p, s := h.connectWith(aio.SocketOptions{SendBufferBytes: 64 << 10})
		var b []byte
		count := uint32(0)
		for ; len(b) < total; count++ {
			payload := make([]byte, 996)
			binary.LittleEndian.PutUint32(payload, count)
			b = append(b, pack(2, payload...)...)
		}
		p.write(b)
		h.until("the pause", s.Paused)
		stalled := -1
		h.until("the peer to be held up", func() bool {
			before := stalled
			h.pass(holdUp(h))
			stalled = len(p.out)
			return stalled == before
		})
		if next == count || stalled == 0 {
			h.Fatalf("%d of %d packets came through a pause, %d bytes wait at the peer", next, count, stalled)
		}
		s.Resume()
		s.Pause()
		s.Resume()
		h.until("the rest", func() bool { return next == count })
	})
}

// A session that is paused again and again by its handler gets everything in order,
// also under faults.
func TestPauseOften(t *testing.T) {
	c := setup{simply: true, faults: aiosim.Faults{
		DelayMax: 3e6, ShortRecv: .5, AbortDelayMax: 5e6, SegmentBytesMin: 1, SegmentBytesMax: 100,
	}}
	for seed := range uint64(20) {
		c.world.Seed = seed
		onSim(t, c, func(h *harness) {
			next := byte(0)
			var paused *engine.Session
			h.packet = func(s *engine.Session, p packet.Packet) {
				if p.Payload[0] != next || s.Paused() {
					h.Fatalf("seed %d: packet %d instead of %d, paused: %v", seed, p.Payload[0], next, s.Paused())
				}
				if next++; next%7 == 0 {
					s.Pause()
					paused = s
				}
			}
			p, _ := h.connect()
			for i := range byte(250) {
				p.write(pack(2, i, 0, 0, 0))
			}
			h.until("all packets", func() bool {
				if paused != nil {
					paused.Resume()
					paused = nil
				}
				return next == 250
			})
		})
	}
}

// A pause in the middle of what a peer says holds up the rest of it, and the peer's end
// is behind that.
func TestPauseHoldsTheRest(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		const total = 100
		heard := 0
		h.packet = func(s *engine.Session, p packet.Packet) {
			if s.Paused() || int(p.Payload[0]) != heard {
				h.Fatalf("packet %d after %d, paused: %v", p.Payload[0], heard, s.Paused())
			}
			if heard++; heard%10 == 0 {
				s.Pause()
			}
			_ = s.Send(pack(idEcho, p.Payload...))
		}
		p, s := h.connect()
		var all []byte
		for i := range byte(total) {
			all = append(all, pack(idEcho, i)...)
		}
		p.write(all)
		p.shutdown()
		replies := 0
		for n := 10; n <= total; n += 10 {
			h.until("a pause", func() bool { replies += len(p.take()); return replies == n })
			if n < total && (heard != n || len(h.ended) > 0) {
				h.Fatalf("%d packets were delivered until pause %d; ended: %v", heard, n/10, h.ended)
			}
			s.Resume()
		}
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
	})
}

// A peer that ends its side gets the replies to what it said before.
func TestHalfClose(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		h.packet = func(s *engine.Session, p packet.Packet) { _ = s.Send(pack(idEcho, p.Payload...)) }
		p, _ := h.connect()
		for i := range byte(100) {
			p.write(pack(idEcho, i))
		}
		p.shutdown()
		h.until("the end", p.over)
		got := p.take()
		if len(got) != 100 || got[99].Payload[0] != 99 {
			h.Fatalf("the peer got %d of 100 replies", len(got))
		}
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if h.ended[0].Code != engine.ReasonPeerClosed {
			h.Errorf("ended with %v", h.ended[0])
		}
	})
}

// A reset by the peer ends the session with the system's error.
func TestPeerReset(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		p, _ := h.connectWith(aio.SocketOptions{LingerResetOnClose: true})
		p.close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if h.ended[0].Code != engine.ReasonBroken || h.ended[0].Err == nil {
			h.Errorf("ended with %v", h.ended[0])
		}
		h.until("the peer's end", func() bool { return p.closed })
	})
}

// A peer that goes on sending after it was told the end is not read for ever.
func TestEndedSessionStopsReading(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket(), LingerTimeout: time.Minute}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{SendBufferBytes: 8 << 10})
		id := s.ID()
		s.Close()
		chunk := pack(idEcho, make([]byte, 4000)...)
		for range 1000 {
			if len(p.out) == 0 {
				p.write(chunk)
			}
			h.step()
		}
		if n := h.service.Stats().BytesReceived; n > 600<<10 {
			h.Errorf("%d bytes were read of a peer that nobody listens to", n)
		}
		if s := h.worker.Session(id); s == nil || !s.Closing() {
			h.Error("the session did not linger")
		}
		s.Abort()
		p.close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
	})
}

package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/packet"
)

// small sockets fill soon: what a peer does not read stays in the engine.
func smallSocket() aio.SocketOptions {
	return aio.SocketOptions{NoDelay: true, SendBufferBytes: 8 << 10, UnsentLowatBytes: 8 << 10}
}

// numbered makes a direct packet with a number and filler.
func numbered(i, size int) []byte {
	b := make([]byte, size-packet.HeaderBytes)
	binary.LittleEndian.PutUint32(b, uint32(i))
	return pack(idDirect, b...)
}

func TestSendKeepsOrder(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		p, s := h.connect()
		const count = 2000
		sent := 0
		h.tick = func() {
			for range min(17, count-sent) {
				if err := s.Send(numbered(sent, 8+sent%50)); err != nil {
					h.Fatal(err)
				}
				sent++
			}
		}
		next := 0
		h.until("all packets", func() bool {
			for _, one := range p.take() {
				if got := int(binary.LittleEndian.Uint32(one.Payload)); got != next || len(one.Payload) != 4+next%50 {
					h.Fatalf("packet %d of %d bytes instead of %d", got, len(one.Payload), next)
				}
				next++
			}
			return next == count
		})
		h.until("an empty queue", func() bool { return s.QueuedBytes() == 0 })
	})
}

// A peer that lets its replies pile up is ended with a reason of its own.
func TestDirectQueueIsBounded(t *testing.T) {
	c := setup{config: engine.Config{DirectQueueBytesMax: 10000, Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		h.farewell = func(to engine.Sender, why engine.Reason) { _ = to.Send(pack(idBye, byte(why.Code))) }
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		p.stall()
		var err error
		sent, queued := 0, 0
		h.until("the bound to be met", func() bool {
			if err = s.Send(numbered(sent, 1000)); err == nil {
				sent++
				queued = max(queued, s.QueuedBytes())
			}
			return err != nil
		})
		if !errors.Is(err, engine.ErrDirectQueue) || queued > 10000 || queued < 9000 {
			h.Fatalf("error %v with at most %d bytes queued", err, queued)
		}
		if err := s.Send(numbered(0, 8)); !errors.Is(err, engine.ErrClosed) {
			h.Errorf("Send to an ending session gave %v", err)
		}
		p.readOn()
		h.until("the end", p.over)
		got := p.take()
		if len(got) != sent+1 || got[sent].ID != idBye {
			h.Errorf("%d packets and a farewell were sent, %d arrived", sent, len(got))
		}
		p.close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if h.ended[0].Code != engine.ReasonDirectQueue {
			h.Errorf("ended with %v", h.ended[0])
		}
	})
}

// A burst of answers within one tick is not held against a peer that reads, up to four
// times the bound.
func TestDirectQueueTakesBursts(t *testing.T) {
	c := setup{config: engine.Config{DirectQueueBytesMax: 10000}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connect()
		h.until("nothing to be in flight", func() bool { return s.QueuedBytes() == 0 })
		sent := 0
		for ; sent < 39; sent++ {
			if err := s.Send(numbered(sent, 1000)); err != nil {
				h.Fatalf("after %d bytes: %v", s.QueuedBytes(), err)
			}
		}
		h.until("all of it", func() bool { return p.gotBytes == sent*1000 })
		h.until("an empty queue", func() bool { return s.QueuedBytes() == 0 })
		var err error
		for i := 0; err == nil && i < 50; i++ {
			err = s.Send(numbered(sent, 1000))
		}
		if !errors.Is(err, engine.ErrDirectQueue) {
			h.Errorf("50000 bytes in one tick: %v", err)
		}
		p.close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
	})
}

// What is ephemeral is dropped while something waits, and only then.
func TestSendEphemeral(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		p.stall()
		sent := 0
		h.until("ephemeral packets to be dropped", func() bool {
			if s.SendEphemeral(numbered(sent, 1000)) {
				sent++
				return false
			}
			return s.QueuedBytes() > 0 && h.service.Stats().Blocked > 0
		})
		p.readOn()
		h.until("what was accepted", func() bool { return p.gotBytes == sent*1000 })
		h.until("an empty queue", func() bool { return s.QueuedBytes() == 0 })
		if !s.SendEphemeral(numbered(sent, 8)) {
			h.Error("an ephemeral packet was dropped although nothing waited")
		}
		h.until("it", func() bool { return p.gotBytes == sent*1000+8 })
		if n := len(p.take()); n != sent+1 {
			h.Errorf("%d packets arrived of %d", n, sent+1)
		}
	})
}

// Direct packets are not held up by a feed that always has more to say.
func TestRepliesPassBusyFeed(t *testing.T) {
	c := setup{
		simply: true, faults: aiosim.Faults{DelayMax: 2e6, ShortSend: 1},
		config: engine.Config{DirectQueueBytesMax: 4 << 10, Socket: smallSocket()},
	}
	onSim(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 64<<10)
		defer f.feed.Close()
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		s.Follow(f.feed, 1)
		sent, replies, waited := 0, 0, 0
		h.tick = func() {
			f.append(4, 3000)
			if s.QueuedBytes() == 0 {
				_ = s.Send(numbered(sent, 100))
				sent++
				waited = 0
			}
		}
		h.sent = func(*engine.Session, int) {
			if waited++; waited > 30 {
				h.Fatal("30 sends of the feed's entries went before a reply")
			}
		}
		h.until("100 replies between the feed's entries", func() bool {
			for _, one := range p.take() {
				if one.ID == idDirect {
					replies++
				}
			}
			return replies >= 100
		})
		if s.Closing() {
			h.Fatal("the session was ended")
		}
		h.tick = nil
	})
}

// The rest of a feed's entry that was cut by a full socket is no reply that piles up.
func TestCutEntryIsNoDirectQueue(t *testing.T) {
	c := setup{config: engine.Config{DirectQueueBytesMax: 4 << 10, Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		p.stall()
		s.Follow(f.feed, 1)
		f.append(8, 60000)
		h.until("a full socket", func() bool { return h.service.Stats().Blocked > 0 })
		if n := s.QueuedBytes(); n != 0 {
			h.Errorf("%d direct bytes are said to wait; none were sent", n)
		}
		if err := s.Send(numbered(1, 3000)); err != nil {
			h.Fatalf("one small reply was refused: %v", err)
		}
		if n := s.QueuedBytes(); n != 3000 {
			h.Errorf("%d direct bytes are said to wait, not 3000", n)
		}
		p.readOn()
		h.until("everything", func() bool { return len(p.got) == 8*60000+3000 })
		h.until("an empty queue", func() bool { return s.QueuedBytes() == 0 })
	})
}

// Close sends what was said before it, and then ends the stream.
func TestCloseFlushes(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket(), DirectQueueBytesMax: 1 << 20, LingerTimeout: time.Minute}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		p.stall()
		var want []byte
		for i := range 300 { // more than a system takes for a reader who does not read
			b := numbered(i, 1000)
			want = append(want, b...)
			if err := s.Send(b); err != nil {
				h.Fatal(err)
			}
		}
		s.Close()
		if !s.Closing() {
			h.Error("the session is not Closing")
		}
		h.until("a full socket", func() bool { return h.service.Stats().Blocked > 0 })
		p.readOn()
		h.until("the end", p.over)
		if !bytes.Equal(p.got, want) {
			h.Errorf("%d of %d bytes arrived before the end", len(p.got), len(want))
		}
		if len(h.ended) != 0 {
			h.Error("Disconnected before the peer has ended its side")
		}
		p.close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if h.ended[0].Code != engine.ReasonLocal {
			h.Errorf("ended with %v", h.ended[0])
		}
	})
}

// A peer that neither reads nor ends is let go after LingerTimeout.
func TestCloseLingers(t *testing.T) {
	c := setup{simply: true, config: engine.Config{Socket: smallSocket(), LingerTimeout: 2e9}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		p.stall()
		_ = s.Send(make([]byte, 60000))
		s.Close()
		began := h.now()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		if d := h.now() - began; d < 2e9 || d > 2.1e9 {
			h.Errorf("the session ended after %v", d)
		}
	})
}

// Abort does not wait for anybody, and there is one Disconnected.
func TestAbort(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket(), DirectQueueBytesMax: 8 << 20}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		p.stall()
		_ = s.Send(make([]byte, 4<<20))
		h.until("a full socket", func() bool { return h.service.Stats().Blocked > 0 })
		s.Abort()
		s.Abort()
		s.Close()
		h.until("the session's end", func() bool { return len(h.ended) == 1 })
		h.pass(holdUp(h))
		if len(h.ended) != 1 || h.ended[0].Code != engine.ReasonLocal {
			h.Errorf("ended with %v", h.ended)
		}
		if n := h.service.Sessions(); n != 0 {
			h.Errorf("%d sessions are left", n)
		}
	})
}

// What is sent before the connection stands goes out when it does.
func TestSendWhileConnecting(t *testing.T) {
	c := setup{faults: aiosim.Faults{DelayMin: 1e7, DelayMax: 1e7}}
	everywhere(t, c, func(h *harness) {
		var got []packet.Packet
		h.packet = func(_ *engine.Session, p packet.Packet) { got = append(got, p) }
		s, err := h.worker.Connect(h.at, h.packets, "data")
		if err != nil {
			h.Fatal(err)
		}
		if err := s.Send(pack(idEcho, 1)); err != nil {
			h.Fatal(err)
		}
		h.until("the packet", func() bool { return len(got) == 1 })
		if s.Data != "data" {
			h.Errorf("Data is %v", s.Data)
		}
	})
}

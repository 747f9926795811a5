package engine_test

import (
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/mem"
)

// All readers get all entries, in order, once: quick ones, slow ones, ones that
// stall, and ones that come late.
func TestFeedReachesAllReaders(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) { feedReachesAll(h, 100) })
}

func TestFeedUnderFaults(t *testing.T) {
	for seed := range uint64(30) {
		c := setup{
			config: engine.Config{Socket: smallSocket(), SendBytesMax: 5000, Debug: seed%5 == 0},
			world:  aiosim.Config{Seed: seed},
			faults: aiosim.Faults{
				DelayMax: 4e6, ShortSend: .4, ShortRecv: .2, SpuriousFull: .2,
				Stall: .02, StallMax: 3e8, SegmentBytesMin: 1, SegmentBytesMax: 4000,
			},
		}
		onSim(t, c, func(h *harness) { feedReachesAll(h, 40) })
	}
}

func feedReachesAll(h *harness, rounds int) {
	f := newLog(h, 1, 1, 64<<20) // nobody falls behind the window
	defer f.feed.Close()
	var readers []*reader
	join := func(next uint64, stalled bool) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		if stalled {
			p.stall()
		}
		s.Follow(f.feed, next)
		readers = append(readers, newReader(h, p).expect(1, next))
	}
	for i := range 5 {
		join(1, i%2 == 1)
	}
	for round := range rounds {
		f.append(round%7, 24+round*31%3000)
		f.appendBatch(24, 100+round, 50)
		h.step()
		if round == rounds/2 {
			join(f.next(), false)
			join(1, false)
			join(f.next()/2, true)
		}
	}
	for _, r := range readers {
		r.p.readOn()
	}
	for i, r := range readers {
		h.until("everything at a reader", func() bool { return r.has(1, f.next()) })
		if r.next[1] != f.next() {
			h.Errorf("reader %d got up to %d of %d", i, r.next[1], f.next())
		}
	}
	want := uint64(0)
	for i := range readers {
		want += readers[i].next[1]
	}
	if f.feed.Cursors() != len(readers) {
		h.Errorf("%d cursors for %d readers", f.feed.Cursors(), len(readers))
	}
}

// One send takes as many buffers as the driver takes at once; what is beyond is sent
// by the next.
func TestFeedOfManyBuffers(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		p, s := h.connect()
		r := newReader(h, p).expect(1, 1)
		for range 10 * aio.VectorMax {
			f.appendBatch(24, 30)
		}
		if err := s.Send(numbered(0, 100)); err != nil {
			h.Fatal(err)
		}
		s.Follow(f.feed, 1)
		h.until("everything", func() bool { return r.has(1, f.next()) })
		if r.direct != 1 {
			h.Errorf("%d direct packets came", r.direct)
		}
		if sends := h.service.Stats().Sends; sends < 10 {
			h.Errorf("%d sends for %d buffers", sends, 10*aio.VectorMax)
		}
	})
}

// Contiguous entries go in one send, however many, up to SendBytesMax; an entry that
// is larger goes by itself.
func TestSendBytesMax(t *testing.T) {
	c := setup{config: engine.Config{SendBytesMax: 1000}, simply: true}
	everywhere(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		p, s := h.connect()
		r := newReader(h, p).expect(1, 1)
		largest := 0
		h.sent = func(_ *engine.Session, n int) { largest = max(largest, n) }
		f.appendBatch(100, 100, 100, 900, 100, 100, 999, 1000)
		s.Follow(f.feed, 1)
		h.until("everything", func() bool { return r.has(1, f.next()) })
		if largest != 1000 {
			h.Errorf("the largest send had %d bytes", largest)
		}
		if sends := h.service.Stats().Sends; sends > 6 {
			h.Errorf("%d sends", sends)
		}
		largest = 0
		f.appendBatch(60000, 24, 5000)
		h.until("everything", func() bool { return r.has(1, f.next()) })
		if largest < 60000 {
			h.Errorf("an entry of 60000 bytes was not sent at once, but at most %d bytes", largest)
		}
	})
}

// With several feeds behind, none waits for another to be done.
func TestFeedsTakeTurns(t *testing.T) {
	c := setup{config: engine.Config{SendBytesMax: 10000, Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		r := newReader(h, p)
		var logs []*feedLog
		for i := range 5 {
			f := newLog(h, i, 1, 64<<20)
			defer f.feed.Close()
			f.append(100, 1000)
			s.Follow(f.feed, 1)
			r.expect(i, 1)
			logs = append(logs, f)
		}
		spread := uint64(0)
		h.until("everything", func() bool {
			r.check()
			lowest, highest := ^uint64(0), uint64(0)
			for i := range logs {
				lowest, highest = min(lowest, r.next[i]), max(highest, r.next[i])
			}
			spread = max(spread, highest-lowest)
			return lowest == 101
		})
		if spread > 40 {
			h.Errorf("one feed was %d entries ahead of another; sends are of 10", spread)
		}
	})
}

// A cursor that is closed in the middle of a send leaves the framing whole, and
// nothing of its feed follows.
func TestCursorClosedInMidSend(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		f, other := newLog(h, 1, 1, 64<<20), newLog(h, 2, 1, 64<<20)
		defer f.feed.Close()
		defer other.feed.Close()
		for round := range 10 {
			p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
			r := newReader(h, p).expect(1, f.next()).expect(2, other.next())
			p.stall()
			c := s.Follow(f.feed, f.next())
			s.Follow(other.feed, other.next())
			f.append(20, 10000)
			other.append(20, 500)
			for range round {
				h.step()
			}
			at := c.Next()
			c.Close()
			c.Close()
			if c.Feed() != nil {
				h.Error("a closed cursor has a feed")
			}
			other.append(1, 500)
			p.readOn()
			h.until("the other feed", func() bool { return r.has(2, other.next()) })
			_ = s.Send(pack(idDirect))
			h.until("a last packet", func() bool { r.check(); return r.direct == 1 })
			if len(p.got) != 0 {
				h.Errorf("half a packet is left at the peer")
			}
			if r.next[1] < at {
				h.Errorf("the closed cursor stood at %d, the peer has entries up to %d", at, r.next[1])
			}
			s.Abort()
		}
	})
}

// What is flushed before its cursor is closed arrives, and what comes behind that does not.
func TestFlushBeforeClose(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		p, s := h.connect()
		r := newReader(h, p).expect(1, 1)
		c := s.Follow(f.feed, 1)
		f.append(3, 100)
		for one := range f.feed.Readers() {
			if one != c || one.Session() != s {
				h.Error("the feed has another reader")
			}
		}
		s.Flush()
		c.Close()
		s.Flush() // there is nothing
		f.append(1, 100)
		_ = s.Send(pack(idDirect))
		h.until("a last packet", func() bool { r.check(); return r.direct == 1 })
		if r.next[1] != 4 {
			h.Errorf("the peer has entries up to %d, want 3", r.next[1]-1)
		}
	})
}

// Closing a feed leaves its readers' sessions and their other feeds alone.
func TestFeedClose(t *testing.T) {
	c := setup{config: engine.Config{Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		f, other := newLog(h, 1, 1, 64<<20), newLog(h, 2, 1, 64<<20)
		defer other.feed.Close()
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		r := newReader(h, p).expect(1, 1).expect(2, 1)
		cursor := s.Follow(f.feed, 1)
		s.Follow(other.feed, 1)
		f.append(20, 10000)
		h.step()
		other.append(20, 500)
		next := f.feed.Next()
		f.feed.Close()
		if cursor.Feed() != nil || f.feed.Cursors() != 0 || f.feed.WindowBytes() != 0 {
			h.Error("something is left of the feed")
		}
		if f.feed.Next() != next || f.feed.First() != next {
			h.Errorf("the closed feed is at %d to %d, not %d", f.feed.First(), f.feed.Next(), next)
		}
		h.until("the other feed", func() bool { return r.has(2, other.next()) })
		if s.Closing() {
			h.Error("the session was ended")
		}
	})
}

// A session that ends takes its cursors off.
func TestSessionEndClosesCursors(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		f := newLog(h, 1, 1, 0)
		defer f.feed.Close()
		var cursors []*engine.Cursor
		for range 3 {
			_, s := h.connect()
			cursors = append(cursors, s.Follow(f.feed, 1))
		}
		f.append(3, 100)
		h.step()
		cursors[1].Session().Abort()
		h.until("the end", func() bool { return len(h.ended) == 1 })
		if f.feed.Cursors() != 2 || cursors[1].Feed() != nil || cursors[0].Feed() == nil {
			h.Errorf("%d cursors are left", f.feed.Cursors())
		}
	})
}

// A second worker's feed can begin with the window of the first.
func TestWindowAndLoad(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		f := newLog(h, 1, 10, 64<<20)
		f.appendBatch(24, 30, 40)
		f.append(50, 100)
		w := f.feed.Window()
		copied := newLog(h, 1, 10, 64<<20)
		defer copied.feed.Close()
		copied.feed.Load(w)
		w.Release()
		copied.entries = f.entries
		if a, b := f.feed.WindowBytes(), copied.feed.WindowBytes(); a != b || copied.feed.First() != 10 || copied.feed.Next() != f.next() {
			h.Errorf("the copy has %d bytes of %d, entries %d to %d", b, a, copied.feed.First(), copied.feed.Next())
		}
		f.feed.Close() // the copy has references of its own
		p, s := h.connect()
		r := newReader(h, p).expect(1, 12)
		s.Follow(copied.feed, 12)
		copied.append(5, 100)
		h.until("everything", func() bool { return r.has(1, copied.next()) })
	})
}

// The window is bounded, and begins at the border of an entry.
func TestWindowIsTrimmed(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		f := newLog(h, 1, 1, 10000)
		defer f.feed.Close()
		chunker := mem.NewChunker(h.worker.Pool(), 2000)
		for range 500 {
			b := entry(1, f.next(), 100)
			f.entries = append(f.entries, b)
			buf, off, err := chunker.Append(b)
			if err != nil {
				h.Fatal(err)
			}
			f.feed.Append(buf, off, []uint32{100})
			buf.Release()
			if n := f.feed.WindowBytes(); n > 12000 {
				h.Fatalf("the window has %d bytes", n)
			}
		}
		chunker.Drop()
		if n := f.feed.WindowBytes(); n < 8000 || uint64(n) != 100*(f.feed.Next()-f.feed.First()) {
			h.Errorf("the window has %d bytes for entries %d to %d", n, f.feed.First(), f.feed.Next())
		}
		if in := h.service.Stats().Memory.Total.InUseBytes; in > 14336 {
			h.Errorf("%d bytes are in use", in)
		}
	})
}

// A burst larger than the window is no reason to send readers that keep up to the
// handler: they get all of it, and the window shrinks again when they have.
func TestBurstIsNotBehind(t *testing.T) {
	const window, burst = 4 << 10, 1 << 20
	c := setup{behind: true, config: engine.Config{FeedWindowBytesMax: window, FeedBurstBytesMax: burst, SendBytesMax: 8 << 10}}
	everywhere(t, c, func(h *harness) {
		f := newLog(h, 0, 1, window)
		defer f.feed.Close()
		var readers []*reader
		for range 3 {
			p, s := h.connect()
			r := newReader(h, p)
			r.expect(0, 1)
			s.Follow(f.feed, 1)
			readers = append(readers, r)
		}
		h.behind = func(*engine.Cursor) { h.Error("a reader that keeps up is behind") }
		f.append(200, 1000)
		h.until("everything", func() bool {
			for _, r := range readers {
				if !r.has(0, f.next()) {
					return false
				}
			}
			return true
		})
		h.until("a window of its usual size", func() bool { return f.feed.WindowBytes() <= 2*window })
	})
}

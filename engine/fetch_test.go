package engine_test

import (
	"testing"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
)

// A reader before the window is fed in pages, then from the window, and misses
// nothing.
func TestFetchIsSupplied(t *testing.T) {
	c := setup{behind: true, config: engine.Config{Socket: smallSocket()}}
	for name, later := range map[string]bool{"at once": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, c, func(h *harness) { behindIsSupplied(h, later) })
		})
	}
}

func behindIsSupplied(h *harness, later bool) {
	f := newLog(h, 1, 1, 5000)
	defer f.feed.Close()
	var asked []*engine.Cursor
	h.behind = func(c *engine.Cursor) {
		if c.Next() >= f.feed.First() {
			h.Errorf("asked for %d, which the window from %d on has", c.Next(), f.feed.First())
		}
		if later {
			asked = append(asked, c)
		} else {
			f.supply(c, 7)
		}
	}
	f.append(200, 700)
	p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
	r := newReader(h, p).expect(1, 3)
	cursor := s.Follow(f.feed, 3)
	turn := 0
	h.until("everything", func() bool {
		if turn++; turn%5 == 0 && len(asked) > 0 {
			if len(asked) != 1 {
				h.Fatal("asked again before the answer")
			}
			c := asked[0]
			asked = nil
			f.supply(c, 7)
		}
		if turn%9 == 0 && f.next() < 300 {
			f.append(1, 700)
		}
		return r.has(1, f.next()) && f.next() == 300
	})
	h.until("the cursor at the end", func() bool { return cursor.Next() == f.next() })
	f.append(1, 700)
	h.until("all of it", func() bool { return r.has(1, f.next()) && cursor.Next() == f.next() })
	if n := h.service.Stats().Memory.Total.InUseBytes; n > int64(f.feed.WindowBytes())*2 {
		h.Errorf("%d bytes are in use for a window of %d: a page is kept", n, f.feed.WindowBytes())
	}
}

// Without a Fetch the reader goes on where the window begins.
func TestNoFetchSkips(t *testing.T) {
	everywhere(t, setup{}, func(h *harness) {
		f := newLog(h, 1, 1, 1000)
		defer f.feed.Close()
		f.append(100, 500)
		p, s := h.connect()
		r := newReader(h, p).expect(1, f.feed.First())
		s.Follow(f.feed, 1)
		h.until("the window", func() bool { return r.has(1, f.next()) })
	})
}

// Skip moves a reader over what is gone; it is told before what follows.
func TestSkip(t *testing.T) {
	everywhere(t, setup{behind: true}, func(h *harness) {
		f := newLog(h, 1, 1, 1000)
		defer f.feed.Close()
		f.append(100, 500)
		skipped := 0
		h.behind = func(c *engine.Cursor) {
			skipped++
			_ = c.Session().Send(start(1, f.feed.First()))
			c.Skip(f.feed.First())
		}
		p, s := h.connect()
		r := newReader(h, p)
		s.Follow(f.feed, 1)
		h.until("the window", func() bool { return r.has(1, f.next()) })
		if skipped != 1 {
			h.Errorf("skipped %d times", skipped)
		}
	})
}

// A cursor that is moved forward while its bytes are in flight is not moved back by
// their completion.
func TestSkipInMidSend(t *testing.T) {
	c := setup{config: engine.Config{SendBytesMax: 1000}}
	everywhere(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 64<<20)
		defer f.feed.Close()
		p, s := h.connect()
		r := newReader(h, p).expect(1, 1)
		c := s.Follow(f.feed, 1)
		f.append(100, 500)
		if err := h.service.Step(); err != nil { // a send is in flight now
			h.Fatal(err)
		}
		_ = s.Send(start(1, 60))
		c.Skip(60)
		h.until("the end", func() bool { return r.has(1, f.next()) })
		c.Skip(5)
		c.Skip(f.next() + 10)
		if c.Next() != f.next() {
			h.Errorf("the cursor stands at %d; backwards or beyond %d there is nothing", c.Next(), f.next())
		}
	})
}

// Pages that wait at a full socket are let go and asked for again when it drains.
func TestPagesAreDroppedWhenBlocked(t *testing.T) {
	c := setup{behind: true, config: engine.Config{Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 1000)
		defer f.feed.Close()
		f.append(300, 2000)
		window := h.service.Stats().Memory.Total.InUseBytes
		asked := 0
		h.behind = func(c *engine.Cursor) {
			asked++
			f.supply(c, 50) // more than the sockets take
		}
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		r := newReader(h, p).expect(1, 1)
		p.stall()
		s.Follow(f.feed, 1)
		h.until("a full socket", func() bool { return h.service.Stats().Blocked > 0 })
		if n := h.service.Stats().Memory.Total.InUseBytes - window; n > 2048 {
			h.Errorf("%d bytes are kept for a stalled reader; the rest of an entry has at most 2048", n)
		}
		before := asked
		p.readOn()
		h.until("everything", func() bool { return r.has(1, f.next()) })
		if asked <= before {
			h.Error("the page was not asked for again")
		}
	})
}

// An answer that comes when the socket is full is not kept either.
func TestPageForBlockedSession(t *testing.T) {
	c := setup{behind: true, config: engine.Config{Socket: smallSocket()}}
	everywhere(t, c, func(h *harness) {
		f, other := newLog(h, 1, 1, 1000), newLog(h, 2, 1, 64<<20)
		defer f.feed.Close()
		defer other.feed.Close()
		f.append(300, 2000)
		other.append(300, 2000)
		var asked *engine.Cursor
		h.behind = func(c *engine.Cursor) { asked = c }
		p, s := h.connectWith(aio.SocketOptions{RecvBufferBytes: 8 << 10})
		r := newReader(h, p).expect(1, 1).expect(2, 1)
		p.stall()
		s.Follow(f.feed, 1)
		s.Follow(other.feed, 1)
		h.until("a full socket", func() bool { return h.service.Stats().Blocked > 0 && asked != nil })
		before := h.service.Stats().Memory.Total.InUseBytes
		f.supply(asked, 50)
		if n := h.service.Stats().Memory.Total.InUseBytes; n > before {
			h.Errorf("a stalled reader's page keeps %d bytes", n-before)
		}
		h.behind = func(c *engine.Cursor) { f.supply(c, 50) }
		p.readOn()
		h.until("everything", func() bool { return r.has(1, f.next()) && r.has(2, other.next()) })
	})
}

// A handler may do anything to cursors, feeds and sessions in Fetch; the others are
// served all the same.
func TestFetchMayCloseAnything(t *testing.T) {
	onSim(t, setup{behind: true}, func(h *harness) {
		gone, kept := newLog(h, 1, 1, 1000), newLog(h, 2, 1, 64<<20)
		defer kept.feed.Close()
		gone.append(50, 500)
		kept.append(5, 100)
		var readers []*reader
		for range 4 {
			p, s := h.connect()
			s.Follow(gone.feed, 1)
			s.Follow(kept.feed, 1)
			s.Follow(gone.feed, 1)
			readers = append(readers, newReader(h, p).expect(2, 1))
		}
		h.behind = func(*engine.Cursor) { gone.feed.Close() }
		for i, r := range readers {
			h.until("the other feed", func() bool { return r.has(2, kept.next()) })
			if h.sessions[i].Closing() {
				h.Errorf("session %d is ending", i)
			}
		}
	})
}

func TestFetchMayEndTheSession(t *testing.T) {
	onSim(t, setup{behind: true}, func(h *harness) {
		f, other := newLog(h, 1, 1, 1000), newLog(h, 2, 1, 64<<20)
		defer f.feed.Close()
		defer other.feed.Close()
		f.append(50, 500)
		other.append(5, 100)
		h.behind = func(c *engine.Cursor) {
			if c.Session() == h.sessions[0] {
				c.Session().Abort()
				return
			}
			c.Close()
		}
		for range 2 {
			_, s := h.connect()
			s.Follow(f.feed, 1)
			s.Follow(other.feed, 1)
		}
		h.until("one session's end", func() bool { return len(h.ended) == 1 })
		h.until("the other session to be served", func() bool { return h.service.Stats().EntriesSent >= 5 })
	})
}

// In one feed, a reader that is taken away while another is looked at must not cost
// a third its turn.
func TestNobodyLosesATurn(t *testing.T) {
	onSim(t, setup{behind: true}, func(h *harness) {
		f := newLog(h, 1, 1, 1000)
		defer f.feed.Close()
		f.append(10, 500)
		p1, s1 := h.connect()
		_, s2 := h.connect()
		p3, s3 := h.connect()
		_ = p1
		late := s1.Follow(f.feed, 1)
		s2.Follow(f.feed, f.next())
		h.behind = func(c *engine.Cursor) {
			if c == late {
				c.Close()
			}
		}
		r := newReader(h, p3).expect(1, f.next())
		s3.Follow(f.feed, f.next())
		f.append(1, 500)
		h.until("the third reader", func() bool { return r.has(1, f.next()) })
	})
}

// A thousand stalled readers cost the window and the rest of one entry each.
func TestStalledReadersAreBounded(t *testing.T) {
	const readers, entryBytes, total, window = 1000, 2000, 10 << 20, 256 << 10
	c := setup{
		simply: true, behind: true,
		world:  aiosim.Config{SendBufferBytes: 8 << 10, RecvBufferBytes: 8 << 10},
		config: engine.Config{FeedWindowBytesMax: window},
	}
	onSim(t, c, func(h *harness) {
		f := newLog(h, 1, 1, 0)
		defer f.feed.Close()
		for range readers {
			p, s := h.connect()
			p.stall()
			s.Follow(f.feed, 1)
		}
		h.behind = func(c *engine.Cursor) { f.supply(c, 20) }
		most := int64(0)
		for f.next()*entryBytes < total {
			f.append(20, entryBytes)
			h.step()
			most = max(most, h.service.Stats().Memory.Total.InUseBytes)
		}
		h.until("all sockets to be full", func() bool { return h.service.Stats().Blocked >= readers })
		h.pass(1e9)
		// An entry's rest lies in a buffer of the next power of two.
		bound := int64(window + 64<<10 + readers*2048)
		if in := h.service.Stats().Memory.Total.InUseBytes; in > bound || most > bound {
			h.Errorf("%d bytes are in use, at most %d; the bound is %d", in, most, bound)
		}
		if got := h.peers.all[7].gotBytes; got != 0 {
			h.Errorf("a stalled reader read %d bytes", got)
		}
		for _, p := range h.peers.all[:3] {
			r := newReader(h, p).expect(1, 1)
			p.readOn()
			h.until("everything", func() bool { return r.has(1, f.next()) })
		}
	})
}

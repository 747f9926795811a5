package engine

import (
	"slices"

	"sarang/mem"
)

// Cursor is a session's place in a feed.
type Cursor struct {
	feed     *Feed
	session  *Session
	ring     *Cursor // the session's cursors, in a circle
	next     uint64  // number of the next entry to send
	page     *page   // entries from before the window
	index    uint32  // in feed.cursors
	fetching bool    // Behind was called, the answer is not there yet
}

// page is a run of entries that the handler supplied.
type page struct {
	first uint64
	ends  []uint32
	buf   *mem.Buf
}

// Follow puts a cursor on f for s: entries from the number next on will be sent.
// next may be before the window (BehindHandler), and must not be beyond f.Next().
func (s *Session) Follow(f *Feed, next uint64) *Cursor {
	invariant(f.w == s.w, "a cursor joins a session and a feed of two workers")
	invariant(next <= f.Next(), "a cursor stands beyond the end of its feed")
	c := &Cursor{feed: f, session: s, next: next, index: uint32(len(f.cursors))}
	f.cursors = append(f.cursors, c)
	if f.left > 0 {
		f.left++
	}
	if s.cursors == nil {
		c.ring = c
		s.cursors = c
	} else {
		c.ring, s.cursors.ring = s.cursors.ring, c
	}
	if next < f.Next() {
		s.touch()
	}
	return c
}

// Session is the reader.
func (c *Cursor) Session() *Session { return c.session }

// Feed is what is read. Nil after Close.
func (c *Cursor) Feed() *Feed { return c.feed }

// Next is the number of the next entry that will be sent.
func (c *Cursor) Next() uint64 { return c.next }

// Supply answers Behind: entries from the number first (which must be c.Next()) on,
// lying one after the other in buf from its beginning; ends as in Feed.Append. The
// cursor retains buf and keeps ends. An empty answer, or one from another number,
// makes the cursor ask again when the session is next served, which is soon; an
// answer to a session whose socket has filled up meanwhile is dropped. After Close it
// does nothing.
func (c *Cursor) Supply(first uint64, buf *mem.Buf, ends []uint32) {
	if c.feed == nil {
		return
	}
	c.fetching = false
	if first == c.next && len(ends) > 0 && c.session.flags&flagBlocked == 0 {
		c.dropPage()
		buf.Retain()
		c.page = &page{first: first, ends: ends, buf: buf}
	}
	c.session.touch()
}

// Skip moves the cursor forward to the entry next, when those before it are not to
// be had any more. The session should have been told. It answers Behind, too.
// What is in flight is sent to its end. After Close it does nothing.
func (c *Cursor) Skip(next uint64) {
	if c.feed == nil {
		return
	}
	c.fetching = false
	c.next = min(max(c.next, next), c.feed.Next())
	c.dropPage()
	c.session.touch()
}

// Close takes the cursor off its feed. What is in flight is sent to its end.
func (c *Cursor) Close() {
	f, s := c.feed, c.session
	if f == nil {
		return
	}
	last := f.cursors[len(f.cursors)-1]
	if f.left > 0 {
		last.session.touch() // it moves to a place that may have had its turn
	}
	f.cursors[c.index], last.index = last, c.index
	f.cursors[len(f.cursors)-1] = nil
	f.cursors = f.cursors[:len(f.cursors)-1]
	before := c
	for before.ring != c {
		before = before.ring
	}
	before.ring = c.ring
	if s.cursors == c {
		s.cursors = c.ring
		if c.ring == c {
			s.cursors = nil
		}
	}
	if s.op != nil {
		s.op.forget(c)
	}
	c.dropPage()
	c.feed, c.ring = nil, nil
}

func (c *Cursor) dropPage() {
	if c.page != nil {
		c.page.buf.Release()
		c.page = nil
	}
}

// behind says whether there is something to send.
func (c *Cursor) behind() bool { return c.next < c.feed.Next() }

// gather adds to op what this cursor wants next, or asks the handler for it.
func (c *Cursor) gather(op *sendOp, bytesMax int) {
	if !c.behind() {
		return
	}
	part := sendPart{cursor: c, feed: c.feed, from: c.next, vecFrom: len(op.vec)}
	before := op.bytes
	switch {
	case c.next >= c.feed.first:
		c.dropPage()
		part.position = c.feed.position(c.next)
		part.upto = c.feed.gather(op, c.next, bytesMax)
	case c.page != nil:
		part.page = c.page
		part.position = uint64(c.page.position(c.next))
		part.upto = c.page.gather(op, c.next, bytesMax)
	default:
		c.fetch()
		return
	}
	part.bytes = op.bytes - before
	op.parts = append(op.parts, part)
}

// fetch has the handler asked at the end of the tick. It is not asked here: it may
// do anything to the session, the cursors and the feeds that are being looked at.
func (c *Cursor) fetch() {
	if !c.fetching {
		c.fetching = true
		c.feed.w.fetching = append(c.feed.w.fetching, c)
	}
}

// askBehind asks the handler for what its sessions' cursors are to be fed with.
func (w *Worker) askBehind() {
	b, ok := w.handler.(BehindHandler)
	for i := 0; i < len(w.fetching); i++ {
		c := w.fetching[i]
		w.fetching[i] = nil
		switch {
		case c.feed == nil || !c.fetching: // closed, or answered, meanwhile
		case !ok || c.next >= c.feed.first:
			c.Skip(c.feed.first)
		default:
			b.Behind(c)
		}
	}
	w.fetching = w.fetching[:0]
}

// advance moves the cursor after a send, unless it was moved further meanwhile; the
// page is dropped when it is used up.
func (c *Cursor) advance(next uint64) {
	c.next = max(c.next, next)
	if c.feed.end()-c.feed.start > c.feed.windowBytesMax {
		c.feed.look() // a burst is being taken: the window may shrink again
	}
	if c.page != nil && c.next >= c.page.first+uint64(len(c.page.ends)) {
		c.dropPage()
	}
}

func (p *page) gather(op *sendOp, next uint64, bytesMax int) uint64 {
	from := int(p.position(next))
	j := int(next - p.first)
	for j+1 < len(p.ends) && int(p.ends[j+1])-from <= bytesMax {
		j++
	}
	op.add(p.buf, p.buf.Bytes()[from:p.ends[j]])
	return p.first + uint64(j) + 1
}

// position returns where entry number next of the page begins.
func (p *page) position(next uint64) uint32 {
	if next == p.first {
		return 0
	}
	return p.ends[next-p.first-1]
}

// entryAt is Feed.entryAt for a page.
func (p *page) entryAt(position uint32) (next, end uint64) {
	i, _ := slices.BinarySearch(p.ends, position)
	return p.first + uint64(i) + 1, uint64(p.ends[i])
}

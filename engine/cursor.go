package engine

import (
	"slices"
	"unsafe"

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
	fetching bool    // Feed.Fetch is to be called, or was and has not been answered
	omits    bool    // it is in feed.omits
}

// There is one for each room of each session: a larger one is of the next size class.
const _ = 48 - unsafe.Sizeof(Cursor{})

// page is a run of entries from before the window, that Supply was called with.
type page struct {
	first uint64
	ends  []uint32
	marks []uint64 // nil: none of them is marked
	buf   *mem.Buf
}

// Follow puts a cursor on f for s: entries from the number next on will be sent.
// next may be before the window (Feed.Fetch), and must not be beyond f.Next().
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

// Omit leaves out entries with that mark (Feed.AppendMarked), such as what the reader has
// said itself: they are not sent, and Next moves over them. It holds for all that is not
// in flight yet; after Close it does nothing. 0 is the mark of entries without one: nothing is left out.
func (c *Cursor) Omit(mark uint64) {
	if c.feed == nil {
		return
	}
	if c.omits = mark != 0; !c.omits {
		delete(c.feed.omits, c)
		return
	}
	if c.feed.omits == nil {
		c.feed.omits = map[*Cursor]uint64{}
	}
	c.feed.omits[c] = mark
}

// Supply answers Feed.Fetch: entries from the number first (which must be c.Next()) on,
// lying one after the other in buf from its beginning; ends as in Feed.Append, marks as in
// Feed.AppendMarked, or nil if there are none. The cursor retains buf and keeps ends and
// marks. An empty answer, or one from another number, makes the cursor retry when
// the session is next served, which is soon; an answer to a session whose socket has
// filled up meanwhile is dropped. After Close it does nothing.
func (c *Cursor) Supply(first uint64, buf *mem.Buf, ends []uint32, marks []uint64) {
	if c.feed == nil {
		return
	}
	invariant(marks == nil || len(marks) == len(ends), "a page has another number of marks than of entries")
	c.fetching = false
	if first == c.next && len(ends) > 0 && c.session.flags&flagBlocked == 0 {
		c.dropPage()
		buf.Retain()
		c.page = &page{first: first, ends: ends, marks: marks, buf: buf}
	}
	c.session.touch()
}

// Skip moves the cursor forward to the entry next, when those before it are not to
// be had any more. The peer should know of it. It answers Feed.Fetch, too.
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
	if b := s.buffers; b != nil && b.cut.cursor == c {
		b.cut.cursor = nil
	}
	c.dropPage()
	if c.omits {
		delete(f.omits, c)
	}
	c.feed, c.ring = nil, nil
}

func (c *Cursor) dropPage() {
	if c.page != nil {
		c.page.buf.Release()
		c.page = nil
	}
}

// behind reports whether there is something to send.
func (c *Cursor) behind() bool { return c.next < c.feed.Next() }

// gather adds to op what this cursor wants next, or has it fetched.
func (c *Cursor) gather(op *sendOp, bytesMax int) {
	switch {
	case !c.behind():
	case c.omits && (c.feed.marked || c.page != nil && c.page.marks != nil):
		c.gatherMarked(op, bytesMax)
	case c.next >= c.feed.first:
		c.dropPage()
		c.gatherWindow(op, c.next, c.feed.Next(), bytesMax)
	case c.page != nil:
		c.gatherPage(op, c.next, c.page.next(), bytesMax)
	default:
		c.fetch()
	}
}

// gatherMarked is gather where entries may have to be left out: one part of op for each
// run of entries between them. What is left out at the cursor's place is passed at once;
// what lies behind something that is sent waits until that was.
func (c *Cursor) gatherMarked(op *sendOp, bytesMax int) {
	f, limit := c.feed, op.bytes+bytesMax
	for next := c.next; next < f.Next() && op.bytes < limit && !op.full(); {
		inWindow := next >= f.first
		switch {
		case inWindow && next == c.next:
			c.dropPage()
		case !inWindow && (c.page == nil || next >= c.page.next()):
			if next == c.next {
				c.fetch()
			}
			return
		}
		omitted, end := c.run(next, inWindow, limit-op.bytes)
		switch {
		case omitted && next == c.next:
			c.advance(end)
			next = end
		case omitted:
			next = end
		case inWindow:
			next = c.gatherWindow(op, next, end, limit-op.bytes)
		default:
			next = c.gatherPage(op, next, end, limit-op.bytes)
		}
	}
}

// run returns the number behind the entries from next on that are all left out, or all
// sent: of those that are sent, about as many as bytesMax bytes.
func (c *Cursor) run(next uint64, inWindow bool, bytesMax int) (omitted bool, end uint64) {
	mark := c.feed.omits[c]
	if !inWindow {
		p := c.page
		if p.marks == nil {
			return false, p.next()
		}
		i := next - p.first
		omitted = p.marks[i] == mark
		for i++; i < uint64(len(p.marks)) && (p.marks[i] == mark) == omitted; i++ {
		}
		return omitted, p.first + i
	}
	f := c.feed
	if !f.marked {
		return false, f.Next()
	}
	i, from := int(next-f.first), f.position(next)
	omitted = *f.marks.At(i) == mark
	for i++; i < f.marks.Len() && (*f.marks.At(i) == mark) == omitted; i++ {
		if !omitted && *f.ends.At(i)-from > uint64(bytesMax) {
			break
		}
	}
	return omitted, f.first + uint64(i)
}

// gatherWindow adds a part to op: entries from the feed's window, from next on and below
// end. It returns the number after the last one.
func (c *Cursor) gatherWindow(op *sendOp, next, end uint64, bytesMax int) uint64 {
	part := sendPart{cursor: c, feed: c.feed, from: next, vecFrom: len(op.vec), position: c.feed.position(next)}
	before := op.bytes
	part.upto = c.feed.gather(op, next, end, bytesMax)
	part.bytes = op.bytes - before
	op.parts = append(op.parts, part)
	return part.upto
}

// gatherPage is gatherWindow for entries from the page.
func (c *Cursor) gatherPage(op *sendOp, next, end uint64, bytesMax int) uint64 {
	part := sendPart{cursor: c, feed: c.feed, page: c.page, from: next, vecFrom: len(op.vec), position: uint64(c.page.position(next))}
	before := op.bytes
	part.upto = c.page.gather(op, next, end, bytesMax)
	part.bytes = op.bytes - before
	op.parts = append(op.parts, part)
	return part.upto
}

// fetch has Feed.Fetch called at the end of the tick. It is not called here: it may
// do anything to the session, the cursors and the feeds that are being served.
func (c *Cursor) fetch() {
	if !c.fetching {
		c.fetching = true
		c.feed.w.fetching = append(c.feed.w.fetching, c)
	}
}

// fetchAll calls Fetch for the cursors that stand before their feeds' windows.
func (w *Worker) fetchAll() {
	for i := 0; i < len(w.fetching); i++ {
		c := w.fetching[i]
		w.fetching[i] = nil
		switch {
		case c.feed == nil || !c.fetching: // closed, or answered, meanwhile
		case c.feed.Fetch == nil || c.next >= c.feed.first:
			c.Skip(c.feed.first)
		default:
			c.feed.Fetch(c)
		}
	}
	w.fetching = w.fetching[:0]
}

// advance moves the cursor after a send, unless it was moved further meanwhile; the
// page is dropped when it is used up.
func (c *Cursor) advance(next uint64) {
	c.next = max(c.next, next)
	if c.feed.end()-c.feed.start > c.feed.windowBytesMax {
		c.feed.touchIfClean() // a burst is being taken: the window may shrink again
	}
	if c.page != nil && c.next >= c.page.next() {
		c.dropPage()
	}
}

// next is the number after the page's last entry.
func (p *page) next() uint64 { return p.first + uint64(len(p.ends)) }

// gather adds to op entries of the page, from next on and below end: at most bytesMax
// bytes, but at least one entry. It returns the number after the last one.
func (p *page) gather(op *sendOp, next, end uint64, bytesMax int) uint64 {
	from := int(p.position(next))
	j := int(next - p.first)
	for p.first+uint64(j)+1 < end && int(p.ends[j+1])-from <= bytesMax {
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

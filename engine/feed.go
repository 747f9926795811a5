package engine

import (
	"sarang/mem"
)

// Feed is a worker's copy of a log: encoded packets, numbered without gaps, of which
// the last ones are kept in memory (the window). Its readers are Cursors. What is
// appended is sent to every cursor that stands at the end; to a cursor further back
// the window is sent; a cursor that is behind the window is fed in pages by the
// handler (see BehindHandler). A feed belongs to one worker; the bytes may be shared
// between the feeds of several.
type Feed struct {
	w              *Worker
	first          uint64              // number of the first entry in the window
	ends           mem.Ring[uint64]    // where each entry of the window ends, in stream bytes
	chunks         mem.Ring[feedChunk] // the window's bytes
	start          uint64              // where the window begins, in stream bytes
	windowBytesMax uint64
	cursors        []*Cursor
	dirty          bool
	Data           any // the program's
}

// feedChunk is a part of a buffer that holds consecutive stream bytes.
type feedChunk struct {
	buf      *mem.Buf
	off, n   int
	position uint64 // of its first byte, in stream bytes
}

// NewFeed makes a feed whose next entry will have the number next, and which keeps
// about windowBytesMax bytes (0: Config.FeedWindowBytesMax).
func (w *Worker) NewFeed(next uint64, windowBytesMax int) *Feed {
	if windowBytesMax <= 0 {
		windowBytesMax = w.service.config.FeedWindowBytesMax
	}
	return &Feed{w: w, first: next, windowBytesMax: uint64(windowBytesMax)}
}

// Next is the number that the next entry will have.
func (f *Feed) Next() uint64 { return f.first + uint64(f.ends.Len()) }

// First is the number of the first entry in the window; equal to Next if the window
// is empty.
func (f *Feed) First() uint64 { return f.first }

// Cursors is the number of readers.
func (f *Feed) Cursors() int { return len(f.cursors) }

// WindowBytes is the size of the window.
func (f *Feed) WindowBytes() int { return int(f.end() - f.start) }

func (f *Feed) end() uint64 {
	if n := f.ends.Len(); n > 0 {
		return *f.ends.At(n - 1)
	}
	return f.start
}

// Append adds entries: whole packets that lie one after the other in buf from off
// on; ends are their ends, counted from off. The feed retains buf; the bytes are
// frozen from here on. The cursors are served at the end of the worker's tick.
func (f *Feed) Append(buf *mem.Buf, off int, ends []uint32) {
	if len(ends) == 0 {
		return
	}
	n := int(ends[len(ends)-1])
	base := f.end()
	for _, e := range ends {
		f.ends.PushBack(base + uint64(e))
	}
	if k := f.chunks.Len(); k > 0 && f.chunks.At(k-1).buf == buf && f.chunks.At(k-1).off+f.chunks.At(k-1).n == off {
		f.chunks.At(k - 1).n += n
	} else {
		buf.Retain()
		f.chunks.PushBack(feedChunk{buf: buf, off: off, n: n, position: base})
	}
	f.trim()
	f.touch()
}

// touch has the cursors served at the end of the tick.
func (f *Feed) touch() {
	if !f.dirty && len(f.cursors) > 0 {
		f.dirty = true
		f.w.dirtyFeeds = append(f.w.dirtyFeeds, f)
	}
}

// trim drops whole chunks from the front until the window is within its bound. The
// last chunk stays.
func (f *Feed) trim() {
	for f.chunks.Len() > 1 && f.end()-f.start > f.windowBytesMax {
		c, _ := f.chunks.PopFront()
		c.buf.Release()
		f.start = c.position + uint64(c.n)
		for f.ends.Len() > 0 && *f.ends.At(0) <= f.start {
			f.ends.PopFront()
			f.first++
		}
	}
}

// Close drops the window and all cursors. The sessions stay.
func (f *Feed) Close() {
	for len(f.cursors) > 0 {
		f.cursors[len(f.cursors)-1].Close()
	}
	for f.chunks.Len() > 0 {
		c, _ := f.chunks.PopFront()
		c.buf.Release()
	}
	f.first, f.start = f.Next(), f.end()
	f.ends.Clear()
}

// gather adds to op what a reader wants who has everything below next: at most
// bytesMax bytes, but at least one entry. It returns the number after the last entry
// added. The caller has made sure that next is in the window.
func (f *Feed) gather(op *sendOp, next uint64, bytesMax int) uint64 {
	from := f.start
	if next > f.first {
		from = *f.ends.At(int(next - f.first - 1))
	}
	to, upto := f.end(), f.Next()
	if to-from > uint64(bytesMax) {
		upto = f.entryBelow(from + uint64(bytesMax))
		upto = max(upto, next+1)
		to = *f.ends.At(int(upto - f.first - 1))
	}
	i := f.chunks.Len() - 1
	for f.chunks.At(i).position > from {
		i--
	}
	for ; i < f.chunks.Len() && from < to; i++ {
		c := f.chunks.At(i)
		skip := int(from - c.position)
		n := min(c.n-skip, int(to-from))
		op.add(c.buf, c.buf.Bytes()[c.off+skip:c.off+skip+n])
		from += uint64(n)
		if op.full() && from < to {
			return f.cut(op, from)
		}
	}
	return upto
}

// cut takes back what op has beyond the last whole entry before position, when the
// vector had no room for more chunks.
func (f *Feed) cut(op *sendOp, position uint64) uint64 {
	upto := f.entryBelow(position)
	over := int(position - *f.ends.At(int(upto - f.first - 1)))
	op.takeBack(over)
	return upto
}

// entryBelow returns the number after the last entry that ends at or before position.
func (f *Feed) entryBelow(position uint64) uint64 {
	lo, hi := 0, f.ends.Len()
	for lo < hi {
		mid := (lo + hi) / 2
		if *f.ends.At(mid) <= position {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return f.first + uint64(lo)
}

// Cursor is a session's place in a feed.
type Cursor struct {
	feed     *Feed
	session  *Session
	ring     *Cursor // the session's cursors, in a circle
	index    int     // in feed.cursors
	next     uint64  // number of the next entry to send
	page     *page   // entries from before the window
	fetching bool    // Behind was called, the answer is not there yet
	Data     any     // the program's
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
	c := &Cursor{feed: f, session: s, next: next, index: len(f.cursors)}
	f.cursors = append(f.cursors, c)
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
// lying one after the other in buf; ends as in Feed.Append. The cursor retains buf.
// An empty answer makes the cursor ask again when the session is next served.
func (c *Cursor) Supply(first uint64, buf *mem.Buf, ends []uint32) {
	c.fetching = false
	if c.feed == nil {
		return
	}
	if first == c.next && len(ends) > 0 {
		buf.Retain()
		c.page = &page{first: first, ends: ends, buf: buf}
	}
	c.session.touch()
}

// Skip moves the cursor forward to the entry next, when those before it are not to
// be had any more. The session should have been told. It answers Behind, too.
func (c *Cursor) Skip(next uint64) {
	c.fetching = false
	if c.feed == nil {
		return
	}
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
	from := len(op.vec)
	before := op.bytes
	var upto uint64
	switch {
	case c.next >= c.feed.first:
		c.dropPage()
		upto = c.feed.gather(op, c.next, bytesMax)
	case c.page != nil:
		upto = c.page.gather(op, c.next, bytesMax)
	default:
		c.fetch()
		return
	}
	op.parts = append(op.parts, sendPart{
		cursor: c, feed: c.feed, page: c.page, from: c.next, upto: upto,
		vecFrom: from, bytes: op.bytes - before,
	})
}

func (c *Cursor) fetch() {
	if c.fetching {
		return
	}
	c.fetching = true
	if b, ok := c.feed.w.handler.(BehindHandler); ok {
		b.Behind(c)
		return
	}
	c.Skip(c.feed.first)
}

// advance moves the cursor after a send; the page is dropped when it is used up.
func (c *Cursor) advance(next uint64) {
	c.next = next
	if c.page != nil && next >= c.page.first+uint64(len(c.page.ends)) {
		c.dropPage()
	}
}

func (p *page) gather(op *sendOp, next uint64, bytesMax int) uint64 {
	i := int(next - p.first)
	from := 0
	if i > 0 {
		from = int(p.ends[i-1])
	}
	j := i
	for j+1 < len(p.ends) && int(p.ends[j+1])-from <= bytesMax {
		j++
	}
	op.add(p.buf, p.buf.Bytes()[from:p.ends[j]])
	return p.first + uint64(j) + 1
}

// Window is a copy of a feed's window, to begin another worker's feed with. It has
// references to the buffers.
type Window struct {
	first  uint64
	start  uint64
	ends   []uint64
	chunks []feedChunk
}

// Window copies the window; the caller must Release it.
func (f *Feed) Window() *Window {
	w := &Window{first: f.first, start: f.start, ends: make([]uint64, f.ends.Len()), chunks: make([]feedChunk, f.chunks.Len())}
	for i := range w.ends {
		w.ends[i] = *f.ends.At(i)
	}
	for i := range w.chunks {
		w.chunks[i] = *f.chunks.At(i)
		w.chunks[i].buf.Retain()
	}
	return w
}

// Release lets go of the buffers.
func (w *Window) Release() {
	for i := range w.chunks {
		w.chunks[i].buf.Release()
	}
	w.chunks = nil
}

// Load gives a feed without entries the window of another.
func (f *Feed) Load(w *Window) {
	invariant(f.ends.Len() == 0 && len(f.cursors) == 0, "a window is loaded into a feed that is in use")
	f.first, f.start = w.first, w.start
	for _, e := range w.ends {
		f.ends.PushBack(e)
	}
	for _, c := range w.chunks {
		c.buf.Retain()
		f.chunks.PushBack(c)
	}
}

package engine

import "sarang/mem"

// What is in a feed can be taken out of it again, one entry at a time, by putting as many
// other bytes in its place: a log may have to forget what it has said.

// Entry returns the bytes of entry n, lent until the feed is used again; nil if it is not in
// the window.
func (f *Feed) Entry(n uint64) []byte {
	if n < f.first || n >= f.Next() {
		return nil
	}
	from, to := f.position(n), f.position(n+1)
	i := f.chunkOf(from)
	c := f.chunks.At(i)
	at := c.off + int(from-c.position)
	return c.buf.Bytes()[at : at+int(to-from)]
}

// chunkOf returns which chunk holds a position of the window. An entry lies in one chunk.
func (f *Feed) chunkOf(position uint64) int {
	i := f.chunks.Len() - 1
	for f.chunks.At(i).position > position {
		i--
	}
	return i
}

// Replace puts what lies in buf from off on in the place of entry n, which is as long; if it
// is not in the window nothing is done. The feed retains buf. What is in flight to a reader is
// what was there before (Cursor.Holding).
func (f *Feed) Replace(n uint64, buf *mem.Buf, off int) {
	old := f.Entry(n)
	if old == nil {
		return
	}
	from := f.position(n)
	at := f.chunkOf(from)
	all := make([]feedChunk, 0, f.chunks.Len()+2)
	for i := range f.chunks.Len() {
		c := *f.chunks.At(i)
		if i != at {
			all = append(all, c)
			continue
		}
		before := int(from - c.position)
		if before > 0 {
			c.buf.Retain()
			all = append(all, feedChunk{c.buf, c.off, before, c.position})
		}
		buf.Retain()
		all = append(all, feedChunk{buf, off, len(old), from})
		if rest := c.n - before - len(old); rest > 0 {
			c.buf.Retain()
			all = append(all, feedChunk{c.buf, c.off + c.n - rest, rest, from + uint64(len(old))})
		}
		c.buf.Release()
	}
	f.chunks.Clear()
	for _, c := range all {
		f.chunks.PushBack(c)
	}
}

// DropPages drops what Supply was given with one of the entries first to last in it: its
// readers have it fetched anew.
func (f *Feed) DropPages(first, last uint64) {
	for _, c := range f.cursors {
		if p := c.page; p != nil && last >= p.first && first < p.next() {
			c.dropPage()
			c.session.touch()
		}
	}
}

// Holding returns from which entry to which bytes may still be on their way from here to the
// reader; false: none are. They are in flight, or it has got a part of an entry and the rest
// waits for its socket. With a Codec it is not known which of the last entries those bytes are.
func (c *Cursor) Holding() (first, last uint64, some bool) {
	if c.feed == nil {
		return 0, 0, false
	}
	hold := func(from, upto uint64) {
		if from >= upto {
			return
		}
		if !some {
			first, last, some = from, upto-1, true
			return
		}
		first, last = min(first, from), max(last, upto-1)
	}
	s := c.session
	b := s.buffers
	if s.codec != nil {
		if b != nil && b.rest > 0 || s.codec.rest > 0 {
			hold(c.next-min(c.next, codedEntriesMax), c.next)
		}
		return first, last, some
	}
	if op := s.op; op != nil {
		for i := range op.parts {
			if p := &op.parts[i]; p.cursor == c {
				hold(p.from, p.upto)
			}
		}
	}
	if b != nil && b.rest > 0 && b.cut.cursor == c {
		hold(b.cut.from, b.cut.upto)
	}
	return first, last, some
}

// cutEntry is the entry of which the rest waits in the direct queue.
type cutEntry struct {
	cursor     *Cursor // nil when it was closed
	from, upto uint64  // entries; more than one where the feed has forgotten their borders
}

// UnsentBytes is all that waits for the peer's socket or is in flight, also what comes from feeds.
func (s *Session) UnsentBytes() int {
	n := 0
	if b := s.buffers; b != nil {
		n = b.out.n + b.pend.n
	}
	if s.codec != nil {
		n += s.codec.raw.n
	}
	if s.op != nil {
		n += s.op.bytes - s.op.direct
	}
	return n
}

// codedEntriesMax is how many entries are coded at once at most, in what waits for a socket:
// an entry has more than 16 bytes.
const codedEntriesMax = 64 << 10 / 16

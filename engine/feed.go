package engine

import "sarang/mem"

// Feed is a worker's copy of a log: encoded packets, numbered without gaps, of which
// the last ones are kept in memory (the window). Its readers are Cursors. What is
// appended is sent to every cursor that stands at the end; to a cursor further back
// the window is sent; a cursor that is behind the window is fed in pages by the
// handler (see BehindHandler). The window grows for a while beyond its bound, up to
// Config.FeedBurstBytesMax, for readers whose sockets take bytes: a burst is no reason
// to treat them as slow. A feed belongs to one worker; the bytes may be shared
// between the feeds of several.
type Feed struct {
	w              *Worker
	first          uint64              // number of the first entry in the window
	ends           mem.Ring[uint64]    // where each entry of the window ends, in stream bytes
	chunks         mem.Ring[feedChunk] // the window's bytes
	start          uint64              // where the window begins, in stream bytes
	windowBytesMax uint64
	burstBytesMax  uint64
	cursors        []*Cursor
	turn           int    // the cursor that is served next; they are served in a circle
	left           int    // so many of them are to be served
	wanted         uint64 // the first entry that one of those wants that were served since left was set
	dirty          bool   // in the worker's list of feeds to serve
	Data           any    // the program's
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
	burst := w.service.config.FeedBurstBytesMax
	if windowBytesMax <= 0 {
		windowBytesMax = w.service.config.FeedWindowBytesMax
	}
	return &Feed{
		w: w, first: next,
		windowBytesMax: uint64(windowBytesMax), burstBytesMax: uint64(max(windowBytesMax, burst)),
	}
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
// on; ends are their ends, counted from off, and copied. The feed retains buf; the
// bytes are frozen from here on. The cursors are served at the end of the worker's
// tick. A program closes its feeds, at the latest in Stopper's Stop: what a feed
// holds then is a leak to Service.Close.
func (f *Feed) Append(buf *mem.Buf, off int, ends []uint32) {
	if len(ends) == 0 {
		return
	}
	n := int(ends[len(ends)-1])
	base := f.end()
	last := uint32(0)
	for _, e := range ends {
		invariant(e > last, "an entry without bytes was appended to a feed")
		f.ends.PushBack(base + uint64(e))
		last = e
	}
	if k := f.chunks.Len(); k > 0 && f.chunks.At(k-1).buf == buf && f.chunks.At(k-1).off+f.chunks.At(k-1).n == off {
		f.chunks.At(k - 1).n += n
	} else {
		buf.Retain()
		f.chunks.PushBack(feedChunk{buf: buf, off: off, n: n, position: base})
	}
	if len(f.cursors) == 0 {
		f.trim(f.Next())
	} else {
		f.trim(f.first) // the rest is done when the readers were served
	}
	f.touch()
}

// touch has all cursors served, from the end of the tick on.
func (f *Feed) touch() {
	f.left, f.wanted = len(f.cursors), f.Next()
	if !f.dirty && f.left > 0 {
		f.dirty = true
		f.w.dirtyFeeds = append(f.w.dirtyFeeds, f)
	}
}

// look is touch, unless the cursors are being served already.
func (f *Feed) look() {
	if !f.dirty {
		f.touch()
	}
}

// trim drops whole chunks from the front: those of entries below wanted until the
// window is within its bound, others until it is within that for bursts. The last
// chunk stays.
func (f *Feed) trim(wanted uint64) {
	for f.chunks.Len() > 1 {
		size, c := f.end()-f.start, f.chunks.At(0)
		over := c.position + uint64(c.n)
		if size <= f.windowBytesMax || size <= f.burstBytesMax && (wanted <= f.first || over > f.position(wanted)) {
			return
		}
		c.buf.Release()
		f.chunks.PopFront()
		f.start = over
		for f.ends.Len() > 0 && *f.ends.At(0) <= over {
			f.ends.PopFront()
			f.first++
		}
	}
}

// feedTurnMax is how many readers of a feed are served in one tick. The others have
// to wait for the next one, but so nobody else has to wait for all of them. (With 256 a
// room of 1,000 costs some 5 % more.)
const feedTurnMax = 1024

// serve serves some of the feed's readers. After the last one it drops from the window
// what nobody wants whose socket takes bytes, and returns true.
func (f *Feed) serve() (done bool) {
	f.left = min(f.left, len(f.cursors))
	for range min(f.left, feedTurnMax) {
		if f.turn >= len(f.cursors) {
			f.turn = 0
		}
		c := f.cursors[f.turn]
		f.turn++
		f.left--
		f.w.serve(c.session)
		if c.next >= f.first && c.session.flags&(flagBlocked|flagClosing|flagFlushing) == 0 {
			f.wanted = min(f.wanted, c.next)
		}
	}
	if f.left > 0 {
		return false
	}
	f.dirty = false
	f.trim(f.wanted)
	return true
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
	from := f.position(next)
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
			return f.entryBelow(from) // a chunk ends where an entry ends
		}
	}
	return upto
}

// position returns where entry number next begins, in stream bytes. It must be in
// the window, or be the one after.
func (f *Feed) position(next uint64) uint64 {
	if next == f.first {
		return f.start
	}
	return *f.ends.At(int(next - f.first - 1))
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

// entryAt returns the number after the entry that is cut at position, which lies in
// the window, and where that entry ends. A cut at a border cuts the entry before it,
// of which nothing is left.
func (f *Feed) entryAt(position uint64) (next, end uint64) {
	next = f.entryBelow(position)
	if end = f.position(next); end == position {
		return next, end
	}
	return next + 1, f.position(next + 1)
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

package engine

import (
	"iter"
	"slices"

	"sarang/mem"
)

// Feed is a worker's copy of a log: encoded frames, numbered without gaps, of which
// the last ones are kept in memory (the window). Its readers are Cursors. What is
// appended is sent to every cursor that stands at the end; to a cursor further back
// the window is sent; a cursor that is behind the window is fed in pages (see Fetch).
// The window grows for a while beyond its bound, up to Config.FeedBurstBytesMax, for
// readers whose sockets take bytes: a burst is no reason to treat them as slow. A feed
// belongs to one worker; the bytes may be shared between the feeds of several.
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
	marked         bool   // AppendMarked was called: marks has one for each entry of ends
	marks          mem.Ring[uint64]
	omits          map[*Cursor]uint64 // marks of entries that cursors leave out; those that leave out none are not in it

	// Fetch is called for a cursor that stands before the window when its session could
	// be sent something, at the end of a tick. It answers, at once or later, by c.Supply
	// or c.Skip. What was supplied is dropped when the socket is found full, and fetched
	// anew when it drains. Nil: such cursors skip to the window. Whoever makes the feed
	// sets it before the first cursor is there.
	Fetch func(c *Cursor)

	Data any // the program's
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

// Readers is over the feed's cursors, in no order. Meanwhile none may come or go.
func (f *Feed) Readers() iter.Seq[*Cursor] { return slices.Values(f.cursors) }

// WindowBytes is the size of the window.
func (f *Feed) WindowBytes() int { return int(f.end() - f.start) }

func (f *Feed) end() uint64 {
	if n := f.ends.Len(); n > 0 {
		return *f.ends.At(n - 1)
	}
	return f.start
}

// Append adds entries: whole frames that lie one after the other in buf from off
// on; ends are their ends, counted from off, and copied. The feed retains buf; the
// bytes are frozen from here on. The cursors are served at the end of the worker's
// tick. A program closes its feeds, at the latest by Worker.OnStop: what a feed
// holds then is a leak to Service.Close.
func (f *Feed) Append(buf *mem.Buf, off int, ends []uint32) {
	if f.marked {
		for range ends {
			f.marks.PushBack(0)
		}
	}
	f.append(buf, off, ends)
}

// AppendMarked is Append for entries that some readers leave out (Cursor.Omit): marks has
// one for each entry, for example who has said it; 0 is none. They are copied.
func (f *Feed) AppendMarked(buf *mem.Buf, off int, ends []uint32, marks []uint64) {
	invariant(len(marks) == len(ends), "a feed is given another number of marks than of entries")
	f.mark()
	for _, m := range marks {
		f.marks.PushBack(m)
	}
	f.append(buf, off, ends)
}

// mark has the feed keep marks from here on; what it has is without.
func (f *Feed) mark() {
	if !f.marked {
		f.marked = true
		for range f.ends.Len() {
			f.marks.PushBack(0)
		}
	}
}

func (f *Feed) append(buf *mem.Buf, off int, ends []uint32) {
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

// touchIfClean is touch, unless the cursors are being served already.
func (f *Feed) touchIfClean() {
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
			if f.marked {
				f.marks.PopFront()
			}
			f.first++
		}
	}
}

// serve serves some of the feed's readers: the others have to wait for the next tick,
// but so nobody else has to wait for all of them. After the last one it drops from the window
// what nobody wants whose socket takes bytes, and returns true.
func (f *Feed) serve() (done bool) {
	f.left = min(f.left, len(f.cursors))
	for range min(f.left, f.w.service.config.FeedTurnMax) {
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
	f.dropWindow()
}

// dropWindow lets go of all entries.
func (f *Feed) dropWindow() {
	for f.chunks.Len() > 0 {
		c, _ := f.chunks.PopFront()
		c.buf.Release()
	}
	f.first, f.start = f.Next(), f.end()
	f.ends.Clear()
	f.marks.Clear()
}

// Lose tells the feed that entries up to the one before next are in the log and can not be
// kept here, for want of memory; next is at least Next. The window is dropped, and readers
// are fed by Fetch.
func (f *Feed) Lose(next uint64) {
	invariant(next >= f.Next(), "a feed is to lose what it has not got")
	f.dropWindow()
	f.first = next
	f.touch()
}

// gather adds to op what a reader wants from the entry next on, below limit: at most
// bytesMax bytes, but at least one entry. It returns the number after the last entry
// added. The caller has made sure that both are in the window.
func (f *Feed) gather(op *sendOp, next, limit uint64, bytesMax int) uint64 {
	from := f.position(next)
	to, upto := f.position(limit), limit
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

package engine_test

import (
	"sarang/engine"
	"sarang/mem"
	"sarang/packet"
)

// feedLog is a feed with the whole history that it is the window of.
type feedLog struct {
	h       *harness
	number  int
	feed    *engine.Feed
	first   uint64   // number of the first entry of the history
	entries [][]byte // the history
	chunker *mem.Chunker
}

// newLog makes feed number n, which begins with the entry first.
func newLog(h *harness, n int, first uint64, windowBytesMax int) *feedLog {
	l := &feedLog{
		h: h, number: n, first: first,
		feed:    h.worker.NewFeed(first, windowBytesMax),
		chunker: mem.NewChunker(h.worker.Pool(), 0),
	}
	if h.fetches {
		l.feed.Fetch = func(c *engine.Cursor) {
			if h.behind != nil {
				h.behind(c)
			}
		}
	}
	return l
}

func (l *feedLog) next() uint64 { return l.first + uint64(len(l.entries)) }

// append adds count entries of size bytes, one Append each, in shared chunks.
func (l *feedLog) append(count, size int) {
	if count == 1 {
		l.appendBatch(size)
		return
	}
	for range count {
		b := entry(l.number, l.next(), size)
		l.entries = append(l.entries, b)
		buf, off, err := l.chunker.Append(b)
		if err != nil {
			l.h.Fatal(err)
		}
		l.feed.Append(buf, off, []uint32{uint32(len(b))})
		buf.Release()
	}
	l.chunker.Drop()
}

// appendBatch adds entries of the given sizes by one Append.
func (l *feedLog) appendBatch(sizes ...int) {
	var all []byte
	var ends []uint32
	for _, size := range sizes {
		b := entry(l.number, l.next(), size)
		l.entries = append(l.entries, b)
		all = append(all, b...)
		ends = append(ends, uint32(len(all)))
	}
	buf, err := l.h.worker.Pool().Copy(all)
	if err != nil {
		l.h.Fatal(err)
	}
	l.feed.Append(buf, 0, ends)
	buf.Release()
}

// supply answers Fetch from the history: at most count entries.
func (l *feedLog) supply(c *engine.Cursor, count int) {
	var all []byte
	var ends []uint32
	for at := c.Next() - l.first; at < uint64(len(l.entries)) && len(ends) < count; at++ {
		all = append(all, l.entries[at]...)
		ends = append(ends, uint32(len(all)))
	}
	buf, err := l.h.worker.Pool().Copy(all)
	if err != nil {
		l.h.Fatal(err)
	}
	c.Supply(c.Next(), buf, ends, nil)
	buf.Release()
}

// reader checks what a peer receives of feeds: each gapless, in order, once.
type reader struct {
	h      *harness
	p      *peer
	next   map[int]uint64 // by feed; an idStart packet sets it
	direct int            // packets that were no entries
}

func newReader(h *harness, p *peer) *reader {
	return &reader{h: h, p: p, next: make(map[int]uint64)}
}

// expect says that entries of feed n come from number next on.
func (r *reader) expect(n int, next uint64) *reader {
	r.next[n] = next
	return r
}

// check looks at what has arrived.
func (r *reader) check() {
	r.h.Helper()
	for _, one := range r.p.take() {
		if one.ID != idEntry {
			r.direct++
			if one.ID == idStart {
				feed, seq, _ := entryOf(asEntry(one))
				r.next[feed] = seq
			}
			continue
		}
		r.entry(one)
	}
}

// entry checks one entry.
func (r *reader) entry(one packet.Packet) {
	r.h.Helper()
	feed, seq, good := entryOf(one)
	want, ok := r.next[feed]
	switch {
	case !good:
		r.h.Fatalf("entry %d of feed %d was damaged", seq, feed)
	case !ok || seq != want:
		r.h.Fatalf("entry %d of feed %d came instead of %d", seq, feed, want)
	}
	r.next[feed]++
}

// has reports whether everything below next of feed n has come.
func (r *reader) has(n int, next uint64) bool {
	r.check()
	return r.next[n] >= next
}

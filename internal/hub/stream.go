package hub

import (
	"sarang/chat"
	"sarang/engine"
	"sarang/internal/room"
	"sarang/mem"
)

// stream is a room's log in one format, at the room's home: it is there while somebody
// reads that format.
type stream struct {
	format  formatIndex
	feed    *engine.Feed // the window; the feed of the home's own readers, too
	chunker *mem.Chunker
	readers []int // sessions in the room, by worker
	total   int   // of readers
}

// addReader counts a session on worker to as a reader. It returns the room's window if
// that worker needs it to begin a replica; the receiver releases it.
func (h *home) addReader(f formatIndex, to int) *engine.Window {
	st := h.streams[f]
	if st == nil {
		w := h.shard.worker
		st = &stream{
			format: f, feed: w.NewFeed(uint64(h.room.Info().LastSeq)+1, 0),
			chunker: mem.NewChunker(w.Pool(), h.shard.hub.config.ChunkBytes),
			readers: make([]int, len(h.shard.hub.shards)),
		}
		h.streams[f] = st
	}
	st.total++
	if st.readers[to]++; st.readers[to] == 1 && to != h.shard.worker.Index() {
		return st.feed.Window()
	}
	return nil
}

// dropReader takes a reader away; the last one of a worker takes its replica with it.
// The stream itself stays until there is something to encode: who comes back before
// that finds its window.
func (h *home) dropReader(f formatIndex, to int) {
	st := h.streams[f]
	engine.Invariant(st != nil && st.readers[to] > 0, "a session leaves a room that it is not in")
	st.total--
	if st.readers[to]--; st.readers[to] == 0 {
		h.shard.answer(to, &readersGone{replicaKey{h.id(), f}})
	}
}

func noRef(int) room.Ref { return 0 }

// show hands events that are in the log to the readers: encoded once in each format
// that has some. refs says whom each event is from.
func (h *home) show(events []chat.Event, refs func(i int) room.Ref) {
	h.said(events)
	for i, st := range h.streams {
		switch {
		case st == nil:
		case st.total == 0:
			st.close()
			h.streams[i] = nil
		default:
			h.encode(st, events, refs)
		}
	}
}

// encode appends events to a stream, in runs that lie in one buffer each.
func (h *home) encode(st *stream, events []chat.Event, refs func(i int) room.Ref) {
	hub, format := h.shard.hub, h.shard.hub.config.Formats[st.format]
	hub.counts.encoded[st.format].Add(int64(len(events)))
	var now run
	for i := range events {
		b, err := format.Append(h.shard.scratch[:0], &events[i])
		engine.Invariant(err == nil, "an event that was accepted can not be encoded")
		h.shard.scratch = b
		buf, off, err := st.chunker.Append(b)
		if err != nil {
			h.deliver(st, now)
			h.lose(st, uint64(events[len(events)-1].Seq)+1, err)
			return
		}
		if n := len(now.ends); n > 0 && now.buf == buf && now.off+int(now.ends[n-1]) == off {
			buf.Release() // now has a reference already
			now.ends = append(now.ends, now.ends[n-1]+uint32(len(b)))
		} else {
			h.deliver(st, now)
			now = run{buf: buf, off: off, ends: append(make([]uint32, 0, len(events)-i), uint32(len(b)))}
		}
		if format.Marks != MarkNone {
			now.marks = append(now.marks, format.Marks.of(&events[i], refs(i)))
		}
	}
	h.deliver(st, now)
}

// deliver appends a run to the feeds of all shards with readers. It takes over the
// reference to the buffer.
func (h *home) deliver(st *stream, r run) {
	if r.buf == nil {
		return
	}
	r.appendTo(st.feed)
	for to, n := range st.readers {
		if n > 0 && to != h.shard.worker.Index() {
			r.buf.Retain()
			h.shard.update(to, &roomUpdate{kind: updateAppend, room: h.id(), format: st.format, run: r})
		}
	}
	r.buf.Release()
}

// lose gives up a stream's window for want of memory: what is in the log before next is
// read from the store by whoever wants it; in an ephemeral room he is told the gap.
func (h *home) lose(st *stream, next uint64, err error) {
	hub := h.shard.hub
	hub.counts.windowsLost.Add(1)
	hub.logTrouble(&hub.troubles.memory, "no memory for a room's window: its readers are fed from the store", "room", h.id(), "error", err)
	h.skipTo(st, next)
}

// skipTo has a stream's window begin at next: what is before is read from the store by whoever wants it.
func (h *home) skipTo(st *stream, next uint64) {
	st.chunker.Drop()
	st.feed.Lose(next)
	for to, n := range st.readers {
		if to != h.shard.worker.Index() && n > 0 {
			h.shard.answer(to, &windowLost{replicaKey{h.id(), st.format}, next})
		}
	}
}

// windowLost tells a shard that the home could not encode what is before next.
type windowLost struct {
	replica replicaKey
	next    uint64
}

func (l *windowLost) on(s *Shard) {
	if r := s.replicas[l.replica]; r != nil && !r.shared {
		r.feed.Lose(l.next)
	}
}

func (st *stream) close() {
	st.feed.Close()
	st.chunker.Drop()
}

package hub

import (
	"context"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/mem"
)

// fetch feeds a reader that stands before the window: from the store, a page at a time;
// or, where there is no store, by telling it what it has lost. It is the Fetch of all
// feeds.
func (s *Shard) fetch(c *engine.Cursor) {
	r := c.Feed().Data.(*replica)
	if r.ephemeral {
		s.skip(c, r, c.Feed().First())
		return
	}
	if s.hub.load.now() >= limit.LevelReads {
		s.fetchLater(c)
		return
	}
	hub, after := s.hub, chat.Seq(c.Next()-1)
	from := limit.Source{Session: uint64(c.Session().ID())}
	if o := sessionOf(c.Session()); o != nil {
		from = o.source()
	}
	ok := s.give(hub.reads, from, func() {
		p := hub.readPage(r.key, after, s.worker.Pool())
		p.cursor, p.replica, p.shard = c, r, s
		if !s.worker.Post(p) {
			p.drop()
		}
	})
	if !ok {
		s.fetchLater(c)
	}
}

// fetchLater has a reader wait for its page: the store has too much to do.
func (s *Shard) fetchLater(c *engine.Cursor) {
	if o := sessionOf(c.Session()); o != nil {
		s.limited(o, limitedReads)
	}
	s.worker.After(&engine.Timer{Data: c}, retryLater, fetchAgain)
}

func fetchAgain(t *engine.Timer) {
	c := t.Data.(*engine.Cursor)
	c.Supply(c.Next(), nil, nil, nil)
}

// skip moves a reader over what is not to be had, and tells it so.
func (s *Shard) skip(c *engine.Cursor, r *replica, to uint64) {
	o := sessionOf(c.Session())
	if o != nil && to > c.Next() {
		o.Client.Gap(o, r.key.room, r.epoch, chat.Seq(c.Next()), chat.Seq(to-1))
	}
	c.Skip(to)
}

// pageRead is a page of a room's log on its way to a reader.
type pageRead struct {
	shard   *Shard
	replica *replica
	cursor  *engine.Cursor
	first   uint64
	buf     *mem.Buf
	ends    []uint32
	marks   []uint64
	err     error
	moment  uint64 // of erasures, before it was read
}

const pageEventsMax = 1024

// readPage reads and encodes events from after on. It runs on a task.
func (h *Hub) readPage(key replicaKey, after chat.Seq, pool *mem.Pool) *pageRead {
	ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
	defer cancel()
	moment := h.erased.now()
	events, _, err := h.config.Store.History(ctx, key.room, chat.Page{
		After: after, ItemsMax: pageEventsMax, BytesMax: h.config.PageBytesMax,
	})
	h.counts.pages.Add(1)
	if err != nil || len(events) == 0 {
		return &pageRead{err: err}
	}
	var b []byte
	format := h.config.Formats[key.format]
	p := &pageRead{moment: moment, first: uint64(events[0].Seq), ends: make([]uint32, 0, len(events))}
	for i := range events {
		if b, err = format.Append(b, &events[i]); err != nil {
			return &pageRead{err: err}
		}
		p.ends = append(p.ends, uint32(len(b)))
		if format.Marks != MarkNone {
			p.marks = append(p.marks, format.Marks.of(&events[i], 0))
		}
	}
	if p.buf, err = pool.Copy(b); err != nil {
		return &pageRead{err: err}
	}
	return p
}

// Deliver hands the page to the reader, if it is still there and still wants it.
func (p *pageRead) Deliver(w *engine.Worker) {
	defer p.drop()
	feed := p.cursor.Feed()
	if feed == nil {
		return
	}
	hub := p.shard.hub
	switch {
	case p.err != nil:
		hub.logTrouble(&hub.troubles.page, "reading a page failed", "room", p.replica.key.room, "error", p.err)
		w.After(&engine.Timer{Data: p.cursor}, retryLater, fetchAgain)
	case p.buf == nil: // the log ends before the window begins: what is between is lost
		p.shard.skip(p.cursor, p.replica, feed.First())
	case p.first != p.cursor.Next(): // the log was trimmed
		p.shard.skip(p.cursor, p.replica, p.first)
	case p.erased(hub):
		p.cursor.Supply(p.cursor.Next(), nil, nil, nil) // it is read again
	default:
		p.cutAt(feed.Next())
		p.cursor.Supply(p.first, p.buf, p.ends, p.marks)
	}
}

// erased reports whether a text may be in the page that was erased since.
func (p *pageRead) erased(h *Hub) bool {
	found := false
	last := p.first + uint64(len(p.ends)) - 1
	known := h.erased.since(p.moment, p.replica.key.room, chat.Seq(p.first), chat.Seq(last), func(chat.Seq) { found = true })
	return found || !known
}

// cutAt leaves out the entries from next on: others have written them, and the room's home
// does not know yet whether one of them sends the reader out.
func (p *pageRead) cutAt(next uint64) {
	if n := next - p.first; n < uint64(len(p.ends)) {
		p.ends = p.ends[:n]
		if p.marks != nil {
			p.marks = p.marks[:n]
		}
	}
}

func (p *pageRead) drop() {
	if p.buf != nil {
		p.buf.Release()
		p.buf = nil
	}
}

// retryLater is what a client is told when the store does not do its work.
const retryLater = time.Second

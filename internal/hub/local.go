package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/limit"
	"sarang/mem"
)

// local is a room at a shard that has sessions in it.
type local struct {
	id        chat.RoomID
	epoch     chat.Epoch
	ephemeral bool
	feed      *engine.Feed
	shared    bool // the feed is the home's, which is on this shard
}

// hear does what a room's home has to tell.
func (s *Shard) hear(n *notice) {
	switch n.kind {
	case noticeAppend:
		if l := s.locals[n.room]; l != nil {
			l.feed.Append(n.run.buf, n.run.off, n.run.ends)
		}
		n.run.buf.Release()
	case noticeAck:
		if o := sessionOf(s.worker.Session(n.session)); o != nil {
			s.published(o)
			if o.inRoom(n.room) { // else it has left, and is to hear nothing of the room
				o.Client.Ack(o, n.room, n.answer.Nonce, n.seq)
			}
		}
	case noticeRefused:
		s.refused(n)
	case noticeJoined:
		s.joined(n)
	case noticeDetach:
		s.detach(n.room)
	case noticeMembers:
		if o := sessionOf(s.worker.Session(n.session)); o != nil {
			o.Client.Members(o, n.answer, n.members, n.info.Members, n.more)
		}
	}
}

func (s *Shard) refused(n *notice) {
	o := sessionOf(s.worker.Session(n.session))
	if o == nil {
		return
	}
	if n.answer.Nonce != 0 {
		if s.published(o); !o.inRoom(n.room) {
			return // it has left, and is to hear nothing of the room
		}
	} else if p := o.place(n.room); p != nil && p.cursor == nil {
		o.dropPlace(n.room)
	}
	o.Client.Failed(o, n.answer, n.err)
}

// published is called when a publish of o has an outcome.
func (s *Shard) published(o *Session) {
	if o.inFlight > 0 {
		o.inFlight--
	}
	if int(o.inFlight) <= s.hub.config.PublishesInFlightMax/2 {
		o.release(holdInFlight)
	}
}

// joined puts a session's cursor on the room's feed.
func (s *Shard) joined(n *notice) {
	l := s.attach(n)
	o := sessionOf(s.worker.Session(n.session))
	var p *place
	if o != nil {
		p = o.place(n.room)
	}
	if p == nil || p.cursor != nil {
		return // it is gone; its leave is on the way behind the join
	}
	o.Client.Joined(o, n.answer, n.info, n.seq)
	if n.gap {
		o.Client.Gap(o, n.room, l.epoch, 0, n.seq)
	}
	p.cursor = o.Engine.Follow(l.feed, uint64(n.seq)+1)
}

// attach returns the shard's end of a room, made from the home's window if need be.
func (s *Shard) attach(n *notice) *local {
	l := s.locals[n.room]
	if l == nil {
		l = &local{id: n.room, epoch: n.info.Epoch, ephemeral: n.info.Ephemeral}
		if h := s.homes[n.room]; h != nil {
			l.feed, l.shared = h.feed, true
		} else {
			l.feed = s.worker.NewFeed(uint64(n.info.LastSeq)+1, 0)
			if n.window != nil {
				l.feed.Load(n.window)
			}
		}
		l.feed.Data = l
		s.locals[n.room] = l
	}
	if n.window != nil {
		n.window.Release()
	}
	return l
}

// detach drops the shard's end of a room: its last session has left, and the home
// sends no more.
func (s *Shard) detach(id chat.RoomID) {
	l := s.locals[id]
	if l == nil || l.feed.Cursors() > 0 {
		return
	}
	delete(s.locals, id)
	if !l.shared {
		l.feed.Close()
	}
}

// Behind feeds a reader that stands before the window: from the store, a page at a
// time; or, where there is no store, by telling it what it has lost. The gateway's
// handler calls it.
func (s *Shard) Behind(c *engine.Cursor) {
	l := c.Feed().Data.(*local)
	if l.ephemeral {
		s.skip(c, l, c.Feed().First())
		return
	}
	if s.hub.load.now() >= limit.LevelReads {
		s.askLater(c)
		return
	}
	hub, after := s.hub, chat.Seq(c.Next()-1)
	ok := s.give(hub.reads, func() {
		p := hub.readPage(l.id, after, s.worker.Pool())
		p.cursor, p.local, p.shard = c, l, s
		if !s.worker.Post(p) {
			p.drop()
		}
	})
	if !ok {
		s.askLater(c)
	}
}

// askLater has a reader wait for its page: the store has too much to do.
func (s *Shard) askLater(c *engine.Cursor) {
	if o := sessionOf(c.Session()); o != nil {
		s.limited(o, limitedReads)
	}
	s.worker.After(&engine.Timer{Data: c}, retryLater, askAgain)
}

// skip moves a reader over what is not to be had, and says so.
func (s *Shard) skip(c *engine.Cursor, l *local, to uint64) {
	o := sessionOf(c.Session())
	if o != nil && to > c.Next() {
		o.Client.Gap(o, l.id, l.epoch, chat.Seq(c.Next()), chat.Seq(to-1))
	}
	c.Skip(to)
}

// pageRead is a page of a room's log on its way to a reader.
type pageRead struct {
	shard  *Shard
	local  *local
	cursor *engine.Cursor
	first  uint64
	buf    *mem.Buf
	ends   []uint32
	err    error
}

// readPage reads and encodes events from after on. It runs on a task.
func (h *Hub) readPage(id chat.RoomID, after chat.Seq, pool *mem.Pool) *pageRead {
	ctx, cancel := context.WithTimeout(context.Background(), h.config.StoreTimeout)
	defer cancel()
	events, err := h.config.Store.History(ctx, id, after, pageEventsMax, h.config.PageBytesMax)
	h.counts.pages.Add(1)
	if err != nil || len(events) == 0 {
		return &pageRead{err: err}
	}
	var b []byte
	p := &pageRead{first: uint64(events[0].Seq), ends: make([]uint32, 0, len(events))}
	for i := range events {
		if b, err = h.config.Encode(b, &events[i]); err != nil {
			return &pageRead{err: err}
		}
		p.ends = append(p.ends, uint32(len(b)))
	}
	if p.buf, err = pool.Copy(b); err != nil {
		return &pageRead{err: err}
	}
	return p
}

const pageEventsMax = 1024

// Deliver hands the page to the reader, if it is still there and still wants it.
func (p *pageRead) Deliver(w *engine.Worker) {
	defer p.drop()
	if p.cursor.Feed() == nil {
		return
	}
	switch {
	case p.err != nil:
		p.shard.hub.complain(&p.shard.hub.troubles.page, "reading a page failed", "room", p.local.id, "error", p.err)
		w.After(&engine.Timer{Data: p.cursor}, retryLater, askAgain)
	case p.buf == nil: // the log ends before the window begins: what is between is lost
		p.shard.skip(p.cursor, p.local, p.cursor.Feed().First())
	case p.first != p.cursor.Next(): // the log was trimmed
		p.shard.skip(p.cursor, p.local, p.first)
	default:
		p.cursor.Supply(p.first, p.buf, p.ends)
	}
}

func askAgain(t *engine.Timer) {
	c := t.Data.(*engine.Cursor)
	c.Supply(c.Next(), nil, nil)
}

func (p *pageRead) drop() {
	if p.buf != nil {
		p.buf.Release()
		p.buf = nil
	}
}

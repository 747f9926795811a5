package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
	"sarang/internal/room"
	"sarang/mem"
)

// home is a room at its home shard: its state, its window, and which shards have
// readers.
type home struct {
	shard   *Shard
	entry   *entry
	room    *room.Room
	feed    *engine.Feed // the window; the local readers' feed, too
	chunker *mem.Chunker
	readers []int // sessions in the room, by worker
	ready   bool  // in shard.ready
	pending int   // bytes that are counted in hub.pending
	expiry  engine.Timer
}

// run is a number of events encoded one after the other in buf.
type run struct {
	buf  *mem.Buf // retained for the receiver of the notice
	off  int
	ends []uint32
}

// chunkBytes is the size of the buffers that a room's events are encoded into. It
// bounds what a quiet room with one event in its window costs.
const chunkBytes = 16 << 10

func newHome(s *Shard, e *entry) *home {
	r := room.New(e.room, s.hub.roomConfig())
	r.NotBefore(e.lastMs)
	return &home{
		shard: s, entry: e, room: r,
		feed:    s.worker.NewFeed(uint64(e.room.LastSeq)+1, 0),
		chunker: mem.NewChunker(s.worker.Pool(), chunkBytes),
		readers: make([]int, len(s.hub.shards)),
	}
}

func (h *home) id() chat.RoomID { return h.room.Info().ID }

func (h *home) info() RoomInfo { return RoomInfo{h.room.Info(), h.room.Members()} }

// touch is called after every change of the room: others see its figures, and its
// batch is taken at the end of the tick, if it has one.
func (h *home) touch() {
	h.entry.members.Store(int64(h.room.Members()))
	h.account()
	if !h.ready && h.room.Wants() {
		h.ready = true
		h.shard.ready = append(h.shard.ready, h)
	}
}

// account brings the hub's count of bytes on their way up to date. Most joins and leaves
// change nothing there, and the count is shared by all workers.
func (h *home) account() {
	if now := h.room.PendingBytes(); now != h.pending {
		h.shard.hub.pending.Add(int64(now - h.pending))
		h.pending = now
	}
}

func (h *home) publish(c *command) {
	counts := &h.shard.hub.counts
	outcome, seq, err := h.room.Publish(room.Publish{
		User: c.user, Name: c.name, Nonce: c.answer.Nonce, Text: c.text, Ref: room.Ref(c.session),
	})
	switch outcome {
	case room.Queued:
		counts.published.Add(1)
		h.touch()
	case room.Duplicate:
		counts.duplicate.Add(1)
		h.ack(room.Ack{Ref: room.Ref(c.session), Nonce: c.answer.Nonce, Seq: seq})
	case room.NeedNonces:
		counts.published.Add(1)
		h.touch()
		h.loadNonces(c.user)
	case room.Refused:
		counts.refused.Add(1)
		h.shard.refuse(c.session, c.answer, err)
	}
}

// loadNonces asks the store what it remembers of a user; an ephemeral room has
// nothing there.
func (h *home) loadNonces(u chat.UserID) {
	if h.room.Info().Ephemeral {
		h.noncesLoaded(u, nil, nil)
		return
	}
	hub, id := h.shard.hub, h.id()
	ok := h.shard.give(hub.nonces, func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		nonces, err := hub.config.Store.Nonces(ctx, id, u, chat.NoncesPerUserMax)
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.noncesLoaded(u, nonces, err) }))
	})
	if !ok {
		h.noncesLoaded(u, nil, chat.Errorf(chat.CodeUnavailable, "too many requests wait for the store"))
	}
}

func (h *home) noncesLoaded(u chat.UserID, nonces []chat.NonceSeq, err error) {
	if err != nil {
		h.shard.hub.complain(&h.shard.hub.troubles.nonces, "reading nonces failed", "room", h.id(), "user", u, "error", err)
		for _, a := range h.room.NoncesFailed(u) {
			h.refuse(a, unavailable(err))
		}
		h.touch()
		return
	}
	for _, a := range h.room.NoncesLoaded(u, nonces) {
		h.shard.hub.counts.duplicate.Add(1)
		h.ack(a)
	}
	h.touch()
}

func (h *home) ack(a room.Ack) {
	to := engine.SessionID(a.Ref)
	h.shard.notify(to.Worker(), &notice{
		kind: noticeAck, session: to, room: h.id(), seq: a.Seq, answer: Answer{Nonce: a.Nonce},
	})
}

func (h *home) refuse(a room.Ack, err *chat.Error) {
	h.shard.refuse(engine.SessionID(a.Ref), Answer{Room: h.id(), Nonce: a.Nonce}, err)
}

// committed is called when events are in the log: they are encoded, once, and go to
// the readers, and the authors are told.
func (h *home) committed(events []chat.Event) {
	var now run
	for i := range events {
		b, err := h.shard.hub.config.Encode(h.shard.scratch[:0], &events[i])
		engine.Invariant(err == nil, "an event that was accepted can not be encoded")
		h.shard.scratch = b
		buf, off, err := h.chunker.Append(b)
		engine.Invariant(err == nil, "no memory for a room's window")
		if n := len(now.ends); n > 0 && now.buf == buf && now.off+int(now.ends[n-1]) == off {
			buf.Release() // now has a reference already
			now.ends = append(now.ends, now.ends[n-1]+uint32(len(b)))
			continue
		}
		h.deliver(now)
		now = run{buf: buf, off: off, ends: append(make([]uint32, 0, len(events)-i), uint32(len(b)))}
	}
	h.deliver(now)
	h.room.Committed(h.ack)
	h.entry.lastSeq.Store(uint64(h.room.Info().LastSeq))
}

// deliver appends a run to the feeds of all shards with readers. It takes over the
// reference to the buffer.
func (h *home) deliver(r run) {
	if r.buf == nil {
		return
	}
	h.feed.Append(r.buf, r.off, r.ends)
	for to, n := range h.readers {
		if n > 0 && to != h.shard.worker.Index() {
			r.buf.Retain()
			h.shard.notify(to, &notice{kind: noticeAppend, room: h.id(), run: r})
		}
	}
	r.buf.Release()
}

// failed is called when the batch in flight could not be stored.
func (h *home) failed(err error) {
	h.room.Failed(func(a room.Ack) { h.refuse(a, unavailable(err)) })
}

func (h *home) join(c *command) {
	start := h.room.StartAt(c.epoch, c.seq, c.items)
	h.room.Join(c.user, c.name)
	to := c.session.Worker()
	h.readers[to]++
	n := notice{
		kind: noticeJoined, session: c.session, room: c.room, answer: c.answer,
		seq: start.After, gap: start.Gap, info: h.info(),
	}
	if h.readers[to] == 1 && to != h.shard.worker.Index() {
		n.window = h.feed.Window()
	}
	h.shard.notify(to, &n)
	h.touch()
}

func (h *home) leave(c *command) {
	w, to := h.shard.worker, c.session.Worker()
	engine.Invariant(h.readers[to] > 0, "a session leaves a room that it is not in")
	if h.readers[to]--; h.readers[to] == 0 {
		h.shard.notify(to, &notice{kind: noticeDetach, room: c.room})
	}
	if h.room.Leave(c.user, c.said, w.Now()) && !h.expiry.Running() {
		h.expiry.Data = h
		w.After(&h.expiry, h.shard.hub.config.AwayGrace, expireAway)
	}
	h.touch()
}

func expireAway(t *engine.Timer) {
	h := t.Data.(*home)
	w := h.shard.worker
	if wait := h.room.Expire(w.Now()); wait >= 0 {
		w.After(t, wait, expireAway)
	}
	h.touch()
}

func (h *home) members(c *command) {
	page, more := h.room.MemberPage(chat.UserID(c.seq), c.items)
	users := make([]chat.User, len(page))
	for i, m := range page {
		users[i] = chat.User{ID: m.User, Name: m.Name}
	}
	h.shard.notify(c.session.Worker(), &notice{
		kind: noticeMembers, session: c.session, room: c.room, answer: c.answer,
		members: users, info: h.info(), more: more,
	})
}

func (h *home) close() {
	h.feed.Close()
	h.chunker.Drop()
	h.shard.worker.Stop(&h.expiry)
}

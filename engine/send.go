package engine

import (
	"sarang/aio"
	"sarang/mem"
)

// sendOp is a send in flight: the vector that the driver has, what it was made of,
// and the buffers that must outlive it. A worker recycles them; a session has one
// only while its send is in flight.
type sendOp struct {
	vec    [][]byte
	bufs   []*mem.Buf // retained, one for each slice of vec
	parts  []sendPart // what comes from cursors, in order, after the direct bytes
	tick   uint64     // in which it began, by Stats.Ticks
	direct int        // bytes from the direct queue, at the front
	bytes  int        // of the whole vector
}

// sendPart is the range of one cursor within a sendOp.
type sendPart struct {
	cursor     *Cursor // nil when it was closed meanwhile
	feed       *Feed
	page       *page
	from, upto uint64 // entries
	position   uint64 // of the first byte: in the feed's stream, or in the page
	vecFrom    int    // first slice
	bytes      int
}

func (op *sendOp) add(buf *mem.Buf, b []byte) {
	buf.Retain()
	op.vec = append(op.vec, b)
	op.bufs = append(op.bufs, buf)
	op.bytes += len(b)
}

func (op *sendOp) full() bool { return len(op.vec) >= aio.VectorMax }

// forget is called when a cursor is closed while its bytes are in flight.
func (op *sendOp) forget(c *Cursor) {
	for i := range op.parts {
		if op.parts[i].cursor == c {
			op.parts[i].cursor = nil
		}
	}
}

func (op *sendOp) reset() {
	for i, b := range op.bufs {
		b.Release()
		op.vec[i], op.bufs[i] = nil, nil
	}
	clear(op.parts)
	op.vec, op.bufs, op.parts = op.vec[:0], op.bufs[:0], op.parts[:0]
	op.direct, op.bytes = 0, 0
}

// touch has the session served at the end of the tick.
func (s *Session) touch() {
	if s.flags&flagTouched == 0 {
		s.flags |= flagTouched
		s.w.touched = append(s.w.touched, s.id)
	}
}

// serve starts the session's next send, if there is something to send and nothing
// hinders it: the one place where bytes leave.
func (w *Worker) serve(s *Session) {
	if s.flags&(flagSending|flagBlocked|flagConnecting|flagClosing) != 0 {
		return
	}
	if s.codec != nil {
		w.serveCodec(s)
		return
	}
	if (s.buffers == nil || s.buffers.out.n+s.buffers.pend.n == 0) && !s.cursorsBehind() {
		if s.flags&flagFlushing != 0 {
			s.shutdown()
		}
		return
	}
	op := w.ops.Get()
	s.gather(op, w.service.config.SendBytesMax)
	if op.bytes == 0 {
		w.ops.Put(op)
		return
	}
	op.tick = w.stats.Ticks
	s.op = op
	s.flags |= flagSending
	if err := w.driver.Send(s.socket, op.vec); err != nil {
		s.endSend()
		s.fail(Reason{ReasonBroken, err})
	}
}

// gather fills op: the direct queue first, then every cursor that is behind, each
// time beginning with another one.
func (s *Session) gather(op *sendOp, bytesMax int) {
	if p := s.buffers; p != nil {
		p.joinQueues(s.w.pool)
		if p.out.n > 0 {
			op.add(p.out.buf, p.out.bytes())
			op.direct = op.bytes
		}
	}
	if s.cursors == nil || s.flags&flagFlushing != 0 {
		return
	}
	c := s.cursors
	for {
		after := c.ring
		if op.bytes < bytesMax && !op.full() {
			c.gather(op, bytesMax-op.bytes)
		}
		if c = after; c == s.cursors || c == nil {
			break
		}
	}
	if s.cursors != nil {
		s.cursors = s.cursors.ring
	}
}

// joinQueues has all direct bytes in out, from where they are sent: also those that
// wait behind the rest of a cut entry. A feed that always has more to say would keep
// them waiting for ever otherwise.
func (p *sessionBuffers) joinQueues(pool *mem.Pool) {
	switch {
	case p.out.n == 0:
		p.out, p.pend = p.pend, p.out
	case p.pend.n > 0:
		if p.out.append(pool, p.pend.bytes()) == nil { // else they wait for memory
			p.pend.drop(p.pend.n)
		}
	}
}

// dropOut takes n bytes off the front of out, which were sent.
func (s *Session) dropOut(n int) {
	if n > 0 {
		s.buffers.out.drop(n)
		if s.buffers.rest = max(s.buffers.rest-n, 0); s.buffers.rest == 0 {
			s.buffers.cut = cutEntry{}
		}
	}
}

// cursorsBehind reports whether a cursor has something to send, or to ask for.
func (s *Session) cursorsBehind() bool {
	if s.cursors == nil || s.flags&flagFlushing != 0 {
		return false
	}
	for c := s.cursors; ; {
		if c.behind() && !(c.fetching && c.page == nil && c.next < c.feed.first) {
			return true
		}
		if c = c.ring; c == s.cursors {
			return false
		}
	}
}

// endSend gives back the op in flight.
func (s *Session) endSend() {
	op := s.op
	s.op = nil
	s.flags &^= flagSending
	s.w.ops.Put(op)
}

// sent is the completion of a send that took n bytes.
func (w *Worker) sent(s *Session, n int) {
	op := s.op
	w.stats.BytesSent += uint64(n)
	w.stats.Sends++
	if n == op.bytes {
		s.dropOut(op.direct)
		for i := range op.parts {
			if p := &op.parts[i]; p.cursor != nil {
				p.cursor.advance(p.upto)
			}
			w.stats.EntriesSent += op.parts[i].upto - op.parts[i].from
		}
	} else {
		s.sentShort(op, n)
	}
	s.endSend()
	s.releaseBuffers()
	s.binding().handler.Sent(s, n)
	w.serve(s)
}

// sentShort moves the places of what was sent in part. An entry that is cut is
// finished from a copy of its rest in the direct queue, so that the cursor is always
// between two entries and pins nothing.
func (s *Session) sentShort(op *sendOp, n int) {
	d := min(n, op.direct)
	s.dropOut(d)
	n -= d
	for i := range op.parts {
		p := &op.parts[i]
		if n <= 0 {
			return
		}
		if n < p.bytes {
			s.cutPart(op, p, n)
			return
		}
		n -= p.bytes
		s.w.stats.EntriesSent += p.upto - p.from
		if p.cursor != nil {
			p.cursor.advance(p.upto)
		}
	}
}

// cutPart handles the part in which a short send ended, after n of its bytes.
func (s *Session) cutPart(op *sendOp, p *sendPart, n int) {
	next, end := p.entryAt(n)
	cut := cutEntry{p.cursor, next - 1, next}
	if p.page == nil && p.position+uint64(n) < p.feed.start {
		cut.from = p.from // the borders are forgotten
	}
	s.w.stats.EntriesSent += next - p.from
	if p.cursor != nil {
		p.cursor.advance(next)
	}
	at := 0
	for _, b := range op.vec[p.vecFrom:] {
		lo, hi := max(n, at)-at, min(end, at+len(b))-at
		if lo < hi {
			// The direct queue was sent, for its bytes came first: out is empty.
			p := s.needBuffers()
			if err := p.out.append(s.w.pool, b[lo:hi]); err != nil {
				s.fail(Reason{ReasonBroken, err})
				return
			}
			p.rest += hi - lo
			p.cut = cut
		}
		if at += len(b); at >= end {
			return
		}
	}
}

// entryAt returns the number after the entry that byte n of the part lies in, and
// where that entry ends within the part. Borders that the feed has forgotten (it
// moved on by a whole window during one send) do not count: the part is cut at the
// next one that is known, at the latest where it ends.
func (p *sendPart) entryAt(n int) (next uint64, end int) {
	at := p.position + uint64(n)
	var border uint64
	switch f := p.feed; {
	case p.page != nil:
		next, border = p.page.entryAt(uint32(at))
	case f.ends.Len() == 0 || p.upto <= f.first:
		return p.upto, p.bytes
	default:
		next, border = f.entryAt(max(at, f.start))
	}
	if next >= p.upto {
		return p.upto, p.bytes
	}
	return next, int(border - p.position)
}

// blocked is the answer of a full socket: everything is given back, and the reader
// is no more than a number until the socket drains.
func (w *Worker) blocked(s *Session) {
	w.stats.Blocked++
	s.flags |= flagBlocked
	if parts := s.op.parts; len(parts) > 0 && parts[0].cursor != nil {
		s.cursors = parts[0].cursor // it has not had its turn: it stays the first
	}
	s.endSend()
	if s.cursors == nil {
		return
	}
	for c := s.cursors; ; {
		c.dropPage()
		if c = c.ring; c == s.cursors {
			return
		}
	}
}

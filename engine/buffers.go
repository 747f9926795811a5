package engine

import "sarang/mem"

// sessionBuffers is what a session has to say directly, what it has received in part, and
// why it ends. A worker recycles them; an idle session has none.
type sessionBuffers struct {
	out    queue // direct bytes being sent: frozen while a send is in flight
	pend   queue // direct bytes that wait
	tail   queue // a frame of which the rest has not come; all that waits, while flagHeld is set
	unread queue // while flagUnread is set: what the protocol's codec and framer are to read first
	rest   int   // bytes of out that are no direct ones: the rest of a cut entry
	cut    cutEntry
	reason Reason

	discarded int // bytes read after the end was decided
	counted   int // bytes in Worker.unadmitted
}

// needBuffers returns the session's buffers, new ones if it has none.
func (s *Session) needBuffers() *sessionBuffers {
	if s.buffers == nil {
		s.buffers = s.w.buffers.Get()
	}
	return s.buffers
}

// releaseBuffers gives back buffers with nothing in them.
func (s *Session) releaseBuffers() {
	b := s.buffers
	if b != nil && b.out.n+b.pend.n+b.tail.n == 0 && (s.codec == nil || s.codec.kept == 0) && s.flags&(flagFlushing|flagClosing|flagUnread) == 0 {
		s.countUnadmitted()
		s.buffers = nil
		s.w.buffers.Put(b)
	}
}

func (b *sessionBuffers) dropAll() {
	for _, q := range [...]*queue{&b.out, &b.pend, &b.tail, &b.unread} {
		q.drop(q.n)
	}
}

// queue is a run of bytes in a pooled buffer. The zero value is empty and has no
// buffer.
type queue struct {
	buf    *mem.Buf
	off, n int
}

const queueBytesMin = 256

// bytes is what is in the queue.
func (q *queue) bytes() []byte {
	if q.buf == nil {
		return nil
	}
	return q.buf.Bytes()[q.off : q.off+q.n]
}

// append adds b; the buffer grows by doubling.
func (q *queue) append(pool *mem.Pool, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if q.buf == nil || q.off+q.n+len(b) > len(q.buf.Bytes()) {
		grown, err := pool.Get(max(queueBytesMin, roundUp(q.n+len(b))))
		if err != nil {
			return err
		}
		if q.buf != nil {
			copy(grown.Bytes(), q.bytes())
			q.buf.Release()
		}
		q.buf, q.off = grown, 0
	}
	q.n += copy(q.buf.Bytes()[q.off+q.n:], b)
	return nil
}

// drop removes n bytes from the front; an empty queue has no buffer.
func (q *queue) drop(n int) {
	q.off += n
	q.n -= n
	if q.n == 0 && q.buf != nil {
		q.buf.Release()
		*q = queue{}
	}
}

func roundUp(n int) int {
	size := queueBytesMin
	for size < n {
		size *= 2
	}
	return size
}

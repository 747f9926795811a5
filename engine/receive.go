package engine

import (
	"errors"
	"io"

	"sarang/aio"
)

// received handles a step of the session's receive: bytes, or its end.
func (w *Worker) received(s *Session, e *aio.Event) {
	if e.More {
		w.stats.BytesReceived += uint64(len(e.Data))
		s.lastRecv = w.moment()
		switch {
		case s.flags&(flagFlushing|flagClosing) == 0:
			if w.slice.over && s.flags&flagHeld == 0 {
				s.keepUnread(e.Data)
			} else { // behind frames that wait it only is decoded
				w.decode(s, e.Data)
			}
		case s.flags&flagFlushing != 0 && s.discard(len(e.Data)):
		case s.codec != nil && s.flags&flagClosing == 0 && s.codec.handshaking(s):
			_, _ = s.codec.decode(s, e.Data) // for what waits to be sent
			s.touch()
		}
		return
	}
	s.flags &^= flagReceiving
	switch {
	case s.flags&flagClosing != 0:
	case errors.Is(e.Err, aio.ErrCanceled):
		s.receive() // a pause ended it; if that is over, go on
	case errors.Is(e.Err, io.EOF):
		s.flags |= flagEOF
		if s.flags&flagShut != 0 {
			s.fail(s.buffers.reason)
			return
		}
		if s.flags&(flagHeld|flagUnread) == 0 { // else it ends when that was handled
			s.peerEnded()
		}
	default:
		s.fail(Reason{ReasonBroken, e.Err})
	}
}

// peerEnded handles the end of what the peer sends. A detached connection may still be
// written to: it ends when its owner closes it.
func (s *Session) peerEnded() {
	if c := s.detached(); c != nil {
		c.endRead(io.EOF)
		return
	}
	s.End(Reason{Code: ReasonPeerClosed})
}

// discardBytesMax is how much is read from a peer that was sent the end, and that may
// not know it yet; then its socket may fill.
const discardBytesMax = 256 << 10

// discard counts bytes that nobody wants. True: it was too much, and no more is read.
func (s *Session) discard(n int) bool {
	s.buffers.discarded += n
	if s.buffers.discarded <= discardBytesMax || s.flags&flagClosing != 0 {
		return false
	}
	s.Pause()
	return true
}

// decode passes bytes through the session's codec, if it has one, to the framer.
func (w *Worker) decode(s *Session, b []byte) {
	c := s.codec
	switch {
	case s.flags&flagUnread != 0:
		s.keepUnread(b)
		return
	case c == nil:
		w.frame(s, b)
		return
	case s.flags&flagOver != 0:
		return
	}
	plain, err := c.decode(s, b)
	if len(plain) > 0 {
		w.frame(s, plain)
	}
	switch {
	case s.Closing() || err == nil:
	case errors.Is(err, io.EOF) && s.flags&(flagHeld|flagUnread) != 0:
		s.flags |= flagOver // it ends when that was handled
	case errors.Is(err, io.EOF):
		s.peerEnded()
	case errors.Is(err, ErrDirectQueue):
		s.End(Reason{ReasonDirectQueue, err})
	default:
		s.End(Reason{ReasonCodec, err})
	}
}

// frame cuts lent bytes into frames. Whole ones are handed on where they lie; only
// a frame that is cut by the end of b is kept, as a copy, and all that comes while the
// session is paused or waits for its turn. What is left when a handler switches the session
// is for the new protocol.
func (w *Worker) frame(s *Session, b []byte) {
	if s.flags&flagHeld == 0 {
		if s.buffers != nil && s.buffers.tail.n > 0 {
			b = w.finish(s, b)
		}
		b = w.frames(s, b)
	}
	if len(b) == 0 || s.Closing() {
		return
	}
	if s.flags&flagUnread != 0 {
		s.keepUnread(b)
		return
	}
	switch {
	case s.flags&flagPaused != 0:
		s.flags |= flagHeld
	case w.cut():
		s.flags |= flagHeld
		s.wait()
	}
	if err := s.needBuffers().tail.append(w.pool, b); err != nil {
		s.fail(Reason{ReasonBroken, err})
		return
	}
	s.countUnadmitted()
	s.readLess()
}

// finish adds to the frame of which a part is kept, hands it on when it is whole,
// and returns what is behind it; nothing if the session ends by it. A Framer that does not
// know how long the frame will be is called with twice as much each time, not with a
// byte more, and what was taken too much of is given back.
func (w *Worker) finish(s *Session, b []byte) []byte {
	tail, framer := &s.buffers.tail, s.binding().framer
	for more := 1; len(b) > 0 && s.flags&flagPaused == 0; more = tail.n {
		had := tail.n
		take := min(max(framer.Need(tail.bytes())-had, more), len(b))
		if err := tail.append(w.pool, b[:take]); err != nil {
			s.fail(Reason{ReasonBroken, err})
			return nil
		}
		n, err := s.split(framer, tail.bytes())
		if err != nil {
			w.framingLost(s, err)
			return nil
		}
		if n == 0 {
			b = b[take:]
			continue
		}
		invariant(n > had, "a Framer found a frame where it had found none")
		b = b[n-had:]
		w.hand(s, tail.bytes()[:n:n])
		tail.drop(tail.n)
		if s.Closing() {
			return nil
		}
		break
	}
	if s.countUnadmitted(); s.Closing() {
		return nil
	}
	s.releaseBuffers()
	return b
}

// frames hands on the whole frames at the start of b, as long as the session is neither
// paused nor switched and its turn is not over, and returns what is left.
func (w *Worker) frames(s *Session, b []byte) []byte {
	framer := s.binding().framer
	for s.flags&(flagPaused|flagUnread) == 0 && !w.cut() {
		n, err := s.split(framer, b)
		if err != nil {
			w.framingLost(s, err)
			return nil
		}
		if n == 0 {
			return b
		}
		frame := b[:n:n]
		b = b[n:]
		w.hand(s, frame)
		if s.Closing() {
			return nil
		}
	}
	return b
}

// hand calls the handler with a frame.
func (w *Worker) hand(s *Session, frame []byte) {
	w.stats.Frames++
	w.slice.turn--
	w.countPiece()
	s.flags |= flagHanding
	s.binding().handler.Received(s, frame)
	s.flags &^= flagHanding
}

func (w *Worker) framingLost(s *Session, err error) {
	w.stats.FrameErrors++
	s.End(Reason{ReasonFrame, err})
}

// keepUnread keeps b behind what is to be read first, and has it read soon.
func (s *Session) keepUnread(b []byte) {
	s.flags |= flagUnread
	s.wait()
	if err := s.needBuffers().unread.append(s.w.pool, b); err != nil {
		s.fail(Reason{ReasonBroken, err})
		return
	}
	s.countUnadmitted()
	s.readLess()
}

// deliver gives a session its turn: what waits is handled, as far as its turn reaches.
func (w *Worker) deliver(s *Session) {
	if s.flags&(flagHeld|flagUnread) == 0 || s.flags&flagPaused != 0 || s.Closing() {
		return
	}
	if s.flags&flagHeld != 0 {
		w.deliverTail(s)
	} else {
		w.deliverUnread(s)
	}
	if !s.Closing() {
		s.countUnadmitted()
	}
	switch {
	case s.Closing():
	case s.flags&(flagHeld|flagUnread) != 0: // paused or switched meanwhile, or its turn is over
		if s.flags&flagPaused == 0 {
			s.wait()
		}
	case s.flags&(flagEOF|flagOver) != 0:
		s.peerEnded()
	default:
		s.releaseBuffers()
		s.receive()
	}
}

// deliverTail hands on the frames that were held.
func (w *Worker) deliverTail(s *Session) {
	s.flags &^= flagHeld
	tail := &s.buffers.tail
	rest := w.frames(s, tail.bytes())
	if s.Closing() {
		return
	}
	if s.flags&flagUnread != 0 {
		s.keepUnread(rest)
		rest = nil
	}
	tail.drop(tail.n - len(rest))
	if tail.n > 0 && (s.flags&flagPaused != 0 || w.cut()) {
		s.flags |= flagHeld
	}
}

// deliverUnread passes on what others have read, as if it had just arrived.
func (w *Worker) deliverUnread(s *Session) {
	s.flags &^= flagUnread
	unread := s.buffers.unread
	s.buffers.unread = queue{}
	if unread.n > 0 {
		w.decode(s, unread.bytes())
	}
	unread.drop(unread.n)
}

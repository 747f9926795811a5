package engine

import (
	"errors"
	"io"

	"sarang/aio"
	"sarang/packet"
)

// received handles a step of the session's receive: bytes, or its end.
func (w *Worker) received(s *Session, e *aio.Event) {
	if e.More {
		w.stats.BytesReceived += uint64(len(e.Data))
		s.lastRecv = ticksUp(w.now)
		switch {
		case s.flags&(flagFlushing|flagClosing) == 0:
			w.decode(s, e.Data)
		case s.flags&flagFlushing != 0 && s.discard(len(e.Data)):
		case s.codec != nil && s.flags&flagClosing == 0 && s.codec.handshaking(s):
			_, _ = s.codec.decode(s, e.Data) // for what waits to be said
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
			s.fail(s.spool.reason)
			return
		}
		if s.flags&flagHeld == 0 { // else it ends when what it said was heard
			s.End(Reason{Code: ReasonPeerClosed})
		}
	default:
		s.fail(Reason{ReasonBroken, e.Err})
	}
}

// discardBytesMax is how much is read from a peer that was told the end, and that may
// not know it yet; then its socket may fill.
const discardBytesMax = 256 << 10

// discard counts bytes that nobody wants. True: it was too much, and no more is read.
func (s *Session) discard(n int) bool {
	s.spool.discarded += n
	if s.spool.discarded <= discardBytesMax || s.flags&flagClosing != 0 {
		return false
	}
	s.Pause()
	return true
}

// decode passes bytes through the session's codec, if it has one, to the framer.
func (w *Worker) decode(s *Session, b []byte) {
	if s.codec == nil {
		w.frame(s, b)
		return
	}
	if s.codec.over {
		return
	}
	plain, err := s.codec.decode(s, b)
	if len(plain) > 0 {
		w.frame(s, plain)
	}
	switch {
	case s.Closing() || err == nil:
	case errors.Is(err, io.EOF) && s.flags&flagHeld != 0:
		s.codec.over = true // it ends when what it said was heard
	case errors.Is(err, io.EOF):
		s.End(Reason{Code: ReasonPeerClosed})
	case errors.Is(err, ErrDirectQueue):
		s.End(Reason{ReasonDirectQueue, err})
	default:
		s.End(Reason{ReasonCodec, err})
	}
}

// frame cuts lent bytes into packets. Whole ones are handed on where they lie; only
// a packet that is cut by the end of b is kept, as a copy, and all that comes while the
// session is paused.
func (w *Worker) frame(s *Session, b []byte) {
	if s.flags&flagHeld == 0 {
		if s.spool != nil && s.spool.tail.n > 0 {
			b = w.finish(s, b)
		}
		b = w.packets(s, b)
	}
	if len(b) == 0 || s.Closing() {
		return
	}
	if s.flags&flagPaused != 0 {
		s.flags |= flagHeld
	}
	if err := s.spooling().tail.append(w.pool, b); err != nil {
		s.fail(Reason{ReasonBroken, err})
	}
}

// finish adds to the packet of which a part is kept, hands it on when it is whole,
// and returns what is behind it; nothing if the session ends by it.
func (w *Worker) finish(s *Session, b []byte) []byte {
	tail := &s.spool.tail
	for tail.n > 0 && len(b) > 0 && s.flags&flagPaused == 0 {
		take := min(packet.Need(tail.bytes())-tail.n, len(b))
		if err := tail.append(w.pool, b[:take]); err != nil {
			s.fail(Reason{ReasonBroken, err})
			return nil
		}
		b = b[take:]
		if rest := w.packets(s, tail.bytes()); len(rest) < tail.n {
			tail.drop(tail.n)
		}
		if s.Closing() {
			return nil
		}
	}
	s.unspool()
	return b
}

// deliverHeld delivers what waits in sessions whose pause is over.
func (w *Worker) deliverHeld() {
	n := len(w.resumed)
	for _, id := range w.resumed[:n] {
		s := w.Session(id)
		if s == nil || s.flags&flagHeld == 0 || s.flags&flagPaused != 0 || s.Closing() {
			continue
		}
		s.flags &^= flagHeld
		tail := &s.spool.tail
		rest := w.packets(s, tail.bytes())
		if s.Closing() {
			continue
		}
		tail.drop(tail.n - len(rest))
		switch {
		case tail.n > 0 && s.flags&flagPaused != 0:
			s.flags |= flagHeld
		case s.flags&flagEOF != 0 || s.codec != nil && s.codec.over:
			s.End(Reason{Code: ReasonPeerClosed})
		default:
			s.unspool()
			s.receive()
		}
	}
	w.resumed = w.resumed[:copy(w.resumed, w.resumed[n:])]
}

// packets delivers the whole packets at the start of b, as long as the session is not
// paused, and returns what is left.
func (w *Worker) packets(s *Session, b []byte) []byte {
	for s.flags&flagPaused == 0 {
		p, n, err := packet.Split(b)
		if err != nil {
			w.stats.FrameErrors++
			s.End(Reason{ReasonFrame, err})
			return nil
		}
		if n == 0 {
			return b
		}
		b = b[n:]
		w.stats.Packets++
		w.handler.Packet(s, p)
		if s.Closing() {
			return nil
		}
	}
	return b
}

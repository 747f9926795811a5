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
		s.lastRecv = w.now
		switch {
		case s.flags&(flagFlushing|flagClosing) == 0:
			w.decode(s, e.Data)
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
			s.fail(s.reason)
			return
		}
		s.End(Reason{Code: ReasonPeerClosed})
	default:
		s.fail(Reason{ReasonBroken, e.Err})
	}
}

// decode passes bytes through the session's codec, if it has one, to the framer.
func (w *Worker) decode(s *Session, b []byte) {
	if s.codec == nil {
		w.frame(s, b)
		return
	}
	plain, err := s.codec.decode(s, b)
	if len(plain) > 0 {
		w.frame(s, plain)
	}
	switch {
	case s.Closing() || err == nil:
	case errors.Is(err, io.EOF):
		s.End(Reason{Code: ReasonPeerClosed})
	case errors.Is(err, ErrDirectQueue):
		s.End(Reason{ReasonDirectQueue, err})
	default:
		s.End(Reason{ReasonCodec, err})
	}
}

// frame cuts lent bytes into packets. Whole ones are handed on where they lie; only
// a packet that is cut by the end of b is kept, as a copy.
func (w *Worker) frame(s *Session, b []byte) {
	for s.tail.n > 0 && len(b) > 0 {
		need := packet.Need(s.tail.bytes()) - s.tail.n
		take := min(need, len(b))
		if err := s.tail.append(w.pool, b[:take]); err != nil {
			s.fail(Reason{ReasonBroken, err})
			return
		}
		b = b[take:]
		if rest := w.packets(s, s.tail.bytes()); len(rest) < s.tail.n {
			s.tail.drop(s.tail.n)
		}
		if s.Closing() {
			return
		}
	}
	if b = w.packets(s, b); len(b) == 0 || s.Closing() {
		return
	}
	if err := s.tail.append(w.pool, b); err != nil {
		s.fail(Reason{ReasonBroken, err})
	}
}

// packets delivers the whole packets at the start of b and returns what is left.
func (w *Worker) packets(s *Session, b []byte) []byte {
	for {
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
}

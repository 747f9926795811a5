package engine

import (
	"errors"
	"strconv"
)

// ErrUnadmittedBytes means that sessions that have not logged in have sent as much as may
// be kept of all of them.
var ErrUnadmittedBytes = errors.New("engine: too much is kept of sessions that have not logged in")

// UnadmittedFrameError means that the first frames of a session, before Admit, are larger
// than its protocol allows.
type UnadmittedFrameError struct{ BytesMax int }

// Error is for the peer, too.
func (e *UnadmittedFrameError) Error() string {
	return "before the login a frame may have " + strconv.Itoa(e.BytesMax) + " bytes"
}

// split is the framer's Split, for a session that has not logged in bound to what its
// protocol allows. A frame that is going to be too large is an error as soon as it shows.
func (s *Session) split(f Framer, b []byte) (n int, err error) {
	n, err = f.Split(b)
	if s.flags&flagAdmitted != 0 || err != nil {
		return n, err
	}
	most := s.binding().protocol.UnadmittedFrameBytesMax
	if most > 0 && (n > most || n == 0 && len(b) > 0 && f.Need(b) > most) {
		return 0, &UnadmittedFrameError{most}
	}
	return n, nil
}

// countUnadmitted brings up to date what is kept of sessions that have not logged in, and
// ends this one if it is too much.
func (s *Session) countUnadmitted() {
	b := s.buffers
	if b == nil || b.counted == 0 && s.flags&flagAdmitted != 0 {
		return
	}
	kept := 0
	if s.flags&(flagAdmitted|flagClosing) == 0 && s.binding().protocol.UnadmittedFrameBytesMax > 0 {
		kept = b.tail.n + b.unread.n
		if s.codec != nil {
			kept += s.codec.kept
		}
	}
	more := kept - b.counted
	s.w.unadmitted += more
	b.counted = kept
	c := &s.w.service.config
	if more > 0 && s.w.unadmitted > c.UnadmittedBytesMax/c.Workers {
		s.End(Reason{ReasonRefused, ErrUnadmittedBytes})
	}
}

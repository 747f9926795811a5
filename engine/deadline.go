package engine

import (
	"math"
	"time"
)

const (
	never = time.Duration(math.MaxInt64)

	// pausedPoll is how often the deadlines of a paused session are polled.
	pausedPoll = time.Second
)

// armTimer sets the session's one timer to its next deadline. A detached session has
// none: whoever has its connection sets them.
func (s *Session) armTimer() {
	if s.Closing() {
		return
	}
	c, left := &s.w.service.config, never
	silent, marked := s.w.since(s.lastRecv), s.w.since(s.mark)
	if c.IdleTimeout > 0 {
		left = c.IdleTimeout - silent
	}
	if s.flags&flagAdmitted != 0 && c.HeartbeatInterval > 0 {
		left = min(left, c.HeartbeatInterval-min(silent, marked))
	}
	if s.flags&flagPaused != 0 && left < never {
		left = max(left, pausedPoll) // the silence is ours
	}
	if s.flags&flagAdmitted == 0 && c.LoginDeadline > 0 {
		left = min(left, c.LoginDeadline-marked)
	}
	if left < never && s.protocol != protocolDetached {
		s.w.wheel.set(&s.timer, s.w.now+left)
	} else {
		s.w.wheel.stop(&s.timer)
	}
}

// deadline is called when the session's next deadline may have passed.
func (s *Session) deadline() {
	w, c := s.w, &s.w.service.config
	silent := w.since(s.lastRecv)
	if s.flags&flagPaused != 0 {
		silent = 0 // the silence is ours
	}
	admitted := s.flags&flagAdmitted != 0
	switch {
	case s.flags&flagClosing != 0:
	case s.flags&flagFlushing != 0: // the peer took too long over our farewell
		s.fail(s.buffers.reason)
	case s.flags&flagWaiting != 0: // it has said something that is not handled yet
		s.armTimer()
	case !admitted && c.LoginDeadline > 0 && w.since(s.mark) >= c.LoginDeadline:
		s.End(Reason{Code: ReasonLoginDeadline})
	case c.IdleTimeout > 0 && silent >= c.IdleTimeout:
		s.End(Reason{Code: ReasonIdle})
	case admitted && c.HeartbeatInterval > 0 && silent >= c.HeartbeatInterval:
		s.mark = w.moment()
		if h := s.binding().heartbeater; h != nil {
			h.Heartbeat(s)
		}
		s.armTimer()
	default:
		s.armTimer()
	}
}

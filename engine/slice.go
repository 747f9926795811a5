package engine

import "time"

// A worker's work is cut into slices of time, so that a crowd that asks for much at one
// moment does not keep everybody else's frames, timers, mail and sends waiting. One tick
// has a slice for the frames of what has just arrived, one for mail, and one for sessions
// whose frames wait because an earlier slice was over. What is left of mail goes on in the
// next tick where it stopped. A session whose frames wait has its turn among the others of
// its kind, Config.TurnFramesMax at a time, whatever arrived meanwhile; a session with nothing that
// waits is served as its bytes arrive. So who asks much waits for himself, and so do many that
// belong together (Config.LaneOf).
//
// How long a slice is, Config.SliceMax says: well above what a tick takes in which a
// thousand sessions have one frame each, and well below what a person notices.
const (
	// lookEvery is how many frames pass between two looks at the clock. When these took
	// an eighth of a slice or more, it is one, and then twice as many each time.
	lookEvery = 16

	// waitingBytesMax is what of a session may wait for its turn before no more is read.
	waitingBytesMax = 16 << 10
)

// noTurn: the session that is handled is not bound to a number of frames.
const noTurn = -1

// slice is the worker's measure of time for a part of its tick.
type slice struct {
	end   time.Duration // when it is over
	look  time.Duration // at the clock, the last one
	every int           // frames between two looks
	until int           // frames until the next look
	left  int           // and then; see Config.SliceFramesMax
	over  bool
	turn  int // frames that the session that is handled may still have; noTurn: any number
}

// beginSlice begins a slice of time at a moment.
func (w *Worker) beginSlice(now time.Duration) {
	c := &w.service.config
	w.slice = slice{end: now + c.SliceMax, look: now, every: max(w.slice.every, 1), left: c.SliceFramesMax, turn: noTurn}
	w.slice.next()
}

// next sets when the clock is looked at again.
func (l *slice) next() {
	l.until = min(l.every, l.left)
	l.left -= l.until
}

// endSlice ends what beginSlice began: what follows is not counted.
func (w *Worker) endSlice() {
	if w.slice.over {
		w.stats.SlicesCut++
		w.now = w.driver.Now() // for the timers that were due meanwhile
	}
	w.slice.over, w.slice.turn = false, noTurn
}

// Spent reports whether the time is spent that the worker has in this tick for work of the
// kind that it does now. It is called before each piece of work in a loop without other
// bounds, and counts that piece; see PartMessage.
func (w *Worker) Spent() bool {
	if w.slice.over {
		return true
	}
	w.countPiece()
	return false
}

// countPiece counts a frame, or what costs as much, and looks at the clock now and then:
// to do so for each frame would cost more than some of them.
func (w *Worker) countPiece() {
	if w.slice.until--; w.slice.until > 0 {
		return
	}
	now := w.driver.Now()
	w.slice.over = now >= w.slice.end || w.slice.left == 0
	if w.slice.every = min(2*w.slice.every, lookEvery); now-w.slice.look >= w.service.config.SliceMax/8 {
		w.slice.every = 1
	}
	w.slice.next()
	w.slice.look = now
}

// cut reports whether the session that is handled has to wait for its next turn.
func (w *Worker) cut() bool { return w.slice.over || w.slice.turn == 0 }

// wait has the session's turn come, behind those that wait already.
func (s *Session) wait() {
	if s.flags&flagWaiting == 0 {
		s.flags |= flagWaiting
		lane := uint64(s.id)
		if f := s.w.service.config.LaneOf; f != nil {
			lane = f(s)
		}
		s.w.waiting.push(lane, s.id, s.w.now)
	}
}

// waitsForMuch reports whether so much of the session waits for its turn that no more is
// read.
func (s *Session) waitsForMuch() bool {
	return s.flags&(flagHeld|flagUnread) != 0 && s.flags&flagFlushing == 0 &&
		s.buffers.tail.n+s.buffers.unread.n >= waitingBytesMax
}

// readLess ends the receive of a session of which much waits; it goes on when that was
// handled.
func (s *Session) readLess() {
	if s.flags&flagReceiving != 0 && s.waitsForMuch() {
		_ = s.w.driver.StopRecv(s.socket) // a wish, until the receive has ended
	}
}

// serveWaiting gives sessions that wait a turn each, as far as the time reaches.
func (w *Worker) serveWaiting() {
	n := w.waiting.count
	if n == 0 {
		return
	}
	w.beginSlice(w.driver.Now())
	for ; n > 0 && !w.slice.over; n-- {
		if s := w.Session(w.waiting.pop(w.now)); s != nil {
			s.flags &^= flagWaiting
			w.slice.turn = w.service.config.TurnFramesMax
			w.deliver(s)
		}
	}
	w.endSlice()
}

// serveMail delivers what was posted, as far as the time reaches. The rest is delivered in
// the next tick, before anything that was posted later.
func (w *Worker) serveMail() {
	if len(w.mailLeft) == 0 {
		if w.mailLeft = w.mail.take(); len(w.mailLeft) == 0 {
			return
		}
		w.mailSince = w.now
	}
	w.beginSlice(w.driver.Now())
	for len(w.mailLeft) > 0 && !w.slice.over {
		m := w.mailLeft[0]
		if p, ok := m.(PartMessage); !ok {
			w.countPiece()
			m.Deliver(w)
		} else if !p.DeliverPart(w) {
			break
		}
		w.mailLeft = w.mailLeft[1:]
	}
	w.endSlice()
}

// Behind is how late the worker is: how long a session that is alone in its lane waits for its
// turn, or the mail that is not delivered, by now. Between the ticks of a worker that
// keeps up it is 0.
func (w *Worker) Behind() time.Duration {
	behind := time.Duration(0)
	if since, waits := w.waiting.since(); waits {
		behind = w.now - since
	}
	if len(w.mailLeft) > 0 {
		behind = max(behind, w.now-w.mailSince)
	}
	return behind
}

package engine

import "time"

const (
	// stallMin is how late a timer has to be to say that the worker stood still: its
	// process was stopped, the machine was asleep, others had the processor, or a
	// handler took that long.
	stallMin = 250 * time.Millisecond

	// pollsMin is how many times the sockets are looked at, and found to have no more
	// than there is room for, before what is overdue is looked at. The first time a
	// driver may show only what it knew already.
	pollsMin = 2

	// overdueEvents is how many events for each session are handled at most meanwhile:
	// sockets that have always more to say do not put off the timers for ever.
	overdueEvents = 16
)

// catchUp reports whether timers may fire in the tick that begins, with n events. After a
// leap of time what has arrived is read first: a peer whose signs of life lie in its socket
// is not silent, and an answer that is there has not failed to come. For the deadlines of
// sessions, the time in which the worker stood still does not count at all: it has asked
// nobody for a sign of life then, either (stoodStill).
func (w *Worker) catchUp(n int) bool {
	due := w.wheel.next()
	if w.now-due <= stallMin {
		w.polls, w.polled = 0, 0
		return true
	}
	w.stoodStill(w.now - max(due, w.tickEnd)) // in the driver, or before it was entered
	switch w.polled += n; {
	case n == len(w.events):
		w.polls = 0
	case due <= w.tickEnd:
		w.polls++
	}
	return w.polls >= pollsMin || w.polled > overdueEvents*w.sessions.live+2*len(w.events)
}

// stoodStill notes that the worker did nothing, or one thing, for so long.
func (w *Worker) stoodStill(d time.Duration) { w.stood += max(d-stallMin, 0) }

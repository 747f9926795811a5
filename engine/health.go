package engine

import "time"

// pulse shows to other goroutines when the worker's round began, or ended.
func (w *Worker) pulse(at time.Duration, begins bool) {
	p := int64(w.clockBase+at) + 1
	if !begins {
		p = -p
	}
	w.lastPulse.Store(p)
}

// Still is how long the worker stands still, as far as is known: how long its round lasts
// by now, or how long it has not taken a message that an earlier call of Still has posted.
// A worker that sleeps because there is nothing to do finishes no round, and is well: it
// takes that message at once. One that has not started or has ended does not stand still.
// Any goroutine may call it; in a Manual service it means nothing.
func (w *Worker) Still() time.Duration {
	now := time.Since(w.service.made)
	still := time.Duration(0)
	if p := w.lastPulse.Load(); p > 0 {
		still = now - time.Duration(p)
	}
	if asked := w.asked.Load(); asked > 0 {
		still = max(still, now-time.Duration(asked))
	} else if w.asked.CompareAndSwap(0, int64(now)+1) && !w.Post(MessageFunc(answerStill)) {
		w.asked.Store(0)
		return 0
	}
	return max(still, 0)
}

func answerStill(w *Worker) { w.asked.Store(0) }

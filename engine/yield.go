package engine

import (
	"runtime"
	"time"
)

// Yield asks the worker to yield its processor soon, because goroutines outside of the
// workers were given work, or are at it. They get the processor before the worker
// sleeps: a thread that sleeps in the kernel keeps Go's processor until the runtime's
// watchdog comes by and takes it away, 20 µs later or 10 ms, and one that does not sleep
// keeps it for 10 ms and more. begun reports whether all of the work has been begun; the
// worker calls it. Yield does nothing if the workers left processors for others when they
// started.
func (w *Worker) Yield(begun func() bool) {
	invariant(begun != nil, "a worker that yields needs to know when to stop")
	if !w.yields {
		w.yields, w.yieldAsked, w.begun = w.crowded, w.now, begun
	}
}

// Crowded reports whether so many workers have all of Go's processors: then Yield does
// something.
func Crowded(workers int) bool { return runtime.GOMAXPROCS(0) <= workers }

// yieldAfter is when a worker that always has something to do yields, at the end of a
// tick.
const yieldAfter = time.Millisecond

// yieldTries is how often a worker yields in a row: each 61st time Go's scheduler takes
// first from where this goroutine has just queued up, and returns with nothing done.
const yieldTries = 3

// OnYield has before called when the worker is about to yield, with whether it would sleep
// else, and after when it has its processor again.
func (w *Worker) OnYield(before func(idle bool), after func()) {
	w.beforeYield, w.afterYield = before, after
}

// yield lets other goroutines have the processor.
func (w *Worker) yield(idle bool) {
	w.yields = false
	if w.beforeYield != nil {
		w.beforeYield(idle)
		defer w.afterYield()
	}
	runtime.Gosched()
	for tries := 1; tries < yieldTries && !w.begun(); tries++ {
		runtime.Gosched()
	}
}

// collectAndYield is collect for a worker that is to yield. It does so before it sleeps,
// when what is queued has gone out; and if it finds no time to sleep, yieldAfter it was
// asked.
func (w *Worker) collectAndYield(wait time.Duration) (int, error) {
	n, err := w.driver.Wait(w.events, 0)
	busy := n > 0 || w.pending()
	if err != nil || busy && w.driver.Now()-w.yieldAsked < yieldAfter {
		return n, err
	}
	w.yield(!busy)
	if busy {
		return n, nil
	}
	w.now = w.driver.Now()
	return w.driver.Wait(w.events, w.sleepFor(wait))
}

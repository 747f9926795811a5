package engine

import (
	"errors"
	"runtime"
	"time"

	"sarang/aio"
	"sarang/mem"
)

// run is the worker's goroutine.
func (w *Worker) run(ready chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.open()
	ready <- err
	if err != nil {
		return
	}
	defer w.service.crashed(w)
	for !w.over() {
		if err := w.tick(-1); err != nil {
			panic(&InvariantError{What: "the driver is broken: " + err.Error()})
		}
	}
	w.release()
}

// open makes what must be made on the worker's own thread.
func (w *Worker) open() error {
	c := &w.service.config
	d, err := c.OpenDriver(w.index)
	if err != nil {
		return err
	}
	w.driver, w.up = d, true
	w.crowded = !c.Manual && Crowded(c.Workers)
	w.pool = w.service.pool
	w.ops = mem.NewObjectPool(mem.ObjectConfig[sendOp]{Reset: (*sendOp).reset, Debug: c.Debug})
	w.buffers = mem.NewObjectPool(mem.ObjectConfig[sessionBuffers]{Debug: c.Debug})
	w.events = make([]aio.Event, c.Driver.WithDefaults().EventsMax)
	w.now = d.Now()
	w.tickEnd = w.now
	w.clockBase = time.Since(w.service.made) - w.now
	w.wheel.init(w.now)
	w.mail.open(d.Wake)
	return nil
}

// start has the program prepare the worker, once all workers are there for it to see.
func (w *Worker) start() {
	if f := w.service.config.OnStart; f != nil {
		f(w)
	}
}

// OnTick has f called at the end of each of the worker's ticks, before the sessions are
// served: the place to hand on what the tick's frames amounted to. Several are called in
// the order in which they were registered.
func (w *Worker) OnTick(f func()) { w.onTick = append(w.onTick, f) }

// OnStop has f called when the worker ends, after its last session. Several are called in
// the order in which they were registered.
func (w *Worker) OnStop(f func()) { w.onStop = append(w.onStop, f) }

// drain ends all sessions in order, and lets nobody in.
func (w *Worker) drain() {
	for _, l := range w.listeners {
		l.close()
	}
	w.sessions.each(func(s *Session) { s.End(Reason{Code: ReasonDraining}) })
}

// abortAll ends all sessions at once.
func (w *Worker) abortAll() {
	w.sessions.each(func(s *Session) { s.fail(Reason{Code: ReasonLocal}) })
}

// stop begins the worker's end.
func (w *Worker) stop() {
	if w.stopping || !w.up {
		return
	}
	w.stopping = true
	for _, l := range w.listeners {
		l.close()
	}
	w.abortAll()
}

// over reports whether a stopping worker has nothing left that is in flight.
func (w *Worker) over() bool {
	if !w.stopping || w.sessions.live > 0 {
		return false
	}
	for _, l := range w.listeners {
		if !l.closed {
			return false
		}
	}
	return true
}

// release frees what the worker has, after its last tick.
func (w *Worker) release() {
	for _, m := range append(w.mailLeft, w.mail.close()...) {
		m.Deliver(w) // it owns things: connections, buffers
	}
	w.mailLeft = nil
	w.up = false
	for _, f := range w.onStop {
		f()
	}
	w.service.leaked(errors.Join(w.ops.Close(), w.buffers.Close(), w.driver.Release()))
	w.service.workerEnded()
}

package engine_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"sarang/aio"
	"sarang/engine"
)

// sleepSpy is a driver that tells when its owner is about to sleep.
type sleepSpy struct {
	aio.Driver
	sleeps func()
}

func (d *sleepSpy) Wait(events []aio.Event, timeout time.Duration) (int, error) {
	if timeout != 0 {
		d.sleeps()
	}
	return d.Driver.Wait(events, timeout)
}

// begunFirst tells how often, of rounds, work that a worker gave to another goroutine
// was done when the worker went to sleep. One processor does everything.
func begunFirst(t *testing.T, open func(int) (aio.Driver, error), rounds int, yields bool) int {
	var done atomic.Int64 // rounds whose work is done
	var early int
	given := int64(0)              // the worker's, as armed and early
	armed := false                 // given was raised in this tick
	work := make(chan struct{}, 1) // to the goroutine that works
	slept := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range work {
			done.Add(1)
		}
	}()
	svc := serve(t, engine.Config{OpenDriver: func(i int) (aio.Driver, error) {
		d, err := open(i)
		return &sleepSpy{d, func() {
			if armed {
				armed = false
				if done.Load() == given {
					early++
				}
				slept <- struct{}{}
			}
		}}, err
	}})
	for range rounds {
		svc.Workers()[0].Post(engine.MessageFunc(func(w *engine.Worker) {
			given++
			armed = true
			work <- struct{}{}
			if yields {
				w.Yield(func() bool { return done.Load() == given }) // given is this worker's
			}
		}))
		<-slept
	}
	close(work)
	<-ended
	return early
}

// TestYield: work that a worker has given away is begun before the worker sleeps, if
// others have no processor of their own.
func TestYield(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		const rounds = 500
		without, with := begunFirst(t, open, rounds, false), begunFirst(t, open, rounds, true)
		t.Logf("begun before the sleep: %d of %d, without yielding %d", with, rounds, without)
		if with < rounds-rounds/100 {
			t.Errorf("of %d pieces of work %d were begun before the worker slept", rounds, with)
		}
	})
}

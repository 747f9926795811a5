package engine_test

import (
	"runtime"
	"testing"
	"time"

	"sarang/aio"
	"sarang/engine"
)

// stuckDriver is a driver that does not come back from a wait that has a time, until it
// is let go.
type stuckDriver struct {
	aio.Driver
	in, out chan struct{}
}

func (d *stuckDriver) Wait(events []aio.Event, timeout time.Duration) (int, error) {
	select {
	case <-d.in:
		<-d.out
	default:
	}
	return d.Driver.Wait(events, timeout)
}

// A worker that does not come back from its driver stands still, though it has finished
// its round; when it is back, it does not.
func TestStillInTheDriver(t *testing.T) {
	onDrivers(t, func(t *testing.T, open func(int) (aio.Driver, error)) {
		in, out := make(chan struct{}, 1), make(chan struct{})
		svc := serve(t, engine.Config{OpenDriver: func(i int) (aio.Driver, error) {
			d, err := open(i)
			return &stuckDriver{d, in, out}, err
		}})
		w := svc.Workers()[0]
		const most = 100 * time.Millisecond
		in <- struct{}{}
		w.Post(engine.MessageFunc(func(*engine.Worker) {})) // it is on its way into the driver
		for begin := time.Now(); w.Still() < most; runtime.Gosched() {
			if time.Since(begin) > patience {
				t.Fatal("a worker is stuck in its driver, and seems well")
			}
		}
		close(out)
		for begin := time.Now(); w.Still() > 0; runtime.Gosched() {
			if time.Since(begin) > patience {
				t.Fatalf("a worker is back, and seems to stand still for %v", w.Still())
			}
		}
	})
}

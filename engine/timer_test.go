package engine_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"sarang/engine"
)

// wheelTick is the promise of Worker.After: never early, and at most that late.
const wheelTick = 16 * time.Millisecond

// stride is how far precise steps when so much has passed: that much later may a
// timer be met.
func stride(passed time.Duration) time.Duration {
	if passed < 5*time.Second {
		return 4 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// precise steps the service often enough to meet timers in time.
func precise(h *harness, d time.Duration) {
	began := h.now()
	for at := began; at < began+d; {
		at += stride(at - began)
		h.world.Advance(at)
		if err := h.service.Step(); err != nil {
			h.Fatal(err)
		}
	}
}

func TestTimersFireInTime(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		after := []time.Duration{
			0, 1, time.Millisecond, 15 * time.Millisecond, wheelTick, 17 * time.Millisecond, time.Second,
			4080 * time.Millisecond, 4096 * time.Millisecond, 4097 * time.Millisecond, 5 * time.Second, time.Minute,
			17 * time.Minute, 18 * time.Minute, time.Hour, -time.Hour,
		}
		began := h.worker.Now()
		fired := 0
		timers := make([]engine.Timer, len(after))
		for i, d := range after {
			timers[i].Data = i
			h.worker.After(&timers[i], d, func(t *engine.Timer) {
				fired++
				want := max(after[t.Data.(int)], 0)
				if got := h.worker.Now() - began; got < want || got > want+wheelTick+stride(got) {
					h.Errorf("a timer of %v fired after %v", want, got)
				}
				if t.Running() {
					h.Error("a timer that has fired is running")
				}
			})
			if !timers[i].Running() {
				h.Error("a timer does not run")
			}
		}
		if n := h.service.Stats().Timers; n != len(after) {
			h.Errorf("%d timers run, want %d", n, len(after))
		}
		precise(h, 61*time.Minute)
		if fired != len(after) {
			h.Errorf("%d of %d timers fired", fired, len(after))
		}
	})
}

func TestTimersFireInOrder(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		rng := rand.New(rand.NewPCG(1, 2))
		timers := make([]engine.Timer, 500)
		last := time.Duration(-1)
		fired := 0
		for i := range timers {
			d := time.Duration(rng.Int64N(int64(20 * time.Second)))
			timers[i].Data = d
			h.worker.After(&timers[i], d, func(t *engine.Timer) {
				fired++
				if d := t.Data.(time.Duration); d < last-wheelTick {
					h.Errorf("a timer of %v fired after one of %v", d, last)
				} else {
					last = d
				}
			})
		}
		precise(h, 21*time.Second)
		if fired != len(timers) {
			h.Errorf("%d of %d timers fired", fired, len(timers))
		}
	})
}

func TestTimerStop(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		var a, b, never engine.Timer
		fail := func(*engine.Timer) { h.Error("a stopped timer fired") }
		h.worker.Stop(&never)
		h.worker.After(&a, time.Second, fail)
		h.worker.Stop(&a)
		h.worker.Stop(&a)
		if a.Running() {
			h.Error("a stopped timer is running")
		}
		// Both are due in the same tick: the first to fire stops the other.
		fired := 0
		stopOther := func(t *engine.Timer) {
			fired++
			h.worker.Stop(t.Data.(*engine.Timer))
		}
		a.Data, b.Data = &b, &a
		h.worker.After(&a, time.Second, stopOther)
		h.worker.After(&b, time.Second, stopOther)
		precise(h, 2*time.Second)
		if fired != 1 {
			h.Errorf("%d timers fired", fired)
		}
	})
}

func TestTimerStartsItselfAgain(t *testing.T) {
	onSim(t, setup{}, func(h *harness) {
		var every, now engine.Timer
		beats, nows := 0, 0
		var beat, at func(*engine.Timer)
		beat = func(t *engine.Timer) {
			beats++
			h.worker.After(t, time.Second, beat)
		}
		at = func(t *engine.Timer) {
			nows++
			h.worker.After(t, 0, at)
		}
		h.worker.After(&every, time.Second, beat)
		h.worker.After(&now, 0, at)
		precise(h, 10500*time.Millisecond)
		if beats < 9 || beats > 10 {
			h.Errorf("%d beats in 10 seconds", beats)
		}
		if nows < 100 || nows > 700 {
			h.Errorf("a timer of 0 fired %d times in 10 s; once a tick of 16 ms is meant", nows)
		}
		h.worker.Stop(&every)
		h.worker.Stop(&now)
	})
}

// Random starts, stops and jumps of the clock against a list of deadlines.
func TestTimersAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		onSim(t, setup{}, func(h *harness) {
			rng := rand.New(rand.NewPCG(seed, 3))
			timers := make([]engine.Timer, 60)
			due := make(map[int]time.Duration)
			var fire func(t *engine.Timer)
			arm := func(i int) {
				d := time.Duration(rng.Int64N(1 << (10 + rng.IntN(32))))
				timers[i].Data = i
				due[i] = h.worker.Now() + d
				h.worker.After(&timers[i], d, fire)
			}
			fire = func(t *engine.Timer) {
				i := t.Data.(int)
				at, ok := due[i]
				if now := h.worker.Now(); !ok || now < at {
					h.Fatalf("seed %d: timer %d fired at %v, due at %v (%t)", seed, i, now, at, ok)
				}
				delete(due, i)
				if rng.IntN(3) == 0 {
					arm(rng.IntN(len(timers)))
				}
			}
			for range 300 {
				switch i := rng.IntN(len(timers)); rng.IntN(4) {
				case 0:
					h.worker.Stop(&timers[i])
					delete(due, i)
				case 1, 2:
					arm(i)
				default:
					h.world.Advance(h.now() + time.Duration(rng.Int64N(1<<(20+rng.IntN(22)))))
					for range 3 { // after a leap the sockets come first
						if err := h.service.Step(); err != nil {
							h.Fatal(err)
						}
					}
				}
				for i, at := range due {
					if timers[i].Running() == (h.worker.Now() > at+wheelTick) {
						h.Fatalf("seed %d: timer %d, due at %v, runs at %v: %t", seed, i, at, h.worker.Now(), timers[i].Running())
					}
				}
			}
			for i := range timers {
				h.worker.Stop(&timers[i])
			}
		})
	}
}

// A worker sleeps until its next timer and wakes for it: the driver's clock says when.
func TestWorkerWakesForTimers(t *testing.T) {
	svc, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
	}()
	w := svc.Workers()[0]
	fired := make(chan time.Duration, 1)
	var timer engine.Timer
	began := time.Now()
	w.Post(engine.MessageFunc(func(w *engine.Worker) {
		w.After(&timer, 100*time.Millisecond, func(*engine.Timer) { fired <- time.Since(began) })
	}))
	if d := <-fired; d < 100*time.Millisecond || d > 5*time.Second {
		t.Errorf("a timer of 100 ms fired after %v", d)
	}
}

package hub_test

import (
	"log/slog"
	"testing"
	"time"

	"sarang/aio"
	"sarang/aio/aiosim"
	"sarang/engine"
	"sarang/internal/hub"
	"sarang/internal/hub/hubtest"
	"sarang/internal/limit"
	"sarang/internal/store/storesim"
)

// TestLoadOfWorkers keeps a worker busy in simulated time: the level rises with the
// length of its ticks, and falls by itself when there is nothing more to do.
func TestLoadOfWorkers(t *testing.T) {
	world := aiosim.NewWorld(aiosim.Config{})
	h, err := hub.New(hub.Config{
		Store: storesim.NewDisk(nil).Open(), Formats: []*hub.Format{hubtest.NewFormat("line", hub.MarkNone)}, Manual: true,
		Logger: slog.New(slog.DiscardHandler), WorkerLagMax: time.Second,
	}, 2)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := engine.New(engine.Config{
		Workers: 2, Manual: true, Logger: slog.New(slog.DiscardHandler),
		OpenDriver: func(int) (aio.Driver, error) { return world.NewDriver(aio.Config{}), nil },
		OnStart:    h.StartShard,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
		h.Close()
	}()
	step := func() {
		t.Helper()
		if err := svc.Step(); err != nil {
			t.Fatal(err)
		}
	}
	busy := func(d time.Duration) {
		t.Helper()
		svc.Workers()[1].Post(engine.MessageFunc(func(*engine.Worker) { world.Advance(world.Now() + d) }))
		step()
	}
	level := func(want limit.Level, when string) {
		t.Helper()
		if l := h.Load(); l.Level != want {
			t.Errorf("%s the level is %v, want %v (%+v)", when, l.Level, want, l)
		}
	}
	step()
	busy(400 * time.Millisecond)
	step()
	level(limit.LevelNone, "after one tick of 400ms")
	for range 100 {
		busy(600 * time.Millisecond)
	}
	level(limit.LevelEphemeral, "with ticks of 600ms")
	for range 100 {
		busy(750 * time.Millisecond)
	}
	level(limit.LevelReads, "with ticks of 750ms")
	for range 100 {
		busy(900 * time.Millisecond)
	}
	level(limit.LevelEntries, "with ticks of 900ms")
	for range 100 {
		busy(1100 * time.Millisecond)
	}
	level(limit.LevelPublishes, "with ticks of 1100ms")

	quiet := world.Now()
	for h.Load().Level > limit.LevelNone && world.Now() < quiet+10*time.Second {
		world.Advance(world.Now() + 50*time.Millisecond)
		step()
	}
	level(limit.LevelNone, "after 10s of nothing")
	if passed := world.Now() - quiet; passed > 4*time.Second {
		t.Errorf("it took %v to forget the load", passed)
	}
}

// TestLoadIsForgottenAsleep looks at a worker that has nothing more to do after a stall:
// it wakes by itself to see that the load is gone.
func TestLoadIsForgottenAsleep(t *testing.T) {
	h, err := hub.New(hub.Config{
		Store: storesim.NewDisk(nil).Open(), Formats: []*hub.Format{hubtest.NewFormat("line", hub.MarkNone)},
		Logger: slog.New(slog.DiscardHandler), WorkerLagMax: 50 * time.Millisecond,
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	svc, err := engine.New(engine.Config{
		Logger:  slog.New(slog.DiscardHandler),
		OnStart: h.StartShard,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Start(); err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	do := func(work func()) {
		done := make(chan struct{})
		svc.Workers()[0].Post(engine.MessageFunc(func(*engine.Worker) { work(); close(done) }))
		<-done
	}
	do(func() {})
	do(func() {
		time.Sleep(300 * time.Millisecond) // sleep: the stall
	})
	do(func() {}) // the next tick sees how long the last one took
	do(func() {})
	if h.Load().Level == limit.LevelNone {
		t.Fatalf("a stall of 300ms is no load: %+v", h.Load())
	}
	for deadline := time.Now().Add(20 * time.Second); h.Load().Level > limit.LevelNone; {
		if time.Now().After(deadline) {
			t.Fatalf("the load stays: %+v", h.Load())
		}
		time.Sleep(5 * time.Millisecond) // sleep: asking the worker would wake it, which it is to do itself
	}
}

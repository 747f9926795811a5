package hub

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"sarang/internal/limit"
	"sarang/lock"
)

// turnRig is a pool whose clock goes a step with each look at it.
type turnRig struct {
	*tasks
	turns turns
	waits atomic.Int64
	clock atomic.Int64
	done  atomic.Int64
}

const turnStep = time.Millisecond

func newTurnRig(t *testing.T, most int, slice time.Duration) *turnRig {
	r := &turnRig{turns: turns{slice: slice}}
	r.turns.close()
	r.tasks = &tasks{
		most: most, bounds: taskBounds{all: 1 << 20}, waits: &r.waits, turns: &r.turns,
		now: func() time.Duration { return time.Duration(r.clock.Add(int64(turnStep))) },
	}
	r.mu.Init(lock.NewClass("hub.turnRig"))
	r.since.Store(noneWaits)
	t.Cleanup(r.close)
	return r
}

func (r *turnRig) give(t *testing.T, n int) {
	for i := range n {
		if !r.do(limit.Source{Session: uint64(i + 1)}, func() { r.done.Add(1) }) {
			t.Fatal("a task is not taken")
		}
	}
}

// rests waits until nothing runs.
func (r *turnRig) rests() int {
	for r.running.Load() > 0 {
		runtime.Gosched()
	}
	return int(r.done.Load())
}

// Where workers share their processors with the pools, what a crowd has asked for is done a
// slice at a time, and no slice begins before a worker opens it.
func TestPoolsWaitForTheirTurn(t *testing.T) {
	const crowd, slice = 200, 10
	r := newTurnRig(t, 64, slice*turnStep)
	r.give(t, crowd)
	if n := r.rests(); n != 0 || !r.busy() {
		t.Fatalf("%d tasks are done before a worker had its turn; busy %v, want 0 and true", n, r.busy())
	}
	was, slices := 0, 0
	for ; was < crowd; slices++ {
		r.turns.open(false)
		r.resume()
		n := r.rests()
		if n-was > slice {
			t.Fatalf("%d tasks in a slice of %d looks at the clock", n-was, slice)
		}
		if n == was {
			t.Fatalf("nothing is done in a slice; %d of %d are done", n, crowd)
		}
		was = n
		r.turns.close()
		r.resume() // too early
		if n := r.rests(); n != was {
			t.Fatalf("%d tasks are done between two slices", n-was)
		}
	}
	if slices < crowd/slice || r.busy() {
		t.Errorf("%d slices for %d tasks; busy at the end: %v", slices, crowd, r.busy())
	}
}

// While no worker has anything to do slices follow each other.
func TestPoolsOfAnIdleServer(t *testing.T) {
	r := newTurnRig(t, 64, 2*turnStep)
	r.give(t, 200)
	r.turns.open(true)
	r.resume()
	if n := r.rests(); n != 200 {
		t.Errorf("%d of 200 tasks are done, and the workers sleep", n)
	}
}

// Workers with processors of their own take no turns.
func TestPoolsBesideTheWorkers(t *testing.T) {
	r := newTurnRig(t, 4, 0)
	r.give(t, 200)
	if n := r.rests(); n != 200 || r.busy() {
		t.Errorf("%d of 200 tasks are done; busy: %v", n, r.busy())
	}
}

// A worker that is busy has three times what a slice took for itself, and one that is not
// gives the pools all they want. After 15 slices at most they have their turn in any case.
func TestSliceAndRest(t *testing.T) {
	now := time.Duration(0)
	start := time.Unix(0, 0)
	h := &Hub{started: start}
	h.config.Now = func() time.Time { return start.Add(now) }
	h.turns.slice = 2 * time.Millisecond
	h.turns.close()
	for _, p := range []**tasks{&h.reads, &h.queries, &h.claims, &h.hashes, &h.searches} {
		*p = h.newTasks(1)
		(*p).manual = true
	}
	h.storeQueue.Store(1)
	s := &Shard{hub: h}
	opens := func(idle bool, at, took time.Duration) bool {
		now = at
		s.yields(idle)
		opened := h.turns.since.Load() == sliceFresh
		now += took
		s.yielded()
		if open := h.turns.since.Load() != sliceNone; open != (idle && opened) {
			t.Fatalf("at %v a slice is open after the yield: %v", at, open)
		}
		h.turns.close()
		return opened
	}
	const ms = time.Millisecond
	for _, step := range []struct {
		idle     bool
		at, took time.Duration
		want     bool
	}{
		{false, 1 * ms, 2 * ms, true},
		{false, 4 * ms, 0, false},
		{false, 8 * ms, 0, false},
		{false, 9 * ms, 3 * ms, true},
		{false, 20 * ms, 0, false},
		{true, 20 * ms, 0, true},
		{false, 21 * ms, time.Second, true},
		{false, 52 * ms, 0, false},
		{false, 53 * ms, 0, true},
	} {
		if got := opens(step.idle, step.at, step.took); got != step.want {
			t.Errorf("at %v, idle %v, a slice begins: %v, want %v", step.at, step.idle, got, step.want)
		}
	}
	h.storeQueue.Store(0)
	if opens(true, time.Minute, 0) {
		t.Error("a slice begins and nothing waits for one")
	}
}

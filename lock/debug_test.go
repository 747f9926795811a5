//go:build sarang_debug

package lock_test

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"sarang/lock"
)

// log collects the reports of one profiler.
type log struct {
	mu      sync.Mutex
	reports []lock.Report
}

func profiler() (*lock.Profiler, *log) {
	l := new(log)
	p := lock.NewProfiler()
	p.SetReport(func(r lock.Report) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reports = append(l.reports, r)
	})
	return p, l
}

// one returns the only report.
func (l *log) one(t *testing.T, kind lock.Kind) lock.Report {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reports) != 1 {
		t.Fatalf("%d reports, want 1: %v", len(l.reports), l.reports)
	}
	if l.reports[0].Kind != kind {
		t.Fatalf("kind is %v, want %v", l.reports[0].Kind, kind)
	}
	return l.reports[0]
}

func (l *log) none(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reports) != 0 {
		t.Fatalf("unexpected reports: %v", l.reports)
	}
}

// elsewhere runs f on a goroutine of its own and waits for it.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func nest(locks ...sync.Locker) {
	for _, l := range locks {
		l.Lock()
	}
	for _, l := range slices.Backward(locks) {
		l.Unlock()
	}
}

func forth(a, b sync.Locker) { nest(a, b) }
func back(a, b sync.Locker)  { nest(b, a) }

func mutex(c *lock.Class) *lock.Mutex { return lock.NewMutex(c) }

func TestTwoClassesInversion(t *testing.T) {
	p, log := profiler()
	a, b := mutex(p.NewClass("a")), mutex(p.NewClass("b"))
	elsewhere(func() { forth(a, b) })
	log.none(t)
	elsewhere(func() { back(a, b) })
	r := log.one(t, lock.KindCycle)
	if want := []string{"b", "a", "b"}; !slices.Equal(r.Path, want) {
		t.Errorf("path is %v, want %v", r.Path, want)
	}
	if len(r.Edges) != 2 {
		t.Fatalf("%d edges, want 2", len(r.Edges))
	}
	for i, who := range []string{"lock_test.back", "lock_test.forth"} {
		e := r.Edges[i]
		if !strings.Contains(e.FromStack, who) || !strings.Contains(e.ToStack, who) {
			t.Errorf("edge %d does not have both stacks of %s:\n%v", i, who, e)
		}
		if strings.Contains(e.FromStack+e.ToStack, "identity") {
			t.Errorf("edge %d shows the profiler's own frames:\n%v", i, e)
		}
	}
	if text := r.String(); !strings.Contains(text, "b -> a -> b") || !strings.Contains(text, "debug_test.go") {
		t.Errorf("text lacks path or place:\n%s", text)
	}
	elsewhere(func() { back(a, b) })
	log.one(t, lock.KindCycle) // the same fault is told once
}

// Other instances of the same classes: no two goroutines ever share a lock here,
// but the roles are inverted.
func TestInversionAcrossInstances(t *testing.T) {
	p, log := profiler()
	a, b := p.NewClass("a"), p.NewClass("b")
	elsewhere(func() { forth(mutex(a), mutex(b)) })
	elsewhere(func() { back(mutex(a), mutex(b)) })
	log.one(t, lock.KindCycle)
}

func TestThreeClassCycle(t *testing.T) {
	p, log := profiler()
	a, b, c := mutex(p.NewClass("a")), lock.NewRWMutex(p.NewClass("b")), mutex(p.NewClass("c"))
	elsewhere(func() { nest(a, b.RLocker()) })
	elsewhere(func() { nest(b, c) })
	log.none(t)
	elsewhere(func() { nest(c, a) })
	r := log.one(t, lock.KindCycle)
	if want := []string{"c", "a", "b", "c"}; !slices.Equal(r.Path, want) {
		t.Errorf("path is %v, want %v", r.Path, want)
	}
}

func TestReadersInvert(t *testing.T) {
	p, log := profiler()
	a, b := lock.NewRWMutex(p.NewClass("a")), lock.NewRWMutex(p.NewClass("b"))
	elsewhere(func() { forth(a.RLocker(), b.RLocker()) })
	elsewhere(func() { back(a.RLocker(), b.RLocker()) })
	log.one(t, lock.KindCycle)
}

// The edge runs from a lock that is not the youngest one held.
func TestEveryHeldLockCounts(t *testing.T) {
	p, log := profiler()
	a, b, c := mutex(p.NewClass("a")), mutex(p.NewClass("b")), mutex(p.NewClass("c"))
	elsewhere(func() {
		a.Lock()
		b.TryLock() // no edge from a to b, so the only way from a to c is their own
		c.Lock()
		b.Unlock()
		c.Unlock()
		a.Unlock()
	})
	elsewhere(func() { nest(c, a) })
	r := log.one(t, lock.KindCycle)
	if want := []string{"c", "a", "c"}; !slices.Equal(r.Path, want) {
		t.Errorf("path is %v, want %v", r.Path, want)
	}
}

func TestOneClassInversion(t *testing.T) {
	p, log := profiler()
	class := p.NewClass("account")
	x, y, z := mutex(class), mutex(class), mutex(class)
	elsewhere(func() { nest(x, y) })
	elsewhere(func() { nest(y, z) })
	elsewhere(func() { nest(x, y, z) })
	log.none(t) // nested, but always in one order
	elsewhere(func() { nest(z, x) })
	r := log.one(t, lock.KindCycle)
	if len(r.Path) < 3 || !strings.HasPrefix(r.Path[0], "account#") || r.Path[0] == r.Path[1] {
		t.Errorf("path %v does not name the locks", r.Path)
	}
}

// The memory for orders between single locks is bounded: the oldest is forgotten,
// the youngest is not.
func TestOldOrdersAreForgotten(t *testing.T) {
	const remembered = 1 << 16
	p, log := profiler()
	class := p.NewClass("many")
	outer, first, last := mutex(class), mutex(class), mutex(class)
	nest(outer, first)
	for range remembered - 1 {
		nest(outer, mutex(class))
	}
	nest(outer, last) // pushes the first out
	nest(first, outer)
	log.none(t)
	nest(outer, first) // learned anew, and now the wrong way round
	r := log.one(t, lock.KindCycle)
	if r.Path[0] == r.Path[1] || len(r.Path) != 3 {
		t.Errorf("path is %v", r.Path)
	}
	log.reports = nil
	nest(last, outer)
	log.one(t, lock.KindCycle)
}

func TestUnnamedLocksInvert(t *testing.T) {
	d := lock.Default()
	var log log
	d.SetReport(func(r lock.Report) { log.reports = append(log.reports, r) })
	defer d.SetReport(nil)
	var a, b, c lock.Mutex
	elsewhere(func() { nest(&a, &b) })
	elsewhere(func() { nest(&b, &c) })
	log.none(t)
	named := mutex(lock.NewClass("test.named"))
	elsewhere(func() { nest(&c, named) })
	elsewhere(func() { nest(named, new(lock.Mutex)) })
	log.none(t) // locks without a class have no order in common
	elsewhere(func() { nest(&b, &a) })
	r := log.one(t, lock.KindCycle)
	if !strings.HasPrefix(r.Path[0], "unnamed#") {
		t.Errorf("path is %v", r.Path)
	}
	log.reports = nil
	elsewhere(func() { nest(named, &c) })
	log.one(t, lock.KindCycle)
}

func TestTryLockAddsNoEdge(t *testing.T) {
	p, log := profiler()
	a, b, c := mutex(p.NewClass("a")), mutex(p.NewClass("b")), mutex(p.NewClass("c"))
	elsewhere(func() {
		a.Lock()
		if !b.TryLock() {
			t.Error("TryLock of a free mutex failed")
		}
		nest(c) // b counts as held
		b.Unlock()
		a.Unlock()
	})
	elsewhere(func() { nest(b, a) })
	log.none(t)
	elsewhere(func() { nest(c, b) })
	log.one(t, lock.KindCycle)
}

func TestRecursion(t *testing.T) {
	for _, first := range []string{"write", "read"} {
		for _, second := range []string{"write", "read"} {
			t.Run(first+" then "+second, func(t *testing.T) {
				p := lock.NewProfiler()
				p.SetReport(func(r lock.Report) { panic(r) })
				m := lock.NewRWMutex(p.NewClass("m"))
				modes := map[string]sync.Locker{"write": m, "read": m.RLocker()}
				elsewhere(func() {
					modes[first].Lock()
					defer modes[first].Unlock()
					defer func() {
						r, ok := recover().(lock.Report)
						if !ok || r.Kind != lock.KindRecursion || r.Edges[0].FromStack == "" {
							t.Errorf("report is %v", r)
						}
					}()
					modes[second].Lock()
					t.Error("went through")
					modes[second].Unlock()
				})
				nest(m) // free again, and no longer held
			})
		}
	}
}

func TestDefaultReportPanics(t *testing.T) {
	p := lock.NewProfiler()
	p.SetReport(func(lock.Report) {})
	p.SetReport(nil)
	m := mutex(p.NewClass("m"))
	m.Lock()
	defer m.Unlock()
	defer func() {
		text, ok := recover().(string)
		if !ok || !strings.Contains(text, "recursive locking: m#") {
			t.Errorf("panic value is %q", text)
		}
	}()
	m.Lock()
}

func TestUnlockByStranger(t *testing.T) {
	p, log := profiler()
	m := mutex(p.NewClass("m"))
	m.Lock()
	elsewhere(m.Unlock)
	r := log.one(t, lock.KindUnlock)
	if !strings.Contains(r.Edges[0].FromStack, "TestUnlockByStranger") {
		t.Errorf("no stack of the holder:\n%v", r)
	}
	nest(m) // it was unlocked all the same, and nobody holds it
	log.one(t, lock.KindUnlock)
}

func TestUnlockOfFree(t *testing.T) {
	p := lock.NewProfiler()
	p.SetReport(func(r lock.Report) { panic(r) })
	m := mutex(p.NewClass("m"))
	defer func() {
		r, ok := recover().(lock.Report)
		if !ok || r.Kind != lock.KindUnlock || !strings.Contains(r.String(), "nobody holds it") {
			t.Errorf("report is %v", r)
		}
	}()
	m.Unlock()
}

func TestHandover(t *testing.T) {
	p, log := profiler()
	m := lock.NewRWMutex(p.NewClass("m", lock.AllowHandover()))
	m.Lock()
	elsewhere(m.Unlock)
	m.RLock()
	elsewhere(m.RUnlock)
	nest(m)
	log.none(t)
}

func TestClassByName(t *testing.T) {
	p, _ := profiler()
	x := p.NewClass("x")
	if p.NewClass("x") != x {
		t.Error("one name, two classes")
	}
	if lock.NewClass("x") == x {
		t.Error("two profilers share a class")
	}
}

func TestLateInitPanics(t *testing.T) {
	p, _ := profiler()
	m := mutex(p.NewClass("x"))
	nest(m)
	m.Init(p.NewClass("x")) // the same class is no change
	defer func() {
		if recover() == nil {
			t.Error("the class of a lock in use was changed")
		}
	}()
	m.Init(p.NewClass("y"))
}

func TestStats(t *testing.T) {
	p, log := profiler()
	m := lock.NewRWMutex(p.NewClass("busy"))
	nest(mutex(p.NewClass("idle")))
	m.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		nest(m.RLocker())
	}()
	waitForReader()
	m.Unlock()
	<-done
	var names []string
	for _, s := range p.Stats() {
		names = append(names, s.Class)
		switch {
		case s.Class == "busy" && (s.Acquisitions != 2 || s.Contended != 1 || s.WaitTotal <= 0 || s.WaitMax != s.WaitTotal):
			t.Errorf("busy: %+v", s)
		case s.Class == "idle" && s != (lock.ClassStats{Class: "idle", Acquisitions: 1}):
			t.Errorf("idle: %+v", s)
		}
	}
	if want := []string{"busy", "idle", "unnamed"}; !slices.Equal(names, want) {
		t.Errorf("classes are %v, want %v", names, want)
	}
	log.none(t)
}

// waitForReader returns when some goroutine is parked in RLock.
func waitForReader() {
	buf := make([]byte, 1<<20)
	for !strings.Contains(string(buf[:runtime.Stack(buf, true)]), "[sync.RWMutex.RLock]") {
		runtime.Gosched()
	}
}

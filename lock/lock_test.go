package lock_test

import (
	"sync"
	"testing"

	"go.uber.org/goleak"

	"sarang/lock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// both are the ways to a lock that must behave alike: with a class and without.
func both(t *testing.T, mutex func(*testing.T, *lock.Mutex), rw func(*testing.T, *lock.RWMutex)) {
	t.Helper()
	class := lock.NewClass("test.both")
	if mutex != nil {
		t.Run("zero Mutex", func(t *testing.T) { mutex(t, new(lock.Mutex)) })
		t.Run("Mutex", func(t *testing.T) { mutex(t, lock.NewMutex(class)) })
	}
	if rw != nil {
		t.Run("zero RWMutex", func(t *testing.T) { rw(t, new(lock.RWMutex)) })
		t.Run("RWMutex", func(t *testing.T) { rw(t, lock.NewRWMutex(class)) })
	}
}

// count increments under l from several goroutines; the race detector looks on.
func count(t *testing.T, l sync.Locker) {
	t.Helper()
	const goroutines, rounds = 8, 200
	n := 0
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range rounds {
				l.Lock()
				n++
				l.Unlock()
			}
		})
	}
	wg.Wait()
	if n != goroutines*rounds {
		t.Errorf("counted to %d, want %d", n, goroutines*rounds)
	}
}

func TestMutualExclusion(t *testing.T) {
	both(t,
		func(t *testing.T, m *lock.Mutex) { count(t, m) },
		func(t *testing.T, m *lock.RWMutex) { count(t, m) })
}

func TestTryLock(t *testing.T) {
	both(t,
		func(t *testing.T, m *lock.Mutex) {
			if !m.TryLock() {
				t.Fatal("TryLock of a free mutex failed")
			}
			if m.TryLock() {
				t.Fatal("TryLock of a locked mutex succeeded")
			}
			m.Unlock()
		},
		func(t *testing.T, m *lock.RWMutex) {
			for range 2 {
				if !m.TryRLock() {
					t.Fatal("TryRLock with readers only failed")
				}
			}
			if m.TryLock() {
				t.Fatal("TryLock with readers succeeded")
			}
			m.RUnlock()
			m.RUnlock()
			if !m.TryLock() {
				t.Fatal("TryLock of a free lock failed")
			}
			if m.TryRLock() {
				t.Fatal("TryRLock with a writer succeeded")
			}
			m.Unlock()
		})
}

// Two readers meet inside: each waits there for the other.
func TestReadersShare(t *testing.T) {
	both(t, nil, func(t *testing.T, m *lock.RWMutex) {
		first, second := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			m.RLock()
			close(first)
			<-second
			m.RUnlock()
		})
		r := m.RLocker()
		r.Lock()
		<-first
		close(second)
		r.Unlock()
		wg.Wait()
		if !m.TryLock() {
			t.Fatal("the readers are gone and the lock is not free")
		}
		m.Unlock()
	})
}

func TestCond(t *testing.T) {
	both(t, func(t *testing.T, m *lock.Mutex) {
		cond := sync.NewCond(m)
		ready := false
		var wg sync.WaitGroup
		wg.Go(func() {
			m.Lock()
			ready = true
			m.Unlock()
			cond.Signal()
		})
		m.Lock()
		for !ready {
			cond.Wait()
		}
		m.Unlock()
		wg.Wait()
	}, nil)
}

func TestSameOrderIsSilent(t *testing.T) {
	p := lock.NewProfiler()
	p.SetReport(func(r lock.Report) { t.Errorf("false alarm: %v", r) })
	outer, inner := p.NewClass("outer"), p.NewClass("inner")
	var a, b lock.Mutex
	var c, d lock.RWMutex
	a.Init(outer)
	b.Init(outer)
	c.Init(inner)
	d.Init(inner)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				a.Lock()
				b.Lock()
				c.RLock()
				d.Lock()
				b.Unlock() // giving back in another order is no fault
				d.Unlock()
				c.RUnlock()
				a.Unlock()
			}
		})
	}
	wg.Wait()
}

func BenchmarkLock(b *testing.B) {
	class := lock.NewClass("test.bench")
	b.Run("sync.Mutex", func(b *testing.B) {
		var m sync.Mutex
		n := 0
		for b.Loop() {
			m.Lock()
			n++
			m.Unlock()
		}
	})
	b.Run("lock.Mutex", func(b *testing.B) {
		var m lock.Mutex
		m.Init(class)
		n := 0
		for b.Loop() {
			m.Lock()
			n++
			m.Unlock()
		}
	})
	b.Run("sync.RWMutex", func(b *testing.B) {
		var m sync.RWMutex
		n := 0
		for b.Loop() {
			m.RLock()
			n++
			m.RUnlock()
		}
	})
	b.Run("lock.RWMutex", func(b *testing.B) {
		var m lock.RWMutex
		m.Init(class)
		n := 0
		for b.Loop() {
			m.RLock()
			n++
			m.RUnlock()
		}
	})
}

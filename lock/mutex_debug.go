//go:build sarang_debug

package lock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Enabled reports whether this build watches its locks (build tag sarang_debug).
const Enabled = true

// Mutex is sync.Mutex with a class. The zero value is an unlocked mutex of the
// class "unnamed". It must not be copied after its first use.
type Mutex struct {
	mu sync.Mutex
	id identity
}

// NewMutex returns an unlocked mutex of class c.
func NewMutex(c *Class) *Mutex {
	m := new(Mutex)
	m.Init(c)
	return m
}

// Init gives m its class. Call it before m is first locked.
func (m *Mutex) Init(c *Class) { m.id.init(c) }

// Lock locks m, waiting until it is free.
func (m *Mutex) Lock() { m.id.lock(m.mu.TryLock, m.mu.Lock) }

// TryLock locks m if that needs no waiting, and reports whether it did.
func (m *Mutex) TryLock() bool { return m.id.tryLock(m.mu.TryLock) }

// Unlock unlocks m.
func (m *Mutex) Unlock() {
	m.id.unlock()
	m.mu.Unlock()
}

// RWMutex is sync.RWMutex with a class. The zero value is an unlocked lock of the
// class "unnamed". It must not be copied after its first use.
type RWMutex struct {
	mu sync.RWMutex
	id identity
}

// NewRWMutex returns an unlocked reader-writer lock of class c.
func NewRWMutex(c *Class) *RWMutex {
	m := new(RWMutex)
	m.Init(c)
	return m
}

// Init gives m its class. Call it before m is first locked.
func (m *RWMutex) Init(c *Class) { m.id.init(c) }

// Lock locks m for writing, waiting until it is free.
func (m *RWMutex) Lock() { m.id.lock(m.mu.TryLock, m.mu.Lock) }

// TryLock locks m for writing if that needs no waiting, and reports whether it did.
func (m *RWMutex) TryLock() bool { return m.id.tryLock(m.mu.TryLock) }

// Unlock ends a Lock.
func (m *RWMutex) Unlock() {
	m.id.unlock()
	m.mu.Unlock()
}

// RLock locks m for reading, waiting for a writer to end.
func (m *RWMutex) RLock() { m.id.lock(m.mu.TryRLock, m.mu.RLock) }

// TryRLock locks m for reading if that needs no waiting, and reports whether it did.
func (m *RWMutex) TryRLock() bool { return m.id.tryLock(m.mu.TryRLock) }

// RUnlock ends an RLock.
func (m *RWMutex) RUnlock() {
	m.id.unlock()
	m.mu.RUnlock()
}

// RLocker returns a Locker whose Lock is m's RLock.
func (m *RWMutex) RLocker() sync.Locker { return (*readLocker)(m) }

type readLocker RWMutex

func (r *readLocker) Lock()   { (*RWMutex)(r).RLock() }
func (r *readLocker) Unlock() { (*RWMutex)(r).RUnlock() }

// identity is what the profiler knows a lock by. An address would not do: the next
// lock at the same place would inherit the order of the last one.
type identity struct {
	class  atomic.Pointer[Class]
	number atomic.Uint64 // the lock's node in the graph; 0 before its first use
}

func (id *identity) init(c *Class) {
	if id.number.Load() != 0 && id.class.Load() != c {
		panic("lock: Init of a lock that is in use already")
	}
	id.class.Store(c)
}

// resolve returns the class and the number, settling both at the first use.
func (id *identity) resolve() (*Class, uint64) {
	c := id.class.Load()
	if c == nil {
		c = defaultProfiler.unnamed
		id.class.Store(c)
	}
	n := id.number.Load()
	if n == 0 {
		id.number.CompareAndSwap(0, nodes.Add(1))
		n = id.number.Load()
	}
	return c, n
}

// lock asks the profiler, then takes the lock. It is called by the exported
// methods only: stacks leave out two levels.
func (id *identity) lock(try func() bool, wait func()) {
	c, n := id.resolve()
	h := hold{class: c, number: n, stack: callers(2)}
	g := goroutineID()
	c.profiler.ask(g, h)
	if try() {
		c.stats.took(0, false)
	} else {
		start := time.Now()
		wait()
		c.stats.took(time.Since(start), true)
	}
	holders.push(g, h)
}

func (id *identity) tryLock(try func() bool) bool {
	if !try() {
		return false
	}
	c, n := id.resolve()
	c.stats.took(0, false)
	holders.push(goroutineID(), hold{class: c, number: n, stack: callers(2)})
	return true
}

// unlock strikes the lock off its holder's list. It runs before the lock is really
// free, so nobody can be on the list twice.
func (id *identity) unlock() {
	c, n := id.resolve()
	if holders.pop(goroutineID(), n) {
		return
	}
	if c.handover && holders.popAny(n) {
		return
	}
	r := Report{Kind: KindUnlock, Path: []string{c.lockName(n)}}
	r.Edges = []Edge{{
		From: r.Path[0], To: r.Path[0],
		FromStack: holders.any(n).stack.String(), ToStack: callers(2).String(),
	}}
	c.profiler.tell(r)
	holders.popAny(n) // the report did not panic: the lock will be free
}

package mem

import (
	"fmt"

	"sarang/lock"
)

// largeArena gives each buffer a mapping of its own, unmapped at its end. Only the
// headers are used again.
type largeArena struct {
	budget *budget

	mu     lock.Mutex // guards what follows
	free   *Buf       // headers without memory
	live   map[*Buf]struct{}
	bytes  int64 // of the live ones, in whole pages
	gets   uint64
	closed bool
}

func newLargeArena(b *budget, class *lock.Class) *largeArena {
	a := &largeArena{budget: b, live: make(map[*Buf]struct{})}
	a.mu.Init(class)
	return a
}

func (a *largeArena) get(n int) (*Buf, error) {
	size := roundUp(n, pageBytes())
	if size < n {
		return nil, ErrLimit // beyond the address space
	}
	if err := a.budget.take(size); err != nil {
		return nil, err
	}
	data, err := mapBytes(size)
	if err != nil {
		a.budget.give(size)
		return nil, fmt.Errorf("mem: mapping %d bytes: %w", size, err)
	}
	b := a.enter(data, n)
	if b == nil {
		a.budget.give(size)
		if err := unmapBytes(data); err != nil {
			return nil, fmt.Errorf("mem: unmapping %d bytes: %w", size, err)
		}
		return nil, ErrClosed
	}
	return b, nil
}

// enter books data under a header for a buffer of n bytes, or returns nil if the
// arena is closed.
func (a *largeArena) enter(data []byte, n int) *Buf {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	b := a.free
	if b == nil {
		b = &Buf{home: a}
	}
	a.free, b.next = b.next, nil
	b.data, b.n = data, n
	b.refs.Store(1)
	a.live[b] = struct{}{}
	a.bytes += int64(len(data))
	a.gets++
	return b
}

func (a *largeArena) recycle(b *Buf) {
	a.mu.Lock()
	data := b.data
	b.data = nil
	b.next = a.free
	a.free = b
	delete(a.live, b)
	a.bytes -= int64(len(data))
	a.mu.Unlock()
	a.budget.give(len(data))
	if err := unmapBytes(data); err != nil {
		panic("mem: giving a large buffer back: " + err.Error())
	}
}

func (a *largeArena) trim() bool { return false } // nothing is kept

func (a *largeArena) stats() ClassStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return ClassStats{
		InUse:         len(a.live),
		InUseBytes:    a.bytes,
		Reserved:      len(a.live),
		ReservedBytes: a.bytes,
		Gets:          a.gets,
	}
}

func (a *largeArena) close() ([]Leak, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, nil
	}
	a.closed = true
	var leaks []Leak
	for b := range a.live {
		leaks = append(leaks, Leak{SizeBytes: b.n, Refs: int(b.refs.Load())})
	}
	return leaks, nil
}

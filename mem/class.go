package mem

import (
	"fmt"

	"sarang/lock"
)

// headersPerBlock is how many Buf headers are made at a time.
const headersPerBlock = 64

// classArena cuts slabs into blocks of one size. A block and its header stay
// together for life, so handing out and taking back is one list operation.
type classArena struct {
	sizeBytes int
	slabBytes int
	budget    *budget

	mu      lock.Mutex // guards what follows
	free    *Buf       // last in, first out: the warmest block first
	slabs   [][]byte
	uncut   []byte  // rest of the youngest slab
	headers [][]Buf // all headers, in blocks; the last one is partly used
	inUse   int
	gets    uint64
	closed  bool
}

func newClassArena(sizeBytes, slabBytes int, b *budget, class *lock.Class) *classArena {
	a := &classArena{sizeBytes: sizeBytes, slabBytes: slabBytes, budget: b}
	a.mu.Init(class)
	return a
}

func (a *classArena) get(n int) (*Buf, error) {
	a.mu.Lock()
	b := a.free
	if b == nil {
		var err error
		if b, err = a.cut(); err != nil {
			a.mu.Unlock()
			return nil, err
		}
	}
	a.free, b.next = b.next, nil
	a.inUse++
	a.gets++
	b.n = n
	b.refs.Store(1) // locked, so that close sees every buffer that it counts
	a.mu.Unlock()
	return b, nil
}

// cut makes one more block, on a new slab if need be. It is called locked.
func (a *classArena) cut() (*Buf, error) {
	if a.closed {
		return nil, ErrClosed
	}
	if len(a.uncut) == 0 {
		if err := a.budget.take(a.slabBytes); err != nil {
			return nil, err
		}
		slab, err := mapBytes(a.slabBytes)
		if err != nil {
			a.budget.give(a.slabBytes)
			return nil, fmt.Errorf("mem: mapping a slab of %d bytes: %w", a.slabBytes, err)
		}
		a.slabs = append(a.slabs, slab)
		a.uncut = slab
	}
	b := a.header()
	b.data = a.uncut[:a.sizeBytes:a.sizeBytes]
	b.home = a
	a.uncut = a.uncut[a.sizeBytes:]
	return b, nil
}

func (a *classArena) header() *Buf {
	last := len(a.headers) - 1
	if last < 0 || len(a.headers[last]) == cap(a.headers[last]) {
		a.headers = append(a.headers, make([]Buf, 0, headersPerBlock))
		last++
	}
	block := a.headers[last]
	block = block[:len(block)+1]
	a.headers[last] = block
	return &block[len(block)-1]
}

func (a *classArena) recycle(b *Buf) {
	a.mu.Lock()
	a.inUse--
	var err error
	switch {
	case !a.closed:
		b.next = a.free
		a.free = b
	case a.inUse == 0:
		err = a.unmap()
	}
	a.mu.Unlock()
	if err != nil {
		panic("mem: giving a slab back: " + err.Error())
	}
}

func (a *classArena) trim() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inUse > 0 || len(a.slabs) == 0 {
		return false
	}
	if err := a.unmap(); err != nil {
		panic("mem: giving a slab back: " + err.Error())
	}
	return true
}

func (a *classArena) stats() ClassStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return ClassStats{
		SizeBytes:     a.sizeBytes,
		InUse:         a.inUse,
		InUseBytes:    int64(a.inUse) * int64(a.sizeBytes),
		Reserved:      len(a.slabs) * (a.slabBytes / a.sizeBytes),
		ReservedBytes: int64(len(a.slabs)) * int64(a.slabBytes),
		Gets:          a.gets,
	}
}

func (a *classArena) close() ([]Leak, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, nil
	}
	a.closed = true
	if a.inUse == 0 {
		return nil, a.unmap()
	}
	a.free, a.uncut = nil, nil // so that get finds nothing and asks whether the arena is closed
	var leaks []Leak
	for _, block := range a.headers {
		for i := range block {
			if refs := block[i].refs.Load(); refs > 0 {
				leaks = append(leaks, Leak{SizeBytes: block[i].n, Refs: int(refs)})
			}
		}
	}
	return leaks, nil
}

// unmap gives every slab back. It is called locked, with no buffer in use.
func (a *classArena) unmap() error {
	for _, block := range a.headers {
		for i := range block {
			block[i].data = nil // may be somebody else's address soon
		}
	}
	a.free, a.headers, a.uncut = nil, nil, nil
	var first error
	for _, slab := range a.slabs {
		if err := unmapBytes(slab); err != nil && first == nil {
			first = err
		}
		a.budget.give(a.slabBytes)
	}
	a.slabs = nil
	return first
}

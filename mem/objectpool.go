package mem

import (
	"fmt"
	"unsafe"
)

// objectQuarantine is how many objects are put back before one of them is handed
// out again in debug mode, so that a late second Put is still noticed.
const objectQuarantine = 256

// ObjectConfig shapes an ObjectPool. The zero value is good.
type ObjectConfig[T any] struct {
	// Reset makes an object ready for its next user, when it is put back. It may
	// keep what is worth keeping, such as the capacity of a slice. nil zeroes it.
	Reset func(*T)

	// FreeMax is how many free objects are kept; the others are left to the
	// collector. 0 keeps all.
	FreeMax int

	// Debug notices an object that is put back twice or that is not the pool's,
	// and remembers where each was taken and put back.
	Debug bool
}

// ObjectPool hands out objects of one type and takes them back, so that in steady
// state nothing is allocated. It belongs to one goroutine: it has no lock.
type ObjectPool[T any] struct {
	config ObjectConfig[T]
	free   Ring[*T] // debug mode: first in, first out
	inUse  int
	unused int                 // the fewest that were free since the last Trim
	traces map[*T]*objectTrace // debug mode only
	closed bool
}

// objectTrace is the last that happened to an object.
type objectTrace struct {
	inUse bool
	taken stack
	put   stack
}

// ObjectStats are the figures of an ObjectPool.
type ObjectStats struct {
	InUse int // objects handed out
	Free  int // objects kept for the next Get
	Total int // the sum of both
}

// NewObjectPool returns an empty pool.
func NewObjectPool[T any](c ObjectConfig[T]) *ObjectPool[T] {
	p := &ObjectPool[T]{config: c}
	if c.Debug {
		p.traces = make(map[*T]*objectTrace)
	}
	return p
}

// Get returns an object that is zero, or as Reset left it; a new one is zero. It is
// the caller's until Put.
func (p *ObjectPool[T]) Get() *T {
	if p.closed {
		panic("mem: Get from a closed ObjectPool")
	}
	o := p.take()
	p.inUse++
	if p.traces != nil {
		p.traces[o] = &objectTrace{inUse: true, taken: callStack(1)}
	}
	return o
}

func (p *ObjectPool[T]) take() *T {
	if p.traces != nil {
		if p.free.Len() <= objectQuarantine {
			return new(T)
		}
		o, _ := p.free.PopFront()
		return o
	}
	if o, ok := p.free.PopBack(); ok {
		p.unused = min(p.unused, p.free.Len())
		return o
	}
	return new(T)
}

// Trim lets go of half of the free objects that nobody has wanted since the last
// Trim: called now and then, it takes back what a peak needed and the steady state
// does not. In debug mode it does nothing.
func (p *ObjectPool[T]) Trim() {
	if p.traces != nil {
		return
	}
	if drop := (p.unused + 1) / 2; drop > 0 {
		kept := Ring[*T]{}
		kept.Grow(p.free.Len() - drop)
		for range p.free.Len() - drop {
			o, _ := p.free.PopBack()
			kept.PushBack(o)
		}
		p.free = kept
	}
	p.unused = p.free.Len()
}

// Put gives o back; nobody may use it any more. It panics if more is put back than
// was handed out, and in debug mode if o was put back already or never was the
// pool's.
func (p *ObjectPool[T]) Put(o *T) {
	if o == nil {
		panic("mem: Put of nil")
	}
	if p.traces != nil {
		p.trace(o)
	}
	if p.inUse == 0 {
		panic(fmt.Sprintf("mem: Put of a %T to a pool that has none out: put back twice, or not this pool's", o))
	}
	p.inUse--
	if p.config.Reset != nil {
		p.config.Reset(o)
	} else {
		var zero T
		*o = zero
	}
	if p.closed || p.config.FreeMax > 0 && p.free.Len() >= p.config.FreeMax {
		delete(p.traces, o)
		return
	}
	p.free.PushBack(o)
}

// trace books the Put of o, or panics.
func (p *ObjectPool[T]) trace(o *T) {
	t := p.traces[o]
	switch {
	case t == nil:
		panic(fmt.Sprintf("mem: Put of a %T that the pool does not know", o))
	case !t.inUse:
		panic(fmt.Sprintf("mem: Put of a %T that was put back already\ntaken at\n%sput back at\n%s", o, t.taken, t.put))
	}
	t.inUse = false
	t.put = callStack(2)
}

// Stats returns the pool's figures.
func (p *ObjectPool[T]) Stats() ObjectStats {
	return ObjectStats{InUse: p.inUse, Free: p.free.Len(), Total: p.inUse + p.free.Len()}
}

// Close drops the free objects. If some are still in use it returns a *LeakError
// that lists them, with their stacks in debug mode; they may still be put back. Get
// panics from now on. A second Close does nothing.
func (p *ObjectPool[T]) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	p.free = Ring[*T]{}
	if p.inUse == 0 {
		p.traces = nil
		return nil
	}
	var zero T
	leak := Leak{SizeBytes: int(unsafe.Sizeof(zero)), Refs: 1}
	leaks := make([]Leak, 0, p.inUse)
	for o, t := range p.traces {
		if t.inUse {
			leak.Stack = t.taken.String()
			leaks = append(leaks, leak)
		} else {
			delete(p.traces, o)
		}
	}
	for len(leaks) < p.inUse { // without debug mode there are no traces
		leaks = append(leaks, leak)
	}
	return &LeakError{Leaks: leaks}
}

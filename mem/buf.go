package mem

import (
	"fmt"
	"sync/atomic"
)

// Buf is a piece of off-heap memory with a count of its owners. [Pool.Get] makes
// it with one owner; every Retain adds one and every Release takes one away. At
// none the memory goes back to the pool and nobody may touch the Buf any more.
//
// All methods may be called by any goroutine that owns a reference. The bytes
// themselves have no lock: fill the buffer before you share it.
type Buf struct {
	data  []byte // the whole block; its capacity is its length
	n     int    // bytes asked for
	refs  atomic.Int32
	home  arena
	next  *Buf   // in the free list of its arena
	guard *guard // debug mode only
}

// Bytes returns the memory, as long as was asked for. What is in it at first is
// whatever the last owner left. The slice is good until the last Release; its
// capacity is its length, so append never writes into the pool.
// It panics if the buffer is free.
func (b *Buf) Bytes() []byte {
	if b.refs.Load() <= 0 {
		b.misuse("use of a free buffer")
	}
	return b.data[:b.n:b.n]
}

// Len returns how many bytes were asked for.
func (b *Buf) Len() int { return b.n }

// Cap returns how many bytes the buffer takes from the pool, at least Len.
func (b *Buf) Cap() int {
	if b.refs.Load() <= 0 {
		b.misuse("use of a free buffer")
	}
	return len(b.data)
}

// Retain adds an owner. It panics if the buffer is free: only an owner can make
// another one.
func (b *Buf) Retain() {
	if b.refs.Add(1) <= 1 {
		b.refs.Add(-1)
		b.misuse("retain of a free buffer")
	}
}

// Release takes an owner away; the last one gives the memory back. It panics if
// the buffer is free already. Without Config.Debug a release too many is noticed
// only as long as the buffer was not handed out again.
func (b *Buf) Release() {
	switch refs := b.refs.Add(-1); {
	case refs > 0:
	case refs == 0:
		b.home.recycle(b)
	default:
		b.refs.Add(1)
		b.misuse("release of a free buffer")
	}
}

// owned reports whether the caller's reference is the only one. Nobody else can add
// one then, so the answer stays true.
func (b *Buf) owned() bool { return b.refs.Load() == 1 }

func (b *Buf) misuse(what string) {
	if b.guard == nil {
		panic(fmt.Sprintf("mem: %s (%d bytes); Config.Debug tells where it was freed", what, b.n))
	}
	panic(fmt.Sprintf("mem: %s (%d bytes)\n%s", what, b.n, b.guard.history()))
}

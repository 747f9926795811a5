package mem

// ringCapMin is the capacity of a ring after its first PushBack.
const ringCapMin = 8

// Ring is a first-in first-out queue that grows as needed, in powers of two, and
// keeps its capacity, so in steady state it allocates nothing. The zero value is
// an empty ring. It belongs to one goroutine, and is not bounded by itself: whoever
// pushes checks Len against a limit.
type Ring[T any] struct {
	slots []T // length is zero or a power of two
	head  int // index of the oldest element, within slots
	n     int
}

// Len returns how many elements are in the ring.
func (r *Ring[T]) Len() int { return r.n }

// Cap returns how many elements fit before the ring grows.
func (r *Ring[T]) Cap() int { return len(r.slots) }

// PushBack adds v as the youngest element.
func (r *Ring[T]) PushBack(v T) {
	if r.n == len(r.slots) {
		r.grow(max(ringCapMin, 2*r.n))
	}
	r.slots[(r.head+r.n)&(len(r.slots)-1)] = v
	r.n++
}

// PopFront takes the oldest element out. ok is false if there is none. The slot
// is zeroed, so the ring keeps nothing reachable that was taken out.
func (r *Ring[T]) PopFront() (v T, ok bool) {
	if r.n == 0 {
		return v, false
	}
	var zero T
	slot := &r.slots[r.head]
	v, *slot = *slot, zero
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.n--
	return v, true
}

// PopBack takes the youngest element out. ok is false if there is none. The slot is
// zeroed, as by PopFront.
func (r *Ring[T]) PopBack() (v T, ok bool) {
	if r.n == 0 {
		return v, false
	}
	var zero T
	r.n--
	slot := &r.slots[(r.head+r.n)&(len(r.slots)-1)]
	v, *slot = *slot, zero
	return v, true
}

// At returns the i-th element, the oldest being 0. The pointer is good until the
// next PushBack, Grow or Clear, or until that element is popped. It panics unless
// 0 <= i < Len.
func (r *Ring[T]) At(i int) *T {
	if i < 0 || i >= r.n {
		panic("mem: Ring.At: index out of range")
	}
	return &r.slots[(r.head+i)&(len(r.slots)-1)]
}

// Clear takes all elements out and keeps the capacity.
func (r *Ring[T]) Clear() {
	clear(r.slots)
	r.head, r.n = 0, 0
}

// Grow makes room for n elements in all, so that pushing up to that many
// allocates nothing.
func (r *Ring[T]) Grow(n int) {
	if n <= len(r.slots) {
		return
	}
	size := ringCapMin
	for size < n {
		size *= 2
	}
	r.grow(size)
}

func (r *Ring[T]) grow(size int) {
	slots := make([]T, size)
	k := copy(slots, r.slots[r.head:min(r.head+r.n, len(r.slots))])
	copy(slots[k:], r.slots[:r.n-k])
	r.slots, r.head = slots, 0
}

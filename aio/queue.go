package aio

// queue is a first-in first-out ring that grows as needed and never shrinks, so
// that a steady load allocates nothing. Its zero value is empty and ready.
type queue[T any] struct {
	ring  []T // length is zero or a power of two
	head  int
	count int
}

// push adds x at the end.
func (q *queue[T]) push(x T) {
	if q.count == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.count)&(len(q.ring)-1)] = x
	q.count++
}

// pop takes the oldest; the queue must not be empty.
func (q *queue[T]) pop() T {
	if q.count == 0 {
		panic("aio: pop from an empty queue")
	}
	var zero T
	x := q.ring[q.head]
	q.ring[q.head] = zero // it may hold an error that the collector should see go
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.count--
	return x
}

func (q *queue[T]) grow() {
	bigger := make([]T, max(16, 2*len(q.ring)))
	n := copy(bigger, q.ring[q.head:])
	copy(bigger[n:], q.ring[:q.head])
	q.ring, q.head = bigger, 0
}

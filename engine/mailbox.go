package engine

import (
	"sync/atomic"

	"sarang/lock"
)

// Message is something that is to be done on a worker. It owns what it points to.
type Message interface {
	// Deliver runs on the worker that the message was posted to.
	Deliver(w *Worker)
}

// MessageFunc is a function as a Message.
type MessageFunc func(w *Worker)

// Deliver calls f.
func (f MessageFunc) Deliver(w *Worker) { f(w) }

// mailbox is how other goroutines reach a worker: a list under a lock that is held
// for an append only, and a wake-up that is sent only to a worker that sleeps.
type mailbox struct {
	mu       lock.Mutex
	posted   []Message
	taken    []Message // the worker's; swapped with posted
	closed   bool
	filled   atomic.Bool // posted is not empty
	sleeping atomic.Bool // the worker is in, or about to enter, a wait
}

// post adds m. It returns false, and drops m, when the worker has ended.
func (b *mailbox) post(m Message, wake func()) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.posted = append(b.posted, m)
	b.filled.Store(true)
	b.mu.Unlock()
	if b.sleeping.Load() && b.sleeping.CompareAndSwap(true, false) {
		wake()
	}
	return true
}

// sleep tells that the worker is about to wait; false if there is mail to read.
func (b *mailbox) sleep() bool {
	b.sleeping.Store(true)
	if b.filled.Load() {
		b.sleeping.Store(false)
		return false
	}
	return true
}

func (b *mailbox) awake() { b.sleeping.Store(false) }

// take returns what was posted; valid until the next take.
func (b *mailbox) take() []Message {
	if !b.filled.Load() {
		return nil
	}
	clear(b.taken)
	b.mu.Lock()
	b.posted, b.taken = b.taken[:0], b.posted
	b.filled.Store(false)
	b.mu.Unlock()
	return b.taken
}

// close refuses further mail and returns what nobody has read.
func (b *mailbox) close() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	rest := b.posted
	b.posted = nil
	return rest
}

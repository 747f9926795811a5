package engine

import (
	"runtime"
	"sync/atomic"

	"sarang/lock"
)

// Message is something that is to be done on a worker. It owns what it points to.
type Message interface {
	// Deliver runs on the worker that the message was posted to.
	Deliver(w *Worker)
}

// PartMessage is a Message that may take long and can be delivered in parts.
type PartMessage interface {
	Message

	// DeliverPart is called instead of Deliver. It does pieces of its work as long as
	// Worker.Spent is false, and returns true when all is done; else it is called
	// again in the next tick. Nothing that was posted later is delivered before.
	DeliverPart(w *Worker) (done bool)
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
	taken    []Message    // the worker's; swapped with posted
	wake     func()       // ends the worker's wait; nil: nobody is there
	filled   atomic.Bool  // posted is not empty
	sleeping atomic.Bool  // the worker is in, or about to enter, a wait
	waking   atomic.Int32 // calls of wake that have not returned
}

// open lets mail in; wake ends the worker's wait.
func (b *mailbox) open(wake func()) {
	b.mu.Lock()
	b.wake = wake
	b.mu.Unlock()
}

// post adds m. It returns false, and drops m, when there is no worker.
func (b *mailbox) post(m Message) bool {
	b.mu.Lock()
	wake := b.wake
	if wake == nil {
		b.mu.Unlock()
		return false
	}
	b.posted = append(b.posted, m)
	b.filled.Store(true)
	asleep := b.sleeping.Load() && b.sleeping.CompareAndSwap(true, false)
	if asleep {
		b.waking.Add(1)
	}
	b.mu.Unlock()
	if asleep {
		wake()
		b.waking.Add(-1)
	}
	return true
}

// sleep marks the worker as about to wait, and reports whether it may: there is no mail.
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

// close refuses further mail and returns what nobody has read. Nobody is in wake
// any more when it returns: what that touches may be freed.
func (b *mailbox) close() []Message {
	b.mu.Lock()
	b.wake = nil
	rest := b.posted
	b.posted = nil
	b.mu.Unlock()
	for b.waking.Load() > 0 {
		runtime.Gosched()
	}
	return rest
}

//go:build linux || windows

package aio

import (
	"sync/atomic"

	"sarang/lock"
)

// waker ends a driver's sleep from any goroutine. It costs a system call only when
// the owner sleeps, and then once: further calls find it woken.
type waker struct {
	state    atomic.Uint32
	mutex    lock.Mutex // guards notifying against closing: the number may be reused
	notifier notifier   // the system's way to end a sleep
	closed   bool
}

const (
	wakerAwake  uint32 = iota // the owner runs
	wakerAsleep               // the owner sleeps, or is about to
	wakerWoken                // somebody asked for a return
)

// wake makes the owner's current or next sleep end. Any goroutine, any time.
func (w *waker) wake() {
	if w.state.Load() == wakerWoken || w.state.Swap(wakerWoken) != wakerAsleep {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if !w.closed {
		w.notifier.notify()
	}
}

// sleep notes that the owner is about to sleep; false if it must not, having been
// woken already.
func (w *waker) sleep() bool {
	return w.state.CompareAndSwap(wakerAwake, wakerAsleep)
}

// awake notes that the owner runs again, and reports whether it was asked to.
func (w *waker) awake() bool {
	return w.state.Load() != wakerAwake && w.state.Swap(wakerAwake) == wakerWoken
}

func (w *waker) close() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.closed = true
	return w.notifier.close()
}

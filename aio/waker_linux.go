package aio

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waker ends a driver's sleep from any goroutine. It costs a system call only when
// the owner sleeps, and then once: further calls find it woken.
type waker struct {
	state  atomic.Uint32
	mutex  sync.Mutex // guards the write against close: the number may be reused
	fd     int        // an eventfd, never read: its edges count, not its value
	closed bool
}

const (
	wakerAwake  uint32 = iota // the owner runs
	wakerAsleep               // the owner sleeps, or is about to
	wakerWoken                // somebody asked for a return
)

func (w *waker) open() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	w.fd = fd
	return err
}

// wake makes the owner's current or next sleep end. Any goroutine, any time.
func (w *waker) wake() {
	if w.state.Load() == wakerWoken || w.state.Swap(wakerWoken) != wakerAsleep {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.closed {
		return
	}
	one := uint64(1)
	// The only error is a counter near 2^64, which no program lives to see.
	_, _, _ = unix.Syscall(unix.SYS_WRITE, uintptr(w.fd), uintptr(unsafe.Pointer(&one)), 8)
}

// sleep says that the owner is about to sleep; false if it must not, having been
// woken already.
func (w *waker) sleep() bool {
	return w.state.CompareAndSwap(wakerAwake, wakerAsleep)
}

// awake says that the owner runs again, and tells whether it was asked to.
func (w *waker) awake() bool {
	return w.state.Load() != wakerAwake && w.state.Swap(wakerAwake) == wakerWoken
}

func (w *waker) close() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.closed = true
	return unix.Close(w.fd)
}

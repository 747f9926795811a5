package aio

import (
	"time"

	"golang.org/x/sys/windows"
)

// stateShut: Shutdown was called.
const stateShut state = stateOwn

// socket is a slot of the driver's table. It holds no pointers, so that the
// collector need not scan a million of them.
type socket struct {
	token  Token
	handle windows.Handle
	op     int32 // control of the receive or connect in flight
	copy   int32 // the copy in flight
	broken int32 // number of the error that ended a copy: the next send ends with it
	state  state
}

// platform is what base needs beside on Windows.
type platform struct {
	thread uint32 // of the owner; kept for checks only
}

func (b *base) open(c Config, port windows.Handle) {
	b.config = c
	b.started = time.Now()
	b.sockets.max = c.SocketsMax
	b.waker.notifier.port = port
	b.thread = windows.GetCurrentThreadId()
}

// Discard closes a connection that nobody wants.
func (b *base) Discard(c Conn) { _ = windows.Closesocket(windows.Handle(c.Handle)) }

// shut closes the connection; its slot stays.
func (s *socket) shut() {
	_ = windows.Closesocket(s.handle)
	s.handle = windows.InvalidHandle
}

// checkOwner stops a program that calls from a thread which is not the owner's.
func (b *base) checkOwner() {
	if debugging && windows.GetCurrentThreadId() != b.thread {
		panic("aio: a driver was called from another thread than its owner's")
	}
}

// notifier is the completion port itself: a posted completion, with no control, ends
// the sleep.
type notifier struct{ port windows.Handle }

func (n *notifier) notify() {
	// It fails only when the system is out of memory for a queue entry; the next
	// Wake then finds the waker woken already, so there is no use in trying on.
	_ = windows.PostQueuedCompletionStatus(n.port, 0, 0, nil)
}

func (n *notifier) close() error { return windows.CloseHandle(n.port) }

// peek returns the oldest and leaves it; the queue must not be empty.
func (q *queue[T]) peek() T {
	if q.count == 0 {
		panic("aio: peek into an empty queue")
	}
	return q.ring[q.head]
}

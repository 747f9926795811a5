package client

import (
	"time"

	"sarang/chat"
	"sarang/lock"
)

// Event is something that a Client tells: a RoomEvent, Gap, Left, Online, Offline,
// Failure or Fault. More kinds may be added: a type switch over them should not
// insist on knowing all.
type Event interface{ clientEvent() }

// RoomEvent is an entry of a joined room's log. Its strings are the reader's.
type RoomEvent struct{ chat.Event }

// Online: the client is logged in, at first or again. If Resumed, what was missed
// follows.
type Online struct{ LoggedIn }

// Offline: the connection was lost. Unless Final, the client connects again by itself
// in about RetryIn. After a Final one the channel of events is closed.
type Offline struct {
	Err     error
	RetryIn time.Duration
	Final   bool
}

// Fault is a server that has broken the protocol; see Events.Fault.
type Fault struct{ Err error }

func (RoomEvent) clientEvent() {}
func (Gap) clientEvent()       {}
func (Left) clientEvent()      {}
func (Failure) clientEvent()   {}
func (Online) clientEvent()    {}
func (Offline) clientEvent()   {}
func (Fault) clientEvent()     {}

// inbox stands between the worker, which must not block, and the reader of the
// channel, who may take his time. It never refuses an event; it tells the worker when
// it is full, so that no more are received, and when there is room again.
type inbox struct {
	mu     lock.Mutex
	items  []Event
	full   bool // the worker was told
	closed bool // no more will come
	max    int
	wake   chan struct{} // buffered: something changed
	out    chan Event
}

func newInbox(most int) *inbox {
	b := &inbox{max: most, wake: make(chan struct{}, 1), out: make(chan Event)}
	b.mu.Init(lock.NewClass("client.inbox"))
	return b
}

// put adds an event and returns whether the inbox is full. After close it does nothing.
func (b *inbox) put(e Event) (full bool) {
	b.mu.Lock()
	if !b.closed {
		b.items = append(b.items, e)
		b.full = b.full || len(b.items) >= b.max
	}
	full = b.full && !b.closed
	b.mu.Unlock()
	b.changed()
	return full
}

// isFull says whether the worker waits for room.
func (b *inbox) isFull() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full
}

// close ends the channel when what is there was read.
func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.changed()
}

func (b *inbox) changed() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take returns the first event. room: there is room again, and the worker is to be
// told. over: nothing is left and nothing will come.
func (b *inbox) take() (e Event, room, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) > 0 {
		e = b.items[0]
		b.items[0] = nil
		b.items = b.items[1:]
	} else {
		b.items = nil // its front is used up
	}
	if b.full && len(b.items) <= b.max/2 {
		b.full, room = false, true
	}
	return e, room, e == nil && b.closed
}

// run hands events to the channel until the inbox is over or done is closed. hasRoom
// is called when a full inbox has room again.
func (b *inbox) run(done <-chan struct{}, hasRoom func()) {
	defer close(b.out)
	for {
		e, room, over := b.take()
		if room {
			hasRoom()
		}
		if over {
			return
		}
		if e == nil {
			select {
			case <-b.wake:
			case <-done:
				return
			}
			continue
		}
		select {
		case b.out <- e:
		case <-done:
			return
		}
	}
}

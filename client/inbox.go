package client

import "sarang/lock"

// inbox stands between the worker, which must not block, and the reader of the
// channel, who may take his time. It never refuses an event; it reports to the worker
// when it is full, so that no more are received, and when there is room again.
type inbox struct {
	mu     lock.Mutex
	items  []Event
	full   bool // and the worker knows
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

// put adds an event and reports whether the inbox is full. After close it does nothing.
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

// isFull reports whether the worker waits for room.
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

// take returns the first event. room: there is room again, which the worker is to know.
// over: nothing is left and nothing will come.
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

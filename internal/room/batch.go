package room

import "sarang/chat"

// origin is where an event came from: who is told its outcome, and by what right it
// was made.
type origin struct {
	ref      Ref  // 0: nobody, or the server
	operator bool // the server's own hand: it needs no role
	invited  bool // but the subject has to be nothing in the room yet
}

// batch is a run of events with whom to tell about each.
type batch struct {
	events  []chat.Event
	origins []origin
	also    []also
}

// also is one more who waits for an event of a batch.
type also struct {
	event int
	ref   Ref
}

// waiting calls tell for everybody who waits for event i; the server waits for its own, by no Ref.
func (b *batch) waiting(i int, tell func(Ref)) {
	if b.origins[i].ref != 0 || b.origins[i].operator {
		tell(b.origins[i].ref)
	}
	for _, a := range b.also {
		if a.event == i {
			tell(a.ref)
		}
	}
}

func (b *batch) add(e chat.Event, from origin) {
	b.events = append(b.events, e)
	b.origins = append(b.origins, from)
}

// within is how many of the first events are within the bounds; one at least.
func (b *batch) within(eventsMax, textBytesMax int) int {
	n, textBytes := 0, 0
	for n < len(b.events) && n < eventsMax && textBytes < textBytesMax {
		textBytes += b.events[n].BodyBytes()
		n++
	}
	return n
}

// split moves the first n events to an empty batch.
func (b *batch) split(n int, to *batch) {
	to.events, to.origins = append(to.events, b.events[:n]...), append(to.origins, b.origins[:n]...)
	rest := copy(b.events, b.events[n:])
	clear(b.events[rest:])
	b.events, b.origins = b.events[:rest], b.origins[:copy(b.origins, b.origins[n:])]
	kept := b.also[:0]
	for _, a := range b.also {
		if a.event < n {
			to.also = append(to.also, a)
		} else {
			kept = append(kept, also{a.event - n, a.ref})
		}
	}
	b.also = kept
}

// join puts the events of rest behind those of b.
func (b *batch) join(rest *batch) {
	n := len(b.events)
	b.events, b.origins = append(b.events, rest.events...), append(b.origins, rest.origins...)
	for _, a := range rest.also {
		b.also = append(b.also, also{n + a.event, a.ref})
	}
}

// keep drops the events that keep does not want. It is asked for each once, in order.
func (b *batch) keep(keep func(i int) bool) {
	place := make([]int, len(b.events)) // where each one is afterwards; -1: nowhere
	n := 0
	for i := range b.events {
		if place[i] = -1; keep(i) {
			b.events[n], b.origins[n] = b.events[i], b.origins[i]
			place[i] = n
			n++
		}
	}
	clear(b.events[n:])
	b.events, b.origins = b.events[:n], b.origins[:n]
	kept := b.also[:0]
	for _, a := range b.also {
		if to := place[a.event]; to >= 0 {
			kept = append(kept, also{to, a.ref})
		}
	}
	b.also = kept
}

// reset empties the batch; what only a peak has needed is let go.
func (b *batch) reset(eventsMax int) {
	if cap(b.events) > 2*eventsMax {
		*b = batch{}
		return
	}
	clear(b.events)
	b.events, b.origins, b.also = b.events[:0], b.origins[:0], nil
}

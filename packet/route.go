package packet

import (
	"errors"
	"fmt"
)

// inUse guards what a route reuses: it is taken when a handler runs and given
// back however the handler ends.
type inUse bool

func (u *inUse) take(id ID) {
	if *u {
		panic(fmt.Sprintf("packet: packet %d dispatched from inside its own handler", id))
	}
	*u = true
}

// rawRoute calls a handler of hand-laid records.
type rawRoute[S any] struct {
	busy   inUse
	reader Reader // kept here, as a local one would escape to the heap with each packet
	handle func(s S, r *Reader) error
}

func (t *rawRoute[S]) dispatch(s S, p Packet) error {
	t.busy.take(p.ID)
	defer t.release()
	t.reader = NewReader(p.Payload)
	err := t.handle(s, &t.reader)
	switch failed := t.reader.Err(); {
	case failed == nil:
		return err
	case err == nil:
		return &DecodeError{ID: p.ID, Err: failed}
	case errors.Is(err, failed):
		return &DecodeError{ID: p.ID, Err: err}
	}
	return err
}

func (t *rawRoute[S]) release() {
	t.reader = Reader{} // the payload goes back to its owner
	t.busy = false
}

// typedRoute decodes a message and calls its handler.
type typedRoute[S, M any, PM interface {
	*M
	Unmarshaler
}] struct {
	busy   inUse
	msg    M
	decode func(b []byte) error
	reset  func()
	handle func(s S, msg PM) error
}

// bind picks how the message is decoded and reset, once, from the methods that
// it has.
func (t *typedRoute[S, M, PM]) bind() {
	msg := PM(&t.msg)
	t.decode, t.reset = msg.UnmarshalVT, t.zero
	if r, ok := any(msg).(interface{ Reset() }); ok {
		t.reset = r.Reset
	}
	if u, ok := any(msg).(UnsafeUnmarshaler); ok {
		// Not ResetVT: it keeps the capacity of byte fields, and here those are
		// parts of a payload that is somebody else's by then.
		t.decode = u.UnmarshalVTUnsafe
	} else if r, ok := any(msg).(interface{ ResetVT() }); ok {
		t.reset = r.ResetVT
	}
}

func (t *typedRoute[S, M, PM]) zero() {
	var none M
	t.msg = none
}

func (t *typedRoute[S, M, PM]) dispatch(s S, p Packet) error {
	t.busy.take(p.ID)
	defer t.release()
	if err := t.decode(p.Payload); err != nil {
		return &DecodeError{ID: p.ID, Err: err}
	}
	return t.handle(s, &t.msg)
}

// release resets the message after its handler and not before the next one, so
// that nothing of a payload stays reachable from here.
func (t *typedRoute[S, M, PM]) release() {
	t.reset()
	t.busy = false
}

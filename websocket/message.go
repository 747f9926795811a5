package websocket

import (
	"slices"
	"unicode/utf8"
)

// Messages puts the frames of one direction together to messages. The zero value stands
// between two; so does one that is not Open, and may be forgotten.
type Messages struct {
	// BytesMax is the most that a message may have; more is an error with CodeTooBig.
	BytesMax int

	// Inflater is for messages that are compressed. It may be shared by those of a goroutine.
	Inflater *Inflater

	compressed bool // the message that has begun

	opcode  Opcode // of the message that has begun; 0: none has
	buf     []byte // what has come of it
	checked int    // so much of a text's buf is known to be UTF-8
}

// Open reports whether a message has begun that is not whole.
func (m *Messages) Open() bool { return m.opcode != 0 }

// Add takes a data frame with its payload, unmasked, and returns the message that it ends;
// opcode 0 if it ends none. What is returned is lent: it is payload, or good until the next
// Add. A text is UTF-8. Of a text in fragments the first frame that can not belong to one
// is an error. Errors are *Error; what has come of a message is dropped then.
func (m *Messages) Add(h Header, payload []byte) (Opcode, []byte, error) {
	op, whole, err := m.add(h, payload)
	if err != nil {
		*m = Messages{BytesMax: m.BytesMax, Inflater: m.Inflater}
	}
	return op, whole, err
}

func (m *Messages) add(h Header, payload []byte) (Opcode, []byte, error) {
	switch {
	case h.Opcode == OpContinuation && m.opcode == 0:
		return 0, nil, violation("a continuation of nothing")
	case h.Opcode != OpContinuation && m.opcode != 0:
		return 0, nil, violation("a message within another one")
	case len(m.buf)+len(payload) > m.BytesMax:
		return 0, nil, tooBig(m.BytesMax)
	case h.Fin && m.opcode == 0 && h.Compressed:
		return m.inflated(h.Opcode, payload)
	case h.Fin && m.opcode == 0:
		if h.Opcode == OpText && !utf8.Valid(payload) {
			return 0, nil, badText()
		}
		return h.Opcode, payload, nil
	case m.opcode == 0:
		m.opcode, m.buf, m.checked, m.compressed = h.Opcode, m.buf[:0], 0, h.Compressed
	}
	m.buf = append(slices.Grow(m.buf, len(payload)), payload...)
	if m.opcode == OpText && !m.compressed {
		n, ok := textBytes(m.buf[m.checked:])
		m.checked += n
		if !ok || h.Fin && m.checked < len(m.buf) {
			return 0, nil, badText()
		}
	}
	if !h.Fin {
		return 0, nil, nil
	}
	op, whole := m.opcode, m.buf
	m.opcode, m.buf = 0, m.buf[:0]
	if m.compressed {
		return m.inflated(op, whole)
	}
	return op, whole, nil
}

func badText() *Error { return &Error{CodeBadText, "a text that is not UTF-8"} }

// textBytes returns how many bytes at the start of b are whole characters of UTF-8. Not
// ok: what follows can not become one, whatever comes behind it.
func textBytes(b []byte) (n int, ok bool) {
	for n < len(b) {
		if b[n] < utf8.RuneSelf {
			n++
			continue
		}
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			return n, !utf8.FullRune(b[n:])
		}
		n += size
	}
	return n, true
}

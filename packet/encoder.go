package packet

// Encoder encodes messages for sending. It keeps one buffer, so it belongs to one
// goroutine: make one per worker. The zero value is ready for use.
type Encoder struct {
	scratch []byte // of the largest packet so far
}

// Send encodes m as the payload of a packet and has to take it, which must copy what it
// keeps. It returns AppendVT's error, with which nothing was sent, or to's.
func (e *Encoder) Send(to interface{ Send(b []byte) error }, id ID, m Marshaler) error {
	b, err := AppendVT(e.scratch[:0], id, m)
	if err != nil {
		return err
	}
	e.scratch = b
	return to.Send(b)
}

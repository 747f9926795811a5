package tlscodec

import (
	"crypto/tls"
	"errors"
	"iter"
	"slices"

	"sarang/engine"
)

var _ engine.CodecReleaser = (*Codec)(nil)

// Codec is one end of TLS. A handshake of its own runs in a coroutine that gives way when it
// wants bytes that have not come; after it, a read that finds none is asked again when there
// are some.
type Codec struct {
	conn   *tls.Conn
	wire   *wire
	idle   idleRecords
	early  int                     // so many bytes, the first to be decoded, are plain
	resume func() (struct{}, bool) // runs the handshake on; nil when there is none, or it is over
	stop   func()
	err    error // of the handshake
	ready  bool
}

// NewServer makes the server's end. It shakes hands on the session's worker.
func NewServer(c *tls.Config) *Codec {
	w := new(wire)
	return &Codec{conn: tls.Server(w, c), wire: w}
}

// NewClient makes the client's end. It shakes hands on the session's worker.
func NewClient(c *tls.Config) *Codec {
	w := new(wire)
	return &Codec{conn: tls.Client(w, c), wire: w}
}

// ConnectionState is what was agreed on.
func (c *Codec) ConnectionState() tls.ConnectionState { return c.conn.ConnectionState() }

// Start begins the handshake: a client has something to say at once.
func (c *Codec) Start(raw []byte) ([]byte, error) {
	if c.ready {
		return raw, nil
	}
	c.resume, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.wire.yield = yield
		c.err = c.conn.Handshake()
	})
	return c.shake(raw)
}

// shake runs the handshake until it wants bytes or is over.
func (c *Codec) shake(raw []byte) ([]byte, error) {
	c.wire.out = raw
	if _, more := c.resume(); !more {
		c.resume, c.stop, c.wire.yield = nil, nil, nil
		c.ready = c.err == nil
	}
	return c.taken(), c.err
}

// taken is what crypto/tls has said.
func (c *Codec) taken() []byte {
	raw := c.wire.out
	c.wire.out = nil
	return raw
}

// Ready reports whether the handshake is done.
func (c *Codec) Ready() bool { return c.ready }

// decodeStep is how much room crypto/tls is given at a time.
const decodeStep = 4096

// Decode hands src to crypto/tls and takes what that makes of it.
func (c *Codec) Decode(plain, raw, src []byte) ([]byte, []byte, error) {
	if n := min(c.early, len(src)); n > 0 {
		plain = append(plain, src[:n]...)
		src = src[n:]
		if c.early -= n; len(src) == 0 {
			return plain, raw, nil
		}
	}
	received, had := len(src), len(plain)
	c.wire.in = src
	if c.resume != nil {
		var err error
		if raw, err = c.shake(raw); err != nil || !c.ready {
			return plain, raw, err
		}
	}
	c.wire.out = raw
	var err error
	for err == nil {
		plain = slices.Grow(plain, decodeStep)
		var n int
		n, err = c.conn.Read(plain[len(plain):cap(plain)])
		plain = plain[:len(plain)+n]
	}
	raw, c.wire.in = c.taken(), nil
	if errors.Is(err, errWantBytes) {
		err = c.idle.spend(received, len(plain)-had)
	}
	return plain, raw, err
}

// ErrIdleRecords ends a connection whose peer sends records in which there is nothing.
var ErrIdleRecords = errors.New("tlscodec: too many records without data")

// What a peer may send without data: key updates and the like cost more than data does, and
// nobody else counts them. A record of one byte has some 23 bytes.
const (
	spareBytesMax = 32 << 10 // more than the largest record
	sparePerByte  = 64       // so much more may come for each plain byte
)

// idleRecords is how many bytes may come before there is something plain: so many less than
// spareBytesMax as it is below 0.
type idleRecords int32

// spend counts bytes that were received, and those that they became.
func (s *idleRecords) spend(received, plain int) error {
	*s = idleRecords(min(int(*s)+sparePerByte*plain-received, 0))
	if *s < -spareBytesMax {
		return ErrIdleRecords
	}
	return nil
}

// Encode encrypts src.
func (c *Codec) Encode(raw, src []byte) ([]byte, error) {
	c.wire.out = raw
	_, err := c.conn.Write(src)
	return c.taken(), err
}

// End says close_notify.
func (c *Codec) End(raw []byte) []byte {
	if !c.ready {
		return raw
	}
	c.wire.out = raw
	_ = c.conn.CloseWrite() // the wire takes everything
	return c.taken()
}

// Release ends a handshake that nobody will go on with.
func (c *Codec) Release() {
	if c.stop != nil {
		c.wire.gone = true
		c.stop()
		c.resume, c.stop = nil, nil
	}
}

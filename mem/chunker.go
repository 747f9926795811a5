package mem

import "fmt"

const (
	chunkBytesDefault = 16 << 10

	// A request that does not fit into the rest of a chunk starts a new one only
	// if it is at most this part of a chunk; otherwise it gets a buffer of its own
	// and the rest waits for smaller requests. So at most that part of a chunk is
	// ever left unused.
	chunkPart = 4
)

// Chunker packs small messages into shared chunks: one buffer from the pool, and
// one operation on its count of owners, serves many messages. It belongs to one
// goroutine; the buffers that it yields may go anywhere.
//
// A message keeps its whole chunk alive. So what is kept is at most one chunk per
// message that is still held, and that much only if every chunk's other messages
// are gone. A chunk is given up by the Chunker as soon as it is full, so nothing
// but its messages keeps it. Messages that are to be held for long (a history, a
// mailbox) belong into buffers of their own: [Pool.Copy].
type Chunker struct {
	pool       *Pool
	chunkBytes int

	chunk *Buf // the chunk being filled, one reference is ours; nil if none
	used  int  // its bytes that are messages

	own      *Buf // a buffer for one reservation only; nil if none
	reserved int  // bytes of the open reservation; -1 if there is none
}

// NewChunker returns a chunker that takes chunks of chunkBytes from pool; 0 means
// 16 KiB. Nothing is taken before the first Reserve.
func NewChunker(pool *Pool, chunkBytes int) *Chunker {
	if chunkBytes <= 0 {
		chunkBytes = chunkBytesDefault
	}
	return &Chunker{pool: pool, chunkBytes: chunkBytes, reserved: -1}
}

// Reserve returns n bytes to write a message to. They are the caller's until the
// next call of the chunker: Commit turns them into a message, any other call
// forgets them. Errors are those of [Pool.Get]; a failed Reserve changes nothing
// that was committed.
func (c *Chunker) Reserve(n int) ([]byte, error) {
	c.forget()
	if n < 0 {
		return nil, ErrSize
	}
	switch {
	case c.fits(n):
	case n > c.chunkBytes/chunkPart && (c.chunk != nil || n > c.chunkBytes):
		own, err := c.pool.Get(n)
		if err != nil {
			return nil, err
		}
		c.own, c.reserved = own, n
		return own.Bytes(), nil
	default:
		chunk, err := c.pool.Get(c.chunkBytes)
		if err != nil {
			return nil, err
		}
		c.Drop()
		c.chunk, c.used = chunk, 0
	}
	c.reserved = n
	return c.chunk.Bytes()[c.used : c.used+n : c.used+n], nil
}

// fits reports whether n bytes fit into the chunk, after starting it over if all of
// its messages are gone. Debug mode never starts over: whoever still uses such a
// message shall fault.
func (c *Chunker) fits(n int) bool {
	if c.chunk == nil {
		return false
	}
	if c.used+n > c.chunkBytes && n <= c.chunkBytes && !c.pool.debug && c.chunk.owned() {
		c.used = 0
	}
	return c.used+n <= c.chunkBytes
}

// Commit makes the first n bytes of the open reservation a message: they are
// buf.Bytes()[off:off+n], and from now on nobody writes to them. One reference of
// buf is the caller's to Release. It panics if nothing is reserved, or less than n.
func (c *Chunker) Commit(n int) (buf *Buf, off int) {
	if n < 0 || n > c.reserved {
		panic(fmt.Sprintf("mem: Chunker.Commit of %d bytes with %d reserved (-1: none)", n, c.reserved))
	}
	c.reserved = -1
	if c.own != nil {
		buf, c.own = c.own, nil
		return buf, 0
	}
	buf, off = c.chunk, c.used
	c.used += n
	if c.used == c.chunkBytes {
		c.chunk = nil // full: our reference is the caller's now
		return buf, off
	}
	buf.Retain()
	return buf, off
}

// Append makes a message of a copy of b: Reserve and Commit in one.
func (c *Chunker) Append(b []byte) (buf *Buf, off int, err error) {
	room, err := c.Reserve(len(b))
	if err != nil {
		return nil, 0, err
	}
	copy(room, b)
	buf, off = c.Commit(len(b))
	return buf, off, nil
}

// Drop gives up the chunk being filled and forgets an open reservation. An owner
// that has nothing to do, or that ends, calls it so that it keeps no memory. The
// chunker may be used again afterwards.
func (c *Chunker) Drop() {
	c.forget()
	if c.chunk != nil {
		c.chunk.Release()
		c.chunk = nil
	}
}

// forget ends an open reservation without a message.
func (c *Chunker) forget() {
	c.reserved = -1
	if c.own != nil {
		c.own.Release()
		c.own = nil
	}
}

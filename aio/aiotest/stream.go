package aiotest

import (
	"bytes"
	"errors"
	"math/rand/v2"

	"sarang/aio"
)

// patternBytes is a prime, so that no buffer size hides a lost or repeated block.
const patternBytes = 65521

// pattern is pseudo-random content without end: the same bytes again and again.
type pattern []byte

func newPattern(rng *rand.Rand) pattern {
	p := make(pattern, patternBytes)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

// fill writes the content at offset at into dst.
func (p pattern) fill(dst []byte, at int) {
	for len(dst) > 0 {
		n := copy(dst, p[at%patternBytes:])
		dst, at = dst[n:], at+n
	}
}

// equal reports whether data is the content at offset at.
func (p pattern) equal(data []byte, at int) bool {
	for len(data) > 0 {
		piece := p[at%patternBytes:]
		n := min(len(piece), len(data))
		if !bytes.Equal(data[:n], piece[:n]) {
			return false
		}
		data, at = data[n:], at+n
	}
	return true
}

// source sends a stretch of the pattern through a socket, send by send. After
// every event that frees the bytes it scribbles over them: a driver
// that still reads them sends rubbish, which the sink at the other end finds.
type source struct {
	s         *sock
	pattern   pattern
	base      int // where in the pattern the stretch begins
	pos       int // bytes taken so far
	total     int
	slicesMax int // per send
	rng       *rand.Rand
	buf       []byte
	rubbish   []byte // what buf is scribbled over with
	v         [][]byte
	taken     int // s.sentBytes when the send in flight was started
	stopped   bool
}

// send starts sending total bytes from s, at most chunkBytes per send, in up to
// slicesMax slices.
func (b *bench) send(s *sock, base, total, chunkBytes, slicesMax int) *source {
	b.t.Helper()
	src := &source{
		s: s, pattern: b.pattern, base: base, total: total,
		slicesMax: slicesMax, rng: b.rng, buf: make([]byte, chunkBytes),
		rubbish: bytes.Repeat([]byte{0xdb}, chunkBytes),
	}
	s.source = src
	src.start()
	return src
}

// done reports whether the socket has taken everything.
func (src *source) done() bool { return src.pos == src.total }

// stuck reports whether the socket is full and the source waits for it.
func (src *source) stuck() bool { return src.s.blocked }

// next goes on after an event of the send: it scribbles, then sends on unless
// the send still waits, failed, or everything is sent.
func (src *source) next() {
	copy(src.buf, src.rubbish)
	for i := range src.v {
		src.v[i] = nil
	}
	src.pos += src.s.sentBytes - src.taken
	src.taken = src.s.sentBytes
	if !src.s.sending {
		src.start()
	}
}

func (src *source) start() {
	if src.stopped || src.s.sendErr != nil || src.s.closing || src.done() {
		return
	}
	n := min(len(src.buf), src.total-src.pos)
	src.pattern.fill(src.buf[:n], src.base+src.pos)
	src.v = src.v[:0]
	rest := src.buf[:n]
	for len(rest) > 0 {
		cut := len(rest)
		if len(src.v) < src.slicesMax-1 && len(rest) > 1 {
			cut = 1 + src.rng.IntN(max(1, 2*len(src.buf)/src.slicesMax))
			cut = min(cut, len(rest))
		}
		src.v = append(src.v, rest[:cut])
		rest = rest[cut:]
	}
	src.taken = src.s.sentBytes
	src.s.send(src.v...)
}

// sink checks that what arrives is a stretch of the pattern.
type sink struct {
	b    *bench
	base int
	pos  int
}

// expect lets s check that what it receives is the pattern from base on, and
// starts receiving.
func (b *bench) expect(s *sock, base int) *sink {
	b.t.Helper()
	s.sink = &sink{b: b, base: base}
	s.recv()
	return s.sink
}

func (k *sink) take(data []byte) {
	k.b.t.Helper()
	if !k.b.pattern.equal(data, k.base+k.pos) {
		k.b.t.Fatalf("the %d bytes received at offset %d are not what was sent", len(data), k.pos)
	}
	k.pos += len(data)
}

// fill sends from s, whose peer does not read, until the socket is full and
// nothing moves any more.
func (b *bench) fill(s *sock, base int) *source {
	b.t.Helper()
	src := b.send(s, base, 64<<20, 32<<10, 4)
	// A system's socket may take a little more when the peer's late
	// acknowledgement comes: full is where two rests find the same.
	b.until("the socket to be full", func() bool {
		before := src.pos
		b.settle()
		return src.stuck() && src.pos == before
	})
	return src
}

// transfer sends text from one socket to another and waits for it to arrive.
func (b *bench) transfer(from, to *sock, text string) {
	b.t.Helper()
	want := len(to.got) + len(text)
	from.sendAll([]byte(text))
	b.until("bytes to arrive", func() bool { return len(to.got) >= want && !from.sending })
	if got := string(to.got[want-len(text):]); got != text {
		b.t.Fatalf("sent %q, received %q", text, got)
	}
}

func isCanceled(err error) bool { return errors.Is(err, aio.ErrCanceled) }

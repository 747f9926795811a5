package aiosim

import (
	"math/rand/v2"
	"time"
	"unsafe"
)

// markKind is what a mark brings.
type markKind uint8

const (
	markData markKind = iota
	markFin           // the end of the stream
	markReset
)

// mark is something on the way to an end: a stretch of bytes, or how the stream
// ends.
type mark struct {
	at    time.Duration
	bytes int
	kind  markKind
}

// stream is what is on the way to one end, or has arrived there and is unread.
// An end has one only while there is such a thing.
type stream struct {
	bytes   []byte // from head on: first what has arrived, then what is on the way
	head    int
	arrived int    // bytes that have arrived and are unread
	marks   []mark // on the way, in order of arrival
	first   int    // the first mark still on the way
}

// The most memory that a world keeps for streams to come: of one stream, and together.
const (
	spareStreamBytesMax = 64 << 10
	spareBytesMax       = 16 << 20
)

// size is what the stream takes, about.
func (s *stream) size() int {
	return int(unsafe.Sizeof(*s)) + cap(s.bytes) + cap(s.marks)*int(unsafe.Sizeof(mark{}))
}

// queued is how many bytes have not been read.
func (s *stream) queued() int { return len(s.bytes) - s.head }

// empty reports whether there is nothing to read and nothing on the way.
func (s *stream) empty() bool { return s.queued() == 0 && s.first == len(s.marks) }

// put appends the first n bytes of v.
func (s *stream) put(v [][]byte, n int) {
	if s.head == len(s.bytes) {
		s.bytes, s.head = s.bytes[:0], 0
	} else if s.head > cap(s.bytes)/2 {
		s.bytes = s.bytes[:copy(s.bytes, s.bytes[s.head:])]
		s.head = 0
	}
	for _, p := range v {
		p = p[:min(n, len(p))]
		s.bytes = append(s.bytes, p...)
		n -= len(p)
		if n == 0 {
			return
		}
	}
}

// add puts a mark behind all others.
func (s *stream) add(m mark) {
	if s.first == len(s.marks) {
		s.marks, s.first = s.marks[:0], 0
	}
	s.marks = append(s.marks, m)
}

// take moves arrived bytes into p and returns their number.
func (s *stream) take(p []byte) int {
	n := copy(p, s.bytes[s.head:s.head+s.arrived])
	s.head += n
	s.arrived -= n
	return n
}

// next returns the time of the first mark on the way; never if there is none.
func (s *stream) next() time.Duration {
	if s.first == len(s.marks) {
		return never
	}
	return s.marks[s.first].at
}

// cut forgets all that is on the way from some byte on, which rng chooses.
func (s *stream) cut(rng *rand.Rand) {
	onTheWay := s.queued() - s.arrived
	keep := 0
	if onTheWay > 0 {
		keep = rng.IntN(onTheWay + 1)
	}
	s.bytes = s.bytes[:s.head+s.arrived+keep]
	for i := s.first; i < len(s.marks); i++ {
		m := &s.marks[i]
		if keep == 0 || m.kind != markData {
			s.marks = s.marks[:i]
			return
		}
		m.bytes = min(m.bytes, keep)
		keep -= m.bytes
	}
}

// hold puts off what is on the way until at.
func (s *stream) hold(at time.Duration) {
	for i := s.first; i < len(s.marks); i++ {
		s.marks[i].at = max(s.marks[i].at, at)
	}
}

// newStream returns an empty stream, an old one if there is.
func (w *World) newStream() *stream {
	if n := len(w.spare); n > 0 {
		s := w.spare[n-1]
		w.spare = w.spare[:n-1]
		w.spareBytes -= s.size()
		return s
	}
	return new(stream)
}

// freeStream takes a stream back that nobody needs.
func (w *World) freeStream(s *stream) {
	size := s.size()
	if size > spareStreamBytesMax || w.spareBytes+size > spareBytesMax {
		return
	}
	*s = stream{bytes: s.bytes[:0], marks: s.marks[:0]}
	w.spare = append(w.spare, s)
	w.spareBytes += size
}

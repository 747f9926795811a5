package mem

import (
	"errors"
	"math/bits"
	"os"
	"sync/atomic"

	"sarang/lock"
)

// The size classes are the powers of two from ClassBytesMin to ClassBytesMax.
// A larger buffer gets a mapping of its own, in whole pages.
const (
	ClassBytesMin = 64
	ClassBytesMax = 128 << 10

	classShift = 6
	classCount = 12
	largeIndex = classCount // arena of what is larger than every class
)

const slabBytesDefault = 1 << 20

// Errors of a Pool. LeakError is the third.
var (
	ErrLimit  = errors.New("mem: the pool's limit of reserved bytes is reached")
	ErrClosed = errors.New("mem: the pool is closed")
	ErrSize   = errors.New("mem: a buffer can not have a negative size")
)

// Config shapes a Pool. Zero fields take the defaults.
type Config struct {
	// SlabBytes is how much is taken from the system at a time for one class,
	// rounded up to a multiple of ClassBytesMax; default 1 MiB. The system gives
	// a page of it when it is first touched.
	SlabBytes int

	// LimitBytes bounds what is reserved from the system; 0 is no limit. Slabs
	// stay with their class as long as one buffer of that class is in use, so
	// the limit may be reached before all of it is in use. With Debug it bounds
	// the bytes that live buffers would take without.
	LimitBytes int64

	// Debug gives every buffer pages of its own that end at an unreadable guard
	// page, makes freed memory unreadable, and remembers stacks. It is slow, and
	// it takes two mappings per live buffer, of which Linux allows a process
	// 65,530: some 30,000 live buffers.
	Debug bool
}

// Pool hands out buffers of off-heap memory by size class. All methods may be
// called by any goroutine.
type Pool struct {
	debug  bool
	budget budget
	arenas [classCount + 1]arena
	jail   *quarantine // debug mode only
}

// arena is where the buffers of one class come from and go back to.
type arena interface {
	get(n int) (*Buf, error)
	recycle(b *Buf) // b has no owners
	trim() bool     // gives back what is reserved for nobody; reports whether that was any
	stats() ClassStats
	close() ([]Leak, error) // no get succeeds afterwards; recycle still may be called
}

// ClassStats are the figures of one size class.
type ClassStats struct {
	SizeBytes     int    // size of one buffer; 0 where sizes differ
	InUse         int    // buffers handed out now
	InUseBytes    int64  // what they take from the pool
	Reserved      int    // buffers that fit into what is reserved, handed out or not
	ReservedBytes int64  // bytes taken from the system
	Gets          uint64 // buffers handed out since the pool was made
}

// Stats are the figures of a pool. They are taken class by class, so under load
// they are of slightly different moments.
type Stats struct {
	Classes    []ClassStats // the size classes, smallest first
	Large      ClassStats   // buffers larger than every class
	Total      ClassStats   // the sum of all
	LimitBytes int64        // as configured; 0 is no limit

	// QuarantineBytes is the address space of freed buffers that debug mode keeps
	// unreadable. It is not part of what is reserved.
	QuarantineBytes int64
}

// NewPool returns an empty pool; nothing is reserved before the first Get.
func NewPool(c Config) *Pool {
	p := &Pool{debug: c.Debug}
	p.budget.limit = c.LimitBytes
	if c.Debug {
		p.jail = newQuarantine()
		for i := range p.arenas {
			p.arenas[i] = newGuardArena(classSize(i), &p.budget, p.jail)
		}
		return p
	}
	slabBytes := c.SlabBytes
	if slabBytes <= 0 {
		slabBytes = slabBytesDefault
	}
	slabBytes = roundUp(slabBytes, ClassBytesMax)
	class := lock.NewClass("mem.pool")
	for i := range classCount {
		p.arenas[i] = newClassArena(classSize(i), slabBytes, &p.budget, class)
	}
	p.arenas[largeIndex] = newLargeArena(&p.budget, class)
	return p
}

// Get returns a buffer of n bytes with one owner, the caller. The bytes are not
// zeroed. The error is ErrLimit, ErrClosed, ErrSize or, wrapped, the system's.
func (p *Pool) Get(n int) (*Buf, error) {
	if n < 0 {
		return nil, ErrSize
	}
	a := p.arenas[classIndex(n)]
	b, err := a.get(n)
	if err == ErrLimit && p.trim() {
		return a.get(n)
	}
	return b, err
}

// trim takes the slabs of classes that are not in use at all, so that what one
// class needed at its peak does not starve another for ever.
func (p *Pool) trim() bool {
	trimmed := false
	for _, a := range p.arenas {
		trimmed = a.trim() || trimmed
	}
	return trimmed
}

// Copy returns a buffer of its own with a copy of b. It is the way to keep a small
// message for long without keeping the chunk that it came in.
func (p *Pool) Copy(b []byte) (*Buf, error) {
	buf, err := p.Get(len(b))
	if err != nil {
		return nil, err
	}
	copy(buf.Bytes(), b)
	return buf, nil
}

// Stats returns the pool's figures.
func (p *Pool) Stats() Stats {
	s := Stats{Classes: make([]ClassStats, classCount), LimitBytes: p.budget.limit}
	for i, a := range p.arenas {
		c := a.stats()
		if i == largeIndex {
			s.Large = c
		} else {
			s.Classes[i] = c
		}
		s.Total.InUse += c.InUse
		s.Total.InUseBytes += c.InUseBytes
		s.Total.Reserved += c.Reserved
		s.Total.ReservedBytes += c.ReservedBytes
		s.Total.Gets += c.Gets
	}
	if p.jail != nil {
		s.QuarantineBytes = p.jail.size()
	}
	return s
}

// Close gives the memory back to the system. Buffers that are still in use are
// listed in a *LeakError; they stay good, and the memory behind them is given back
// when the last of their class is released. Get fails with ErrClosed from now on.
// A second Close does nothing.
func (p *Pool) Close() error {
	var leaks []Leak
	var errs []error
	for _, a := range p.arenas {
		l, err := a.close()
		leaks = append(leaks, l...)
		errs = append(errs, err)
	}
	if p.jail != nil {
		errs = append(errs, p.jail.close())
	}
	if len(leaks) > 0 {
		errs = append(errs, &LeakError{Leaks: leaks})
	}
	return errors.Join(errs...)
}

// budget counts reserved bytes against a limit.
type budget struct {
	limit    int64
	reserved atomic.Int64
}

// take reserves n bytes, or returns ErrLimit and reserves nothing.
func (b *budget) take(n int) error {
	if sum := b.reserved.Add(int64(n)); b.limit > 0 && sum > b.limit {
		b.reserved.Add(-int64(n))
		return ErrLimit
	}
	return nil
}

func (b *budget) give(n int) { b.reserved.Add(-int64(n)) }

// classIndex returns the arena for n bytes.
func classIndex(n int) int {
	switch {
	case n <= ClassBytesMin:
		return 0
	case n > ClassBytesMax:
		return largeIndex
	}
	return bits.Len(uint(n-1)) - classShift
}

// classSize returns the size of class i, 0 for the large arena.
func classSize(i int) int {
	if i == largeIndex {
		return 0
	}
	return ClassBytesMin << i
}

// roundUp returns the least multiple of unit, a power of two, that is >= n.
func roundUp(n, unit int) int { return (n + unit - 1) &^ (unit - 1) }

func pageBytes() int { return os.Getpagesize() }

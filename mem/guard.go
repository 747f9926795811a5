package mem

import (
	"fmt"
	"sync/atomic"

	"sarang/lock"
)

const (
	// The slack in front of a guarded buffer is filled with slackByte and looked
	// at again when the buffer is freed.
	slackByte = 0xA5
	freedByte = 0xDE

	// Freed memory stays unreadable until so much was freed after it.
	quarantineBuffersMax = 1024
	quarantineBytesMax   = 64 << 20
)

// guard is what debug mode knows about a buffer. Headers are never used again
// there, so it tells the whole story of one Get.
type guard struct {
	mapping []byte // slack, data, guard page
	slack   int
	charged int // bytes counted against the limit
	taken   stack
	freed   atomic.Pointer[stack]
}

// history tells where the buffer was taken and freed.
func (g *guard) history() string {
	s := "taken at\n" + g.taken.String()
	if f := g.freed.Load(); f != nil {
		s += "freed at\n" + f.String()
	}
	return s
}

// guardArena gives each buffer pages of its own, with the data flush against an
// unreadable page: one byte too far is a fault at the very instruction.
type guardArena struct {
	sizeBytes int // 0 where sizes differ
	budget    *budget
	jail      *quarantine

	mu     lock.Mutex // guards what follows
	live   map[*Buf]struct{}
	bytes  int64 // charged for the live ones
	gets   uint64
	closed bool
}

func newGuardArena(sizeBytes int, b *budget, jail *quarantine) *guardArena {
	a := &guardArena{sizeBytes: sizeBytes, budget: b, jail: jail, live: make(map[*Buf]struct{})}
	a.mu.Init(lock.NewClass("mem.guard"))
	return a
}

func (a *guardArena) get(n int) (*Buf, error) {
	charged := a.sizeBytes
	if charged == 0 {
		charged = roundUp(n, pageBytes())
	}
	if charged < n {
		return nil, ErrLimit // beyond the address space
	}
	if err := a.budget.take(charged); err != nil {
		return nil, err
	}
	mapping, err := mapGuarded(n)
	if err != nil {
		a.budget.give(charged)
		return nil, fmt.Errorf("mem: mapping a guarded buffer of %d bytes: %w", n, err)
	}
	end := len(mapping) - pageBytes()
	g := &guard{mapping: mapping, slack: end - n, charged: charged, taken: callStack(2)}
	b := &Buf{data: mapping[end-n : end : end], n: n, home: a, guard: g}
	b.refs.Store(1)

	a.mu.Lock()
	closed := a.closed
	if !closed {
		a.live[b] = struct{}{}
		a.bytes += int64(charged)
		a.gets++
	}
	a.mu.Unlock()
	if closed {
		a.budget.give(charged)
		if err := unmapBytes(mapping); err != nil {
			return nil, fmt.Errorf("mem: unmapping a guarded buffer: %w", err)
		}
		return nil, ErrClosed
	}
	return b, nil
}

// mapGuarded maps pages for n bytes and an unreadable one after them.
func mapGuarded(n int) ([]byte, error) {
	page := pageBytes()
	data := roundUp(max(n, 1), page)
	m, err := mapBytes(data + page)
	if err != nil {
		return nil, err
	}
	for i := range m[:data-n] {
		m[i] = slackByte
	}
	if err := protectNone(m[data:]); err != nil {
		if unmapErr := unmapBytes(m); unmapErr != nil {
			return nil, unmapErr
		}
		return nil, err
	}
	return m, nil
}

func (a *guardArena) recycle(b *Buf) {
	g := b.guard
	for i, v := range g.mapping[:g.slack] {
		if v != slackByte {
			panic(fmt.Sprintf("mem: byte %d in front of a buffer of %d bytes was overwritten\n%s",
				i-g.slack, b.n, g.history()))
		}
	}
	freed := callStack(2)
	g.freed.Store(&freed)
	b.data = nil
	a.mu.Lock()
	delete(a.live, b)
	a.bytes -= int64(g.charged)
	a.mu.Unlock()
	a.budget.give(g.charged)
	mapping := g.mapping
	g.mapping = nil
	if err := a.jail.add(mapping); err != nil {
		panic("mem: locking a free buffer away: " + err.Error())
	}
}

func (a *guardArena) trim() bool { return false } // nothing is kept that counts

func (a *guardArena) stats() ClassStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return ClassStats{
		SizeBytes:     a.sizeBytes,
		InUse:         len(a.live),
		InUseBytes:    a.bytes,
		Reserved:      len(a.live),
		ReservedBytes: a.bytes,
		Gets:          a.gets,
	}
}

func (a *guardArena) close() ([]Leak, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, nil
	}
	a.closed = true
	var leaks []Leak
	for b := range a.live {
		leaks = append(leaks, Leak{SizeBytes: b.n, Refs: int(b.refs.Load()), Stack: b.guard.taken.String()})
	}
	return leaks, nil
}

// quarantine keeps freed mappings, unreadable, for a while: as long as an address
// is not mapped anew, whoever still uses it faults.
type quarantine struct {
	mu     lock.Mutex // guards what follows
	held   Ring[[]byte]
	bytes  int
	closed bool
}

func newQuarantine() *quarantine {
	q := new(quarantine)
	q.mu.Init(lock.NewClass("mem.quarantine"))
	return q
}

// add makes m unreadable and unmaps what is over the bounds.
func (q *quarantine) add(m []byte) error {
	if err := protectNone(m); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held.PushBack(m)
	q.bytes += len(m)
	for q.closed || q.held.Len() > quarantineBuffersMax || q.bytes > quarantineBytesMax {
		if done, err := q.evict(); done || err != nil {
			return err
		}
	}
	return nil
}

// evict unmaps the oldest; done tells that there was none. It is called locked.
func (q *quarantine) evict() (done bool, err error) {
	m, ok := q.held.PopFront()
	if !ok {
		return true, nil
	}
	q.bytes -= len(m)
	return false, unmapBytes(m)
}

func (q *quarantine) size() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(q.bytes)
}

// close unmaps everything, and what is added later at once.
func (q *quarantine) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for {
		if done, err := q.evict(); done || err != nil {
			return err
		}
	}
}

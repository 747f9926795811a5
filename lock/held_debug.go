//go:build sarang_debug

package lock

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// stackDepthMax is how many frames of a stack are kept.
const stackDepthMax = 24

// stack is a call stack that costs little until somebody wants to read it.
type stack []uintptr

// callers returns the stack from the function that is skip levels up from the
// caller; 0 is the caller itself.
func callers(skip int) stack {
	pcs := make(stack, stackDepthMax)
	return pcs[:runtime.Callers(skip+2, pcs)]
}

// String lists the frames as the runtime does.
func (s stack) String() string {
	if len(s) == 0 {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(s)
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}

// goroutineID returns the number of this goroutine, which is never used again. The
// runtime tells it in the first line of a stack only.
func goroutineID() uint64 {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	line = bytes.TrimPrefix(line, []byte("goroutine "))
	digits, _, _ := bytes.Cut(line, []byte(" "))
	id, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		panic("lock: the runtime's stack has no goroutine number: " + string(line))
	}
	return id
}

// hold is a lock that a goroutine has.
type hold struct {
	class  *Class
	number uint64 // of the lock
	stack  stack  // where it was taken
}

// node is what stands for the lock in the graph: its class, or, as the unnamed ones
// have nothing in common, the lock itself.
func (h hold) node() uint64 {
	if h.class.number == 0 {
		return h.number
	}
	return h.class.number
}

// holderShards is how many parts the table of holders has.
const holderShards = 64

// holderTable has the locks that each goroutine holds, in the order in which they
// were taken. All profilers share it: a goroutine does not care whose class it is.
type holderTable [holderShards]struct {
	mu   sync.Mutex
	held map[uint64][]hold // by goroutine; no empty lists
}

// push adds h to what goroutine g holds.
func (t *holderTable) push(g uint64, h hold) {
	s := &t[g%holderShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = make(map[uint64][]hold)
	}
	s.held[g] = append(s.held[g], h)
}

// of returns a copy of what goroutine g holds.
func (t *holderTable) of(g uint64) []hold {
	s := &t[g%holderShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]hold(nil), s.held[g]...)
}

// pop strikes the lock off g's list, the youngest hold first.
func (t *holderTable) pop(g, number uint64) bool {
	s := &t[g%holderShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.held[g]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].number != number {
			continue
		}
		if len(list) == 1 {
			delete(s.held, g)
		} else {
			s.held[g] = append(list[:i], list[i+1:]...)
		}
		return true
	}
	return false
}

// popAny strikes the lock off somebody's list.
func (t *holderTable) popAny(number uint64) bool {
	for i := range t {
		if _, g, ok := t.find(i, number); ok && t.pop(g, number) {
			return true
		}
	}
	return false
}

// any returns how somebody holds the lock; zero if nobody does.
func (t *holderTable) any(number uint64) hold {
	for i := range t {
		if h, _, ok := t.find(i, number); ok {
			return h
		}
	}
	return hold{}
}

// find looks for a holder of the lock in one shard.
func (t *holderTable) find(shard int, number uint64) (h hold, g uint64, ok bool) {
	s := &t[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	for g, list := range s.held {
		for _, h := range list {
			if h.number == number {
				return h, g, true
			}
		}
	}
	return hold{}, 0, false
}

package limit

import (
	"sync/atomic"
	"time"
)

// Sample counts something that may happen very often, and says when to write about it:
// at most once in a time. Any goroutine may use it. The zero Sample is ready.
type Sample struct {
	count  atomic.Int64
	told   atomic.Int64 // of count
	nextAt atomic.Int64 // when it may be told again
}

// sampleEvery is how often one kind of thing is written about.
const sampleEvery = time.Second

// Add counts one. If it is time to write about it, it returns how many there were since
// the last time; 0 otherwise.
func (s *Sample) Add(now time.Duration) (tell int64) {
	n := s.count.Add(1)
	next := s.nextAt.Load()
	if int64(now) < next && next <= int64(now+sampleEvery) { // else: due, or the clock was set back
		return 0
	}
	if !s.nextAt.CompareAndSwap(next, int64(now+sampleEvery)) {
		return 0
	}
	return n - s.told.Swap(n)
}

// Count is how many there were.
func (s *Sample) Count() int64 { return s.count.Load() }

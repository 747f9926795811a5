package aiosim

import (
	"math"
	"time"
)

// never is the time of what does not happen.
const never = time.Duration(math.MaxInt64)

// What becomes due on the timeline.
type dueKind uint8

const (
	dueSyn       dueKind = iota // a connect request reaches the listener's side
	dueConnected                // the listener's answer reaches the end that connects
	dueRefused                  // so does a refusal
	dueArrival                  // something reaches an end
	dueSpace                    // an end learns that its socket is no longer full
	dueAbort                    // an abort that was held up may take its course
)

// due is one entry of the timeline. Its subject is named by index and
// generation, so an entry for something that is gone is found out and dropped.
type due struct {
	at     time.Duration
	order  uint64 // of scheduling: what is due at one time happens in this order
	index  uint32 // an end, or a slot of the driver
	gen    uint32
	driver uint16 // dueAbort only: one more than the driver's number
	kind   dueKind
}

// timeline is a binary heap of what is due, soonest first.
type timeline struct {
	entries []due
	orders  uint64
}

func (a *due) before(b *due) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

func (t *timeline) push(d due) {
	t.orders++
	d.order = t.orders
	t.entries = append(t.entries, d)
	i := len(t.entries) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !t.entries[i].before(&t.entries[parent]) {
			break
		}
		t.entries[i], t.entries[parent] = t.entries[parent], t.entries[i]
		i = parent
	}
}

// next returns the time of the soonest entry; never if there is none.
func (t *timeline) next() time.Duration {
	if len(t.entries) == 0 {
		return never
	}
	return t.entries[0].at
}

// pop removes the soonest entry. There must be one.
func (t *timeline) pop() due {
	top := t.entries[0]
	last := len(t.entries) - 1
	t.entries[0] = t.entries[last]
	t.entries = t.entries[:last]
	i := 0
	for {
		least := 2*i + 1
		if least >= last {
			break
		}
		if right := least + 1; right < last && t.entries[right].before(&t.entries[least]) {
			least = right
		}
		if !t.entries[least].before(&t.entries[i]) {
			break
		}
		t.entries[i], t.entries[least] = t.entries[least], t.entries[i]
		i = least
	}
	return top
}

package engine

import (
	"math/bits"
	"time"
	"unsafe"
)

// The wheel: two rings of 256 buckets. A bucket of the first is one tick (16 ms)
// wide, one of the second is a whole turn of the first (about 4 s). Timers beyond
// the second ring (about 17 minutes) are put at its far end and moved on
// there. (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987.)
const (
	wheelTick    = 16 * time.Millisecond
	wheelBits    = 8
	wheelBuckets = 1 << wheelBits
	wheelMask    = wheelBuckets - 1
)

// Timer is a deadline on a worker. It is part of what it times (no allocation), and
// belongs to one worker. The zero value is a timer that is not running.
type Timer struct {
	timerNode // first: see owner
	call      func(*Timer)
	Data      any // for the function that is called
}

// Running reports whether the timer will fire.
func (t *Timer) Running() bool { return t.next != nil }

// timerNode is what the wheel knows of a timer. It is part of a Timer or, which keeps
// a session small, of a Session.
type timerNode struct {
	next, prev *timerNode // ring of the bucket; nil when not running
	tick       uint64     // when it is due, and sessionNode
}

// sessionNode marks, in tick, the node of a Session.
const sessionNode = uint64(1) << 63

func (n *timerNode) due() uint64 { return n.tick &^ sessionNode }

// fire calls what the node is the timer of.
func (n *timerNode) fire() {
	if n.tick&sessionNode != 0 {
		(*Session)(unsafe.Add(unsafe.Pointer(n), -int(unsafe.Offsetof(Session{}.timer)))).deadline()
		return
	}
	t := (*Timer)(unsafe.Pointer(n))
	t.call(t)
}

// ticks is a moment as a session keeps it: in ticks of the wheel, modulo 2^32 (two
// years).
type ticks uint32

// ticksUp rounds up, for the beginning of what is to last a time: it is never taken
// for longer than it was.
func ticksUp(now time.Duration) ticks { return ticks((now + wheelTick - 1) / wheelTick) }

// moment is now as sessions keep it: without the time in which the worker stood still.
func (w *Worker) moment() ticks { return ticksUp(w.now - w.stood) }

// since is how much time has passed since t, up to two ticks less, in which the worker did
// not stand still.
func (w *Worker) since(t ticks) time.Duration {
	return time.Duration(int32(ticks((w.now-w.stood)/wheelTick)-t)) * wheelTick
}

type wheel struct {
	near, far [wheelBuckets]timerNode   // list heads
	nearUsed  [wheelBuckets / 64]uint64 // buckets that may have timers
	now       uint64                    // ticks that have fired
	count     int
}

func (h *wheel) init(now time.Duration) {
	h.now = uint64(now / wheelTick)
	for i := range h.near {
		h.near[i].next, h.near[i].prev = &h.near[i], &h.near[i]
		h.far[i].next, h.far[i].prev = &h.far[i], &h.far[i]
	}
}

// set starts t, or starts it anew, to fire not before at.
func (h *wheel) set(t *timerNode, at time.Duration) {
	h.stop(t)
	tick := at / wheelTick
	if at%wheelTick > 0 {
		tick++
	}
	t.tick = t.tick&sessionNode | max(uint64(max(tick, 0)), h.now+1)
	h.insert(t)
	h.count++
}

func (h *wheel) insert(t *timerNode) {
	due := t.due()
	if due-h.now < wheelBuckets {
		i := due & wheelMask
		h.nearUsed[i/64] |= 1 << (i % 64)
		link(&h.near[i], t)
		return
	}
	turn := min(due>>wheelBits, h.now>>wheelBits+wheelMask)
	link(&h.far[turn&wheelMask], t)
}

func link(head, t *timerNode) {
	t.prev, t.next = head.prev, head
	head.prev.next, head.prev = t, t
}

func (h *wheel) stop(t *timerNode) {
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.next, t.prev = nil, nil
	h.count--
}

// advance fires everything that is due at now. A function may set and stop timers.
func (h *wheel) advance(now time.Duration) {
	end := uint64(now / wheelTick)
	for h.now < end {
		if h.count == 0 {
			h.now = end
			return
		}
		h.now++
		if h.now&wheelMask == 0 {
			h.cascade(h.now >> wheelBits & wheelMask)
		}
		h.fireBucket(h.now & wheelMask)
	}
}

// cascade moves a bucket of the far ring, whose time has come, to the near one.
func (h *wheel) cascade(i uint64) {
	head := &h.far[i]
	for t := head.next; t != head; t = head.next {
		t.prev.next, t.next.prev = t.next, t.prev
		if t.due() <= h.now {
			t.tick = t.tick&sessionNode | h.now // due in the bucket that fires next
			link(&h.near[h.now&wheelMask], t)
			continue
		}
		h.insert(t)
	}
}

func (h *wheel) fireBucket(i uint64) {
	head := &h.near[i]
	h.nearUsed[i/64] &^= 1 << (i % 64)
	for t := head.next; t != head; t = head.next {
		h.stop(t)
		t.fire()
	}
}

// wait is how long it is at most until the next timer is due or moved on, -1 for no timer
// at all.
func (h *wheel) wait(now time.Duration) time.Duration {
	next := h.next()
	if next == never {
		return -1
	}
	return max(next-now, 0)
}

// next is when the next timer is due or moved on at the earliest; never for no timer at all.
func (h *wheel) next() time.Duration {
	if h.count == 0 {
		return never
	}
	next := (h.now>>wheelBits + 1) << wheelBits // the next cascade
	for d := uint64(1); d < wheelBuckets; {
		i := (h.now + d) & wheelMask
		word := h.nearUsed[i/64] >> (i % 64)
		if word != 0 {
			next = min(next, h.now+d+uint64(bits.TrailingZeros64(word)))
			break
		}
		d += 64 - i%64
	}
	return time.Duration(next) * wheelTick
}

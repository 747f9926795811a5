package limit

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Source says whose an item of a Queue is.
type Source struct {
	Network uint64 // NetworkOf an address; 0: the session counts for itself
	Session uint64
}

// NetworkOf names an address of IPv4, or the /64 network of one of IPv6, for a Source. It
// is never 0. (The networks of IPv6 with which an address of IPv4 shares its name, those
// of 0::/32, are nobody's.)
func NetworkOf(a netip.Addr) uint64 {
	var n uint64
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		n = uint64(binary.BigEndian.Uint32(b[:]))
	} else {
		b := a.As16()
		n = binary.BigEndian.Uint64(b[:8])
	}
	return max(n, 1)
}

// Queue is a queue that is fair to those who share it: networks have their turns in a
// circle, whatever waits for each of them; and of a network, its sessions do. Of one
// session, what came first is first. Who has nothing waiting costs nothing. The zero
// Queue is ready; it is not safe for several goroutines.
type Queue[T any] struct {
	circle circle[Source, lane[T]] // in the order in which they are served
	count  int
}

// lane is what waits for one network.
type lane[T any] struct {
	since time.Duration // it waits for its turn: since it came, or was served
	count int
	lines circle[uint64, line[T]] // by session
}

// line is what waits for one session.
type line[T any] struct{ items []T }

// Len is how many items wait.
func (q *Queue[T]) Len() int { return q.count }

// LenOf is how many of them are of the network of s.
func (q *Queue[T]) LenOf(s Source) int {
	if l := q.circle.find(laneOf(s)); l != nil {
		return l.count
	}
	return 0
}

// Push adds an item.
func (q *Queue[T]) Push(s Source, now time.Duration, item T) {
	l, made := q.circle.get(laneOf(s))
	if made {
		l.since = now
	}
	own, _ := l.lines.get(s.Session)
	own.items = append(own.items, item)
	l.count++
	q.count++
}

// laneOf is the name of the lane that s is in.
func laneOf(s Source) Source {
	if s.Network != 0 {
		s.Session = 0
	}
	return s
}

// Pop takes the item whose turn it is; there must be one.
func (q *Queue[T]) Pop(now time.Duration) T {
	l := q.circle.first()
	own := l.lines.first()
	item := own.items[0]
	own.items[0] = *new(T)
	own.items = own.items[1:]
	l.lines.turn(len(own.items) > 0)
	l.count--
	l.since = now
	q.circle.turn(l.count > 0)
	q.count--
	return item
}

// Since returns since when the network waits whose turn is next: so long about has one to
// wait of which nothing waits yet. False: nothing waits.
func (q *Queue[T]) Since() (since time.Duration, waits bool) {
	if q.count == 0 {
		return 0, false
	}
	return q.circle.first().since, true
}

// Take takes any item out: n of them would be served before it if each Pop took one from
// the end of the circle. It is for simulations; it looks at all that wait.
func (q *Queue[T]) Take(n int, now time.Duration) T {
	for {
		l := q.circle.first()
		if n >= l.count {
			n -= l.count
			q.circle.turn(true)
			continue
		}
		for own := l.lines.first(); n >= len(own.items); own = l.lines.first() {
			n -= len(own.items)
			l.lines.turn(true)
		}
		return q.Pop(now)
	}
}

// circle is a queue of values with names: the first has its turn, and goes to the end, or
// away.
type circle[K comparable, V any] struct {
	byKey map[K]*V
	order []named[K, V]
}

type named[K comparable, V any] struct {
	key   K
	value *V
}

func (c *circle[K, V]) find(k K) *V { return c.byKey[k] }

// get returns the value of a name, made at the end of the circle if there is none.
func (c *circle[K, V]) get(k K) (v *V, made bool) {
	if v = c.byKey[k]; v != nil {
		return v, false
	}
	if c.byKey == nil {
		c.byKey = map[K]*V{}
	}
	v = new(V)
	c.byKey[k] = v
	c.order = append(c.order, named[K, V]{k, v})
	return v, true
}

func (c *circle[K, V]) first() *V { return c.order[0].value }

// turn ends the turn of the first, which goes away if it does not stay.
func (c *circle[K, V]) turn(stays bool) {
	first := c.order[0]
	c.order[0] = named[K, V]{}
	c.order = c.order[1:]
	switch {
	case stays:
		c.order = append(c.order, first)
	default:
		delete(c.byKey, first.key)
		if len(c.order) == 0 {
			*c = circle[K, V]{} // a map keeps the room of what was in it
		}
	}
}

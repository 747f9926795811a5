package swarm

import (
	"slices"

	"sarang/chat"
)

// span is a run of places in a room's log, both ends included.
type span struct{ from, to chat.Seq }

// receipt is what one member has got of its room: a few numbers, as long as the
// server keeps the order.
type receipt struct {
	last       chat.Seq // the highest place that it got
	holes      []span   // places below last that it did not get
	corrupted  uint64   // messages that came changed
	reordered  uint64   // messages that came late, or in the place of another
	duplicated uint64   // places that came again
	mangled    uint64   // what came and was no message, or could not be read as one
}

// take notes that the place seq came. False: it came again, or late, and is counted
// as that.
func (r *receipt) take(seq chat.Seq) bool {
	switch {
	case seq == r.last+1:
		r.last = seq
		return true
	case seq > r.last:
		r.holes = append(r.holes, span{r.last + 1, seq - 1})
		r.last = seq
		return true
	}
	if r.fill(seq) {
		r.reordered++
	} else {
		r.duplicated++
	}
	return false
}

// fill takes seq out of the holes, if it is in one.
func (r *receipt) fill(seq chat.Seq) bool {
	i, found := slices.BinarySearchFunc(r.holes, seq, func(h span, seq chat.Seq) int {
		switch {
		case h.to < seq:
			return -1
		case h.from > seq:
			return 1
		}
		return 0
	})
	if !found {
		return false
	}
	switch h := &r.holes[i]; {
	case h.from == h.to:
		r.holes = slices.Delete(r.holes, i, i+1)
	case seq == h.from:
		h.from++
	case seq == h.to:
		h.to--
	default:
		r.holes = slices.Insert(r.holes, i+1, span{seq + 1, h.to})
		r.holes[i].to = seq - 1
	}
	return true
}

package linear

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"sarang/chat"
)

// ErrUndecided is a check that ran out of time: it has found neither an order nor that
// there is none.
var ErrUndecided = errors.New("linear: the search for an order ran out of time")

// Error is a history that no log could have given.
type Error struct {
	Room       chat.RoomID
	Operations int    // of the room
	Fits       int    // of them, in the longest order that was found
	Stuck      string // one that fits nowhere behind that
}

// Error says what does not fit.
func (e *Error) Error() string {
	return fmt.Sprintf("what clients saw of room %d is not one log: of %d operations %d fit together, and then not %s",
		e.Room, e.Operations, e.Fits, e.Stuck)
}

// Report is what a Check has looked at.
type Report struct {
	Rooms, Operations int
}

// Check judges everything noted so far, one room after the other, each for at most
// roomTimeout (0: no limit). It returns a *Error for the first room that is wrong, or
// ErrUndecided. Nothing may be noted meanwhile.
func (r *Recorder) Check(roomTimeout time.Duration) (Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]chat.RoomID, 0, len(r.rooms))
	for id := range r.rooms {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var report Report
	var undecided error
	for _, id := range ids {
		ops := r.rooms[id].operations()
		if len(ops) == 0 {
			continue
		}
		report.Rooms++
		report.Operations += len(ops)
		switch porcupine.CheckOperationsTimeout(model(), ops, roomTimeout) {
		case porcupine.Illegal:
			return report, explain(id, ops, roomTimeout)
		case porcupine.Unknown:
			undecided = ErrUndecided
		}
	}
	return report, undecided
}

// explain looks again at a history that is wrong, for what does not fit.
func explain(room chat.RoomID, ops []porcupine.Operation, timeout time.Duration) *Error {
	e := &Error{Room: room, Operations: len(ops), Stuck: "any other"}
	_, info := porcupine.CheckOperationsVerbose(model(), ops, timeout)
	var longest []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, order := range partition {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	e.Fits = len(longest)
	done := map[input]bool{}
	for _, o := range longest {
		done[o.Input.(input)] = true
	}
	first := int64(forever)
	for _, o := range ops {
		if !done[o.Input.(input)] && o.Return < first {
			first, e.Stuck = o.Return, describe(o.Input)
		}
	}
	return e
}

// model is a log: its state is what it holds.
func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return []content(nil) },
		Step: func(state, in, _ any) (bool, any) {
			log, op := state.([]content), in.(input)
			if op.appends {
				if op.seq != chat.Seq(len(log))+1 {
					return false, log
				}
				return true, append(log[:len(log):len(log)], op.event)
			}
			return op.page.fits(log), log
		},
		Equal: func(a, b any) bool { return slices.Equal(a.([]content), b.([]content)) },
		Hash:  func(state any) uint64 { return uint64(len(state.([]content))) * 0x9e3779b97f4a7c15 },

		DescribeOperation: func(in, _ any) string { return describe(in) },
		DescribeState:     func(state any) string { return fmt.Sprintf("%d events", len(state.([]content))) },
	}
}

// fits reports whether a log could have been read so.
func (p *reading) fits(log []content) bool {
	length := chat.Seq(len(log))
	last := p.from + chat.Seq(len(p.events)) - 1
	switch {
	case p.broken:
		return false
	case p.atMost:
		return length < p.from
	case last > length, p.end && last != length, p.beyond && last == length:
		return false
	}
	return slices.Equal(log[p.from-1:last], p.events)
}

func describe(in any) string {
	op := in.(input)
	switch {
	case op.appends:
		return fmt.Sprintf("a message stored as %d", op.seq)
	case op.page.broken:
		return fmt.Sprintf("a page from %d on that contradicts itself", op.page.from)
	case op.page.atMost:
		return fmt.Sprintf("a log that ends before %d", op.page.from)
	}
	s := fmt.Sprintf("a look at %d", op.page.from)
	if n := len(op.page.events); n > 1 {
		s += fmt.Sprintf(" to %d", op.page.from+chat.Seq(n)-1)
	}
	if op.page.end {
		s += ", the end of the log"
	}
	return s
}

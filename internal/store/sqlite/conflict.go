package sqlite

import (
	"context"
	"fmt"
	"math"

	"sarang/chat"
)

// conflictBytesMax bounds the text in all conflicts of a batch together, beside one
// event for each, which every conflict has.
const conflictBytesMax = 1 << 20

// conflictHead is a conflict without its events, which stay in the log and can be read
// again.
type conflictHead struct {
	room        chat.RoomID
	after, last chat.Seq
	events      int // how many were returned; 0: not read yet
}

// readConflicts returns the conflicts with their events, and notes in each head how many
// it has been given: reading again gives as many.
func (w *writer) readConflicts(ctx context.Context, heads []conflictHead) ([]chat.Conflict, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	conflicts := make([]chat.Conflict, len(heads))
	bytesLeft := conflictBytesMax
	for i := range heads {
		h := &heads[i]
		events, err := w.readBetween(ctx, h, bytesLeft)
		if err != nil {
			return nil, err
		}
		for j := range events {
			bytesLeft -= events[j].BodyBytes()
		}
		h.events = len(events)
		conflicts[i] = chat.Conflict{Room: h.room, Last: h.last, Between: events}
	}
	return conflicts, nil
}

func (w *writer) readBetween(ctx context.Context, h *conflictHead, bytesMax int) ([]chat.Event, error) {
	if err := ctx.Err(); err != nil || h.after > h.last {
		return nil, err
	}
	itemsMax := chat.ConflictEventsMax
	if h.events > 0 {
		itemsMax, bytesMax = h.events, math.MaxInt
	}
	rows, err := w.selectAfter.QueryContext(context.Background(), int64(h.room), int64(h.after), itemsMax)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	events, _, err := readPage(rows, h.room, forwards, itemsMax, bytesMax)
	if err == nil && len(events) > 0 && events[0].Seq > h.after+1 {
		return nil, nil // what was between is erased
	}
	if err == nil && (len(events) == 0 || events[0].Seq != h.after+1) {
		err = damagedError(fmt.Errorf("room %d: event %d is missing", h.room, h.after+1))
	}
	return events, err
}

// writersKeptMax bounds the writers whose newest batch is remembered. A store that is
// locked by one server has one.
const writersKeptMax = 64

// outcomes remembers what became of the newest batch of each writer. They are the
// writers' of this process alone: nobody else has the file.
type outcomes struct {
	clock uint64
	kept  map[uint64]*outcome // by writer
}

type outcome struct {
	number    uint64
	used      uint64 // clock when the writer was last met
	conflicts []conflictHead
}

// find returns what became of a batch, nil if it is not known to have taken effect.
func (o *outcomes) find(id chat.BatchID) *outcome {
	k := o.kept[id.Writer]
	if k == nil || k.number != id.Number {
		return nil
	}
	o.clock++
	k.used = o.clock
	return k
}

// keep remembers the outcome of a batch that has taken effect. If there are too many
// writers, the one that has been silent longest is forgotten.
func (o *outcomes) keep(id chat.BatchID, conflicts []conflictHead) {
	o.clock++
	k := o.kept[id.Writer]
	switch {
	case k == nil:
		if len(o.kept) >= writersKeptMax {
			o.forgetOldest()
		}
		k = &outcome{}
		o.kept[id.Writer] = k
	case id.Number < k.number:
		return // one that was overtaken
	}
	*k = outcome{number: id.Number, used: o.clock, conflicts: conflicts}
}

func (o *outcomes) forgetOldest() {
	oldest, used := uint64(0), uint64(math.MaxUint64)
	for writer, k := range o.kept {
		if k.used < used {
			oldest, used = writer, k.used
		}
	}
	delete(o.kept, oldest)
}

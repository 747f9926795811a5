package hub

import (
	"context"

	"sarang/chat"
	"sarang/engine"
)

// A cursor is a number in a log, and a store can be put back to an older state: then the
// numbers behind it are given out again, and a cursor beyond it looks like one of the log
// that is there now. So a cursor tells the time of the event that it stands at, and the
// log must have that event at that time. Two events that were stored under one number, one
// before and one after the store was put back, differ in their time.

// timesKeptMax bounds the events of a room whose times are remembered for those who come
// back: after a restart most of them stand at a few numbers.
const timesKeptMax = 64

// sameLog reports whether the event that j's cursor stands at is in this log, and whether
// that is known. If it is not, whenTimed finds out.
func (h *home) sameLog(j *joinRequest) (same, known bool) {
	info := h.room.Info()
	switch {
	case info.Ephemeral, j.epoch != info.Epoch, j.seq == 0, j.seqMs == 0, j.seq > info.LastSeq:
		return true, true // StartAt knows what to say
	case j.seq == info.LastSeq:
		return j.seqMs == info.LastMs, true
	}
	at, known := h.times[j.seq]
	return at == 0 || at == j.seqMs, known // one that retention has erased can not be compared
}

// whenTimed runs j again when the time of the event is known that its cursor stands at.
func (h *home) whenTimed(j *joinRequest) {
	waiting, asked := h.timesAsked[j.seq]
	if h.timesAsked == nil {
		h.timesAsked = map[chat.Seq][]homeRequest{}
	}
	h.timesAsked[j.seq] = append(waiting, j)
	if asked {
		return
	}
	hub, id, seq := h.shard.hub, h.id(), j.seq
	ok := h.shard.give(hub.queries, j.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), hub.config.StoreTimeout)
		defer cancel()
		events, _, err := hub.config.Store.History(ctx, id, chat.Page{After: seq - 1, ItemsMax: 1})
		at := int64(0)
		if len(events) > 0 && events[0].Seq == seq {
			at = events[0].TimeMs
		}
		h.shard.worker.Post(engine.MessageFunc(func(*engine.Worker) { h.timed(seq, at, err) }))
	})
	if !ok {
		h.timed(seq, 0, chat.Errorf(chat.CodeUnavailable, "too many requests wait for the store"))
	}
}

// timed goes on with those who stand at an event, whose time is known now; 0: the log does
// not have it.
func (h *home) timed(seq chat.Seq, at int64, err error) {
	waiting := h.timesAsked[seq]
	delete(h.timesAsked, seq)
	if err != nil {
		hub := h.shard.hub
		hub.logTrouble(&hub.troubles.page, "reading the event of a cursor failed", "room", h.id(), "event", seq, "error", err)
		for _, r := range waiting {
			h.shard.refuse(r.from(), overloaded("the room's log can not be read now; try again"))
		}
		h.touch()
		return
	}
	h.keepTime(seq, at)
	for _, r := range waiting {
		r.at(h)
	}
	h.touch()
}

func (h *home) keepTime(seq chat.Seq, at int64) {
	if h.times == nil {
		h.times = map[chat.Seq]int64{}
	}
	if len(h.times) >= timesKeptMax {
		clear(h.times) // those who come back come together: what is wanted next is read again
	}
	h.times[seq] = at
}

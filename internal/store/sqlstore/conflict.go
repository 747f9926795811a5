package sqlstore

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sarang/chat"
	"sarang/lock"
)

// conflictBytesMax bounds the text in all conflicts of a batch together, beside two
// events for each, which every conflict may have.
const conflictBytesMax = 1 << 20

// conflictHead is a conflict without its events, which stay in the log and can be read
// again.
type conflictHead struct {
	room        chat.RoomID
	after, last chat.Seq
}

// conflictsOf reads Outcome.Lost and returns it in the order of b's appends.
func conflictsOf(b chat.Batch, lost string) ([]conflictHead, error) {
	if lost == "" {
		return nil, nil
	}
	lasts := make(map[chat.RoomID]chat.Seq)
	for part := range strings.FieldsSeq(lost) {
		room, last, _ := strings.Cut(part, ":")
		id, err := strconv.ParseUint(room, 10, 63)
		if err != nil {
			return nil, damagedError(err)
		}
		seq, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return nil, damagedError(err)
		}
		lasts[chat.RoomID(id)] = chat.Seq(seq)
	}
	var heads []conflictHead
	for _, a := range b.Appends {
		if last, found := lasts[a.Room]; found {
			heads = append(heads, conflictHead{a.Room, a.After, last})
		}
	}
	return heads, nil
}

// readConflicts returns the conflicts with their events. What it returns depends on the
// heads alone: reading again gives the same.
func (s *Store) readConflicts(ctx context.Context, heads []conflictHead) (conflicts []chat.Conflict, err error) {
	if len(heads) == 0 {
		return nil, nil
	}
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		conflicts = make([]chat.Conflict, len(heads))
		bytesLeft := conflictBytesMax
		for i, h := range heads {
			conflicts[i] = chat.Conflict{Room: h.room, Last: h.last}
			if h.after > h.last {
				continue
			}
			events, err := s.readBetween(ctx, c, h, bytesLeft)
			if err != nil {
				return err
			}
			for j := range events {
				bytesLeft -= events[j].BodyBytes()
			}
			conflicts[i].Between = events
		}
		return nil
	})
	return conflicts, err
}

func (s *Store) readBetween(ctx context.Context, c Conn, h conflictHead, bytesMax int) ([]chat.Event, error) {
	bytesMax = max(bytesMax, 0)
	args := []any{int64(h.room), int64(h.after), int64(h.last), int64(chat.ConflictEventsMax), int64(bytesMax)}
	events, _, err := readPage(ctx, c, s.sql.between, args, h.room, forwards, chat.ConflictEventsMax, bytesMax)
	if err == nil && (len(events) == 0 || events[0].Seq != h.after+1) {
		return nil, s.checkErased(ctx, c, h)
	}
	return events, err
}

// checkErased returns nil if the event behind h.after was erased: then nothing is in front
// of it.
func (s *Store) checkErased(ctx context.Context, c Conn, h conflictHead) error {
	var first, ms, kind int64
	err := c.Query(ctx, s.sql.oldest, []any{int64(h.room), int64(1)}, func(scan Scan) error { return scan(&first, &ms, &kind) })
	if err == nil && first <= int64(h.after)+1 {
		err = damagedError(fmt.Errorf("room %d: event %d is missing", h.room, h.after+1))
	}
	return err
}

// writersKeptMax bounds the writers whose newest batch is remembered here; the database
// remembers all that have stored something.
const writersKeptMax = 64

// outcomes remembers what became of the newest batch of each writer that is served here:
// also of those that have stored nothing, of which the database knows nothing.
type outcomes struct {
	mu    lock.Mutex
	clock uint64
	kept  map[uint64]*outcome // by writer
}

type outcome struct {
	number uint64
	used   uint64 // clock when the writer was last met
	heads  []conflictHead
}

func (o *outcomes) init() {
	o.kept = make(map[uint64]*outcome)
	o.mu.Init(lock.NewClass("sqlstore.outcomes"))
}

// find returns what became of a batch, if it is known to have taken effect.
func (o *outcomes) find(id chat.BatchID) (heads []conflictHead, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.kept[id.Writer]
	if k == nil || k.number != id.Number {
		return nil, false
	}
	o.clock++
	k.used = o.clock
	return k.heads, true
}

// keep remembers the outcome of a batch that has taken effect. If there are too many
// writers, the one that has been silent longest is forgotten.
func (o *outcomes) keep(id chat.BatchID, heads []conflictHead) {
	o.mu.Lock()
	defer o.mu.Unlock()
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
	*k = outcome{number: id.Number, used: o.clock, heads: heads}
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

package hub

import (
	"cmp"
	"context"
	"slices"

	"sarang/chat"
	"sarang/internal/limit"
)

// Threads and pins are no logs of their own: they are messages of the room's log, picked by what
// the store keeps of them. Who may read the log may read them; the way is that of a page of history.

// selection is what of a room's log a page is of.
type selection struct {
	what   selectionKind
	root   chat.Seq // of selectThread
	unread bool     // of selectThreads: those that the user follows and has not read
}

type selectionKind uint8

const (
	selectLog     selectionKind = iota // all of it
	selectThreads                      // the first messages of its threads
	selectThread                       // one thread
	selectPins                         // what is pinned
)

// pickedMax bounds a page of picked messages: each is looked up by itself.
const pickedMax = 64

func (s *Shard) picked(itemsWant int) int { return min(s.items(itemsWant), pickedMax) }

// Threads tells the client a page of the threads of a room, by History with Threads: those
// answered last, below before if that is not 0. unread: those that the user follows, and in which is
// something that he has not read.
func (s *Shard) Threads(o *Session, ref RequestRef, before chat.Seq, itemsWant int, unread bool) {
	if s.mayRequest(o, ref, limit.LevelReads) && s.begin(o, ref) {
		s.askHistory(o, ref, selection{what: selectThreads, unread: unread}, chat.Page{Before: before, ItemsMax: s.picked(itemsWant)})
	}
}

// Thread tells the client a page of the messages of a thread, its first one among them, by
// History.
func (s *Shard) Thread(o *Session, ref RequestRef, root, after, before chat.Seq, itemsWant int) {
	if s.mayRequest(o, ref, limit.LevelReads) && s.begin(o, ref) {
		s.askHistory(o, ref, selection{what: selectThread, root: root}, chat.Page{After: after, Before: before, ItemsMax: s.picked(itemsWant)})
	}
}

// Pins tells the client a page of the messages of a room that are pinned, by History: those
// pinned last, by events below before if that is not 0.
func (s *Shard) Pins(o *Session, ref RequestRef, before chat.Seq, itemsWant int) {
	if s.mayRequest(o, ref, limit.LevelReads) && s.begin(o, ref) {
		s.askHistory(o, ref, selection{what: selectPins}, chat.Page{Before: before, ItemsMax: s.picked(itemsWant)})
	}
}

// readSelection reads a page as a user sees it. It runs on a task.
func (h *Hub) readSelection(ctx context.Context, id chat.RoomID, of selection, page chat.Page, user chat.UserID) (HistoryPage, error) {
	switch of.what {
	case selectThreads:
		return h.readThreads(ctx, id, of, page, user)
	case selectThread:
		return h.readThread(ctx, id, of.root, page, user)
	case selectPins:
		return h.readPins(ctx, id, page, user)
	}
	return h.readHistory(ctx, id, page, user)
}

func (h *Hub) readThreads(ctx context.Context, id chat.RoomID, of selection, page chat.Page, user chat.UserID) (p HistoryPage, err error) {
	threads, err := h.config.Store.Threads(ctx, chat.ThreadQuery{
		Room: id, User: user, Before: page.Before, ItemsMax: page.ItemsMax + 1, Unread: of.unread,
	})
	if err != nil {
		return p, err
	}
	if p.More = len(threads) > page.ItemsMax; p.More {
		threads = threads[:page.ItemsMax]
	}
	roots := make([]chat.Seq, len(threads))
	for i, t := range threads {
		roots[i] = t.Root
	}
	n, err := h.pick(ctx, &p, id, roots, page.BytesMax, user)
	p.Threads, p.More = threads[:n], p.More || n < len(threads)
	// One whose first message has gone since is none any more.
	p.Threads = slices.DeleteFunc(p.Threads, func(t chat.Thread) bool {
		_, there := slices.BinarySearchFunc(p.Events, t.Root, func(e chat.Event, seq chat.Seq) int { return cmp.Compare(e.Seq, seq) })
		return !there
	})
	return p, err
}

func (h *Hub) readThread(ctx context.Context, id chat.RoomID, root chat.Seq, page chat.Page, user chat.UserID) (p HistoryPage, err error) {
	seqs, more, err := h.config.Store.Replies(ctx, id, root, page)
	if err != nil {
		return p, err
	}
	switch {
	case root == 0:
	case page.Before != 0:
		slices.Reverse(seqs) // the nearest first
		if !more && root < page.Before {
			seqs = append(seqs, root)
		}
	case page.After < root:
		seqs = slices.Insert(seqs, 0, root)
	}
	if p.More = more || len(seqs) > page.ItemsMax; len(seqs) > page.ItemsMax {
		seqs = seqs[:page.ItemsMax]
	}
	n, err := h.pick(ctx, &p, id, seqs, page.BytesMax, user)
	p.More = p.More || n < len(seqs)
	return p, err
}

func (h *Hub) readPins(ctx context.Context, id chat.RoomID, page chat.Page, user chat.UserID) (p HistoryPage, err error) {
	pins, err := h.config.Store.Pins(ctx, id, page.Before, page.ItemsMax+1)
	if err != nil {
		return p, err
	}
	if p.More = len(pins) > page.ItemsMax; p.More {
		pins = pins[:page.ItemsMax]
	}
	seqs := make([]chat.Seq, len(pins))
	for i, pin := range pins {
		seqs[i] = pin.Target
	}
	n, err := h.pick(ctx, &p, id, seqs, page.BytesMax, user)
	p.More = p.More || n < len(pins)
	return p, err
}

// pick reads messages into a page, as they are now, in the order in which they are wanted until
// their texts are too long together; one at least. It returns how many were looked at. In the page they
// stand in the order of their numbers. What is no message, or gone, is left out.
func (h *Hub) pick(ctx context.Context, p *HistoryPage, id chat.RoomID, seqs []chat.Seq, bytesMax int, user chat.UserID) (looked int, err error) {
	bytes := 0
	for _, seq := range seqs {
		e, st, err := h.readMessage(ctx, id, seq, user)
		if err != nil {
			return looked, err
		}
		if e != nil {
			if bytes += pickedBytes(e, st); bytes > bytesMax && len(p.Events) > 0 {
				break
			}
			p.Events = append(p.Events, *e)
			p.States = append(p.States, st...)
		}
		looked++
	}
	slices.SortFunc(p.Events, func(a, b chat.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(p.States, func(a, b chat.State) int { return cmp.Compare(a.Target, b.Target) })
	return looked, nil
}

// pickedBytes is about what a message takes in a page.
func pickedBytes(e *chat.Event, states []chat.State) int {
	n := eventBytes + len(e.Name) + len(e.Text) + len(e.Files)
	for i := range states {
		n += stateBytes
		for _, r := range states[i].Reactions {
			n += reactionBytes + len(r.Emoji)
		}
	}
	return n
}

// eventBytes is about what an event takes beside its texts.
const eventBytes = 64

// readMessage reads a message as it is now, and what became of it, if it was changed; nil if
// there is no such message.
func (h *Hub) readMessage(ctx context.Context, id chat.RoomID, seq chat.Seq, user chat.UserID) (*chat.Event, []chat.State, error) {
	if seq == 0 {
		return nil, nil, nil
	}
	events, _, err := h.config.Store.History(ctx, id, chat.Page{After: seq - 1, ItemsMax: 1, BytesMax: 1})
	if err != nil || len(events) == 0 || events[0].Seq != seq || events[0].Kind != chat.EventMessage {
		return nil, nil, err
	}
	p := HistoryPage{Events: events[:1]}
	if p.States, err = h.config.Store.States(ctx, id, seq, seq, user); err != nil {
		return nil, nil, err
	}
	p.asItIsNow()
	return &p.Events[0], p.States, nil
}

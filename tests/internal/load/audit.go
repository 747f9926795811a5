package load

import (
	"fmt"

	pb "sarang/proto/sarang/v1"
)

// Audit is what a comparison of the ledger with a stored log has found. All but Events
// and Messages must be 0.
type Audit struct {
	Events    uint64 `json:"events"`     // stored
	Messages  uint64 `json:"messages"`   // of them
	Lost      uint64 `json:"lost"`       // acknowledged, and not at the place that the ack named
	Doubled   uint64 `json:"doubled"`    // a nonce that is there twice
	Gaps      uint64 `json:"gaps"`       // a Seq that does not follow the one before
	Changed   uint64 `json:"changed"`    // not the text that was sent, or sent by nobody
	NotStored uint64 `json:"not_stored"` // shown to somebody, and not stored so
	TimeBack  uint64 `json:"time_back"`  // a time before that of the event before
	first     string // the first finding, in words
}

// OK reports whether every promise was kept.
func (a *Audit) OK() bool {
	return a.Lost == 0 && a.Doubled == 0 && a.Gaps == 0 && a.Changed == 0 && a.NotStored == 0 && a.TimeBack == 0
}

// First is the first finding in words, "" if there is none.
func (a *Audit) First() string { return a.first }

func (a *Audit) find(count *uint64, format string, args ...any) {
	*count++
	if a.first == "" {
		a.first = fmt.Sprintf(format, args...)
	}
}

// Add puts two audits of different rooms together.
func (a *Audit) Add(b Audit) {
	a.Events += b.Events
	a.Messages += b.Messages
	a.Lost += b.Lost
	a.Doubled += b.Doubled
	a.Gaps += b.Gaps
	a.Changed += b.Changed
	a.NotStored += b.NotStored
	a.TimeBack += b.TimeBack
	if a.first == "" {
		a.first = b.first
	}
}

// kindMessage is the kind of an event that somebody said.
const kindMessage = uint32(pb.EventKind_EVENT_KIND_MESSAGE)

// roomAudit walks through the stored log of one room.
type roomAudit struct {
	Audit
	room   *room
	byUser map[uint64]*member
	found  map[*member][]uint64 // place by counter - 1
	next   uint64
	lastMs uint64
}

func (r *room) audit() *roomAudit {
	a := &roomAudit{room: r, byUser: map[uint64]*member{}, found: map[*member][]uint64{}, next: 1}
	for _, m := range r.authors {
		m.mu.Lock()
		if m.user != 0 {
			a.byUser[m.user] = m
		}
		a.found[m] = make([]uint64, m.made)
		m.mu.Unlock()
	}
	return a
}

// event takes the next event of the log.
func (a *roomAudit) event(e *pb.Event) {
	a.Events++
	if e.Seq != a.next {
		a.find(&a.Gaps, "room %s: %d follows %d", a.room.name, e.Seq, a.next-1)
	}
	a.next = e.Seq + 1
	if e.TimeMs < a.lastMs {
		a.find(&a.TimeBack, "room %s: the time goes back at %d", a.room.name, e.Seq)
	}
	a.lastMs = e.TimeMs
	if print, _ := a.room.shown(e.Seq); print != 0 && print != fingerprint(e) {
		a.find(&a.NotStored, "room %s: what was shown at %d is not what is stored there", a.room.name, e.Seq)
	}
	if uint32(e.Kind) == kindMessage {
		a.message(e)
	}
}

func (a *roomAudit) message(e *pb.Event) {
	a.Messages++
	m := a.byUser[e.User]
	if m == nil {
		a.find(&a.Changed, "room %s: user %d, who sent nothing, said %d", a.room.name, e.User, e.Seq)
		return
	}
	counter := e.Nonce - m.nonceBase
	switch places := a.found[m]; {
	case counter < 1 || counter > uint64(len(places)):
		a.find(&a.Changed, "%s never sent nonce %d, which is stored at %d", m.name, e.Nonce, e.Seq)
	case places[counter-1] != 0:
		a.find(&a.Doubled, "%s: message %d is stored at %d and at %d", m.name, counter, places[counter-1], e.Seq)
	default:
		places[counter-1] = e.Seq
		if e.Text != m.text(int(counter)) {
			a.find(&a.Changed, "%s: the text of message %d is not the one that was sent", m.name, counter)
		}
	}
}

// end compares what was found with what was promised.
func (a *roomAudit) end() Audit {
	if _, highest := a.room.shown(0); highest >= a.next {
		a.find(&a.NotStored, "room %s: %d was shown, and the log ends at %d", a.room.name, highest, a.next-1)
	}
	for _, m := range a.room.authors {
		m.mu.Lock()
		for i, promised := range m.acked {
			if stored := a.found[m][i]; promised != 0 && stored != promised {
				a.find(&a.Lost, "%s: message %d was acknowledged at %d and is stored at %d (0: nowhere)", m.name, i+1, promised, stored)
			}
		}
		m.mu.Unlock()
	}
	return a.Audit
}

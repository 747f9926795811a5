package swarm

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"sarang/chat"
)

// state is what is known of a place in a room's log.
type state uint8

const (
	stateUnseen  state = iota
	stateOther         // no message: somebody came or went
	stateSpoiled       // a message that nobody has got unchanged yet
	stateMessage
	stateChange // with Config.Changes: an event without a text, or a text that was erased before it came
)

// record is what a worker wrote down of one place in a room's log.
type record struct {
	hash      uint64 // of the whole event; of no meaning if spoiled. With Config.Changes the lower half is of the text
	scheduled int64  // of a stateChange: the nonce
	counter   uint32
	publisher uint32
	state     state
	erased    bool // somebody has got it without its text
}

// verdict is what became of one delivery.
type verdict uint8

const (
	verdictOther     verdict = iota // no message, nothing to count
	verdictRight                    // as it should be
	verdictCorrupted                // not what its publisher sent
	verdictReordered                // a right message in the place of another one
)

// blockRecords is how many places are made at once: growing never copies.
const blockRecords = 1024

// journal is what one worker has seen of one room's log.
type journal struct {
	base   chat.Seq // the first place that is written down; 0: none yet. See begin
	blocks []*[blockRecords]record
	last   chat.Seq // the highest place seen
}

// begin is called when a member has joined and will get what comes after a place. The
// first call counts. A member whose answer overtook that of an earlier one may begin
// higher; messages are published when all have joined, so none is below any base.
func (j *journal) begin(after chat.Seq) {
	if j.base == 0 {
		j.base, j.last = after+1, after
	}
}

// placesAheadMax is how far a place may be beyond the last one that was seen. A server
// that says more than that is wrong, and must not cost us the memory to write it down.
const placesAheadMax = 1 << 22

// reaches reports whether a place is near enough to be one of the room's.
func (j *journal) reaches(seq chat.Seq) bool {
	return seq <= j.last || seq-j.last <= placesAheadMax
}

// at returns the record of a place that it reaches, to be written or read. nil: below
// the base.
func (j *journal) at(seq chat.Seq) *record {
	if seq < j.base {
		return nil
	}
	i := uint64(seq - j.base)
	for i/blockRecords >= uint64(len(j.blocks)) {
		j.blocks = append(j.blocks, new([blockRecords]record))
	}
	j.last = max(j.last, seq)
	return &j.blocks[i/blockRecords][i%blockRecords]
}

// get returns what is known of a place, without making it.
func (j *journal) get(seq chat.Seq) record {
	if seq < j.base || seq > j.last {
		return record{}
	}
	i := uint64(seq - j.base)
	return j.blocks[i/blockRecords][i%blockRecords]
}

// inspector judges deliveries. One per worker.
type inspector struct {
	payloads *payloads
	hashSeed maphash.Seed    // one for the run
	users    []atomic.Uint64 // user id by client; shared, set at login
	config   *Config
	clientOf *sync.Map // of a run with Config.Changes: the client by chat.UserID; shared
}

// hash is equal for equal events, whichever member got them.
func (in *inspector) hash(e *chat.Event) uint64 {
	h := maphash.String(in.hashSeed, e.Text)
	if in.config.People == 0 { // else it is that of the moment in which it was shown
		h ^= mix(maphash.String(in.hashSeed, e.Name))
	}
	return mix(h^uint64(e.Nonce)) + mix(uint64(e.User)<<8^uint64(e.Kind)) + mix(^uint64(e.TimeMs))
}

// genuine reports whether e is what its publisher sent.
func (in *inspector) genuine(e *chat.Event) (message, bool) {
	text, mention := e.Text, ""
	if size := in.config.SizeBytes; in.config.Changes > 0 && len(text) > size {
		text, mention = text[:size], text[size:]
	}
	m, ok := in.payloads.check(text)
	if ok && mention != "" {
		ok = mention == in.mention(m)
	}
	ok = ok && int(m.publisher) < len(in.users) && in.users[m.publisher].Load() == uint64(e.User)
	return m, ok
}

// judge compares a delivery with what is written of its place, or writes it down if it
// is the first. The record is the message's if the verdict is right.
func (in *inspector) judge(j *journal, e *chat.Event) (verdict, *record) {
	r := j.at(e.Seq)
	if r == nil {
		return verdictOther, nil // before this run began
	}
	if in.config.Changes > 0 && e.Kind.Authored() && !e.Kind.Sets() && !e.Kind.Rules() {
		return in.judgeChange(r, e)
	}
	h := in.hash(e)
	if r.state >= stateOther && r.state != stateSpoiled && r.hash == h {
		if r.state == stateMessage {
			return verdictRight, r
		}
		return verdictOther, r
	}
	if e.Kind != chat.EventMessage {
		switch r.state {
		case stateUnseen:
			*r = record{hash: h, state: stateOther}
			return verdictOther, r
		case stateOther:
			return verdictCorrupted, r
		}
		return verdictReordered, r
	}
	m, ok := in.genuine(e)
	switch {
	case !ok:
		if r.state == stateUnseen {
			r.state = stateSpoiled
		}
		return verdictCorrupted, r
	case r.state == stateUnseen || r.state == stateSpoiled:
		*r = record{hash: h, scheduled: m.scheduled, counter: m.counter, publisher: m.publisher, state: stateMessage}
		return verdictRight, r
	case r.state == stateMessage && r.publisher == m.publisher && r.counter == m.counter:
		return verdictCorrupted, r // the text is right, but name, time or nonce is not the same
	}
	return verdictReordered, r
}

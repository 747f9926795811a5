package chat

import (
	"context"
	"time"
)

// EventExpire says that all events up to Target, and what became of their messages, are erased: they
// were older than the room, or the server, keeps them. Nobody has made it: User is 0. A store erases them
// in the transaction that stores the event, as it does for a delete (ChangeStore): events, texts and digests
// of edits of these messages that stand behind Target, reactions, pins, mentions, threads that began
// there, the links of files, entries of the index of searches. They are in no page and no Conflict any
// more, and nobody is known by their nonces. Roles, settings, SentCount and marks stay. Numbers go on.
// A Target up to which all is erased already erases nothing.
const EventExpire EventKind = 20

// Expirer is a Store that finds what is too old.
type Expirer interface {
	// Expired returns of up to q.RoomsMax durable rooms with ids from q.From on what is to be erased
	// in them now, ordered by id: from the beginning of a log up to the first event that is young enough,
	// and q.EventsMax events at most of all rooms together, and nothing where that would be
	// events of kind EventExpire only. Who wants it done commits an event of that kind. next is
	// where to go on, 0 when there are no more rooms. The work is bounded by RoomsMax, EventsMax and
	// what can be done to so many messages; where q.KeepMs is 0 rooms that keep all cost nothing.
	Expired(ctx context.Context, q ExpiryQuery) (found []Expiry, next RoomID, err error)
}

// ExpiryQuery says what is too old.
type ExpiryQuery struct {
	From                RoomID
	NowMs               int64
	KeepMs              int64 // for how long all rooms keep what is said; 0: for ever. The shorter of this and Room.RetainSeconds holds
	RoomsMax, EventsMax int
}

// Expiry is what is to be erased in a room.
type Expiry struct {
	Room   RoomID
	UpTo   Seq
	Events int   // that there are up to UpTo
	AsOf   Seq   // the end of the log at a moment before Edits were looked for
	Edits  []Seq // of messages up to UpTo, that stand behind it and lose their texts, too; in no order
}

// KeptMs is for how many milliseconds a room keeps what is said that has the setting retainSeconds; 0: for ever.
func (q *ExpiryQuery) KeptMs(retainSeconds uint32) int64 {
	own := int64(retainSeconds) * 1000
	if own == 0 || q.KeepMs > 0 && q.KeepMs < own {
		return q.KeepMs
	}
	return own
}

// Times returns below which TimeMs the events of a room with the setting retainSeconds are too old, and
// below which its oldest event has to be for anything to be erased: so that a room has no event of its own for each
// message that goes, but one for many. Both are the least number there is if the room keeps all.
func (q *ExpiryQuery) Times(retainSeconds uint32) (oldMs, dueMs int64) {
	kept := q.KeptMs(retainSeconds)
	if kept == 0 {
		return minMs, minMs
	}
	oldMs = q.NowMs - kept
	return oldMs, oldMs - min(kept/expirySlack, expirySlackMax.Milliseconds())
}

const (
	minMs          = -1 << 63
	expirySlack    = 64 // the part of its time by which something may be kept for longer
	expirySlackMax = time.Hour
)

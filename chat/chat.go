// Package chat is the domain of the server: users, rooms, events, errors, and the
// contract of the store. It does no I/O and imports the standard library alone,
// but for golang.org/x/text, the accepted exception, which knows the rules for
// names (PRECIS, RFC 8265).
//
// # The one idea
//
// A room is a log: everything that it delivers is an Event with the room's next
// sequence number. A session is a cursor into that log.
package chat

import "time"

// UserID names a user for ever. 0 is nobody.
type UserID uint64

// RoomID names a room for ever. 0 is no room.
type RoomID uint64

// Seq is the place of an event in its room's log. The first event has 1; 0 is
// "before the first".
type Seq uint64

// Nonce is chosen by the author of an event, unique among his last NoncesPerUserMax
// authored events in the room. A publish with a nonce that the room remembers is a
// retry and is answered with the first one's Seq. The server chooses the nonces of
// joins and leaves.
type Nonce uint64

// Epoch names one life of a room's log. A room whose log was lost (an ephemeral
// room after a restart) has a new one, and cursors of the old one are void.
type Epoch uint64

// NoncesPerUserMax is how many nonces of a user a room remembers, and so the
// bound for messages in flight (published, not acknowledged) per user and room.
const NoncesPerUserMax = 256

// EventKind says what happened in a room.
type EventKind uint8

// The kinds of event. The numbers are part of the wire protocol and the store.
const (
	EventMessage EventKind = 1 // a user said Text
	EventJoin    EventKind = 2 // a user came in
	EventLeave   EventKind = 3 // a user went
	EventRole    EventKind = 4 // User gave Subject the role Role
	EventKick    EventKind = 5 // User had Subject leave; he may come back
	EventTopic   EventKind = 6 // User gave the room the topic Text, which may be empty
)

// Authored reports whether events of the kind are made by a user's request. They carry
// a nonce of his, and retries of them are recognized.
func (k EventKind) Authored() bool {
	return k == EventMessage || k == EventTopic || k.Rules() || k.Changes() || k.Sets()
}

// Rules reports whether events of the kind are what somebody does to another user, the
// Subject: they ask for his role, too.
func (k EventKind) Rules() bool { return k == EventRole || k == EventKick }

// Event is one entry of a room's log.
type Event struct {
	Room    RoomID
	Seq     Seq
	Kind    EventKind
	User    UserID
	Name    string // display name of User at the time
	Nonce   Nonce
	Target  Seq      // an earlier event of the room that this one is about, or answers; 0: none. Of EventExpire: the last that is erased
	Root    Seq      // messages only: the first of the thread that it belongs to, as its author says; 0: none, or Target
	TimeMs  int64    // Unix time in milliseconds; not smaller than the one before, but where a wrong clock was set right
	Text    string   // of messages and edits, empty if it was erased; of reactions the emoji; of roles and kicks the reason, if one was given; valid UTF-8
	Files   FileList // messages only: what it names; erased with Text
	Subject UserID   // roles and kicks only: whom it is about
	Role    Role     // role events only
	UntilMs int64    // role events only: the role holds at times below it (see Given); 0: for good
	Value   uint32   // settings only that have a number: archived, slow, retain
}

// Digest is 64 bits of what e says: kind, target, root, value, text, files, subject, and role with how long it
// holds, without who, where and when. Of an event that has no place yet, UntilMs is minus
// for how long. Two events of an author with one nonce are one event if their digests
// are the same. It is never 0, and the same in every version: stores keep it. (FNV-1a;
// who looks for two texts with one digest deceives himself alone.)
func (e *Event) Digest() uint64 {
	const offset, prime = 0xcbf29ce484222325, 0x100000001b3
	h := uint64(offset)
	for _, n := range [...]uint64{uint64(e.Kind), uint64(e.Target), uint64(e.Subject), uint64(e.Role)} {
		h = (h ^ n) * prime
	}
	for i := range len(e.Text) {
		h = (h ^ uint64(e.Text[i])) * prime
	}
	for i := range len(e.Files) {
		h = (h ^ uint64(e.Files[i])) * prime
	}
	if d := e.forMs(); d != 0 {
		h = (h ^ ^uint64(d)) * prime // no byte of a text is so large
	}
	if e.Root != 0 {
		h = (h ^ ^uint64(e.Root)) * prime
	}
	if e.Value != 0 {
		h = (h ^ ^uint64(e.Value)) * prime
	}
	return max(h, 1)
}

// forMs is how long the role of e holds; 0: for good.
func (e *Event) forMs() int64 {
	if e.UntilMs > 0 {
		return e.UntilMs - e.TimeMs
	}
	return -e.UntilMs
}

// Room is what is known of a room without its log.
type Room struct {
	ID        RoomID
	Name      string // as created, without a leading '#'
	Key       string // the form that names are compared by
	Epoch     Epoch
	Ephemeral bool   // window in memory only: nothing is stored, a restart forgets
	Creator   UserID // who made it, and is its owner if no role was given to him; 0: nobody knows, or nobody in particular
	Private   bool   // who was given no role in it may do nothing, and does not see it; never with Ephemeral
	Ruled     bool   // somebody has been given a role in it: roles are to be looked up
	CreatedMs int64
	LastSeq   Seq    // of the stored log; 0 for ephemeral rooms
	LastMs    int64  // TimeMs of the event LastSeq; 0 if there is none
	Topic     string // of the newest event of kind EventTopic

	// Of the newest events that say so; see Set.
	Description string
	Archived    bool // it is read, and nothing new is taken
	SlowSeconds uint32

	RetainSeconds uint32 // for how long what is said is kept; 0: for as long as the server does; see Expirer
}

// User is a person or program with a name.
type User struct {
	ID        UserID
	Name      string // display form
	Key       string // the form that names are compared by
	SentCount uint64 // messages published and stored
	CreatedMs int64
	SeenMs    int64 // last login, or later: when he is known to have been online
	Account   bool  // he has a password, and his name is never given to others
}

// TokenHash is the SHA-256 of a resume token. The token itself is never stored.
type TokenHash [32]byte

// Given is the role that the log has given to the author.
func (a *Author) Given() Given { return Given{a.Role, a.UntilMs} }

// Millis returns t as Unix milliseconds.
func Millis(t time.Time) int64 { return t.UnixMilli() }

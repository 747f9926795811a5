package chat

import (
	"context"
	"time"
)

// Store keeps users, rooms and the logs of durable rooms. All methods may be called
// from any goroutine, and by several servers that share the data, and return *Error.
// None is ever called on a worker.
//
// A call whose ctx ends before its work has begun, while it waits for its turn or
// for a connection, or between two steps, returns CodeUnavailable with ctx's error
// inside. A write that is being made final is not interrupted: its outcome is told.
type Store interface {
	LogStore
	RoomStore
	UserStore
	MemberStore
	MentionStore
	ThreadStore
	FollowStore
	AccountStore
	ProfileStore

	// Close waits for running calls and releases everything. Later calls are
	// CodeClosed.
	Close() error
}

// LogStore keeps the logs of durable rooms.
type LogStore interface {
	// Commit is compare and append, for several rooms in one transaction. Each Append
	// names the number that it was decided at; where the room's log still ends there,
	// the events are appended behind it, the authors' SentCount grows, and role events
	// give their roles. Where others have written since, nothing of that room is stored,
	// and a Conflict with what came in between is returned for it. A room that has a
	// conflict does not keep the others from being stored. An Append without events is
	// compared all the same.
	//
	// When the error is nil, what has no conflict is stored as safely as the store was
	// configured (power-safe or process-safe). On an error nothing of the batch is:
	// CodeSequence if an append has a hole in its numbers or does not begin at
	// After + 1, and if a room is there twice; CodeNoRoom for a room that is not there;
	// CodeBadRequest for an ephemeral one, an event that names another room, an author
	// or subject that is not there (an event that is ByServer needs none), a target that is not earlier, or a batch whose
	// Writer is 0. All that is checked for rooms with a conflict, too; which of several
	// faults is told is the store's choice. CodeUnavailable means that the store could
	// not do it now (ctx ended, disk full).
	// CodeUncertain means that the outcome is not known yet. It is found out by calling
	// Commit with the same batch again: the store recognizes it by its ID and, if it
	// has taken effect, returns what that call would have returned and stores nothing.
	// (The end of a log is no proof: others write, too.) For the newest batch of each
	// writer that holds at any time, as long as the store is open; so a writer finds out
	// before it goes on to its next batch. CodeUnavailable for such a batch leaves its
	// outcome open. Otherwise a batch that was refused with another code has not taken
	// effect and is judged anew.
	//
	// b and the strings in it are only read, and not kept after the return. Conflicts
	// are in the order of the appends.
	Commit(ctx context.Context, b Batch) ([]Conflict, error)

	// History returns a page of a room's stored events in order, and whether there are
	// more in the direction asked for. A room that is not there has no events. The work
	// is bounded by the page. Should an event be missing in the log, the page ends there
	// with more, and the next one begins with what is behind the gap.
	History(ctx context.Context, room RoomID, p Page) (events []Event, more bool, err error)

	// Author returns what a room's log says of a user: his role, and nonce, Seq and
	// Digest of his last authored events, the newest first, at most noncesMax, and when the newest
	// message among them was said. Texts are not read for it.
	Author(ctx context.Context, room RoomID, user UserID, noncesMax int) (Author, error)

	ChangeStore
}

// RoomStore keeps what is known of rooms beside their logs.
type RoomStore interface {
	// CreateRoom makes a room from r's Name, Key, Epoch, Ephemeral, Private, Creator and CreatedMs
	// and returns it with its ID; CodeRoomExists if the key is in use, CodeNameKept if it is kept for
	// another room at CreatedMs (see Moderation), CodeTooMany if there are as many rooms as q allows.
	CreateRoom(ctx context.Context, r Room, q RoomQuota) (Room, error)

	// Room returns a room as it is now; CodeNoRoom if there is none.
	Room(ctx context.Context, id RoomID) (Room, error)

	// RoomByKey is Room for the comparison form of a name.
	RoomByKey(ctx context.Context, key string) (Room, error)

	// Rooms returns up to itemsMax rooms (at least 1) that are not private, with ids above
	// after, ordered by id. The work is bounded by the page, however many are private.
	Rooms(ctx context.Context, after RoomID, itemsMax int) ([]Room, error)

	// PrivateRooms is Rooms for the private rooms that a user may see: in which he was given
	// a role, other than banned, or which he made, if he was given none. The work is bounded
	// by the page and by the rooms in which he was given a role. A ban that has run out counts
	// as one: he is nothing there (see Room.RoleAt).
	PrivateRooms(ctx context.Context, user UserID, after RoomID, itemsMax int) ([]Room, error)
}

// UserStore keeps users.
type UserStore interface {
	// ClaimUser logs somebody in. If the token hash is not zero and is that of a device of
	// the user whose key it is (Claim.Shows), that user is returned, and the device becomes
	// what Claim.Enter says. If the key is free it makes a new user, and a device of his with
	// the given token hash (Claim.NewDevice). Otherwise CodeNameTaken, or
	// CodeBadToken when a token was presented that is not the user's.
	// A key is free when no user has it, or when its user has no password, was not seen since
	// c.ReservedSinceMs and is not online (Claim.Free): then the old user loses the key (he
	// keeps id and name). A key that a user had before a Rename is his as long as nobody else
	// gets it: it is free when he has had another one since before c.ReservedSinceMs.
	// A claim with an Invitation uses it once if it makes a user, and makes none if it does not
	// hold: CodeNoRegistration. One that is NoGuests makes no user without a password, and lets
	// no guest in: CodeBadToken, as for a token that is nobody's.
	// A claim with External makes a user whom External returns from then on.
	// A claim with a Proven user needs no token: if he has the key, the device with the
	// token c.Fresh is his, made if there is none; CodeBadPassword if he has not. Of a user's devices
	// not more than c.DevicesMax stay: the one that was seen longest ago goes.
	// A new user is not made while another one whose name is not free either has the same
	// c.Look, which is CodeNameTaken, too. A store keeps the Look that a user was made with,
	// or, if he has none, that of a login that moves his SeenMs.
	// A login moves the user's SeenMs forward to c.NowMs when that is due (Claim.Sees). It
	// does not wait long for that, and does not fail when it can not be stored: who is
	// known gets in while nothing can be written. A claim that is KnownOnly makes nobody:
	// CodeUnavailable instead.
	// A claim whose Fresh hash is already one of the holder's is the same claim again,
	// after an answer that was lost: it returns the user that the first one made.
	// Claims and new rooms are gathered into transactions by the store: many may be in
	// flight.
	ClaimUser(ctx context.Context, c Claim) (Claimed, error)

	// Seen moves the SeenMs of users forward to nowMs, never back: they are online. Those
	// that are not there are left out. On an error it may have been done or not. The users
	// are at most some hundreds and not kept.
	Seen(ctx context.Context, users []UserID, nowMs int64) error

	// User returns a user by id; CodeBadRequest if there is none.
	User(ctx context.Context, id UserID) (User, error)

	// UserByKey returns the user who has a name now, by its comparison form; CodeNoUser if
	// nobody has it.
	UserByKey(ctx context.Context, key string) (User, error)
}

// RoomQuota bounds how many rooms there may be; 0 is no bound. What it costs to ask does
// not grow with the rooms.
type RoomQuota struct {
	CreatorMax int // of the creator, if there is one
	AllMax     int
}

// BatchID names a batch for ever. A writer numbers its batches upwards.
type BatchID struct {
	Writer uint64 // one life of a server: random, not 0
	Number uint64
}

// Batch is what one server wants stored in one transaction.
type Batch struct {
	ID      BatchID
	Appends []Append // each of another room
}

// Append is what a room is to have added to its log: Events with consecutive sequence
// numbers, the first being After + 1.
type Append struct {
	Room   RoomID
	After  Seq // the end of the log that the events were decided at
	Events []Event
}

// Conflict says that others have written to a room since After.
type Conflict struct {
	Room RoomID
	Last Seq // the end of the log now

	// Between are the events from After + 1 on, in order: all up to Last, or the first
	// of them, at least one and at most ConflictEventsMax; a store may bound their bytes.
	// Nil if After is beyond the end of the log: then it is not the log that the writer
	// knows.
	Between []Event
}

// ConflictEventsMax bounds the events that a Conflict returns for one room. Who has
// applied them and tries again is told the next ones.
const ConflictEventsMax = 256

// Page says which events History is to return: those above After, or, if Before is not
// 0, the last ones below it, whatever After is. At most ItemsMax of them, and at most
// BytesMax bytes of text, but always one if there is one.
type Page struct {
	After, Before Seq
	ItemsMax      int
	BytesMax      int
}

// Author is what a room's log says of a user.
type Author struct {
	Role    Role  // RoleNone if none was given
	UntilMs int64 // of Role; see Given
	Nonces  []NonceSeq
	SaidMs  int64 // TimeMs of his newest message, if it is among Nonces; 0: none is
}

// NonceSeq is a nonce and the event that it became.
type NonceSeq struct {
	Nonce  Nonce
	Seq    Seq
	Digest uint64 // Event.Digest; 0: not known, of events stored before there were digests
}

// Claim asks for a name.
type Claim struct {
	Name            string    // display form
	Key             string    // comparison form
	Look            string    // Skeleton of Key: what the name looks like; empty: it is not compared
	Resume          TokenHash // the token that the client showed; zero if none
	Fresh           TokenHash // becomes the token of a device that is made
	Next            TokenHash // may take the place of a token that is older than RenewMs; zero: none does
	NowMs           int64
	ReservedSinceMs int64
	KnownOnly       bool      // nobody is made
	Proven          UserID    // who has shown a password; 0: nobody
	Password        string    // of a user that is made: the hash, in PHC form; empty: he is a guest
	Invitation      TokenHash // of a user that is made; zero: none is needed
	External        string    // of a user that is made: what another program calls him; empty: no other program knows him
	NoGuests        bool
	DeviceName      string
	Address         string
	DevicesMax      int   // of a user; 0: no limit
	ExpiredMs       int64 // devices of accounts that were not seen since then let nobody in
	RenewMs         int64 // tokens from before are replaced by Next

	// Online reports whether a user is online at the server that makes the claim: his name is
	// not given away, whenever he was seen. It may be asked from any goroutine, and may be
	// nil. It is the server's, and not stored.
	Online func(UserID) bool
}

// Free reports whether the name of the user who has it may be given to who makes the claim.
func (c *Claim) Free(holder *User) bool {
	return !holder.Account && holder.SeenMs < c.ReservedSinceMs && (c.Online == nil || !c.Online(holder.ID))
}

// Sees reports whether a login of a user who was seen last at seenMs is to be remembered:
// a thirtieth of the time for which names are kept has passed since. So the name of who
// comes every day is kept, and most logins write nothing.
func (c *Claim) Sees(seenMs int64) bool {
	return c.NowMs > seenMs && c.NowMs-seenMs >= (c.NowMs-c.ReservedSinceMs)/30
}

// Bars is why a claim can make no user, nil if it may make one.
func (c *Claim) Bars() error {
	switch {
	case c.NoGuests && c.Password == "":
		return c.NotHis()
	case c.KnownOnly:
		return &Error{Code: CodeUnavailable, RetryAfter: time.Second, Message: "nobody new can be let in now; try again later"}
	}
	return nil
}

// NotHis is the answer to a token that is not that of the name's owner.
func (c *Claim) NotHis() *Error {
	return Errorf(CodeBadToken, "the token is not the one of the user %q", c.Name)
}

package chat

import "context"

// Store keeps users, rooms and the logs of durable rooms. All methods may be
// called from any goroutine and return *Error. None is ever called on a worker.
//
// A call whose ctx ends before its work has begun, while it waits for its turn or
// for a connection, or between two steps, returns CodeUnavailable with ctx's error
// inside. A write that is being made final is not interrupted: its outcome is told.
type Store interface {
	// Commit appends to one or more rooms and adds to the authors' SentCount, in
	// one transaction: when it returns nil, all of it is stored as safely as the
	// store was configured (power-safe or process-safe); on an error, nothing of
	// it is. An Append whose first Seq is not the room's last + 1, or whose
	// sequence has a hole, is refused as CodeSequence; a room may appear more than
	// once if it goes on. A room that is not there is CodeNoRoom; an ephemeral one,
	// an event that names another room or an author that is not there is
	// CodeBadRequest. CodeUnavailable means that
	// the store could not do it now (ctx ended, disk full), and that nothing is
	// stored. CodeUncertain means that the outcome could not be found out: ask
	// LastSeq, which finds out or fails, before going on.
	// appends and the strings in it are only read, and not kept after the return.
	// Calls are serialized by the store.
	Commit(ctx context.Context, appends []Append) error

	// LastSeq returns the last stored Seq of a room, 0 if none (or no such room).
	LastSeq(ctx context.Context, room RoomID) (Seq, error)

	// History returns stored events of a room with after < Seq, in order, at most
	// itemsMax of them and at most bytesMax bytes of text, but always one if there
	// is one. A room that is not there has no events.
	History(ctx context.Context, room RoomID, after Seq, itemsMax, bytesMax int) ([]Event, error)

	// Nonces returns nonce and Seq of the last messages of a user in a room, the
	// newest first, at most itemsMax. Other kinds of event do not count.
	Nonces(ctx context.Context, room RoomID, user UserID, itemsMax int) ([]NonceSeq, error)

	// ClaimUser logs a guest in. If the token hash is not zero and belongs to the
	// user whose key it is, that user is returned. If the key is free it makes a
	// new user with the given token hash as his own. Otherwise CodeNameTaken, or
	// CodeBadToken when a token was presented that is not the user's.
	// A key is free when no user has it, or when its user was not seen since
	// c.ReservedSinceMs: then the old user loses the key (he keeps id and name).
	// A login moves the user's SeenMs forward to c.NowMs, never back.
	// A claim whose Fresh hash is already the holder's is the same claim again,
	// after an answer that was lost: it returns the user that the first one made.
	// Claims are gathered into transactions by the store: many may be in flight.
	ClaimUser(ctx context.Context, c Claim) (User, error)

	// CreateRoom makes a room from r's Name, Key, Epoch, Ephemeral and CreatedMs and
	// returns it with its ID; CodeRoomExists if the key is in use.
	CreateRoom(ctx context.Context, r Room) (Room, error)

	// Rooms returns all rooms ordered by ID.
	Rooms(ctx context.Context) ([]Room, error)

	// User returns a user by id; CodeBadRequest if there is none.
	User(ctx context.Context, id UserID) (User, error)

	// Close waits for running calls and releases everything. Later calls are
	// CodeClosed.
	Close() error
}

// NonceSeq is a nonce and the event that it became.
type NonceSeq struct {
	Nonce Nonce
	Seq   Seq
}

// Claim asks for a name.
type Claim struct {
	Name            string    // display form
	Key             string    // comparison form
	Resume          TokenHash // the token that the client showed; zero if none
	Fresh           TokenHash // becomes the token of a user that is made
	NowMs           int64
	ReservedSinceMs int64
}

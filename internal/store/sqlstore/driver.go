package sqlstore

import (
	"context"

	"sarang/chat"
)

// Driver is a way to a database.
type Driver interface {
	// Name is what it is called in sentences for people, without any password.
	Name() string

	// Dialect is what its SQL has of its own.
	Dialect() Dialect

	// Connect makes a connection. ctx bounds that, not the connection's life.
	Connect(ctx context.Context) (Conn, error)

	// Fault says what an error of a Conn, or of Connect, means.
	Fault(err error) Fault
}

// Conn is one connection. One goroutine uses it at a time. A call whose ctx ends returns
// soon, and the connection is broken then.
type Conn interface {
	// Exec runs a statement and returns how many rows it has changed.
	Exec(ctx context.Context, query string, args ...any) (rows int64, err error)

	// Query runs a statement and calls each for every row until it returns an error. scan
	// takes pointers to int64, string and *string (nil is NULL).
	Query(ctx context.Context, query string, args []any, each func(scan Scan) error) error

	// Begin, Commit and Rollback are of one transaction, which sees what others have
	// committed before each statement (READ COMMITTED), or keeps others out.
	Begin(ctx context.Context) error
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error

	// Close ends the connection. It waits for nothing.
	Close()
}

// Scan reads the columns of a row.
type Scan func(dest ...any) error

// Appender is a Conn that compares and appends a batch in one round trip and one
// transaction of its own. The others are served statement by statement.
type Appender interface {
	Conn
	Append(ctx context.Context, b *Batch) (Outcome, error)
}

// Kind is what an error means for who has to go on.
type Kind uint8

// The kinds.
const (
	Refused  Kind = iota // the database has answered with an error: the transaction had no effect
	Again                // the same, and at once it may go better: a deadlock, say
	Lost                 // the connection is gone; what was being committed may have taken effect
	Unsent               // the same, and nothing had been sent
	Exists               // refused: a key is in use
	Unusable             // refused, and it will be: no such database, a wrong password
)

// Fault is a Kind with a clause for people: "the disk is full". It may be empty.
type Fault struct {
	Kind Kind
	Says string
}

// Batch is a chat.Batch that has passed the checks which need no database, in the form in
// which it is stored. Rooms are in the order of their ids, which is the order in which
// they are locked.
type Batch struct {
	ID    chat.BatchID
	Heads []Head

	Rows    []Row
	Authors []AuthorDelta
	Members []Member      // the newest role of each
	Changes []*chat.Event // those of the rows that change messages
	Expires []*chat.Event // that erase the beginning of a log; an Appender is not given a batch with any
	Linked  []*chat.Event // that mention somebody, or answer; an Appender is not given a batch with any
	Sets    []*chat.Event // that change what the room is; an Appender is not given a batch with any
	Named   []*chat.Event // that name files; nor one with any of these
	About   bool          // a row has a target, subject or role
}

// Head is the part of a room in a batch.
type Head struct {
	Room   chat.RoomID
	After  chat.Seq
	Events int
	LastMs int64 // TimeMs of the last event
	Ruled  bool  // it has role events
	Said
}

// Row is an event with the Seq of its author's event before it in the room: UnknownSeq if
// that is not in the batch, 0 for what is not authored.
type Row struct {
	*chat.Event
	Prev chat.Seq
	Said
	Head int // its room's place in Batch.Heads
}

// Said is how many messages a batch adds to a room's log, up to a Row or in all, and the
// newest of them: 0 if there is none.
type Said struct {
	Count  uint64
	Newest chat.Seq
}

// UnknownSeq stands for "look it up".
const UnknownSeq = ^chat.Seq(0)

// AuthorDelta is what a batch adds to what a user has said in a room.
type AuthorDelta struct {
	Room chat.RoomID
	User chat.UserID
	Last chat.Seq // his newest event
	Sent int      // messages
}

// Member is a user's role in a room.
type Member struct {
	Room    chat.RoomID
	User    chat.UserID
	Role    chat.Role
	UntilMs int64
	Seq     chat.Seq
}

// State is what became of a batch.
type State uint8

// The states. Nothing is stored in the last three.
const (
	Done      State = iota // appended, but for the rooms in Outcome.Lost
	Known                  // it had been before: Outcome is that of the first time
	NoRoom                 // Outcome.Room is not there
	Ephemeral              // Outcome.Room has no log
	Overtaken              // a later batch of the same writer has been stored
)

// Outcome is what became of a batch, as one row can tell it.
type Outcome struct {
	State State
	Room  chat.RoomID
	Lost  string // "room:last room:last", in the order of ids: rooms whose log ends elsewhere
}

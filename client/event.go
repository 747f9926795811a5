package client

import (
	"time"

	"sarang/chat"
	"sarang/client/session"
)

// Event is what a Client has to report: a RoomEvent, Gap, Left, Marked, Muted, Followed, Belongs, ProfileChanged, Renamed, Blocked, Typing, Online,
// Offline, Failure or Fault. More kinds may be added: a type switch over them should have a default that
// ignores what it does not know.
type Event interface{ clientEvent() }

// RoomEvent is an entry of a joined room's log. Its strings are the reader's.
type RoomEvent struct{ chat.Event }

// Gap is a part of a room's log that will not be delivered: From to To of Epoch. If
// EpochChanged, it is another log (it began anew, or the server's store was put back to an
// older state) and all sequence numbers of before are void, also if Epoch is the same; To
// is then the place after which delivery goes on, and From is 1.
type Gap struct {
	Room         chat.RoomID
	Epoch        chat.Epoch
	From, To     chat.Seq
	EpochChanged bool
}

// Left is a room from which the server has removed the user. No event of it follows. Err
// says why: CodeBanned or CodeKicked, by event Seq of its log, or CodeLeft: he has left it for
// good in another session. UntilMs is when a ban for a time ends, 0 if it does not.
type Left struct {
	Room    chat.RoomID
	Err     *chat.Error // nil: it did not say
	Seq     chat.Seq
	UntilMs int64
}

// Followed: what the user has to do with a thread, as another session of his says.
type Followed struct {
	Room     chat.RoomID
	Root     chat.Seq // the first message of the thread
	Followed bool
	Mark     chat.Seq // he has read the thread up to it; it never goes back
}

// Marked: the user has read a room up to Seq, as another session of his says.
type Marked struct {
	Room chat.RoomID
	Seq  chat.Seq
}

// Muted: the user wants, or does not want, to be told of what happens in a room, as another
// session of his says.
type Muted struct {
	Room  chat.RoomID
	Muted bool
}

// Belongs: the user belongs to a room from now on without having asked for it: somebody has said
// something in a direct room of his. MyRooms has it; Join reads it.
type Belongs struct{ Room chat.RoomID }

// Typing: somebody types in a joined room. It holds for some seconds, or until something of his
// comes.
type Typing struct {
	Room chat.RoomID
	User chat.UserID
	Name string
}

// Online: the client is logged in, at first or again. If Resumed, what was missed
// follows.
type Online struct{ LoggedIn }

// Offline: the connection was lost. Unless Final, the client connects again by itself
// in about RetryIn. After a Final one the channel of events is closed.
type Offline struct {
	Err     error
	RetryIn time.Duration
	Final   bool
}

// Failure is an error of the server that is the answer to no method of Client.
type Failure struct {
	Room     chat.RoomID // 0: of no room
	Err      *chat.Error
	Rejoin   bool // the client could not join Room again after a reconnect; the room is lost (*RoomChangedError: its id is another's)
	Retrying bool // unless this is true: then it tries again by itself after Err.RetryAfter
}

// Fault is a server that has broken the protocol: Err is a *SequenceError,
// *UnexpectedError, *packet.DecodeError or *packet.TextError. The client goes on.
type Fault struct{ Err error }

func (RoomEvent) clientEvent() {}
func (Gap) clientEvent()       {}
func (Left) clientEvent()      {}
func (Marked) clientEvent()    {}
func (Followed) clientEvent()  {}
func (Muted) clientEvent()     {}
func (Belongs) clientEvent()   {}
func (Typing) clientEvent()    {}
func (Online) clientEvent()    {}
func (Offline) clientEvent()   {}
func (Failure) clientEvent()   {}
func (Fault) clientEvent()     {}

// What a server has broken, in a Fault or as the error of Dial.
type (
	// SequenceError is a server that has broken the order of a room.
	SequenceError = session.SequenceError

	// RoomChangedError is a server that has another room under the id of a joined
	// one; it is the inner error of the *chat.Error that a Publish or a Failure has.
	RoomChangedError = session.RoomChangedError

	// UnexpectedError is a packet that answers nothing, or that belongs to a room
	// that is not joined.
	UnexpectedError = session.UnexpectedError

	// VersionError is a server that chose a protocol version that this package does
	// not speak.
	VersionError = session.VersionError
)

package session

import (
	"errors"
	"fmt"
	"time"

	"sarang/chat"
	"sarang/packet"
)

// Errors of the package; their text is that of package client, which hands them on.
// What a server refuses is a *chat.Error with its code.
var (
	// ErrOffline is the answer of a Session that is not logged in: not yet, or
	// not any more.
	ErrOffline = errors.New("client: the session is not logged in")

	// ErrNotJoined is a publish to, or a leave of, a room that was not joined.
	ErrNotJoined = errors.New("client: the room is not joined")
)

// LimitError is a request that would pass a bound of this package. Nothing was sent.
type LimitError struct {
	What string // what there would be too many of
	Max  int
}

// Error names the bound.
func (e *LimitError) Error() string {
	return fmt.Sprintf("client: too many %s: at most %d are allowed", e.What, e.Max)
}

// SequenceError is a server that has broken the order of a room: the event Want was
// due and Got came. Got > Want: events were lost; Got < Want: one came twice or late,
// and is not delivered.
type SequenceError struct {
	Room      chat.RoomID
	Want, Got chat.Seq
}

// Error says what was due and what came.
func (e *SequenceError) Error() string {
	return fmt.Sprintf("client: room %d: event %d was due, %d came", e.Room, e.Want, e.Got)
}

// RoomChangedError is a server that has another room under the id of a joined one:
// another or an older store has taken the place of the one that gave the ids. Nothing
// is sent there. It is the inner error of a *chat.Error (CodeNoRoom).
type RoomChangedError struct{ Known, Got RoomInfo }

// Error names both rooms.
func (e *RoomChangedError) Error() string {
	return fmt.Sprintf("client: room %d was %q in epoch %d, the server now has %q in epoch %d there",
		e.Known.ID, e.Known.Name, e.Known.Epoch, e.Got.Name, e.Got.Epoch)
}

// UnexpectedError is a packet that answers nothing, or that belongs to a room that
// is not joined. The packet is ignored.
type UnexpectedError struct {
	Packet  packet.ID
	Request uint32
	Room    chat.RoomID
	Nonce   chat.Nonce
	What    string // what is wrong with it
}

// Error says which packet, and what is wrong with it.
func (e *UnexpectedError) Error() string {
	return fmt.Sprintf("client: packet %d from the server (request %d, room %d, nonce %#x): %s",
		e.Packet, e.Request, e.Room, uint64(e.Nonce), e.What)
}

// VersionError is a server that accepts a login with a protocol version that this
// package does not speak. The session is closed.
type VersionError struct{ Version uint32 }

// Error names the version.
func (e *VersionError) Error() string {
	return fmt.Sprintf("client: the server chose protocol version %d, which this client does not speak", e.Version)
}

// temporary reports whether a retry may succeed.
func temporary(e *chat.Error) bool {
	switch e.Code {
	case chat.CodeTooFast, chat.CodeUnavailable, chat.CodeUncertain, chat.CodeDraining:
		return true
	}
	return e.RetryAfter > 0
}

// retryAfterDefault is how long to wait before a retry if the server did not say.
const retryAfterDefault = time.Second

func retryAfter(e *chat.Error) time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return retryAfterDefault
}

package client

import (
	"errors"
	"fmt"
	"time"

	"sarang/chat"
	"sarang/engine"
	"sarang/packet"
)

// Errors of the package. What a server refuses is a *chat.Error with its code.
var (
	// ErrClosed is the answer of a Client after Close.
	ErrClosed = errors.New("client: closed")

	// ErrOffline is the answer of a Session that is not logged in: not yet, or
	// not any more.
	ErrOffline = errors.New("client: the session is not logged in")

	// ErrNotJoined is a publish to, or a leave of, a room that was not joined.
	ErrNotJoined = errors.New("client: the room is not joined")

	// ErrInterrupted is a request whose answer was lost with the connection and
	// that can not be repeated without knowing whether it was done.
	ErrInterrupted = errors.New("client: the connection was lost before the answer came")

	// ErrDeadline is a server that took too long to accept the connection or the
	// login.
	ErrDeadline = errors.New("client: the server did not answer in time")
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

// ConnectError is a server that could not be reached.
type ConnectError struct {
	Addr string // as configured
	Err  error
}

// Error names the address and the cause.
func (e *ConnectError) Error() string { return fmt.Sprintf("client: connect to %s: %v", e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

// DisconnectedError is a connection that ended.
type DisconnectedError struct{ Reason engine.Reason }

// Error says why.
func (e *DisconnectedError) Error() string {
	return "client: disconnected: " + e.Reason.String()
}

// Unwrap returns the cause; it may be nil.
func (e *DisconnectedError) Unwrap() error { return e.Reason.Err }

// AddrError is an address that is not of the form host:port.
type AddrError struct {
	Addr string
	Err  error
}

// Error names the address and what is wrong with it.
func (e *AddrError) Error() string { return fmt.Sprintf("client: address %q: %v", e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *AddrError) Unwrap() error { return e.Err }

// PublishError is a publish whose caller stopped waiting (ctx ended, Client closed).
// If Sent, the message may have been stored; publishing it again with the same Nonce
// (Client.PublishNonce) is safe, and tells.
type PublishError struct {
	Room  chat.RoomID
	Nonce chat.Nonce // 0: it had none yet
	Sent  bool       // it was sent at least once
	Err   error
}

// Error says whether the message may have been stored.
func (e *PublishError) Error() string {
	outcome := "it was not sent"
	if e.Sent {
		outcome = "it may have been stored"
	}
	return fmt.Sprintf("client: publish to room %d: %s: %v", e.Room, outcome, e.Err)
}

// Unwrap returns the cause.
func (e *PublishError) Unwrap() error { return e.Err }

// temporary says whether trying again later may help.
func temporary(e *chat.Error) bool {
	switch e.Code {
	case chat.CodeTooFast, chat.CodeUnavailable, chat.CodeUncertain, chat.CodeDraining:
		return true
	}
	return e.RetryAfter > 0
}

// retryAfterDefault is how long to wait before trying again if the server did not say.
const retryAfterDefault = time.Second

func retryAfter(e *chat.Error) time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return retryAfterDefault
}

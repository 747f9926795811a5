package client

import (
	"errors"
	"fmt"

	"sarang/chat"
	"sarang/client/session"
	"sarang/engine"
)

// Errors of the package. What a server refuses is a *chat.Error with its code.
var (
	// ErrClosed is the answer of a Client after Close.
	ErrClosed = errors.New("client: closed")

	// ErrNotJoined is a publish to, or a leave of, a room that was not joined.
	ErrNotJoined = session.ErrNotJoined

	// ErrInterrupted is a request whose answer was lost with the connection and
	// that can not be repeated without knowing whether it was done.
	ErrInterrupted = errors.New("client: the connection was lost before the answer came")

	// ErrDeadline is a server that took too long to accept the connection or the
	// login.
	ErrDeadline = errors.New("client: the server did not answer in time")
)

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
// (Client.PublishNonce) is safe, and settles it.
type PublishError struct {
	Room  chat.RoomID
	Nonce chat.Nonce // 0: it had none yet
	Sent  bool       // it was sent at least once
	Err   error
}

// Error reports whether the message may have been stored.
func (e *PublishError) Error() string {
	outcome := "it was not sent"
	if e.Sent {
		outcome = "it may have been stored"
	}
	return fmt.Sprintf("client: publish to room %d: %s: %v", e.Room, outcome, e.Err)
}

// Unwrap returns the cause.
func (e *PublishError) Unwrap() error { return e.Err }

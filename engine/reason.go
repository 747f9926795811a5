package engine

import (
	"errors"
	"fmt"
)

// ReasonCode says why a session ended.
type ReasonCode uint8

// The reasons.
const (
	ReasonNone          ReasonCode = iota
	ReasonPeerClosed               // the peer ended the stream
	ReasonBroken                   // the connection failed (reset, timed out); Err says how
	ReasonLocal                    // the program asked for it
	ReasonFrame                    // the peer sent what is no frame
	ReasonLoginDeadline            // Admit was not called in time
	ReasonIdle                     // nothing was received for too long
	ReasonDirectQueue              // the peer does not read: its direct queue is full
	ReasonDraining                 // the service is going down
	ReasonConnect                  // Connect failed; Err says how
	ReasonCodec                    // the byte codec failed; Err says how
	ReasonRefused                  // the program or SessionsMax does not let it in; Err says why
	reasonCount
)

var reasonNames = [reasonCount]string{
	"none", "peer_closed", "broken", "local", "frame", "login_deadline", "idle",
	"direct_queue", "draining", "connect", "codec", "refused",
}

// String returns the reason in the form that metrics use.
func (c ReasonCode) String() string {
	if int(c) < len(reasonNames) {
		return reasonNames[c]
	}
	return "unknown"
}

// ReasonCodes returns all codes that a session can end with.
func ReasonCodes() []ReasonCode {
	codes := make([]ReasonCode, 0, reasonCount-1)
	for c := ReasonPeerClosed; c < reasonCount; c++ {
		codes = append(codes, c)
	}
	return codes
}

// Reason is why a session ended. Err may be nil.
type Reason struct {
	Code ReasonCode
	Err  error
}

// String returns the code and the error behind it.
func (r Reason) String() string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %v", r.Code, r.Err)
	}
	return r.Code.String()
}

// Errors of the package.
var (
	ErrClosed      = errors.New("engine: session or service is closed")
	ErrDirectQueue = errors.New("engine: the session's direct queue is full")
	ErrSessionsMax = errors.New("engine: the limit of sessions is reached")
	ErrStarted     = errors.New("engine: the service was started already")
)

package websocket

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Code is why a connection is closed; RFC 6455, section 7.4.1, and IANA's registry.
type Code uint16

// The codes that are sent.
const (
	CodeNormal      Code = 1000
	CodeGoingAway   Code = 1001
	CodeProtocol    Code = 1002 // what came is no WebSocket
	CodeUnsupported Code = 1003 // a message of a kind that is not taken here
	CodeNoStatus    Code = 1005 // none was given; never sent
	CodeBadText     Code = 1007 // a text that is not UTF-8
	CodePolicy      Code = 1008
	CodeTooBig      Code = 1009
	CodeInternal    Code = 1011
	CodeTryLater    Code = 1013
)

// valid reports whether a peer may send the code.
func (c Code) valid() bool {
	switch {
	case c >= 3000 && c < 5000: // registered, and for private use
		return true
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014:
		return true
	}
	return false
}

// Error is what a peer has done against the protocol or a limit. The connection is to be
// closed with Code.
type Error struct {
	Code Code
	What string
}

// Error says what is wrong.
func (e *Error) Error() string { return "websocket: " + e.What }

func violation(what string) *Error { return &Error{CodeProtocol, what} }

func tooBig(bytesMax int) *Error {
	return &Error{CodeTooBig, fmt.Sprintf("more than %d bytes in a message", bytesMax)}
}

// ParseClose reads the payload of a close frame. A close without a code has CodeNoStatus.
// An error is an *Error.
func ParseClose(payload []byte) (Code, string, error) {
	if len(payload) == 0 {
		return CodeNoStatus, "", nil
	}
	if len(payload) == 1 {
		return 0, "", violation("a close frame with half a code")
	}
	code := Code(binary.BigEndian.Uint16(payload))
	switch {
	case !code.valid():
		return 0, "", violation("a close code that must not be sent")
	case !utf8.Valid(payload[2:]):
		return 0, "", &Error{CodeBadText, "a reason that is not UTF-8"}
	}
	return code, string(payload[2:]), nil
}

// ClosePayload is what a close frame carries. CodeNoStatus is none. A reason that is too
// long is cut.
func ClosePayload(code Code, reason string) []byte {
	if code == CodeNoStatus {
		return nil
	}
	if most := ControlBytesMax - 2; len(reason) > most {
		for most > 0 && !utf8.RuneStart(reason[most]) {
			most--
		}
		reason = reason[:most]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

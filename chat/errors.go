package chat

import (
	"errors"
	"fmt"
	"time"
)

// Code is the machine-readable part of an Error. The numbers are part of the wire
// protocol and are never reused.
type Code uint16

// The codes.
const (
	CodeInternal       Code = 1  // a fault of the server; details are in its log
	CodeMalformed      Code = 2  // a packet that does not parse
	CodeUnknownPacket  Code = 3  // a packet id that this server does not know
	CodeNotLoggedIn    Code = 4  // login first
	CodeAlreadyLogged  Code = 5  // a second login on one session
	CodeVersion        Code = 6  // no common protocol version
	CodeBadName        Code = 7  // a user or room name that is not allowed
	CodeNameTaken      Code = 8  // the name belongs to somebody else
	CodeBadToken       Code = 9  // the resume token is not valid
	CodeNoRoom         Code = 10 // no such room
	CodeRoomExists     Code = 11 // a room of that name exists
	CodeNotMember      Code = 12 // join the room first
	CodeBadText        Code = 13 // text empty, too long or not UTF-8
	CodeTooMany        Code = 14 // a limit was reached; the message says which
	CodeTooFast        Code = 15 // a rate limit; retry after the given time
	CodeUnavailable    Code = 16 // the store can not commit now; retry after the given time
	CodeDraining       Code = 17 // the server is going down; reconnect after the given time
	CodeTimeout        Code = 18 // a deadline passed (login, idle)
	CodeSlowReplies    Code = 19 // the client does not read its replies
	CodeFrame          Code = 20 // framing is lost; the connection is closed
	CodeBadRequest     Code = 21 // a field has a value that is not allowed
	CodeClosed         Code = 22 // the store or server is closed
	CodeSequence       Code = 23 // an append does not continue the room's log
	CodeUncertain      Code = 24 // a commit failed and its outcome is not known yet
	CodeAlreadyRunning Code = 25 // another server has the data folder
	CodeForbidden      Code = 26 // the user's role in the room does not allow it
	CodeNonceUsed      Code = 27 // the nonce was used for another message
	CodeStoreGone      Code = 28 // the store's files are gone: nothing can be stored until the server is started again
	CodeBadPassword    Code = 29 // the name or the password is not right
	CodeNeedsPassword  Code = 30 // the server takes no guests: log in with a password, or register
	CodeSessionEnded   Code = 31 // the session was ended from another one, or by a new password
	CodeNoRegistration Code = 32 // nobody can register, or not with this invitation code
	CodeNotAccount     Code = 33 // the user has a password already, or has none
	CodeBanned         Code = 34 // the user was banned from the room
	CodeKicked         Code = 35 // the user was sent out of the room; he may come back
	CodeNoUser         Code = 36 // no such user
	CodeUninvited      Code = 37 // the user's invitation to a private room was taken back
	CodeLeft           Code = 46 // the user has left the room for good, in another session
	CodeShutOut        Code = 38 // the user, or his network, is banned from the server
	CodeNoReport       Code = 39 // no such report
	CodeNoMessage      Code = 41 // what is to be changed is no message
	CodeErased         Code = 42 // the message was deleted
	CodeArchived       Code = 54 // the room is archived: it takes nothing new
	CodeRoomDeleted    Code = 55 // the room was deleted
	CodeNameKept       Code = 56 // the name was another room's until recently
	CodeFiltered       Code = 57 // the room does not take what the message says
	CodeTooLate        Code = 43 // messages may be edited for a time only, and that is over
	CodeNoFile         Code = 62 // no such file, or nothing that the user may read names it
	CodeFileTooLarge   Code = 63 // the file is larger than files may be
	CodeQuota          Code = 64 // the user's files would be too much together
	CodeBadFile        Code = 65 // a file's name or content is not allowed, or is not what was announced
	CodeNoSearch       Code = 58 // the server does not search
)

// Error is the one error type that reaches clients: a code for machines and a
// sentence for people. Err, if set, is for the server's log only.
type Error struct {
	Code       Code
	Message    string
	RetryAfter time.Duration // 0: retrying will not help, or at once
	Err        error
}

// Error returns the sentence, and the inner error behind it.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the inner error.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with a formatted sentence.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the Code of err, CodeInternal if it has none, 0 for nil.
func CodeOf(err error) Code {
	if err == nil {
		return 0
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Package control is how those who run a server operate it without a page: what they can do, on
// a server that runs or on the data of one that is stopped, and the Unix socket in the data
// folder by which the first is asked. The file's permissions are the right: who may open it is
// an operator.
//
// # Basics
//
// A connection carries one request, a line of JSON, and its answers, one line each: progress,
// any number of times, and in the end a result or an error. Who closes the connection gives the
// request up.
//
// Nothing of it runs on a worker. Requests are few at a time, and what each reads is bounded by
// its page.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"sarang/chat"
)

// SocketFile is the socket's name in the data folder.
const SocketFile = "sarang.sock"

// Bounds of the protocol.
const (
	requestBytesMax  = 1 << 20 // a batch of messages that are imported
	connectionsMax   = 8       // at once; the next are told to try again
	requestDeadline  = 5 * time.Second
	answerDeadline   = 10 * time.Second // for each line
	operationTimeout = 30 * time.Second // but for those that copy everything
)

// Request asks for one operation.
type Request struct {
	Do   string          `json:"do"`
	Args json.RawMessage `json:"args,omitempty"`
}

// Answer is a line of the answer: one of its fields is there.
type Answer struct {
	Progress *Progress       `json:"progress,omitempty"`
	Part     json.RawMessage `json:"part,omitempty"` // of a result that is too large for one line
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Failure        `json:"error,omitempty"`
}

// Progress tells how far something has come that takes long.
type Progress struct {
	What  string `json:"what"`
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

// Failure is a chat.Error.
type Failure struct {
	Code         chat.Code `json:"code"`
	Message      string    `json:"message"`
	RetryAfterMs int64     `json:"retry_after_ms,omitempty"`
}

// Error returns it as what it is.
func (f *Failure) Error() *chat.Error {
	return &chat.Error{Code: f.Code, Message: f.Message, RetryAfter: time.Duration(f.RetryAfterMs) * time.Millisecond}
}

// failureOf is what is told of an error. An operator sees the inner one, too.
func failureOf(err error) *Failure {
	f := &Failure{Code: chat.CodeOf(err), Message: err.Error()}
	var e *chat.Error
	if errors.As(err, &e) {
		f.RetryAfterMs = e.RetryAfter.Milliseconds()
	}
	return f
}

// Tell is called with answers before the last: how far an operation has come, and parts of its
// result.
type Tell func(Answer)

// progress tells how far something has come.
func (t Tell) progress(what string, done, total uint64) {
	t(Answer{Progress: &Progress{what, done, total}})
}

// part tells a part of the result.
func (t Tell) part(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		t(Answer{Part: b})
	}
	return err
}

// Operations are what can be done with a store, and with the server on it if one runs.
type Operations struct {
	Store chat.Store // the real one, as internal/store has opened it
	Live  Live       // nil: no server runs
	Now   func() time.Time
}

// Live is a server that runs: what is changed in the store is to hold there at once.
type Live interface {
	// Follow reads operators and bans from the store. When it returns, they hold: nothing of who
	// is shut out can come any more.
	Follow(ctx context.Context) error

	// SetRoom changes a setting of a room, with nobody as its author, and returns when it is in
	// the room's log.
	SetRoom(ctx context.Context, room chat.RoomID, set chat.Setting) error

	// DeleteRoom deletes a room, and returns when nobody is in it any more and nothing of it is
	// shown to anybody.
	DeleteRoom(ctx context.Context, room chat.RoomID) error

	// EndSessions ends all sessions of a user, and their connections.
	EndSessions(ctx context.Context, u chat.UserID) error
}

// operation does what a request asks for. args are JSON, and may be missing.
type operation struct {
	do   func(o *Operations, ctx context.Context, args json.RawMessage, tell Tell) (any, error)
	long bool // it copies everything, and has as much time as it takes
	many bool // it is one of many for one thing, and is not logged each time
}

// operations are all that there are, by the name in a request.
var operations = map[string]operation{
	"ping":   {do: with(ping)},
	"backup": {do: with((*Operations).backup), long: true},

	"user-find":     {do: with((*Operations).findUsers)},
	"user-show":     {do: with((*Operations).showUser)},
	"user-operator": {do: with((*Operations).setOperator)},
	"user-export":   {do: with((*Operations).exportUser), long: true},
	"user-password": {do: with((*Operations).setPassword)},
	"user-end":      {do: with((*Operations).endSessions)},
	"user-erase":    {do: with((*Operations).eraseUser)},
	"invite":        {do: with((*Operations).invite)},
	"invite-list":   {do: with((*Operations).listInvitations)},
	"room-list":     {do: with((*Operations).listRooms)},
	"room-show":     {do: with((*Operations).showRoom)},
	"room-set":      {do: with((*Operations).setRoom)},
	"room-delete":   {do: with((*Operations).deleteRoom), long: true},

	"ban":        {do: with((*Operations).ban)},
	"ban-list":   {do: with((*Operations).listBans)},
	"ban-remove": {do: with((*Operations).removeBan)},

	"export": {do: with((*Operations).export), long: true},
	"import": {do: with((*Operations).importCall), many: true},

	"audit":          {do: with((*Operations).audit)},
	"audit-note":     {do: with((*Operations).note)},
	"report-list":    {do: with((*Operations).listReports)},
	"report-resolve": {do: with((*Operations).resolveReport)},
}

// with reads the arguments.
func with[A, R any](do func(*Operations, context.Context, A, Tell) (R, error)) func(*Operations, context.Context, json.RawMessage, Tell) (any, error) {
	return func(o *Operations, ctx context.Context, args json.RawMessage, tell Tell) (any, error) {
		var a A
		if len(args) > 0 {
			if err := json.Unmarshal(args, &a); err != nil {
				return nil, &chat.Error{Code: chat.CodeMalformed, Message: "the arguments can not be read", Err: err}
			}
		}
		return do(o, ctx, a, tell)
	}
}

// Do does what a request asks for and returns the result as JSON. Errors are *chat.Error.
func (o *Operations) Do(ctx context.Context, q Request, tell Tell) (json.RawMessage, error) {
	op, known := operations[q.Do]
	if !known {
		return nil, chat.Errorf(chat.CodeUnknownPacket, "this server knows no operation %q: it is older than the program that asks, or newer", q.Do)
	}
	if !op.long {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, operationTimeout)
		defer cancel()
	}
	result, err := op.do(o, ctx, q.Args, tell)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(result)
	if err != nil {
		return nil, &chat.Error{Code: chat.CodeInternal, Message: "the result can not be told", Err: err}
	}
	return b, nil
}

// Nothing is the arguments of an operation that has none, and the result of one that tells
// nothing but that it is done.
type Nothing struct{}

func ping(*Operations, context.Context, Nothing, Tell) (Nothing, error) { return Nothing{}, nil }

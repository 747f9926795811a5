// Package transfer takes what rooms and users are out of a server as lines of JSON, and brings it
// in again: from such lines, from an export of Slack or Discord, or from the log of an IRC client.
// docs/transfer.md has the format of the lines, and what becomes of each thing.
//
// # Basics
//
// Export reads a store and tells lines. Import reads files twice: first everything is checked,
// against the store as well, and nothing is written (see dry); then it is written. Both times the
// same code runs.
//
// An import keeps no record of what it has done, and needs none. Whom it makes it finds again by
// the name that another program has for him (chat.UserStore's externals), and a room's log is
// compared with what is to be there: what is there already is not written again. So an import that
// was cut off goes on when it is started again, and a second one changes nothing.
//
// # Caveats
//
// Whatever a file says, memory is bounded: by the longest line, by the users, and by the newest
// messages of one room (linksMax), not by the file.
package transfer

import (
	"context"

	"sarang/chat"
)

// Bounds of an import.
const (
	lineBytesMax      = 1 << 20 // of a line of a file
	valueBytesMax     = 4 << 20 // of one value of a JSON file that is no lines: a message with all that is on it
	usersMax          = 1_000_000
	faultsMax         = 1000 // then it is no file of that kind
	toldMax           = 100  // faults and changes that a report names
	linksMax          = 1 << 20
	batchEventsMax    = 256
	batchBytesMax     = 128 << 10 // of texts; one event may have more
	pageEventsMax     = 500
	pageBytesMax      = 1 << 20
	timeMsMax         = 253402300799999 // the end of the year 9999
	textBytesMost     = 60000           // the largest --text-bytes-max of a server
	formerNameBytes   = 256
	membersMax        = 1_000_000 // of a room, in an export
	unavailableTries  = 50
	reactionUsersMax  = 10_000 // of one message
	filesOfMessageMax = 50     // that a message of another program may name
)

// Target is where an import goes to: a store, or a server that runs. The methods are those of
// chat.Store, but for Note.
type Target interface {
	External(ctx context.Context, external string) (chat.UserID, error)
	User(ctx context.Context, id chat.UserID) (chat.User, error)
	UserByKey(ctx context.Context, key string) (chat.User, error)
	ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error)
	Seen(ctx context.Context, users []chat.UserID, nowMs int64) error
	Profiles(ctx context.Context, users []chat.UserID) ([]chat.ProfileRecord, error)
	ChangeProfile(ctx context.Context, user chat.UserID, c chat.ProfileChange) (chat.Profile, error)
	RoomByKey(ctx context.Context, key string) (chat.Room, error)
	CreateRoom(ctx context.Context, r chat.Room, q chat.RoomQuota) (chat.Room, error)
	History(ctx context.Context, room chat.RoomID, p chat.Page) ([]chat.Event, bool, error)
	Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error)
	ChangeMembers(ctx context.Context, changes []chat.MemberChange, roomsMax int) ([]chat.Membership, error)
	RoomMarks(ctx context.Context, room chat.RoomID, itemsMax int) ([]chat.Membership, error)

	// Note writes into the audit log that something is imported. It is called before the first
	// write.
	Note(ctx context.Context, what string) error
}

// Progress tells how far an export or an import has come.
type Progress func(what string, done, total uint64)

// ForStore is a store as the target of an import. note may be nil.
func ForStore(s chat.Store, note func(ctx context.Context, what string) error) Target {
	return &storeTarget{s, note}
}

type storeTarget struct {
	chat.Store
	note func(ctx context.Context, what string) error
}

func (t *storeTarget) Note(ctx context.Context, what string) error {
	if t.note == nil {
		return nil
	}
	return t.note(ctx, what)
}

package chat

import (
	"context"
	"strings"
	"unicode/utf8"
)

// Membership says that a user belongs to a room: from when he joined it first until he leaves
// it for good, or is put out. It is not presence: who is away belongs to it all the same.
type Membership struct {
	User  UserID
	Room  RoomID
	Since Seq  // the end of the log when he came
	Mark  Seq  // he has read everything up to it; it never goes back
	Muted bool // he does not want to be told of what happens

	// Thread is what a MemberChange of a thread has made; of other changes, and in archives, the zero one.
	Thread Follow
}

// MemberChangeKind says what a MemberChange does.
type MemberChangeKind uint8

// The kinds.
const (
	MemberEnters  MemberChangeKind = 1 // he belongs to the room from Seq on, unless he does already
	MemberLeaves  MemberChangeKind = 2 // he does not any more, if he came before Seq; 0: whenever he came
	MemberMarks   MemberChangeKind = 3 // he has read up to Seq
	MemberMutes   MemberChangeKind = 4
	MemberUnmutes MemberChangeKind = 5

	// Of the thread Root; see Follow.After.
	MemberFollows   MemberChangeKind = 6
	MemberUnfollows MemberChangeKind = 7
	MemberReads     MemberChangeKind = 8 // he has read it up to Seq
)

// OfThread reports whether the kind is about a thread.
func (k MemberChangeKind) OfThread() bool { return k >= MemberFollows && k <= MemberReads }

// MemberChange is a change of a membership. All but MemberEnters do nothing to who does not
// belong to the room.
type MemberChange struct {
	Kind MemberChangeKind
	User UserID
	Room RoomID
	Seq  Seq
	Root Seq    // of a thread: its first message. Where that is no message of the room, nothing changes, and Membership.Thread is the zero one
	By   UserID // of MemberEnters: whose doing it is, if not the user's own; whom the user blocks does nothing
}

// MyRoom is a room that a user belongs to, as his list shows it.
type MyRoom struct {
	Room
	Given  Given // the role that was given to him; see Room.RoleAt
	Mark   Seq
	Muted  bool
	Unread uint64 // messages behind Mark that are stored; no other events

	// Mentions is how many of the messages behind Mark mention the user, or everybody, as they
	// are now; up to MentionsCountedMax.
	Mentions int

	// Last is the newest message: Seq, User, Name, TimeMs and the first of its Text (see
	// LastText) as it is now. Seq 0: there is none.
	Last Event
}

// MemberStore keeps who belongs to which durable room, and how far he has read. It is no part
// of the logs.
type MemberStore interface {
	// ChangeMembers makes changes, in their order, in one transaction, and returns what each
	// membership is behind its change; the zero Membership for who does not belong to the
	// room. A user who belongs to as many as roomsMax rooms (0: no bound) enters no other one,
	// and nobody enters a room that is ephemeral or not there. On an error it may have been
	// done or not: it may be done again, for all of it that counts is what it was last, or the
	// most. The changes are at most MemberChangesMax and not kept.
	ChangeMembers(ctx context.Context, changes []MemberChange, roomsMax int) ([]Membership, error)

	// MyRooms returns up to itemsMax of the rooms (at least 1) that a user belongs to, with ids
	// above after, ordered by id, also those that he may not read any more. The work is
	// bounded by the page, whatever the logs' length and however old the marks are.
	MyRooms(ctx context.Context, user UserID, after RoomID, itemsMax int) ([]MyRoom, error)
}

// MemberChangesMax bounds the changes of one call.
const MemberChangesMax = 256

// LastTextBytesMax bounds the text of MyRoom.Last.
const LastTextBytesMax = 160

// LastText is the beginning of a text that MyRoom.Last shows: whole characters, at most
// LastTextBytesMax bytes.
func LastText(text string) string {
	text, _, _ = strings.Cut(text, fileMark) // it may be the beginning of a body
	if len(text) <= LastTextBytesMax {
		return text
	}
	n := LastTextBytesMax
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

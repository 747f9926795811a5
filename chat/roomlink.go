package chat

import (
	"context"
	"strings"
	"time"
)

// RoomLinks is what a Moderation keeps of links by which people come into private rooms.
type RoomLinks interface {
	// AddRoomLink keeps a link and returns it with its ID, which is that of its AuditEntry. Links of
	// its room that do not hold any more at l.CreatedMs are removed. CodeNoRoom if there is no such
	// room; CodeTooMany if linksMax of it hold already (0: no bound).
	AddRoomLink(ctx context.Context, l RoomLink, linksMax int, a AuditEntry) (RoomLink, error)

	// RoomLinks returns up to itemsMax links of a room (at least 1) with ids above after, in order
	// of their ids, those that do not hold any more as well.
	RoomLinks(ctx context.Context, room RoomID, after uint64, itemsMax int) ([]RoomLink, error)

	// RoomLink returns the link with a code; CodeNoRoom if there is none that holds at nowMs, or
	// its room is not there: the error does not tell which.
	RoomLink(ctx context.Context, code TokenHash, nowMs int64) (RoomLink, error)

	// UseRoomLink counts a use of a link, or takes one back. CodeNoRoom if the link does not hold at
	// u.NowMs; CodeTooMany if u.User belongs to u.RoomsMax rooms already. A use with the Nonce of the
	// newest one is the same again. A use that is taken back is no error, whatever the link is.
	UseRoomLink(ctx context.Context, u LinkUse) error

	// RemoveRoomLink revokes a link of a room; CodeBadRequest if the room has none with the id.
	RemoveRoomLink(ctx context.Context, room RoomID, id uint64, a AuditEntry) error
}

// RoomLink lets people into a private room, as its members, who show its code. The code itself is
// not stored.
type RoomLink struct {
	ID        uint64
	Room      RoomID
	Code      TokenHash // InvitationHash of the code
	By        UserID    // who made it
	Uses      int       // how often somebody came by it
	UsesMax   int       // so often it holds; 0: no bound
	ExpiresMs int64     // it holds at times below; 0: for good
	CreatedMs int64
}

// Holds reports whether the link lets somebody in.
func (l *RoomLink) Holds(nowMs int64) bool {
	return (l.UsesMax == 0 || l.Uses < l.UsesMax) && (l.ExpiresMs == 0 || nowMs < l.ExpiresMs)
}

// LinkUse is somebody who comes by a link.
type LinkUse struct {
	ID       uint64 // of the link
	User     UserID
	RoomsMax int    // rooms that he may belong to; 0: no bound
	Nonce    uint64 // random, not 0
	NowMs    int64
	Back     bool // he did not come after all: it is taken back
}

// Bounds of a link.
const (
	RoomLinkForMax  = 365 * 24 * time.Hour
	RoomLinkUsesMax = 1_000_000
)

// NoRoomLink is the answer to a code that lets nobody in, whatever became of it.
func NoRoomLink() *Error {
	return Errorf(CodeNoRoom, "this invitation link is not valid, or not any more")
}

// RoomLinkMark stands before the code in the address of a link. What is behind # in an address is
// sent to no server.
const RoomLinkMark = "#/join/"

// roomLinkTextMax bounds the bytes of what is looked at for a code.
const roomLinkTextMax = 2048

// RoomLinkCode finds the code of a link in what somebody has pasted: the address of a page with
// RoomLinkMark and the code, or the code alone. False if it is neither; it says nothing of whether
// such a link was made.
func RoomLinkCode(text string) (code string, is bool) {
	text = strings.TrimSpace(text)
	if len(text) > roomLinkTextMax {
		return "", false
	}
	if _, behind, has := strings.Cut(text, RoomLinkMark); has {
		text = behind
	}
	groups := strings.Split(text, "-")
	if len(groups) != invitationGroups {
		return "", false
	}
	for _, g := range groups {
		if len(g) != invitationGroup || strings.Trim(g, invitationAlphabet) != "" {
			return "", false
		}
	}
	return text, true
}

// The form of InvitationCode.
const (
	invitationGroups = 4
	invitationGroup  = 4
)

// NoSuchLink is the answer to who wants to revoke a link that his room does not have.
func NoSuchLink(id uint64) *Error {
	return Errorf(CodeBadRequest, "the room has no invitation link %d", id)
}

// BelongsToMany is the answer to who would come by a link and belongs to so many rooms already.
func BelongsToMany(rooms int) *Error {
	return Errorf(CodeTooMany, "you belong to %d rooms already: leave one for good first", rooms)
}

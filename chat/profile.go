package chat

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a user says of himself, in bytes of UTF-8.
const (
	DisplayNameBytesMax = 96
	AboutBytesMax       = 1 << 10
	StatusBytesMax      = 160
)

// Profile is what a user says of himself, beside his name.
type Profile struct {
	DisplayName string // how he wants to be called; it need not be his alone. Empty: by his name
	About       string
	Status      string // what he is at
	Hidden      bool   // nobody is told whether he is online, when he was, or how far he has read
}

// ProfileRecord is the profile of a user.
type ProfileRecord struct {
	User UserID
	Profile
}

// ProfileChange is what of a profile is to become something else; nil stays.
type ProfileChange struct {
	DisplayName, About, Status *string
	Hidden                     *bool
}

// Apply returns what p becomes.
func (c *ProfileChange) Apply(p Profile) Profile {
	set := func(to, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&p.DisplayName, c.DisplayName)
	set(&p.About, c.About)
	set(&p.Status, c.Status)
	if c.Hidden != nil {
		p.Hidden = *c.Hidden
	}
	return p
}

// Check returns nil if what c says may stand in a profile, and else an *Error with CodeBadText.
// A display name that seems to speak for the server is CodeBadName.
func (c *ProfileChange) Check() error {
	if c.DisplayName != nil {
		if err := checkLine("display name", *c.DisplayName, DisplayNameBytesMax); err != nil {
			return err
		}
		if displayNameReserved(*c.DisplayName) {
			return Errorf(CodeBadName, "the display name %q is reserved: choose another", *c.DisplayName)
		}
	}
	if c.Status != nil {
		if err := checkLine("status", *c.Status, StatusBytesMax); err != nil {
			return err
		}
	}
	if c.About != nil {
		return checkLines("text about you", *c.About, AboutBytesMax)
	}
	return nil
}

// checkLine checks a text of one line, which may be empty.
func checkLine(what, s string, bytesMax int) error {
	if strings.ContainsRune(s, '\n') {
		return Errorf(CodeBadText, "the %s has several lines: one is allowed", what)
	}
	return checkLines(what, s, bytesMax)
}

// checkLines checks a text that may be empty: nothing in it is invisible, or turns the direction
// of what stands around it.
func checkLines(what, s string, bytesMax int) error {
	switch {
	case len(s) > bytesMax:
		return Errorf(CodeBadText, "the %s is too long: %d bytes, at most %d are allowed", what, len(s), bytesMax)
	case !utf8.ValidString(s):
		return Errorf(CodeBadText, "the %s is not valid UTF-8", what)
	case s != strings.TrimSpace(s):
		return Errorf(CodeBadText, "the %s begins or ends with a space: leave it out", what)
	}
	for _, r := range s {
		switch {
		case r == '\n', r == joiner, r == nonJoiner:
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return Errorf(CodeBadText, "the %s contains a control or invisible character (U+%04X)", what, r)
		}
	}
	return nil
}

// Characters that are invisible, and that emojis and some scripts can not do without.
const (
	joiner    = '\u200d'
	nonJoiner = '\u200c'
)

// displayNameReserved reports whether a display name can be taken for one of the reserved names,
// however it is spaced.
func displayNameReserved(s string) bool {
	words := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == joiner || r == nonJoiner })
	return userNameReserved(foldCase(strings.Join(words, "")))
}

// ProfileStore keeps what users say of themselves, whom they block, and the names that they had.
type ProfileStore interface {
	// Profiles returns the profiles of those of some users who have said something of
	// themselves, in the order of their ids. users are at most ProfilesMax, and not kept.
	Profiles(ctx context.Context, users []UserID) ([]ProfileRecord, error)

	// ChangeProfile makes a change of a user's profile and returns what it is then; CodeNoUser
	// if he is not there. c has been checked, and is not kept.
	ChangeProfile(ctx context.Context, user UserID, c ProfileChange) (Profile, error)

	// Rename gives a user another name. CodeNoUser if he is not there; CodeNameTaken if the
	// name, or one that looks like it, is not free for him (Claim.Free), or is kept for somebody
	// else who had it since r.ReservedSinceMs; CodeTooMany if more names than r.NamesMax would
	// be kept for him. The name that he had is kept for him as one of a guest who was seen at
	// r.NowMs: until it is given to somebody else, he logs in by it as well (ClaimUser,
	// Password). Nobody else finds him by it. A name that is his already is given again: that
	// is no error.
	Rename(ctx context.Context, r Rename) error

	// Block has a user block another one, or not any more (b.Remove). CodeNoUser if one of them
	// is not there, CodeTooMany if he blocks as many as b.Most already.
	Block(ctx context.Context, b BlockChange) error

	// Blocks returns up to itemsMax (at least 1) of those whom a user blocks, with ids above
	// after, in the order of their ids.
	Blocks(ctx context.Context, user, after UserID, itemsMax int) ([]Person, error)

	// RoomMarks returns up to itemsMax (at least 1) memberships of a room, in the order of the
	// users.
	RoomMarks(ctx context.Context, room RoomID, itemsMax int) ([]Membership, error)
}

// ProfilesMax bounds the users of one call of Profiles.
const ProfilesMax = 256

// Person is a user by id and the name that he has now.
type Person struct {
	ID   UserID
	Name string
}

// Block is that a user does not want to see another one.
type Block struct {
	User, Whom UserID
}

// BlockChange has a user block another one, or not any more.
type BlockChange struct {
	Block
	Remove bool
	Most   int // whom he may block; 0: no limit
}

// Rename asks for another name for a user.
type Rename struct {
	User            UserID
	Name, Key, Look string // as in Claim
	NowMs           int64
	ReservedSinceMs int64
	NamesMax        int // that are kept for him beside it; 0: no limit
	Online          func(UserID) bool
}

// Claim is the claim for the name that a rename is: who shows nothing but that he is the user.
func (r *Rename) Claim() Claim {
	return Claim{
		Name: r.Name, Key: r.Key, Look: r.Look, NowMs: r.NowMs, ReservedSinceMs: r.ReservedSinceMs,
		Proven: r.User, Online: r.Online,
	}
}

// Taken is the answer to a rename to a name that is not free.
func (r *Rename) Taken() *Error {
	return Errorf(CodeNameTaken, "the name %q belongs to somebody else: choose another", r.Name)
}

// TooMany is the answer to one rename too many.
func (r *Rename) TooMany() *Error {
	return Errorf(CodeTooMany, "%d names that you had are kept for you: take one of them, or wait until one is free", r.NamesMax)
}

// OldName is a name that a user had.
type OldName struct {
	Key    string
	User   UserID
	Look   string // of Key, for Claim.Look; may be empty
	LeftMs int64  // when he took another one
}

// Free reports whether the name may be given to who makes the claim.
func (n *OldName) Free(c *Claim) bool { return n.LeftMs < c.ReservedSinceMs }

// TooMany is the answer to one block too many.
func (b *BlockChange) TooMany() *Error {
	return Errorf(CodeTooMany, "you block %d users, which is as many as one may: take a block back first", b.Most)
}

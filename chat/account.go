package chat

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
)

// DeviceID names a device among those of its user. 0 is none.
type DeviceID uint64

// Device is where a user has logged in: who shows its token is he. On the wire, and for
// people, it is a session of his, which lasts over connections.
type Device struct {
	ID        DeviceID
	Name      string // as the client calls it, or the program; may be empty
	Address   string // of the newest login, without a port; may be empty
	CreatedMs int64
	SeenMs    int64 // a login, to the hour
}

// DeviceRecord is a device with what its token is known by.
type DeviceRecord struct {
	Device
	User      UserID
	Token     TokenHash
	RenewedMs int64     // since when it has this token
	Next      TokenHash // takes the place of Token with its first use; zero if there is none
	NextMs    int64     // when it was given out
}

// FirstDevice is the device of a user whose token is older than devices are.
const FirstDevice DeviceID = 1

// NewDeviceID returns the name of a device that begins with a token.
func NewDeviceID(token TokenHash) DeviceID {
	n := uint64(0)
	for word := range slices.Chunk(token[:], 8) {
		n ^= binary.LittleEndian.Uint64(word)
	}
	return DeviceID(max(n>>1, uint64(FirstDevice)+1)) // 63 bits: the numbers of SQL are signed
}

// deviceSeenEveryMs is how old SeenMs of a device becomes before a login moves it, and how
// long a token that was given out in the place of another waits before there is a next one.
const deviceSeenEveryMs = 60 * 60 * 1000

// Claimed is whom a claim has let in.
type Claimed struct {
	User
	Device DeviceID // 0: the claim has shown no token, and made none

	// Renewed says that Claim.Next is a token of the device: whoever has it is to show that
	// one from now on. The one that was shown is good until then.
	Renewed bool
}

// Shows reports whether the claim shows a token of d that lets in: of an account it has to
// have been used since c.ExpiredMs.
func (c *Claim) Shows(d *DeviceRecord, account bool) bool {
	none := TokenHash{}
	is := func(shown TokenHash) bool { return shown != none && (shown == d.Token || shown == d.Next) }
	return (is(c.Resume) || is(c.Fresh)) && !(account && d.SeenMs < c.ExpiredMs)
}

// Enter returns what a device becomes by a claim that shows a token of it, whether c.Next is
// a token of it now, and whether it is to be stored at all.
func (c *Claim) Enter(d DeviceRecord) (now DeviceRecord, renewed, write bool) {
	now = d
	none := TokenHash{}
	switch {
	case d.Next != none && (c.Resume == d.Next || c.Fresh == d.Next):
		now.Token, now.RenewedMs, now.Next, now.NextMs = d.Next, c.NowMs, none, 0
	case c.Next != none && d.RenewedMs < c.RenewMs && (d.Next == none || c.NowMs-d.NextMs >= deviceSeenEveryMs):
		now.Next, now.NextMs = c.Next, c.NowMs
		renewed = true
	}
	if c.DeviceName != "" {
		now.Name = c.DeviceName
	}
	if c.Address != "" {
		now.Address = c.Address
	}
	if c.NowMs-d.SeenMs >= deviceSeenEveryMs || now != d && c.NowMs > d.SeenMs {
		now.SeenMs = c.NowMs
	}
	return now, renewed, now != d
}

// NewDevice is the device that a claim makes, whose token is c.Fresh; false if that is none.
func (c *Claim) NewDevice(u UserID) (DeviceRecord, bool) {
	if c.Fresh == (TokenHash{}) {
		return DeviceRecord{}, false
	}
	return DeviceRecord{
		Device: Device{ID: NewDeviceID(c.Fresh), Name: c.DeviceName, Address: c.Address, CreatedMs: c.NowMs, SeenMs: c.NowMs},
		User:   u, Token: c.Fresh, RenewedMs: c.NowMs,
	}, true
}

// AccountStore keeps what makes a user an account, and everybody's devices.
type AccountStore interface {
	// Password returns who has a name, or had it last before a Rename, and the hash of his
	// password, empty if he has none; CodeNoUser if nobody has the name.
	Password(ctx context.Context, key string) (Secret, error)

	// SetPassword gives a user a password, or another one. It is compare and set: if what he
	// has is neither p.From nor, from the same call before, p.To, it is CodeNotAccount where
	// p.From is empty, and CodeBadPassword otherwise. CodeNoUser if he is not there.
	// p.Invitation is used once by it.
	SetPassword(ctx context.Context, p PasswordChange) error

	// Devices returns the devices of a user, in the order of their ids. There are not more
	// than claims allow (Claim.DevicesMax).
	Devices(ctx context.Context, user UserID) ([]Device, error)

	// EndDevices ends devices of a user for good: their tokens are nobody's. Those that are
	// not there are no error.
	EndDevices(ctx context.Context, user UserID, which DeviceSet) error

	// External returns the user whom another program calls so; CodeNoUser if there is none.
	External(ctx context.Context, external string) (UserID, error)

	// AddInvitation keeps an invitation; one with the same Code takes its place.
	AddInvitation(ctx context.Context, i Invitation) error

	// Invitations returns up to itemsMax invitations (at least 1) with codes above after,
	// ordered by code.
	Invitations(ctx context.Context, after TokenHash, itemsMax int) ([]Invitation, error)

	// Invitation returns an invitation; CodeNoRegistration if there is none that lets
	// somebody in at nowMs.
	Invitation(ctx context.Context, code TokenHash, nowMs int64) (Invitation, error)

	// EraseUser makes a user nobody: he has no password, no devices, no profile, blocks nobody,
	// and has the name ErasedName.
	// What he has said stays. His comparison form stays his, as that of a guest who was seen
	// at nowMs: nobody has his name before its time. CodeNoUser if he is not there.
	EraseUser(ctx context.Context, user UserID, nowMs int64) error
}

// ExternalPassword is the Password of a user whom another program knows: he is an account, and
// no password is his. It is no hash.
const ExternalPassword = "$external"

// ExternalBytesMax bounds the name that another program has for a user.
const ExternalBytesMax = 1 << 10

// Identity is who somebody is as another program says.
type Identity struct {
	External string   // what it calls him, for ever
	Name     string   // that he is to have; empty: the one that he asks for
	Rooms    []string // names of private rooms that he is invited to; at most IdentityRoomsMax
}

// IdentityRoomsMax bounds the rooms that another program invites somebody to at a login.
const IdentityRoomsMax = 20

// ErasedName is what an erased user is called. It is no name that anybody can have.
const ErasedName = "(erased)"

// Invitation lets people register, who show its code. The code itself is not stored.
type Invitation struct {
	Code      TokenHash
	Note      string // for whom it was made; may be empty
	UsesLeft  int
	ExpiresMs int64 // it holds at times below; 0: for good
	CreatedMs int64
}

// Holds reports whether an invitation lets somebody in.
func (i *Invitation) Holds(nowMs int64) bool {
	return i.UsesLeft > 0 && (i.ExpiresMs == 0 || nowMs < i.ExpiresMs)
}

// NotInvited is the answer to a code that lets nobody in.
func NotInvited() *Error {
	return Errorf(CodeNoRegistration, "this invitation code is not valid, or was used up")
}

// Secret is a user with the hash of his password.
type Secret struct {
	User     UserID
	Password string // in PHC form; empty: he has none, and is a guest
}

// PasswordChange has a user's password, From, become To. Both are hashes in PHC form.
type PasswordChange struct {
	User     UserID
	From, To string // From empty: he has none yet
	Any      bool   // whatever he has: an operator's

	Invitation TokenHash // is used for it; CodeNoRegistration if it does not hold at NowMs. Zero: none is needed
	NowMs      int64
}

// NotProven is the answer to who has not shown a password: it does not tell whether anybody
// has the name.
func NotProven() *Error { return Errorf(CodeBadPassword, "the name or the password is not right") }

// Judge reports whether a user whose password is have is to be given p.To. Where he is not, the
// error says why; there is none if he has it already.
func (p *PasswordChange) Judge(have string) (do bool, err error) {
	switch {
	case have == p.To && !p.Any && p.From != p.To:
		return false, nil
	case p.Any, have == p.From:
		return true, nil
	case p.From == "":
		return false, Errorf(CodeNotAccount, "you have a password already: change it")
	}
	return false, Errorf(CodeBadPassword, "the password is not right, or was changed meanwhile")
}

// DeviceSet is some devices of a user: one, or all but one. Both 0: all.
type DeviceSet struct {
	Only   DeviceID
	Except DeviceID
}

// Has reports whether a device is in the set.
func (s DeviceSet) Has(d DeviceID) bool {
	if s.Only != 0 {
		return d == s.Only
	}
	return s.Except == 0 || d != s.Except
}

// Surplus returns which of a user's devices have to go when a claim has made one of them: those
// that were seen longest ago, beyond DevicesMax.
func (c *Claim) Surplus(devices []Device, made DeviceID) (gone []DeviceID) {
	if c.DevicesMax < 1 || len(devices) <= c.DevicesMax {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.ID == made })
	slices.SortFunc(others, func(a, b Device) int { return cmp.Or(cmp.Compare(a.SeenMs, b.SeenMs), cmp.Compare(a.ID, b.ID)) })
	for _, d := range others[:len(devices)-c.DevicesMax] {
		gone = append(gone, d.ID)
	}
	return gone
}

package control

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
	"sarang/internal/password"
)

// PasswordArgs give a user a password; an empty one is made up.
type PasswordArgs struct {
	Who      string `json:"who"`
	Password string `json:"password,omitempty"`
}

// PasswordResult has the password if it was made up: it is told this once.
type PasswordResult struct {
	User
	Password string `json:"password,omitempty"`
}

// madeUpBytes are the random bytes of a password that nobody has chosen.
const madeUpBytes = 10

// setPassword gives a user a password, whatever he had, and ends his sessions: whoever had his
// old one, or a token of his, is out. A guest is an account then.
func (o *Operations) setPassword(ctx context.Context, a PasswordArgs, _ Tell) (r PasswordResult, err error) {
	u, err := o.user(ctx, a.Who)
	if err != nil {
		return r, err
	}
	secret := a.Password
	if secret == "" {
		var random [madeUpBytes]byte
		_, _ = rand.Read(random[:]) // it never fails
		secret = strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
		r.Password = secret
	}
	if secret, err = chat.ParseNewPassword(secret, u.Key); err != nil {
		return PasswordResult{}, err
	}
	var salt [password.SaltBytes]byte
	_, _ = rand.Read(salt[:])
	to := password.Hash(password.Own, secret, password.DefaultCost(), salt[:])
	if err := o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditPassword, Subject: u.ID}); err != nil {
		return PasswordResult{}, err
	}
	if err := o.Store.SetPassword(ctx, chat.PasswordChange{User: u.ID, To: to, Any: true}); err != nil {
		return PasswordResult{}, err
	}
	r.User, err = o.userNow(ctx, u)
	if err != nil {
		return r, err
	}
	return r, o.endDevices(ctx, u.ID)
}

// userNow is a user as operators see him.
func (o *Operations) userNow(ctx context.Context, u chat.User) (User, error) {
	operators, err := o.operators(ctx)
	return userOf(u, operators), err
}

// endDevices ends all sessions of a user, and their connections if a server runs.
func (o *Operations) endDevices(ctx context.Context, u chat.UserID) error {
	if o.Live != nil {
		return o.Live.EndSessions(ctx, u)
	}
	return o.Store.EndDevices(ctx, u, chat.DeviceSet{})
}

// endSessions ends all sessions of a user: he has to log in by his password again, and a guest
// loses his name.
func (o *Operations) endSessions(ctx context.Context, a WhoArgs, _ Tell) (User, error) {
	u, err := o.user(ctx, a.Who)
	if err != nil {
		return User{}, err
	}
	if err := o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditSessionsEnd, Subject: u.ID}); err != nil {
		return User{}, err
	}
	if err := o.endDevices(ctx, u.ID); err != nil {
		return User{}, err
	}
	return o.userNow(ctx, u)
}

// eraseUser makes a user nobody. What he has said stays, without his name.
func (o *Operations) eraseUser(ctx context.Context, a WhoArgs, _ Tell) (User, error) {
	u, err := o.user(ctx, a.Who)
	if err != nil {
		return User{}, err
	}
	if err := o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditErase, Subject: u.ID}); err != nil {
		return User{}, err
	}
	if err := o.Store.EraseUser(ctx, u.ID, chat.Millis(o.Now())); err != nil {
		return User{}, err
	}
	if err := o.endDevices(ctx, u.ID); err != nil {
		return User{}, err
	}
	if u, err = o.Store.User(ctx, u.ID); err != nil {
		return User{}, err
	}
	return o.userNow(ctx, u)
}

// InviteArgs make an invitation code.
type InviteArgs struct {
	Uses    int    `json:"uses,omitempty"`    // registrations; default 1
	Seconds int64  `json:"seconds,omitempty"` // for which it holds; 0: for good
	Note    string `json:"note,omitempty"`    // for whom it is
}

// Invitation is an invitation by code. The code is told when it is made, and known by Key, which
// lets nobody in, from then on.
type Invitation struct {
	Code      string `json:"code,omitempty"`
	Key       string `json:"key"`
	Note      string `json:"note,omitempty"`
	UsesLeft  int    `json:"uses_left"`
	ExpiresMs int64  `json:"expires_ms,omitempty"`
	CreatedMs int64  `json:"created_ms"`
}

func invitationOf(i chat.Invitation) Invitation {
	return Invitation{Key: hex.EncodeToString(i.Code[:]), Note: i.Note, UsesLeft: i.UsesLeft, ExpiresMs: i.ExpiresMs, CreatedMs: i.CreatedMs}
}

// inviteUsesMax bounds the registrations by one code.
const inviteUsesMax = 1_000_000

func (o *Operations) invite(ctx context.Context, a InviteArgs, _ Tell) (Invitation, error) {
	if a.Uses == 0 {
		a.Uses = 1
	}
	if a.Uses < 0 || a.Uses > inviteUsesMax || a.Seconds < 0 || a.Seconds > int64(chat.RoleForMax/time.Second) {
		return Invitation{}, chat.Errorf(chat.CodeBadRequest, "an invitation is for 1 to %d registrations, and for ten years at most, or for good", inviteUsesMax)
	}
	var random [chat.InvitationBytes]byte
	_, _ = rand.Read(random[:])
	code := chat.InvitationCode(random)
	i := chat.Invitation{
		Code: chat.InvitationHash(code), Note: chat.DeviceName(a.Note), UsesLeft: a.Uses, CreatedMs: chat.Millis(o.Now()),
	}
	if a.Seconds > 0 {
		i.ExpiresMs = i.CreatedMs + a.Seconds*1000
	}
	what := strconv.Itoa(a.Uses) + " registrations"
	if i.Note != "" {
		what += ", " + i.Note
	}
	if err := o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditInvite, What: what}); err != nil {
		return Invitation{}, err
	}
	if err := o.Store.AddInvitation(ctx, i); err != nil {
		return Invitation{}, err
	}
	made := invitationOf(i)
	made.Code = code
	return made, nil
}

// InvitationsArgs ask for invitations behind the one with a key.
type InvitationsArgs struct {
	After string `json:"after,omitempty"`
	Max   int    `json:"max,omitempty"`
}

// Invitations is a page of them.
type Invitations struct {
	Invitations []Invitation `json:"invitations"`
}

func (o *Operations) listInvitations(ctx context.Context, a InvitationsArgs, _ Tell) (r Invitations, err error) {
	var after chat.TokenHash
	if a.After != "" {
		b, err := hex.DecodeString(a.After)
		if err != nil || len(b) != len(after) {
			return r, chat.Errorf(chat.CodeBadRequest, "%q is no key of an invitation", a.After)
		}
		copy(after[:], b)
	}
	all, err := o.Store.Invitations(ctx, after, page(a.Max))
	r.Invitations = []Invitation{}
	for _, i := range all {
		r.Invitations = append(r.Invitations, invitationOf(i))
	}
	return r, err
}

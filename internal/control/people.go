package control

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"

	"sarang/chat"
)

// pageMax bounds the items of a page.
const pageMax = 1000

// page is how many items somebody gets who wants so many, or says nothing.
func page(want int) int {
	if want <= 0 {
		return 100
	}
	return min(want, pageMax)
}

// moderation is the store as one that keeps what operators do.
func (o *Operations) moderation() (chat.Moderation, error) {
	m, can := o.Store.(chat.Moderation)
	if !can {
		return nil, chat.Errorf(chat.CodeBadRequest, "this kind of store keeps neither operators nor bans nor an audit log")
	}
	return m, nil
}

// entry fills in what every entry has.
func (o *Operations) entry(a chat.AuditEntry) chat.AuditEntry {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	a.Nonce, a.TimeMs = binary.LittleEndian.Uint64(b[:])|1, chat.Millis(o.Now())
	a.What, a.Reason = shortened(a.What), shortened(a.Reason)
	return a
}

// shortened is a text that fits into an entry.
func shortened(s string) string {
	if len(s) <= chat.AuditTextMax {
		return s
	}
	return strings.ToValidUTF8(s[:chat.AuditTextMax], "")
}

// noteAct notes in the audit log what is not in the store itself; a store that keeps none does
// without.
func (o *Operations) noteAct(ctx context.Context, a chat.AuditEntry) error {
	m, can := o.Store.(chat.Moderation)
	if !can {
		return nil
	}
	return m.AddAudit(ctx, o.entry(a))
}

// user finds somebody by his name, or by "id:7".
func (o *Operations) user(ctx context.Context, who string) (chat.User, error) {
	if number, is := strings.CutPrefix(who, "id:"); is {
		id, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			return chat.User{}, chat.Errorf(chat.CodeBadRequest, "%q is no id", who)
		}
		u, err := o.Store.User(ctx, chat.UserID(id))
		if chat.CodeOf(err) == chat.CodeBadRequest {
			err = chat.Errorf(chat.CodeNoUser, "there is no user with the id %d", id)
		}
		return u, err
	}
	_, key, err := chat.ParseUserName(who)
	if err != nil {
		return chat.User{}, err
	}
	u, err := o.Store.UserByKey(ctx, key)
	if chat.CodeOf(err) == chat.CodeNoUser {
		err = chat.Errorf(chat.CodeNoUser, "there is no user %q", who)
	}
	return u, err
}

// room finds a room by its name, with or without #, or by "id:7".
func (o *Operations) room(ctx context.Context, which string) (chat.Room, error) {
	if number, is := strings.CutPrefix(which, "id:"); is {
		id, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			return chat.Room{}, chat.Errorf(chat.CodeBadRequest, "%q is no id", which)
		}
		return o.Store.Room(ctx, chat.RoomID(id))
	}
	_, key, err := chat.ParseRoomName(strings.TrimPrefix(which, "#"))
	if err != nil {
		return chat.Room{}, err
	}
	r, err := o.Store.RoomByKey(ctx, key)
	if chat.CodeOf(err) == chat.CodeNoRoom {
		err = chat.Errorf(chat.CodeNoRoom, "there is no room %q", which)
	}
	return r, err
}

// User is a user as operators see him.
type User struct {
	ID        chat.UserID `json:"id"`
	Name      string      `json:"name"`
	HasName   bool        `json:"has_name"` // false: somebody else has it now
	Sent      uint64      `json:"sent"`     // messages
	CreatedMs int64       `json:"created_ms"`
	SeenMs    int64       `json:"seen_ms"`
	Operator  bool        `json:"operator"`
}

// operators are those that there are; none for a store that keeps none.
func (o *Operations) operators(ctx context.Context) (map[chat.UserID]bool, error) {
	is := map[chat.UserID]bool{}
	m, can := o.Store.(chat.Moderation)
	if !can {
		return is, nil
	}
	all, err := m.Operators(ctx)
	for _, u := range all {
		is[u] = true
	}
	return is, err
}

func userOf(u chat.User, operators map[chat.UserID]bool) User {
	return User{u.ID, u.Name, u.Key != "", u.SentCount, u.CreatedMs, u.SeenMs, operators[u.ID]}
}

// FindArgs say which users are wanted: whose names begin with Prefix, in their order, behind
// the name After.
type FindArgs struct {
	Prefix string `json:"prefix,omitempty"`
	After  string `json:"after,omitempty"`
	Max    int    `json:"max,omitempty"`
}

// Users is a page of them.
type Users struct {
	Users []User `json:"users"`
}

func (o *Operations) findUsers(ctx context.Context, a FindArgs, _ Tell) (Users, error) {
	m, err := o.moderation()
	if err != nil {
		return Users{}, err
	}
	operators, err := o.operators(ctx)
	if err != nil {
		return Users{}, err
	}
	all, err := m.FindUsers(ctx, folded(a.Prefix), folded(a.After), page(a.Max))
	r := Users{Users: []User{}}
	for _, u := range all {
		r.Users = append(r.Users, userOf(u, operators))
	}
	return r, err
}

// folded is the comparison form of a name, or of the beginning of one, as well as it can be told.
func folded(s string) string {
	if _, key, err := chat.ParseUserName(s); err == nil {
		return key
	}
	return strings.ToLower(s)
}

// WhoArgs name a user, by his name or by "id:7".
type WhoArgs struct {
	Who string `json:"who"`
}

// Shown is a user with what is known of him beside.
type Shown struct {
	User
	Ban *Ban `json:"ban,omitempty"`

	Profile *Profile `json:"profile,omitempty"` // what he says of himself

	Rooms []PlacedRoom `json:"rooms"` // in which he has a role, the first of them
	Audit []Entry      `json:"audit"` // the newest entries that are about him or by him
}

// PlacedRoom is a room with somebody's role in it.
type PlacedRoom struct {
	ID      chat.RoomID `json:"id"`
	Name    string      `json:"name"`
	Role    string      `json:"role"`
	Private bool        `json:"private,omitempty"`
	UntilMs int64       `json:"until_ms,omitempty"`
}

const (
	shownEntries = 10
	shownRooms   = 100
)

func (o *Operations) showUser(ctx context.Context, a WhoArgs, _ Tell) (s Shown, err error) {
	u, err := o.user(ctx, a.Who)
	if err != nil {
		return s, err
	}
	operators, err := o.operators(ctx)
	if err != nil {
		return s, err
	}
	s.User, s.Rooms, s.Audit = userOf(u, operators), []PlacedRoom{}, []Entry{}
	if s.Profile, err = o.profile(ctx, u.ID); err != nil {
		return s, err
	}
	private, err := o.Store.PrivateRooms(ctx, u.ID, 0, shownRooms)
	if err != nil {
		return s, err
	}
	for _, r := range private {
		placed, err := o.placed(ctx, r, u.ID)
		if err != nil {
			return s, err
		}
		s.Rooms = append(s.Rooms, placed)
	}
	m, can := o.Store.(chat.Moderation)
	if !can {
		return s, nil
	}
	bans, err := LoadBans(ctx, m)
	if err != nil {
		return s, err
	}
	for i := range bans {
		if bans[i].User == u.ID {
			b, err := o.banOf(ctx, bans[i])
			if err != nil {
				return s, err
			}
			s.Ban = &b
		}
	}
	entries, _, err := m.Audit(ctx, chat.AuditQuery{User: u.ID, ItemsMax: shownEntries})
	if err != nil {
		return s, err
	}
	s.Audit, err = o.entries(ctx, entries)
	return s, err
}

// placed is a room with the role of a user in it.
func (o *Operations) placed(ctx context.Context, r chat.Room, u chat.UserID) (PlacedRoom, error) {
	a, err := o.Store.Author(ctx, r.ID, u, 0)
	return PlacedRoom{r.ID, r.Name, r.RoleAt(u, a.Given(), chat.Millis(o.Now())).String(), r.Private, a.UntilMs}, err
}

// OperatorArgs make somebody an operator, or take it back.
type OperatorArgs struct {
	Who    string `json:"who"`
	Off    bool   `json:"off,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (o *Operations) setOperator(ctx context.Context, a OperatorArgs, _ Tell) (User, error) {
	m, err := o.moderation()
	if err != nil {
		return User{}, err
	}
	u, err := o.user(ctx, a.Who)
	if err != nil {
		return User{}, err
	}
	act := chat.AuditOperator
	if a.Off {
		act = chat.AuditNoOperator
	}
	if err := m.SetOperator(ctx, u.ID, !a.Off, o.entry(chat.AuditEntry{Act: act, Subject: u.ID, Reason: a.Reason})); err != nil {
		return User{}, err
	}
	return userOf(u, map[chat.UserID]bool{u.ID: !a.Off}), o.hold(ctx)
}

// Exported is a line of an export: one of its fields is there.
type Exported struct {
	User    *User           `json:"user,omitempty"`
	Profile *Profile        `json:"profile,omitempty"`
	Block   *BlockedUser    `json:"block,omitempty"`
	Thread  *FollowedThread `json:"thread,omitempty"`
	Room    *PlacedRoom     `json:"room,omitempty"` // what follows is of it
	Event   *ExportedEvent  `json:"event,omitempty"`
}

// ExportedEvent is something that a user did.
type ExportedEvent struct {
	Seq     chat.Seq    `json:"seq"`
	Kind    string      `json:"kind"`
	TimeMs  int64       `json:"time_ms"`
	Text    string      `json:"text,omitempty"`
	Target  chat.Seq    `json:"target,omitempty"`
	Subject chat.UserID `json:"subject,omitempty"`
	Role    string      `json:"role,omitempty"`

	Files []chat.FileInfo `json:"files,omitempty"`
}

// ExportResult is how much an export has.
type ExportResult struct {
	Rooms  uint64 `json:"rooms"`
	Events uint64 `json:"events"`
}

// exportPage is how many events are read at once.
const exportPage = 500

// exportUser tells all that is stored of a user, in parts. It looks into every room, and reads
// the logs of those in which he said something.
func (o *Operations) exportUser(ctx context.Context, a WhoArgs, tell Tell) (x ExportResult, err error) {
	archive, can := o.Store.(chat.Archive)
	if !can {
		return x, chat.Errorf(chat.CodeBadRequest, "this kind of store can not be read through")
	}
	u, err := o.user(ctx, a.Who)
	if err != nil {
		return x, err
	}
	operators, err := o.operators(ctx)
	if err != nil {
		return x, err
	}
	// Noted first: who was interrupted has read as well.
	if err := o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditExport, Subject: u.ID}); err != nil {
		return x, err
	}
	his := userOf(u, operators)
	if err := tell.part(Exported{User: &his}); err != nil {
		return x, err
	}
	if err := o.exportPeople(ctx, u.ID, tell); err != nil {
		return x, err
	}
	if err := exportFollows(ctx, archive, u.ID, tell); err != nil {
		return x, err
	}
	for after := chat.RoomID(0); ; {
		rooms, err := archive.AllRooms(ctx, after, pageMax)
		if err != nil || len(rooms) == 0 {
			return x, err
		}
		for _, r := range rooms {
			if err := o.exportRoom(ctx, r, u.ID, tell, &x); err != nil {
				return x, err
			}
		}
		after = rooms[len(rooms)-1].ID
	}
}

func (o *Operations) exportRoom(ctx context.Context, r chat.Room, u chat.UserID, tell Tell, x *ExportResult) error {
	author, err := o.Store.Author(ctx, r.ID, u, 1)
	if err != nil {
		return err
	}
	if len(author.Nonces) == 0 && author.Role == chat.RoleNone && r.Creator != u {
		return nil
	}
	x.Rooms++
	placed, err := o.placed(ctx, r, u)
	if err != nil {
		return err
	}
	if err := tell.part(Exported{Room: &placed}); err != nil || len(author.Nonces) == 0 {
		return err
	}
	for after, last := chat.Seq(0), author.Nonces[0].Seq; after < last; {
		events, more, err := o.Store.History(ctx, r.ID, chat.Page{After: after, ItemsMax: exportPage, BytesMax: 1 << 20})
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			if after = e.Seq; e.User != u {
				continue
			}
			x.Events++
			one := ExportedEvent{Seq: e.Seq, Kind: kindName(e.Kind), TimeMs: e.TimeMs, Text: e.Text, Files: e.Files.All(), Target: e.Target, Subject: e.Subject}
			if e.Kind == chat.EventRole {
				one.Role = e.Role.String()
			}
			if err := tell.part(Exported{Event: &one}); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
	return nil
}

func kindName(k chat.EventKind) string {
	names := map[chat.EventKind]string{
		chat.EventMessage: "message", chat.EventJoin: "join", chat.EventLeave: "leave", chat.EventRole: "role", chat.EventKick: "kick",
	}
	if name, known := names[k]; known {
		return name
	}
	return "kind " + strconv.Itoa(int(k))
}

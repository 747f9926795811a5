package control

import (
	"context"
	"encoding/json"

	"sarang/chat"
	"sarang/internal/transfer"
)

// ExportArgs say what is to be exported: a room, by its name or by "id:7", or, if it is empty,
// everything.
type ExportArgs struct {
	Room string `json:"room,omitempty"`
}

// export tells the lines of an export as parts.
func (o *Operations) export(ctx context.Context, a ExportArgs, tell Tell) (transfer.Exported, error) {
	archive, can := o.Store.(chat.Archive)
	if !can {
		return transfer.Exported{}, chat.Errorf(chat.CodeBadRequest, "this kind of store can not be read through")
	}
	var room chat.RoomID
	what := "everything"
	if a.Room != "" {
		r, err := o.room(ctx, a.Room)
		if err != nil {
			return transfer.Exported{}, err
		}
		room, what = r.ID, "#"+r.Name
	}
	// Noted first: who was interrupted has read as well.
	if err := o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditExport, Room: room, What: what}); err != nil {
		return transfer.Exported{}, err
	}
	line := func(b []byte) error {
		tell(Answer{Part: b})
		return ctx.Err()
	}
	return transfer.Export(ctx, archive, room, line, tell.progress)
}

// ImportTarget is the operations' store as the target of an import.
func (o *Operations) ImportTarget() transfer.Target {
	return transfer.ForStore(o.Store, func(ctx context.Context, what string) error {
		return o.noteAct(ctx, chat.AuditEntry{Act: chat.AuditRestore, What: what})
	})
}

// importCall is one call of a transfer.Target: Call says which. The other fields are its arguments.
type importCall struct {
	Call    string              `json:"call"`
	Text    string              `json:"text,omitempty"` // an external name, a key, a note
	User    chat.UserID         `json:"user,omitempty"`
	Users   []chat.UserID       `json:"users,omitempty"`
	TimeMs  int64               `json:"time_ms,omitempty"`
	Claim   *importClaim        `json:"claim,omitempty"`
	Profile *chat.ProfileChange `json:"profile,omitempty"`
	Room    *chat.Room          `json:"room,omitempty"`
	ID      chat.RoomID         `json:"id,omitempty"`
	Page    *chat.Page          `json:"page,omitempty"`
	Batch   *chat.Batch         `json:"batch,omitempty"`
	Changes []chat.MemberChange `json:"changes,omitempty"`
	Max     int                 `json:"max,omitempty"`
}

// importClaim is what an import claims: users without passwords and devices.
type importClaim struct {
	Name, Key, Look, External string
	NowMs                     int64
}

// importAnswer is what a call has returned.
type importAnswer struct {
	ID        chat.UserID          `json:"id,omitempty"`
	User      *chat.User           `json:"user,omitempty"`
	Profiles  []chat.ProfileRecord `json:"profiles,omitempty"`
	Room      *chat.Room           `json:"room,omitempty"`
	Events    []chat.Event         `json:"events,omitempty"`
	More      bool                 `json:"more,omitempty"`
	Conflicts []chat.Conflict      `json:"conflicts,omitempty"`
	Members   []chat.Membership    `json:"members,omitempty"`
}

// importCall does one call of an import that another program makes.
func (o *Operations) importCall(ctx context.Context, c importCall, _ Tell) (a importAnswer, err error) {
	t := o.ImportTarget()
	missing := chat.Errorf(chat.CodeBadRequest, "the call %q has no argument", c.Call)
	switch c.Call {
	case "external":
		a.ID, err = t.External(ctx, c.Text)
	case "user":
		a.User, err = pointer(t.User(ctx, c.User))
	case "user-by-key":
		a.User, err = pointer(t.UserByKey(ctx, c.Text))
	case "claim":
		if c.Claim == nil {
			return a, missing
		}
		claimed, err := t.ClaimUser(ctx, chat.Claim{Name: c.Claim.Name, Key: c.Claim.Key, Look: c.Claim.Look, External: c.Claim.External, NowMs: c.Claim.NowMs})
		a.User = &claimed.User
		return a, err
	case "seen":
		err = t.Seen(ctx, c.Users, c.TimeMs)
	case "profiles":
		if len(c.Users) > chat.ProfilesMax {
			return a, missing
		}
		a.Profiles, err = t.Profiles(ctx, c.Users)
	case "profile":
		if c.Profile == nil {
			return a, missing
		}
		if err := c.Profile.Check(); err != nil {
			return a, err
		}
		_, err = t.ChangeProfile(ctx, c.User, *c.Profile)
	case "room-by-key":
		a.Room, err = pointer(t.RoomByKey(ctx, c.Text))
	case "room":
		if c.Room == nil {
			return a, missing
		}
		a.Room, err = pointer(t.CreateRoom(ctx, *c.Room, chat.RoomQuota{}))
	case "history":
		if c.Page == nil {
			return a, missing
		}
		a.Events, a.More, err = t.History(ctx, c.ID, *c.Page)
	case "commit":
		if c.Batch == nil {
			return a, missing
		}
		a.Conflicts, err = t.Commit(ctx, *c.Batch)
	case "members":
		_, err = t.ChangeMembers(ctx, c.Changes, 0)
	case "marks":
		a.Members, err = t.RoomMarks(ctx, c.ID, c.Max)
	case "note":
		err = t.Note(ctx, c.Text)
	default:
		err = chat.Errorf(chat.CodeUnknownPacket, "an import has no call %q", c.Call)
	}
	return a, err
}

func pointer[T any](v T, err error) (*T, error) { return &v, err }

// Remote is the server of a data folder as the target of an import.
func Remote(dir string) transfer.Target { return remote{dir} }

type remote struct{ dir string }

func (r remote) call(ctx context.Context, c importCall) (a importAnswer, err error) {
	args, err := json.Marshal(c)
	if err != nil {
		return a, err
	}
	b, err := Ask(ctx, r.dir, Request{Do: "import", Args: args}, func(Answer) {})
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(b, &a)
}

// value is what an answer has to have.
func value[T any](p *T, err error) (v T, _ error) {
	if err == nil && p == nil {
		err = chat.Errorf(chat.CodeInternal, "the server's answer is not whole")
	}
	if err != nil {
		return v, err
	}
	return *p, nil
}

func (r remote) External(ctx context.Context, external string) (chat.UserID, error) {
	a, err := r.call(ctx, importCall{Call: "external", Text: external})
	return a.ID, err
}

func (r remote) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	a, err := r.call(ctx, importCall{Call: "user", User: id})
	return value(a.User, err)
}

func (r remote) UserByKey(ctx context.Context, key string) (chat.User, error) {
	a, err := r.call(ctx, importCall{Call: "user-by-key", Text: key})
	return value(a.User, err)
}

func (r remote) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	a, err := r.call(ctx, importCall{Call: "claim", Claim: &importClaim{c.Name, c.Key, c.Look, c.External, c.NowMs}})
	u, err := value(a.User, err)
	return chat.Claimed{User: u}, err
}

func (r remote) Seen(ctx context.Context, users []chat.UserID, nowMs int64) error {
	_, err := r.call(ctx, importCall{Call: "seen", Users: users, TimeMs: nowMs})
	return err
}

func (r remote) Profiles(ctx context.Context, users []chat.UserID) ([]chat.ProfileRecord, error) {
	a, err := r.call(ctx, importCall{Call: "profiles", Users: users})
	return a.Profiles, err
}

func (r remote) ChangeProfile(ctx context.Context, user chat.UserID, c chat.ProfileChange) (chat.Profile, error) {
	_, err := r.call(ctx, importCall{Call: "profile", User: user, Profile: &c})
	return chat.Profile{}, err
}

func (r remote) RoomByKey(ctx context.Context, key string) (chat.Room, error) {
	a, err := r.call(ctx, importCall{Call: "room-by-key", Text: key})
	return value(a.Room, err)
}

func (r remote) CreateRoom(ctx context.Context, room chat.Room, _ chat.RoomQuota) (chat.Room, error) {
	a, err := r.call(ctx, importCall{Call: "room", Room: &room})
	return value(a.Room, err)
}

func (r remote) History(ctx context.Context, room chat.RoomID, p chat.Page) ([]chat.Event, bool, error) {
	a, err := r.call(ctx, importCall{Call: "history", ID: room, Page: &p})
	return a.Events, a.More, err
}

func (r remote) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	a, err := r.call(ctx, importCall{Call: "commit", Batch: &b})
	return a.Conflicts, err
}

func (r remote) ChangeMembers(ctx context.Context, changes []chat.MemberChange, _ int) ([]chat.Membership, error) {
	_, err := r.call(ctx, importCall{Call: "members", Changes: changes})
	return nil, err
}

func (r remote) RoomMarks(ctx context.Context, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	a, err := r.call(ctx, importCall{Call: "marks", ID: room, Max: itemsMax})
	return a.Members, err
}

func (r remote) Note(ctx context.Context, what string) error {
	_, err := r.call(ctx, importCall{Call: "note", Text: what})
	return err
}

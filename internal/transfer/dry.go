package transfer

import (
	"context"

	"sarang/chat"
)

// dry is a Target that reads another one and writes nothing: who and what would be made is there
// for the import alone.
type dry struct {
	Target
	users     []chat.User // with ids behind dryIDs
	keys      map[string]chat.UserID
	looks     map[string]bool
	externals map[string]chat.UserID
	rooms     map[string]chat.Room
	ends      map[chat.RoomID]chat.Event // the last one that would be written
}

// dryIDs is behind all ids that a store gives out.
const dryIDs = 1 << 62

func newDry(t Target) *dry {
	return &dry{
		Target: t, keys: map[string]chat.UserID{}, looks: map[string]bool{}, externals: map[string]chat.UserID{},
		rooms: map[string]chat.Room{}, ends: map[chat.RoomID]chat.Event{},
	}
}

func (d *dry) External(ctx context.Context, external string) (chat.UserID, error) {
	if id, made := d.externals[external]; made {
		return id, nil
	}
	return d.Target.External(ctx, external)
}

func (d *dry) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	if at := id - dryIDs - 1; id > dryIDs && at < chat.UserID(len(d.users)) {
		return d.users[at], nil
	}
	return d.Target.User(ctx, id)
}

func (d *dry) UserByKey(ctx context.Context, key string) (chat.User, error) {
	if id, made := d.keys[key]; made {
		return d.User(ctx, id)
	}
	return d.Target.UserByKey(ctx, key)
}

// ClaimUser says of a name that looks like one of the store, and not like one that is made, that
// it is free: a store does not tell.
func (d *dry) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	switch _, err := d.UserByKey(ctx, c.Key); {
	case err == nil, c.Look != "" && d.looks[c.Look]:
		return chat.Claimed{}, chat.Errorf(chat.CodeNameTaken, "the name %q belongs to somebody else", c.Name)
	case chat.CodeOf(err) != chat.CodeNoUser:
		return chat.Claimed{}, err
	}
	u := chat.User{ID: dryIDs + 1 + chat.UserID(len(d.users)), Name: c.Name, Key: c.Key, CreatedMs: c.NowMs}
	d.users = append(d.users, u)
	d.keys[c.Key], d.externals[c.External] = u.ID, u.ID
	if c.Look != "" {
		d.looks[c.Look] = true
	}
	return chat.Claimed{User: u}, nil
}

func (d *dry) Seen(context.Context, []chat.UserID, int64) error { return nil }

func (d *dry) Profiles(ctx context.Context, users []chat.UserID) ([]chat.ProfileRecord, error) {
	if len(users) == 1 && users[0] > dryIDs {
		return nil, nil
	}
	return d.Target.Profiles(ctx, users)
}

func (d *dry) ChangeProfile(context.Context, chat.UserID, chat.ProfileChange) (chat.Profile, error) {
	return chat.Profile{}, nil
}

func (d *dry) RoomByKey(ctx context.Context, key string) (chat.Room, error) {
	r, err := d.rooms[key], error(nil)
	if r.ID == 0 {
		r, err = d.Target.RoomByKey(ctx, key)
	}
	if e, written := d.ends[r.ID]; written {
		r.LastSeq, r.LastMs = e.Seq, e.TimeMs
	}
	return r, err
}

func (d *dry) CreateRoom(_ context.Context, r chat.Room, _ chat.RoomQuota) (chat.Room, error) {
	r.ID = dryIDs + 1 + chat.RoomID(len(d.rooms))
	d.rooms[r.Key] = r
	return r, nil
}

func (d *dry) History(ctx context.Context, room chat.RoomID, p chat.Page) ([]chat.Event, bool, error) {
	if room > dryIDs {
		return nil, false, nil
	}
	return d.Target.History(ctx, room, p)
}

func (d *dry) Commit(_ context.Context, b chat.Batch) ([]chat.Conflict, error) {
	for _, a := range b.Appends {
		if n := len(a.Events); n > 0 {
			d.ends[a.Room] = chat.Event{Seq: a.Events[n-1].Seq, TimeMs: a.Events[n-1].TimeMs}
		}
	}
	return nil, nil
}

func (d *dry) ChangeMembers(context.Context, []chat.MemberChange, int) ([]chat.Membership, error) {
	return nil, nil
}

func (d *dry) RoomMarks(ctx context.Context, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	if room > dryIDs {
		return nil, nil
	}
	return d.Target.RoomMarks(ctx, room, itemsMax)
}

func (d *dry) Note(context.Context, string) error { return nil }

//go:build linux

package main

import (
	"context"
	"sync"

	"sarang/chat"
)

// forgetful is a chat.Store that takes everything and keeps only the names of rooms: the
// database has its own measurements.
type forgetful struct {
	mu    sync.Mutex
	users chat.UserID
	byKey map[string]chat.RoomID
	rooms []chat.Room // by id - 1
}

func (f *forgetful) Commit(context.Context, chat.Batch) ([]chat.Conflict, error) { return nil, nil }

func (f *forgetful) History(context.Context, chat.RoomID, chat.Page) ([]chat.Event, bool, error) {
	return nil, false, nil
}

func (f *forgetful) Author(context.Context, chat.RoomID, chat.UserID, int) (chat.Author, error) {
	return chat.Author{}, nil
}

func (f *forgetful) Target(context.Context, chat.RoomID, chat.Seq, chat.UserID) (chat.Target, error) {
	return chat.Target{}, nil
}

func (f *forgetful) States(context.Context, chat.RoomID, chat.Seq, chat.Seq, chat.UserID) ([]chat.State, error) {
	return nil, nil
}

func (f *forgetful) UserMentions(context.Context, chat.UserID, chat.MentionPlace, int) ([]chat.MentionPlace, error) {
	return nil, nil
}

func (f *forgetful) Threads(context.Context, chat.ThreadQuery) ([]chat.Thread, error) {
	return nil, nil
}

func (f *forgetful) Replies(context.Context, chat.RoomID, chat.Seq, chat.Page) ([]chat.Seq, bool, error) {
	return nil, false, nil
}

func (f *forgetful) Pins(context.Context, chat.RoomID, chat.Seq, int) ([]chat.Pin, error) {
	return nil, nil
}

func (f *forgetful) User(_ context.Context, id chat.UserID) (chat.User, error) {
	return chat.User{ID: id}, nil
}

func (f *forgetful) UserByKey(context.Context, string) (chat.User, error) {
	return chat.User{}, chat.Errorf(chat.CodeNoUser, "nobody has that name")
}

func (f *forgetful) Seen(context.Context, []chat.UserID, int64) error { return nil }

func (f *forgetful) ChangeMembers(_ context.Context, changes []chat.MemberChange, _ int) ([]chat.Membership, error) {
	return make([]chat.Membership, len(changes)), nil
}

func (f *forgetful) MyRooms(context.Context, chat.UserID, chat.RoomID, int) ([]chat.MyRoom, error) {
	return nil, nil
}

func (f *forgetful) Close() error { return nil }

func (f *forgetful) ClaimUser(_ context.Context, c chat.Claim) (chat.Claimed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users++
	return chat.Claimed{User: chat.User{ID: f.users, Name: c.Name}}, nil
}

func (f *forgetful) Password(context.Context, string) (chat.Secret, error) {
	return chat.Secret{}, chat.Errorf(chat.CodeNoUser, "nobody has that name")
}

func (f *forgetful) External(context.Context, string) (chat.UserID, error) {
	return 0, chat.Errorf(chat.CodeNoUser, "nobody is called so by another program")
}

func (f *forgetful) AddInvitation(context.Context, chat.Invitation) error { return nil }

func (f *forgetful) Invitation(context.Context, chat.TokenHash, int64) (chat.Invitation, error) {
	return chat.Invitation{}, chat.NotInvited()
}

func (f *forgetful) Invitations(context.Context, chat.TokenHash, int) ([]chat.Invitation, error) {
	return nil, nil
}

func (f *forgetful) EraseUser(context.Context, chat.UserID, int64) error { return nil }

func (f *forgetful) SetPassword(context.Context, chat.PasswordChange) error { return nil }

func (f *forgetful) Devices(context.Context, chat.UserID) ([]chat.Device, error) { return nil, nil }

func (f *forgetful) EndDevices(context.Context, chat.UserID, chat.DeviceSet) error { return nil }

func (f *forgetful) Rooms(context.Context, chat.RoomID, int) ([]chat.Room, error) { return nil, nil }

func (f *forgetful) PrivateRooms(context.Context, chat.UserID, chat.RoomID, int) ([]chat.Room, error) {
	return nil, nil
}

func (f *forgetful) Room(_ context.Context, id chat.RoomID) (chat.Room, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id == 0 || int(id) > len(f.rooms) {
		return chat.Room{}, chat.Errorf(chat.CodeNoRoom, "there is no room %d", id)
	}
	return f.rooms[id-1], nil
}

func (f *forgetful) RoomByKey(ctx context.Context, key string) (chat.Room, error) {
	f.mu.Lock()
	id := f.byKey[key]
	f.mu.Unlock()
	return f.Room(ctx, id)
}

func (f *forgetful) CreateRoom(_ context.Context, r chat.Room, _ chat.RoomQuota) (chat.Room, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.byKey[r.Key]; known {
		return chat.Room{}, chat.Errorf(chat.CodeRoomExists, "the room %q exists", r.Name)
	}
	if f.byKey == nil {
		f.byKey = map[string]chat.RoomID{}
	}
	r.ID = chat.RoomID(len(f.rooms) + 1)
	f.byKey[r.Key], f.rooms = r.ID, append(f.rooms, r)
	return r, nil
}

func (f *forgetful) Follow(context.Context, chat.UserID, chat.RoomID, chat.Seq) (chat.Follow, error) {
	return chat.Follow{}, nil
}

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
	rooms map[string]chat.RoomID
}

func (f *forgetful) Commit(context.Context, []chat.Append) error            { return nil }
func (f *forgetful) LastSeq(context.Context, chat.RoomID) (chat.Seq, error) { return 0, nil }
func (f *forgetful) Rooms(context.Context) ([]chat.Room, error)             { return nil, nil }
func (f *forgetful) User(_ context.Context, id chat.UserID) (chat.User, error) {
	return chat.User{ID: id}, nil
}
func (f *forgetful) Close() error { return nil }
func (f *forgetful) History(context.Context, chat.RoomID, chat.Seq, int, int) ([]chat.Event, error) {
	return nil, nil
}

func (f *forgetful) Nonces(context.Context, chat.RoomID, chat.UserID, int) ([]chat.NonceSeq, error) {
	return nil, nil
}

func (f *forgetful) ClaimUser(_ context.Context, c chat.Claim) (chat.User, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users++
	return chat.User{ID: f.users, Name: c.Name}, nil
}

func (f *forgetful) CreateRoom(_ context.Context, r chat.Room) (chat.Room, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rooms == nil {
		f.rooms = map[string]chat.RoomID{}
	}
	if _, known := f.rooms[r.Key]; known {
		return chat.Room{}, chat.Errorf(chat.CodeRoomExists, "the room %q exists", r.Name)
	}
	r.ID = chat.RoomID(len(f.rooms) + 1)
	f.rooms[r.Key] = r.ID
	return r, nil
}

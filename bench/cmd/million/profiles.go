package main

import (
	"context"

	"sarang/chat"
)

func (f *forgetful) Profiles(context.Context, []chat.UserID) ([]chat.ProfileRecord, error) {
	return nil, nil
}

func (f *forgetful) ChangeProfile(_ context.Context, _ chat.UserID, c chat.ProfileChange) (chat.Profile, error) {
	return c.Apply(chat.Profile{}), nil
}

func (f *forgetful) Rename(context.Context, chat.Rename) error { return nil }

func (f *forgetful) Block(context.Context, chat.BlockChange) error { return nil }

func (f *forgetful) Blocks(context.Context, chat.UserID, chat.UserID, int) ([]chat.Person, error) {
	return nil, nil
}

func (f *forgetful) RoomMarks(context.Context, chat.RoomID, int) ([]chat.Membership, error) {
	return nil, nil
}

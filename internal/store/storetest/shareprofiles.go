package storetest

import (
	"context"

	"sarang/chat"
)

func (s *shared) Profiles(ctx context.Context, users []chat.UserID) ([]chat.ProfileRecord, error) {
	return s.next().Profiles(ctx, users)
}

func (s *shared) ChangeProfile(ctx context.Context, user chat.UserID, c chat.ProfileChange) (chat.Profile, error) {
	return s.next().ChangeProfile(ctx, user, c)
}

func (s *shared) Rename(ctx context.Context, r chat.Rename) error { return s.next().Rename(ctx, r) }

func (s *shared) Block(ctx context.Context, b chat.BlockChange) error { return s.next().Block(ctx, b) }

func (s *shared) Blocks(ctx context.Context, user, after chat.UserID, itemsMax int) ([]chat.Person, error) {
	return s.next().Blocks(ctx, user, after, itemsMax)
}

func (s *shared) RoomMarks(ctx context.Context, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	return s.next().RoomMarks(ctx, room, itemsMax)
}

package storetest

import (
	"context"
	"errors"
	"sync/atomic"

	"sarang/chat"
)

// Share returns an Opener that opens n stores with open, for stores of which several may
// have the same data, and hands each call to the next of them. The batches of one writer
// go to one store: a server has one.
func Share(open Opener, n int) Opener {
	return func(ctx context.Context) (chat.Store, error) {
		s := &shared{}
		for range n {
			one, err := open(ctx)
			if err != nil {
				return nil, errors.Join(err, s.Close())
			}
			s.stores = append(s.stores, one)
		}
		return s, nil
	}
}

// shared is several stores with the same data.
type shared struct {
	stores []chat.Store
	turn   atomic.Uint64
}

func (s *shared) next() chat.Store { return s.stores[s.turn.Add(1)%uint64(len(s.stores))] }

func (s *shared) Commit(ctx context.Context, b chat.Batch) ([]chat.Conflict, error) {
	return s.stores[b.ID.Writer%uint64(len(s.stores))].Commit(ctx, b)
}

func (s *shared) History(ctx context.Context, room chat.RoomID, p chat.Page) ([]chat.Event, bool, error) {
	return s.next().History(ctx, room, p)
}

func (s *shared) Author(ctx context.Context, room chat.RoomID, user chat.UserID, noncesMax int) (chat.Author, error) {
	return s.next().Author(ctx, room, user, noncesMax)
}

func (s *shared) Target(ctx context.Context, room chat.RoomID, seq chat.Seq, user chat.UserID) (chat.Target, error) {
	return s.next().Target(ctx, room, seq, user)
}

func (s *shared) States(ctx context.Context, room chat.RoomID, first, last chat.Seq, user chat.UserID) ([]chat.State, error) {
	return s.next().States(ctx, room, first, last, user)
}

func (s *shared) CreateRoom(ctx context.Context, r chat.Room, q chat.RoomQuota) (chat.Room, error) {
	return s.next().CreateRoom(ctx, r, q)
}

func (s *shared) Room(ctx context.Context, id chat.RoomID) (chat.Room, error) {
	return s.next().Room(ctx, id)
}

func (s *shared) RoomByKey(ctx context.Context, key string) (chat.Room, error) {
	return s.next().RoomByKey(ctx, key)
}

func (s *shared) Rooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	return s.next().Rooms(ctx, after, itemsMax)
}

func (s *shared) PrivateRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	return s.next().PrivateRooms(ctx, user, after, itemsMax)
}

func (s *shared) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	return s.next().ClaimUser(ctx, c)
}

func (s *shared) Seen(ctx context.Context, users []chat.UserID, nowMs int64) error {
	return s.next().Seen(ctx, users, nowMs)
}

func (s *shared) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	return s.next().User(ctx, id)
}

func (s *shared) ChangeMembers(ctx context.Context, changes []chat.MemberChange, roomsMax int) ([]chat.Membership, error) {
	return s.next().ChangeMembers(ctx, changes, roomsMax)
}

func (s *shared) MyRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) ([]chat.MyRoom, error) {
	return s.next().MyRooms(ctx, user, after, itemsMax)
}

func (s *shared) Memberships(ctx context.Context, user chat.UserID, room chat.RoomID, itemsMax int) ([]chat.Membership, error) {
	return s.next().(chat.Archive).Memberships(ctx, user, room, itemsMax)
}

func (s *shared) AddMemberships(ctx context.Context, all []chat.Membership) error {
	return s.next().(chat.Archive).AddMemberships(ctx, all)
}

// Users, AddUsers, AddRooms and so on are for stores that can be copied, as all are that share.
func (s *shared) Users(ctx context.Context, after chat.UserID, itemsMax int) ([]chat.UserRecord, error) {
	return s.next().(chat.Archive).Users(ctx, after, itemsMax)
}

func (s *shared) AllRooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	return s.next().(chat.Archive).AllRooms(ctx, after, itemsMax)
}

func (s *shared) AddUsers(ctx context.Context, users []chat.UserRecord) error {
	return s.next().(chat.Archive).AddUsers(ctx, users)
}

func (s *shared) AddRooms(ctx context.Context, rooms []chat.Room) error {
	return s.next().(chat.Archive).AddRooms(ctx, rooms)
}

func (s *shared) AllDevices(ctx context.Context, after chat.DeviceRef, itemsMax int) ([]chat.DeviceRecord, error) {
	return s.next().(chat.Archive).AllDevices(ctx, after, itemsMax)
}

func (s *shared) AddDevices(ctx context.Context, devices []chat.DeviceRecord) error {
	return s.next().(chat.Archive).AddDevices(ctx, devices)
}

func (s *shared) Password(ctx context.Context, key string) (chat.Secret, error) {
	return s.next().Password(ctx, key)
}

func (s *shared) SetPassword(ctx context.Context, p chat.PasswordChange) error {
	return s.next().SetPassword(ctx, p)
}

func (s *shared) Devices(ctx context.Context, user chat.UserID) ([]chat.Device, error) {
	return s.next().Devices(ctx, user)
}

func (s *shared) External(ctx context.Context, external string) (chat.UserID, error) {
	return s.next().External(ctx, external)
}

func (s *shared) AddInvitation(ctx context.Context, i chat.Invitation) error {
	return s.next().AddInvitation(ctx, i)
}

func (s *shared) Invitation(ctx context.Context, code chat.TokenHash, nowMs int64) (chat.Invitation, error) {
	return s.next().Invitation(ctx, code, nowMs)
}

func (s *shared) Invitations(ctx context.Context, after chat.TokenHash, itemsMax int) ([]chat.Invitation, error) {
	return s.next().Invitations(ctx, after, itemsMax)
}

func (s *shared) EraseUser(ctx context.Context, user chat.UserID, nowMs int64) error {
	return s.next().EraseUser(ctx, user, nowMs)
}

func (s *shared) EndDevices(ctx context.Context, user chat.UserID, which chat.DeviceSet) error {
	return s.next().EndDevices(ctx, user, which)
}

// BeginLog is for all.
func (s *shared) BeginLog(ctx context.Context, r chat.Room, after chat.Seq) error {
	return s.next().(chat.Archive).BeginLog(ctx, r, after)
}

// Expired is for stores that find what is too old, as all do that share.
func (s *shared) Expired(ctx context.Context, q chat.ExpiryQuery) (found []chat.Expiry, next chat.RoomID, err error) {
	return s.next().(chat.Expirer).Expired(ctx, q)
}

// Search is for stores that search.
func (s *shared) Search(ctx context.Context, q chat.SearchQuery) (chat.Found, error) {
	searcher, can := s.next().(chat.Searcher)
	if !can {
		return chat.Found{}, chat.Errorf(chat.CodeNoSearch, "this store does not search")
	}
	return searcher.Search(ctx, q)
}

// Indexed waits for all of them.
func (s *shared) Indexed(ctx context.Context) error {
	for _, one := range s.stores {
		if indexer, can := one.(chat.Indexer); can {
			if err := indexer.Indexed(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// UserByKey asks whichever is next.
func (s *shared) UserByKey(ctx context.Context, key string) (chat.User, error) {
	return s.next().UserByKey(ctx, key)
}

// Close closes all of them.
func (s *shared) Close() error {
	var errs []error
	for _, one := range s.stores {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

func (s *shared) UserMentions(ctx context.Context, u chat.UserID, before chat.MentionPlace, itemsMax int) ([]chat.MentionPlace, error) {
	return s.next().UserMentions(ctx, u, before, itemsMax)
}

func (s *shared) Threads(ctx context.Context, q chat.ThreadQuery) ([]chat.Thread, error) {
	return s.next().Threads(ctx, q)
}

func (s *shared) Follow(ctx context.Context, u chat.UserID, r chat.RoomID, root chat.Seq) (chat.Follow, error) {
	return s.next().Follow(ctx, u, r, root)
}

func (s *shared) Replies(ctx context.Context, r chat.RoomID, root chat.Seq, p chat.Page) ([]chat.Seq, bool, error) {
	return s.next().Replies(ctx, r, root, p)
}

func (s *shared) Pins(ctx context.Context, r chat.RoomID, before chat.Seq, itemsMax int) ([]chat.Pin, error) {
	return s.next().Pins(ctx, r, before, itemsMax)
}

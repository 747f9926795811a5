package storesim

import (
	"context"

	"sarang/chat"
)

var _ chat.Archive = (*Store)(nil)

// Users is documented at chat.Archive.
func (s *Store) Users(ctx context.Context, after chat.UserID, itemsMax int) ([]chat.UserRecord, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Users"); err != nil {
		return nil, err
	}
	rest := d.users[min(uint64(after), uint64(len(d.users))):]
	users := make([]chat.UserRecord, min(len(rest), max(itemsMax, 1)))
	for i := range users {
		users[i] = chat.UserRecord{User: rest[i].user, Password: rest[i].password, Look: rest[i].look}
		users[i].SentCount = 0
		if users[i].Key == "" {
			users[i].Look = "" // a name that was taken over looks like nothing
		}
	}
	return users, nil
}

// AddUsers is documented at chat.Archive.
func (s *Store) AddUsers(ctx context.Context, users []chat.UserRecord) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "AddUsers"); err != nil {
		return err
	}
	for i, u := range users {
		if next := chat.UserID(len(d.users) + i + 1); u.ID != next {
			return chat.Errorf(chat.CodeSequence, "user %d stands where %d is next", u.ID, next)
		}
	}
	for _, u := range users {
		d.users = append(d.users, &account{user: u.User, password: u.Password, look: u.Look})
	}
	return nil
}

// AllRooms is documented at chat.Archive.
func (s *Store) AllRooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "AllRooms"); err != nil {
		return nil, err
	}
	return d.page(after, itemsMax, func(*roomLog) bool { return true }), nil
}

// AddRooms is documented at chat.Archive. This store's rooms have no gap in their ids.
func (s *Store) AddRooms(ctx context.Context, rooms []chat.Room) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "AddRooms"); err != nil {
		return err
	}
	for i, r := range rooms {
		if next := chat.RoomID(len(d.rooms) + i + 1); r.ID != next {
			return chat.Errorf(chat.CodeSequence, "room %d stands where %d is next", r.ID, next)
		}
	}
	for _, r := range rooms {
		r.LastSeq, r.LastMs, r.Ruled, r.Topic = 0, 0, false, ""
		r.Description, r.Archived, r.SlowSeconds, r.RetainSeconds = "", false, 0, 0
		d.rooms = append(d.rooms, &roomLog{room: r, roles: make(map[chat.UserID]chat.Given), changes: make(map[chat.Seq]*message)})
	}
	return nil
}

// BeginLog is documented at chat.Archive.
func (s *Store) BeginLog(ctx context.Context, r chat.Room, after chat.Seq) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "BeginLog"); err != nil {
		return err
	}
	log := d.log(r.ID)
	switch {
	case log == nil:
		return chat.Errorf(chat.CodeNoRoom, "there is no room %d", r.ID)
	case log.room.LastSeq != 0:
		return chat.Errorf(chat.CodeBadRequest, "the log of room %d has begun", r.ID)
	}
	log.erased, log.room.LastSeq = after, after
	is := &log.room
	is.Ruled, is.Topic, is.Description, is.Archived = r.Ruled, r.Topic, r.Description, r.Archived
	is.SlowSeconds, is.RetainSeconds = r.SlowSeconds, r.RetainSeconds
	return nil
}

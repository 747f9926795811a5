package storesim

import (
	"cmp"
	"context"

	"sarang/chat"
)

// Store is a chat.Store on a Disk, which makes it fail.
type Store struct {
	disk   *Disk
	closed bool
}

var _ chat.Store = (*Store)(nil)

// begin is the start of every call: it may be refused, or the program dies.
func (s *Store) begin(ctx context.Context, call string) (Fault, error) {
	if s.closed {
		return 0, chat.Errorf(chat.CodeClosed, "the store is closed")
	}
	if err := ctx.Err(); err != nil {
		return 0, &chat.Error{Code: chat.CodeUnavailable, Message: "the call was ended", Err: err}
	}
	fault := FaultNone
	if s.disk.trouble != nil {
		fault = s.disk.trouble.Next(call)
	}
	switch fault {
	case FaultUnavailable:
		return 0, chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	case FaultDieBefore:
		panic(&DiedError{call})
	}
	return fault, nil
}

// died ends the program if that is the call's fate.
func died(f Fault, call string) {
	if f == FaultDieAfter {
		panic(&DiedError{call})
	}
}

// ClaimUser is documented at chat.Store.
func (s *Store) ClaimUser(ctx context.Context, c chat.Claim) (chat.Claimed, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "ClaimUser")
	if err != nil {
		return chat.Claimed{}, err
	}
	if fault == FaultUncertain {
		return chat.Claimed{}, chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	}
	u, err := d.claim(c)
	died(fault, "ClaimUser, after it")
	return u, err
}

func (d *Disk) claim(c chat.Claim) (chat.Claimed, error) {
	if c.Key == "" || c.Name == "" {
		return chat.Claimed{}, chat.Errorf(chat.CodeBadRequest, "a claim needs a name and its key")
	}
	var holder, like *account
	for _, a := range d.users {
		switch {
		case a.user.Key == c.Key:
			holder = a
		case c.Look != "" && a.look == c.Look && a.user.Key != "" && !c.Free(&a.user):
			like = a
		}
	}
	former, old := d.formerOf(c.Key)
	if holder != nil {
		former = nil
	}
	if of := cmp.Or(holder, former); c.Proven != 0 && (of == nil || of.user.ID != c.Proven) {
		return chat.Claimed{}, chat.NotProven()
	}
	if former != nil {
		shown, his := former.shownDevice(&c), c
		his.Look = "" // that of the name which he has not any more
		switch {
		case shown != nil && c.NoGuests && !former.user.Account && c.Password == "":
			return chat.Claimed{}, c.NotHis()
		case shown != nil || c.Proven != 0:
			return former.enter(&his, shown), nil
		}
	}
	if holder != nil {
		shown := holder.shownDevice(&c)
		if shown != nil && c.NoGuests && !holder.user.Account && c.Password == "" {
			return chat.Claimed{}, c.NotHis()
		}
		if shown != nil || c.Proven != 0 {
			return holder.enter(&c, shown), nil
		}
	}
	switch taken := (holder == nil || c.Free(&holder.user)) && (former == nil || old.Free(&c)); {
	case taken && c.Bars() != nil:
		return chat.Claimed{}, c.Bars()
	case taken && like == nil && d.keptLook(&c):
		return chat.Claimed{}, chat.Errorf(chat.CodeNameTaken, "the name %q looks like one that is kept", c.Name)
	case like != nil && taken:
		return chat.Claimed{}, chat.Errorf(chat.CodeNameTaken, "the name %q looks like %q", c.Name, like.user.Name)
	case taken:
		if err := d.invited(c.Invitation, c.NowMs); err != nil {
			return chat.Claimed{}, err
		}
		if holder != nil {
			holder.user.Key, holder.devices = "", nil
		}
		delete(d.people.oldNames, c.Key)
	case c.Resume == chat.TokenHash{}:
		return chat.Claimed{}, chat.Errorf(chat.CodeNameTaken, "the name %q belongs to somebody else", c.Name)
	default:
		return chat.Claimed{}, c.NotHis()
	}
	a := &account{password: c.Password, look: c.Look, user: chat.User{
		ID: chat.UserID(len(d.users) + 1), Name: c.Name, Key: c.Key, CreatedMs: c.NowMs, SeenMs: c.NowMs, Account: c.Password != "",
	}}
	d.users = append(d.users, a)
	if c.External != "" {
		if d.externals == nil {
			d.externals = map[string]chat.UserID{}
		}
		d.externals[c.External] = a.user.ID
	}
	return a.addDevice(&c), nil
}

// Seen is documented at chat.Store.
func (s *Store) Seen(ctx context.Context, users []chat.UserID, nowMs int64) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "Seen")
	if err == nil && fault == FaultUncertain {
		err = chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	}
	if err != nil {
		return err
	}
	for _, u := range users {
		if d.isUser(u) {
			a := d.users[u-1]
			a.user.SeenMs = max(a.user.SeenMs, nowMs)
		}
	}
	died(fault, "Seen, after it")
	return nil
}

// CreateRoom is documented at chat.Store.
func (s *Store) CreateRoom(ctx context.Context, r chat.Room, q chat.RoomQuota) (chat.Room, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "CreateRoom")
	switch {
	case err != nil:
		return chat.Room{}, err
	case fault == FaultUncertain:
		return chat.Room{}, chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	case r.Key == "" || r.Name == "":
		return chat.Room{}, chat.Errorf(chat.CodeBadRequest, "a room needs a name and its key")
	}
	if err := d.nameFree(r.Name, r.Key, 0, r.CreatedMs); err != nil {
		return chat.Room{}, err
	}
	mine, all := 0, 0
	for _, log := range d.rooms {
		if log.deleted {
			continue
		}
		if all++; log.room.Creator == r.Creator {
			mine++
		}
	}
	switch {
	case q.CreatorMax > 0 && r.Creator != 0 && mine >= q.CreatorMax:
		return chat.Room{}, chat.Errorf(chat.CodeTooMany, "a user may make %d rooms", q.CreatorMax)
	case q.AllMax > 0 && all >= q.AllMax:
		return chat.Room{}, chat.Errorf(chat.CodeTooMany, "there may be %d rooms", q.AllMax)
	}
	delete(d.moderation.names, r.Key)
	made := chat.Room{
		ID: chat.RoomID(len(d.rooms) + 1), Name: r.Name, Key: r.Key, Epoch: r.Epoch,
		Ephemeral: r.Ephemeral, Private: r.Private, Creator: r.Creator, CreatedMs: r.CreatedMs,
	}
	d.rooms = append(d.rooms, &roomLog{room: made, roles: make(map[chat.UserID]chat.Given), changes: make(map[chat.Seq]*message)})
	died(fault, "CreateRoom, after it")
	return made, nil
}

// Room is documented at chat.Store.
func (s *Store) Room(ctx context.Context, id chat.RoomID) (chat.Room, error) {
	return s.room(ctx, "Room", func(r *chat.Room) bool { return r.ID == id })
}

// RoomByKey is documented at chat.Store.
func (s *Store) RoomByKey(ctx context.Context, key string) (chat.Room, error) {
	return s.room(ctx, "RoomByKey", func(r *chat.Room) bool { return r.Key == key })
}

// room returns the first room that is.
func (s *Store) room(ctx context.Context, call string, is func(*chat.Room) bool) (chat.Room, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, call); err != nil {
		return chat.Room{}, err
	}
	for _, log := range d.rooms {
		if !log.deleted && is(&log.room) {
			return log.room, nil
		}
	}
	return chat.Room{}, chat.Errorf(chat.CodeNoRoom, "there is no such room")
}

// Rooms is documented at chat.Store.
func (s *Store) Rooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Rooms"); err != nil {
		return nil, err
	}
	return d.page(after, itemsMax, func(log *roomLog) bool { return !log.room.Private }), nil
}

// PrivateRooms is documented at chat.Store.
func (s *Store) PrivateRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "PrivateRooms"); err != nil {
		return nil, err
	}
	return d.page(after, itemsMax, func(log *roomLog) bool {
		role := log.roles[user].Role
		return user != 0 && log.room.Private && (role > chat.RoleBanned || role == chat.RoleNone && log.room.Creator == user)
	}), nil
}

// page returns the first rooms above after that are wanted.
func (d *Disk) page(after chat.RoomID, itemsMax int, wanted func(*roomLog) bool) (rooms []chat.Room) {
	for _, log := range d.rooms[min(uint64(after), uint64(len(d.rooms))):] {
		if !log.deleted && wanted(log) && len(rooms) < max(itemsMax, 1) {
			rooms = append(rooms, log.room)
		}
	}
	return rooms
}

// User is documented at chat.Store.
func (s *Store) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "User"); err != nil {
		return chat.User{}, err
	}
	if !d.isUser(id) {
		return chat.User{}, chat.Errorf(chat.CodeBadRequest, "there is no user %d", id)
	}
	return d.users[id-1].user, nil
}

// UserByKey is documented at chat.Store.
func (s *Store) UserByKey(ctx context.Context, key string) (chat.User, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "UserByKey"); err != nil {
		return chat.User{}, err
	}
	for _, a := range d.users {
		if key != "" && a.user.Key == key {
			return a.user, nil
		}
	}
	return chat.User{}, chat.Errorf(chat.CodeNoUser, "nobody has that name")
}

// Close is documented at chat.Store.
func (s *Store) Close() error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.closed {
		return chat.Errorf(chat.CodeClosed, "the store is closed already")
	}
	s.closed = true
	return nil
}

package simulate

import (
	"context"
	"math"

	"sarang/chat"
)

// Store is a chat.Store on a Disk, which makes it fail.
type Store struct {
	disk   *Disk
	closed bool
}

var _ chat.Store = (*Store)(nil)

// Commit is documented at chat.Store.
func (s *Store) Commit(ctx context.Context, appends []chat.Append) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "Commit")
	if err != nil {
		return err
	}
	if d.inDoubt != nil {
		return chat.Errorf(chat.CodeInternal, "a commit before the outcome of the last one was asked for")
	}
	if err := d.check(appends); err != nil {
		return err
	}
	appends = copyAppends(appends)
	switch fault {
	case FaultUncertain:
		d.inDoubt = appends
		return chat.Errorf(chat.CodeUncertain, "the disk failed while it was syncing")
	case FaultDieBetween:
		d.inDoubt = appends
		panic(&DiedError{"Commit, with its outcome in doubt"})
	}
	d.sync(appends)
	died(fault, "Commit, after it")
	return nil
}

// LastSeq is documented at chat.Store.
func (s *Store) LastSeq(ctx context.Context, room chat.RoomID) (chat.Seq, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "LastSeq")
	if err != nil {
		return 0, err
	}
	d.settle()
	died(fault, "LastSeq")
	if log := d.log(room); log != nil {
		return log.room.LastSeq, nil
	}
	return 0, nil
}

// History is documented at chat.Store.
func (s *Store) History(ctx context.Context, room chat.RoomID, after chat.Seq, itemsMax, bytesMax int) ([]chat.Event, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "History"); err != nil {
		return nil, err
	}
	log := d.log(room)
	if log == nil || after >= chat.Seq(len(log.events)) {
		return nil, nil
	}
	var page []chat.Event
	bytes := 0
	for _, e := range log.events[after:] {
		bytes += len(e.Text)
		if len(page) > 0 && (len(page) >= itemsMax || bytes > bytesMax) {
			break
		}
		page = append(page, e)
	}
	return page, nil
}

// Nonces is documented at chat.Store.
func (s *Store) Nonces(ctx context.Context, room chat.RoomID, user chat.UserID, itemsMax int) ([]chat.NonceSeq, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Nonces"); err != nil {
		return nil, err
	}
	var found []chat.NonceSeq
	if log := d.log(room); log != nil {
		for i := len(log.events) - 1; i >= 0 && len(found) < itemsMax; i-- {
			if e := &log.events[i]; e.User == user && e.Kind == chat.EventMessage {
				found = append(found, chat.NonceSeq{Nonce: e.Nonce, Seq: e.Seq})
			}
		}
	}
	return found, nil
}

// ClaimUser is documented at chat.Store.
func (s *Store) ClaimUser(ctx context.Context, c chat.Claim) (chat.User, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, "ClaimUser")
	if err != nil {
		return chat.User{}, err
	}
	if fault == FaultUncertain {
		return chat.User{}, chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	}
	u, err := d.claim(c)
	died(fault, "ClaimUser, after it")
	return u, err
}

func (d *Disk) claim(c chat.Claim) (chat.User, error) {
	if c.Key == "" || c.Name == "" {
		return chat.User{}, chat.Errorf(chat.CodeBadRequest, "a claim needs a name and its key")
	}
	none := chat.TokenHash{}
	var holder *account
	for _, a := range d.users {
		if a.user.Key == c.Key {
			holder = a
		}
	}
	switch {
	case holder == nil:
	case c.Resume != none && c.Resume == holder.token, c.Fresh != none && c.Fresh == holder.token:
		holder.user.SeenMs = max(holder.user.SeenMs, c.NowMs)
		return holder.user, nil
	case holder.user.SeenMs < c.ReservedSinceMs:
		holder.user.Key = ""
	case c.Resume == none:
		return chat.User{}, chat.Errorf(chat.CodeNameTaken, "the name %q belongs to somebody else", c.Name)
	default:
		return chat.User{}, chat.Errorf(chat.CodeBadToken, "the token is not that of %q", c.Name)
	}
	a := &account{token: c.Fresh, user: chat.User{
		ID: chat.UserID(len(d.users) + 1), Name: c.Name, Key: c.Key, CreatedMs: c.NowMs, SeenMs: c.NowMs,
	}}
	d.users = append(d.users, a)
	return a.user, nil
}

// CreateRoom is documented at chat.Store.
func (s *Store) CreateRoom(ctx context.Context, r chat.Room) (chat.Room, error) {
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
	for _, log := range d.rooms {
		if log.room.Key == r.Key {
			return chat.Room{}, chat.Errorf(chat.CodeRoomExists, "there is a room %q", r.Name)
		}
	}
	r.ID, r.LastSeq = chat.RoomID(len(d.rooms)+1), 0
	d.rooms = append(d.rooms, &roomLog{room: r})
	died(fault, "CreateRoom, after it")
	return r, nil
}

// Rooms is documented at chat.Store.
func (s *Store) Rooms(ctx context.Context) ([]chat.Room, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Rooms"); err != nil {
		return nil, err
	}
	rooms := make([]chat.Room, len(d.rooms))
	for i, log := range d.rooms {
		rooms[i] = log.room
	}
	return rooms, nil
}

// User is documented at chat.Store.
func (s *Store) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "User"); err != nil {
		return chat.User{}, err
	}
	if id == 0 || uint64(id) > uint64(len(d.users)) || id > math.MaxInt64 {
		return chat.User{}, chat.Errorf(chat.CodeBadRequest, "there is no user %d", id)
	}
	return d.users[id-1].user, nil
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

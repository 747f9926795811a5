package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

// Room is documented at chat.Store.
func (s *Store) Room(ctx context.Context, id chat.RoomID) (chat.Room, error) {
	return s.room(ctx, s.sql.room, int64(id))
}

// RoomByKey is documented at chat.Store.
func (s *Store) RoomByKey(ctx context.Context, key string) (chat.Room, error) {
	return s.room(ctx, s.sql.roomByKey, key)
}

// room reads the room that query finds by what.
func (s *Store) room(ctx context.Context, query string, what any) (r chat.Room, err error) {
	if err := s.begin(ctx); err != nil {
		return chat.Room{}, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		r = chat.Room{}
		err := c.Query(ctx, query, []any{what}, func(scan Scan) (err error) { r, err = scanRoom(scan); return err })
		if err == nil && r.ID == 0 {
			err = chat.Errorf(chat.CodeNoRoom, "there is no room %v", what)
		}
		return err
	})
	return r, err
}

// Rooms is documented at chat.Store.
func (s *Store) Rooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	return s.rooms(ctx, s.sql.rooms, int64(min(after, math.MaxInt64)), int64(max(itemsMax, 1)))
}

// AllRooms is documented at chat.Archive.
func (s *Store) AllRooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	return s.rooms(ctx, s.sql.allRooms, int64(min(after, math.MaxInt64)), int64(max(itemsMax, 1)))
}

// PrivateRooms is documented at chat.Store.
func (s *Store) PrivateRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	u, behind := int64(min(user, math.MaxInt64)), int64(min(after, math.MaxInt64))
	return s.rooms(ctx, s.sql.privateRooms, u, behind, u, behind, int64(max(itemsMax, 1)))
}

// rooms reads those that query finds.
func (s *Store) rooms(ctx context.Context, query string, args ...any) (rooms []chat.Room, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		rooms = nil
		return c.Query(ctx, query, args, func(scan Scan) error {
			r, err := scanRoom(scan)
			rooms = append(rooms, r)
			return err
		})
	})
	return rooms, err
}

// CreateRoom is documented at chat.Store.
func (s *Store) CreateRoom(ctx context.Context, r chat.Room, q chat.RoomQuota) (chat.Room, error) {
	if err := s.begin(ctx); err != nil {
		return chat.Room{}, err
	}
	defer s.end()
	if r.Key == "" || r.Name == "" {
		return chat.Room{}, chat.Errorf(chat.CodeBadRequest, "a room needs a name and its key")
	}
	made := chat.Room{
		Name: r.Name, Key: r.Key, Epoch: r.Epoch, Ephemeral: r.Ephemeral, Private: r.Private, Creator: r.Creator, CreatedMs: r.CreatedMs,
	}
	err := s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error { return s.makeRoom(ctx, t, &made, q) }})
	if err != nil {
		return chat.Room{}, err
	}
	return made, nil
}

// makeRoom inserts r inside a transaction and gives it its id. It may be there already,
// by a transaction whose outcome was not known.
func (s *Store) makeRoom(ctx context.Context, t *smallTx, r *chat.Room, q chat.RoomQuota) error {
	var id, epoch, created int64
	var name string
	err := t.conn.Query(ctx, s.sql.roomKey, []any{r.Key}, func(scan Scan) error { return scan(&id, &name, &epoch, &created) })
	if err != nil {
		return err
	}
	if id != 0 {
		if t.again && name == r.Name && chat.Epoch(epoch) == r.Epoch && created == r.CreatedMs {
			r.ID = chat.RoomID(id)
			return nil
		}
		return chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", r.Name)
	}
	if err := s.nameFree(ctx, t.conn, r.Name, r.Key, 0, r.CreatedMs); err != nil {
		return err
	}
	if err := s.withinQuota(ctx, t, r.Creator, q); err != nil {
		return err
	}
	if err := s.dropName(ctx, t.conn, r.Key); err != nil {
		return err
	}
	t.rooms++
	t.roomsAre++
	r.ID = t.rooms
	return s.insertRoom(ctx, t.conn, *r)
}

// withinQuota returns an error if there are as many rooms as there may be.
func (s *Store) withinQuota(ctx context.Context, t *smallTx, creator chat.UserID, q chat.RoomQuota) error {
	if q.AllMax > 0 && t.roomsAre >= int64(q.AllMax) {
		return chat.Errorf(chat.CodeTooMany, "there are %d rooms, and no more are taken", t.roomsAre)
	}
	if q.CreatorMax <= 0 || creator == 0 {
		return nil
	}
	var n int64
	err := t.conn.Query(ctx, s.sql.countCreated, []any{int64(creator), int64(q.CreatorMax)}, func(scan Scan) error { return scan(&n) })
	if err == nil && n >= int64(q.CreatorMax) {
		err = chat.Errorf(chat.CodeTooMany, "you have made %d rooms; more are not taken", n)
	}
	return err
}

// insertRoom inserts r with its id.
func (s *Store) insertRoom(ctx context.Context, c Conn, r chat.Room) error {
	flags := int64(0)
	if r.Ephemeral {
		flags |= headEphemeral
	}
	private := int64(0)
	if r.Private {
		private = 1
		flags |= headPrivate
	}
	_, err := c.Exec(ctx, s.sql.insertRoom, int64(r.ID), r.Name, r.Key, int64(r.Epoch), private, int64(r.Creator), r.CreatedMs)
	if err == nil {
		_, err = c.Exec(ctx, s.sql.insertHead, int64(r.ID), flags)
	}
	if err == nil && !r.Ephemeral {
		_, err = c.Exec(ctx, s.sql.index.insertMark, int64(r.ID))
	}
	return err
}

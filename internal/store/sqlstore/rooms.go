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
func (s *Store) Rooms(ctx context.Context, after chat.RoomID, itemsMax int) (rooms []chat.Room, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		rooms = nil
		args := []any{int64(min(after, math.MaxInt64)), int64(max(itemsMax, 1))}
		return c.Query(ctx, s.sql.rooms, args, func(scan Scan) error {
			r, err := scanRoom(scan)
			rooms = append(rooms, r)
			return err
		})
	})
	return rooms, err
}

// CreateRoom is documented at chat.Store.
func (s *Store) CreateRoom(ctx context.Context, r chat.Room) (chat.Room, error) {
	if err := s.begin(ctx); err != nil {
		return chat.Room{}, err
	}
	defer s.end()
	if r.Key == "" || r.Name == "" {
		return chat.Room{}, chat.Errorf(chat.CodeBadRequest, "a room needs a name and its key")
	}
	made := chat.Room{Name: r.Name, Key: r.Key, Epoch: r.Epoch, Ephemeral: r.Ephemeral, CreatedMs: r.CreatedMs}
	tried := false
	err := s.write(ctx, func(ctx context.Context, c Conn) error {
		err := s.inTx(ctx, c, func() error { return s.makeRoom(ctx, c, &made, tried) })
		tried = true
		return err
	})
	if err != nil {
		return chat.Room{}, settle(err)
	}
	return made, nil
}

// makeRoom inserts r inside a transaction and gives it its id. tried says that it may be
// there already, by a transaction whose outcome was not known.
func (s *Store) makeRoom(ctx context.Context, c Conn, r *chat.Room, tried bool) error {
	last, err := s.count(ctx, c, s.sql.lockCounter, "rooms")
	if err != nil {
		return err
	}
	var id, epoch, created int64
	var name string
	err = c.Query(ctx, s.sql.roomKey, []any{r.Key}, func(scan Scan) error { return scan(&id, &name, &epoch, &created) })
	if err != nil {
		return err
	}
	if id != 0 {
		if tried && name == r.Name && chat.Epoch(epoch) == r.Epoch && created == r.CreatedMs {
			r.ID = chat.RoomID(id)
			return nil
		}
		return chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", r.Name)
	}
	r.ID = chat.RoomID(last + 1)
	return s.insertRoom(ctx, c, *r)
}

// insertRoom inserts r with its id, which becomes the newest one.
func (s *Store) insertRoom(ctx context.Context, c Conn, r chat.Room) error {
	flags := int64(0)
	if r.Ephemeral {
		flags |= headEphemeral
	}
	_, err := c.Exec(ctx, s.sql.insertRoom, int64(r.ID), r.Name, r.Key, int64(r.Epoch), r.CreatedMs)
	if err == nil {
		_, err = c.Exec(ctx, s.sql.insertHead, int64(r.ID), flags)
	}
	if err == nil {
		_, err = c.Exec(ctx, s.sql.updateCounter, int64(r.ID), "rooms")
	}
	return err
}

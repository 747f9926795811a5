package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"sarang/chat"
)

// The bits of rooms.flags.
const (
	roomEphemeral = 1 << iota
	roomRuled     // there are rows of it in members
	roomPrivate
)

// The newest event is one step into the table, which is ordered by (room_id, seq).
const selectRoom = "SELECT rooms.id, " + roomColumns + " FROM rooms WHERE "

const roomColumns = `rooms.name, rooms.name_key, rooms.epoch, rooms.flags, rooms.creator, rooms.created_ms,
	coalesce((SELECT max(seq) FROM messages WHERE room_id = rooms.id), 0),
	coalesce((SELECT time_ms FROM messages WHERE room_id = rooms.id ORDER BY seq DESC LIMIT 1), 0), rooms.topic,
	rooms.description, rooms.archived, rooms.slow_s, rooms.retain_s`

// The public rooms have an index of their own, so that it does not matter how many others
// are between them. A user's private rooms are those of his roles, and those that he made
// and has no role in.
const (
	selectPublicRooms = "SELECT rooms.id, " + roomColumns + ` FROM rooms INDEXED BY rooms_public
	WHERE rooms.flags & 4 = 0 AND rooms.id > ? ORDER BY rooms.id LIMIT ?`
	selectPrivateRooms = "SELECT members.room_id, " + roomColumns + ` FROM members INDEXED BY members_user JOIN rooms ON rooms.id = members.room_id
	WHERE members.user_id = ?2 AND members.room_id > ?1 AND members.role > 1 AND rooms.flags & 4 <> 0
	UNION ALL
	SELECT rooms.id, ` + roomColumns + ` FROM rooms WHERE creator = ?2 AND creator <> 0 AND rooms.id > ?1 AND rooms.flags & 4 <> 0
	AND NOT EXISTS (SELECT 1 FROM members WHERE room_id = rooms.id AND user_id = ?2 AND role <> 0)
	ORDER BY 1 LIMIT ?3`
)

// scanRoom reads a row of selectRoom.
func scanRoom(row interface{ Scan(...any) error }) (chat.Room, error) {
	var r chat.Room
	var flags int64
	err := row.Scan(number[chat.RoomID]{&r.ID}, text{&r.Name}, text{&r.Key}, bits[chat.Epoch]{&r.Epoch},
		bits[int64]{&flags}, number[chat.UserID]{&r.Creator}, bits[int64]{&r.CreatedMs}, number[chat.Seq]{&r.LastSeq}, bits[int64]{&r.LastMs}, text{&r.Topic},
		text{&r.Description}, flag{&r.Archived}, number[uint32]{&r.SlowSeconds}, number[uint32]{&r.RetainSeconds})
	if err == nil && r.ID == 0 {
		err = &columnError{int64(0), "the id of a room"}
	}
	if err != nil {
		err = fmt.Errorf("room %d: %w", r.ID, err)
	}
	r.Ephemeral, r.Ruled, r.Private = flags&roomEphemeral != 0, flags&roomRuled != 0, flags&roomPrivate != 0
	return r, err
}

// Room is documented at chat.Store.
func (s *Store) Room(ctx context.Context, id chat.RoomID) (chat.Room, error) {
	return s.room(ctx, s.readers.room, int64(id))
}

// RoomByKey is documented at chat.Store.
func (s *Store) RoomByKey(ctx context.Context, key string) (chat.Room, error) {
	return s.room(ctx, s.readers.roomByKey, key)
}

// room reads the room that stmt finds by what.
func (s *Store) room(ctx context.Context, stmt *sql.Stmt, what any) (chat.Room, error) {
	if err := s.beginRead(ctx); err != nil {
		return chat.Room{}, err
	}
	defer s.endRead()
	r, err := scanRoom(stmt.QueryRowContext(ctx, what))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return chat.Room{}, chat.Errorf(chat.CodeNoRoom, "there is no room %v", what)
	case err != nil:
		return chat.Room{}, readError(err)
	}
	return r, nil
}

// Rooms is documented at chat.Store.
func (s *Store) Rooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	return scanRooms(s.readers.rooms.QueryContext(ctx, int64(min(after, math.MaxInt64)), max(itemsMax, 1)))
}

// PrivateRooms is documented at chat.Store.
func (s *Store) PrivateRooms(ctx context.Context, user chat.UserID, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	return scanRooms(s.readers.privateRooms.QueryContext(ctx, int64(min(after, math.MaxInt64)), int64(user), max(itemsMax, 1)))
}

// scanRooms reads all rows of selectRoom.
func scanRooms(rows *sql.Rows, err error) ([]chat.Room, error) {
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	var rooms []chat.Room
	for rows.Next() {
		r, err := scanRoom(rows)
		if err != nil {
			return nil, readError(err)
		}
		rooms = append(rooms, r)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return rooms, nil
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
	err := s.gather(ctx, &pending{
		do: func(w *writer) (err error) {
			made.ID, err = w.makeRoom(made, q)
			return err
		},
		made: func(w *writer) (bool, error) {
			id, err := w.roomOf(made.Key)
			if errors.Is(err, sql.ErrNoRows) {
				return false, nil
			}
			return id == made.ID, err
		},
	})
	if err != nil {
		return chat.Room{}, err
	}
	return made, nil
}

// makeRoom inserts r inside a transaction.
func (w *writer) makeRoom(r chat.Room, q chat.RoomQuota) (chat.RoomID, error) {
	switch _, err := w.roomOf(r.Key); {
	case err == nil:
		return 0, chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", r.Name)
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	}
	if err := w.nameFree(r.Name, r.Key, 0, r.CreatedMs); err != nil {
		return 0, err
	}
	if err := w.withinQuota(r.Creator, q); err != nil {
		return 0, err
	}
	if err := w.run("DELETE FROM room_names WHERE name_key = ?", r.Key); err != nil {
		return 0, err
	}
	result, err := w.insertRoom.ExecContext(context.Background(), r.Name, r.Key, int64(r.Epoch), flagsOf(r), int64(r.Creator), r.CreatedMs)
	if err == nil {
		err = exec(context.Background(), w.updateTotals, 1)
	}
	if err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	return chat.RoomID(id), err
}

// withinQuota returns an error if there are as many rooms as there may be.
func (w *writer) withinQuota(creator chat.UserID, q chat.RoomQuota) error {
	count := func(stmt *sql.Stmt, args ...any) (n int, err error) {
		var stored int64
		err = stmt.QueryRowContext(context.Background(), args...).Scan(bits[int64]{&stored})
		return int(stored), err
	}
	if q.AllMax > 0 {
		if n, err := count(w.selectTotals); err != nil {
			return err
		} else if n >= q.AllMax {
			return chat.Errorf(chat.CodeTooMany, "there are %d rooms, and no more are taken", n)
		}
	}
	if q.CreatorMax > 0 && creator != 0 {
		if n, err := count(w.countCreated, int64(creator), q.CreatorMax); err != nil {
			return err
		} else if n >= q.CreatorMax {
			return chat.Errorf(chat.CodeTooMany, "you have made %d rooms; more are not taken", n)
		}
	}
	return nil
}

// roomOf returns the id of the room with the key.
func (w *writer) roomOf(key string) (id chat.RoomID, err error) {
	err = w.selectRoom.QueryRowContext(context.Background(), key).Scan(bits[chat.RoomID]{&id})
	return id, err
}

// flagsOf are the flags of a room without roles.
func flagsOf(r chat.Room) (flags int) {
	if r.Ephemeral {
		flags |= roomEphemeral
	}
	if r.Private {
		flags |= roomPrivate
	}
	return flags
}

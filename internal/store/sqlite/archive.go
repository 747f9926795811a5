package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"sarang/chat"
)

var _ chat.Archive = (*Store)(nil)

// These are asked when a store is copied, and so are not prepared.
const (
	selectUsers = `SELECT id, name, coalesce(name_key, ''), coalesce(password, ''), created_ms, seen_ms, coalesce(look, '')
	FROM users WHERE id > ? ORDER BY id LIMIT ?`
	addUser    = "INSERT INTO users (id, name, name_key, password, created_ms, seen_ms, look) VALUES (?, ?, ?, ?, ?, ?, ?)"
	addRoom    = "INSERT INTO rooms (id, name, name_key, epoch, flags, creator, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
	newestRoom = "SELECT coalesce(max(id), 0) FROM rooms"

	selectAllRooms = selectRoom + "rooms.id > ? ORDER BY rooms.id LIMIT ?"
)

// Users is documented at chat.Archive.
func (s *Store) Users(ctx context.Context, after chat.UserID, itemsMax int) ([]chat.UserRecord, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	rows, err := s.readers.db.QueryContext(ctx, selectUsers, int64(min(after, math.MaxInt64)), max(itemsMax, 1))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	var users []chat.UserRecord
	for rows.Next() {
		var u chat.UserRecord
		err := rows.Scan(number[chat.UserID]{&u.ID}, text{&u.Name}, text{&u.Key}, text{&u.Password}, bits[int64]{&u.CreatedMs},
			bits[int64]{&u.SeenMs}, text{&u.Look})
		if err != nil {
			return nil, readError(err)
		}
		u.Account = u.Password != ""
		users = append(users, u)
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return users, nil
}

// AllRooms is documented at chat.Archive.
func (s *Store) AllRooms(ctx context.Context, after chat.RoomID, itemsMax int) ([]chat.Room, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	return scanRooms(s.readers.db.QueryContext(ctx, selectAllRooms, int64(min(after, math.MaxInt64)), max(itemsMax, 1)))
}

// AddUsers is documented at chat.Archive.
func (s *Store) AddUsers(ctx context.Context, users []chat.UserRecord) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if len(users) == 0 {
		return nil
	}
	last := users[len(users)-1].ID
	return s.gather(ctx, &pending{
		do: func(w *writer) error {
			for i := range users {
				if next := w.userNext + chat.UserID(i) + 1; users[i].ID != next {
					return chat.Errorf(chat.CodeSequence, "user %d stands where %d is next", users[i].ID, next)
				}
			}
			for _, u := range users {
				err := w.run(addUser, int64(u.ID), u.Name, nullIfEmpty(u.Key), nullIfEmpty(u.Password), u.CreatedMs, u.SeenMs, nullIfEmpty(u.Look))
				if err != nil {
					return err
				}
			}
			w.userNext = last
			return nil
		},
		made: func(w *writer) (bool, error) { return w.userLast >= last, nil },
	})
}

// AddRooms is documented at chat.Archive.
func (s *Store) AddRooms(ctx context.Context, rooms []chat.Room) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if len(rooms) == 0 {
		return nil
	}
	return s.gather(ctx, &pending{
		do: func(w *writer) error { return w.addRooms(rooms) },
		made: func(w *writer) (bool, error) {
			id, err := w.roomOf(rooms[0].Key)
			if errors.Is(err, sql.ErrNoRows) {
				return false, nil
			}
			return id == rooms[0].ID, err
		},
	})
}

func (w *writer) addRooms(rooms []chat.Room) error {
	var last chat.RoomID
	if err := w.conn.QueryRowContext(context.Background(), newestRoom).Scan(bits[chat.RoomID]{&last}); err != nil {
		return err
	}
	for i := range rooms {
		if rooms[i].ID <= last {
			return chat.Errorf(chat.CodeSequence, "room %d comes behind room %d", rooms[i].ID, last)
		}
		last = rooms[i].ID
	}
	for _, r := range rooms {
		if err := w.run(addRoom, int64(r.ID), r.Name, r.Key, int64(r.Epoch), flagsOf(r), int64(r.Creator), r.CreatedMs); err != nil {
			return err
		}
	}
	return exec(context.Background(), w.updateTotals, len(rooms))
}

// run runs a statement that is not prepared.
func (w *writer) run(query string, args ...any) error {
	_, err := w.conn.ExecContext(context.Background(), query, args...)
	return err
}

// BeginLog is documented at chat.Archive.
func (s *Store) BeginLog(ctx context.Context, r chat.Room, after chat.Seq) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error {
		delete(w.rooms.kept, r.ID)
		state, err := w.stateOf(r.ID)
		switch {
		case err != nil:
			return err
		case state.last != 0:
			return chat.Errorf(chat.CodeBadRequest, "the log of room %d has begun", r.ID)
		}
		ruled := int64(0)
		if r.Ruled {
			ruled = roomRuled
		}
		state.flags |= ruled
		state.last = after
		w.rooms.keep(r.ID, state)
		return w.run("UPDATE rooms SET flags = flags | ?, topic = ?, description = ?, archived = ?, slow_s = ?, retain_s = ? WHERE id = ?",
			ruled, r.Topic, r.Description, bit(r.Archived), int64(r.SlowSeconds), int64(r.RetainSeconds), int64(r.ID))
	}})
}

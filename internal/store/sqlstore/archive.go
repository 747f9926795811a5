package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

var _ chat.Archive = (*Store)(nil)

// Users is documented at chat.Archive.
func (s *Store) Users(ctx context.Context, after chat.UserID, itemsMax int) (users []chat.UserRecord, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error {
		users = nil
		args := []any{int64(min(after, math.MaxInt64)), int64(max(itemsMax, 1))}
		return c.Query(ctx, s.sql.usersAfter, args, func(scan Scan) error {
			u, err := scanUserRecord(scan)
			users = append(users, u)
			return err
		})
	})
	return users, err
}

func scanUserRecord(scan Scan) (u chat.UserRecord, err error) {
	var id int64
	if err := scan(&id, &u.Name, &u.Key, &u.Password, &u.CreatedMs, &u.SeenMs, &u.Look); err != nil {
		return u, err
	}
	u.Account = u.Password != ""
	u.ID, err = whole[chat.UserID](id, "the id of a user")
	return u, err
}

// AddUsers is documented at chat.Archive.
func (s *Store) AddUsers(ctx context.Context, users []chat.UserRecord) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		if n := len(users); t.again && n > 0 && t.users == users[n-1].ID {
			return nil // it was done
		}
		for i := range users {
			if users[i].ID != t.users+chat.UserID(i)+1 {
				return chat.Errorf(chat.CodeSequence, "user %d stands where %d is next", users[i].ID, t.users+chat.UserID(i)+1)
			}
		}
		for i := range users {
			if err := s.insertUser(ctx, t.conn, users[i]); err != nil {
				return err
			}
		}
		t.users += chat.UserID(len(users))
		return nil
	}})
}

// AddRooms is documented at chat.Archive.
func (s *Store) AddRooms(ctx context.Context, rooms []chat.Room) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		if n := len(rooms); t.again && n > 0 && t.rooms == rooms[n-1].ID {
			return nil // it was done
		}
		last := t.rooms
		for i := range rooms {
			if rooms[i].ID <= last {
				return chat.Errorf(chat.CodeSequence, "room %d comes behind room %d", rooms[i].ID, last)
			}
			last = rooms[i].ID
		}
		for i := range rooms {
			if err := s.insertRoom(ctx, t.conn, rooms[i]); err != nil {
				return err
			}
		}
		t.rooms, t.roomsAre = last, t.roomsAre+int64(len(rooms))
		return nil
	}})
}

// BeginLog is documented at chat.Archive.
func (s *Store) BeginLog(ctx context.Context, r chat.Room, after chat.Seq) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		var last int64
		var end headEnd
		found := false
		err := t.conn.Query(ctx, s.sql.lockHead, []any{int64(r.ID)}, func(scan Scan) error {
			found = true
			return scan(&last, &end.flags, &end.said, &end.saidSeq)
		})
		switch {
		case err != nil:
			return err
		case !found:
			return noRoom(r.ID)
		case last != 0 && !(t.again && last == int64(after)):
			return chat.Errorf(chat.CodeBadRequest, "the log of room %d has begun", r.ID)
		}
		if r.Ruled {
			end.flags |= HeadRuled
		}
		if _, err := t.conn.Exec(ctx, s.sql.updateHead, int64(after), int64(0), end.flags, int64(0), int64(0), int64(r.ID)); err != nil {
			return err
		}
		_, err = s.exec(ctx, t.conn, "UPDATE rooms SET topic = ?, description = ?, archived = ?, slow_s = ?, retain_s = ? WHERE id = ?",
			r.Topic, r.Description, bit(r.Archived), int64(r.SlowSeconds), int64(r.RetainSeconds), int64(r.ID))
		return err
	}})
}

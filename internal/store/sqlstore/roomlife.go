package sqlstore

import (
	"context"

	"sarang/chat"
)

// roomLifeSchema keeps the names that rooms had, and the rooms that were deleted as long as
// something of them is left.
func roomLifeSchema() []string {
	return []string{
		`CREATE TABLE room_names (
			name_key {key} NOT NULL PRIMARY KEY,
			room_id  BIGINT NOT NULL,
			until_ms BIGINT NOT NULL
		)`,
		"CREATE INDEX room_names_room ON room_names (room_id)",
		"CREATE TABLE rooms_deleted (room_id BIGINT NOT NULL PRIMARY KEY)",
	}
}

// nameFree returns an error if a room can not have a name: another one has it, or had it and it
// is kept.
func (s *Store) nameFree(ctx context.Context, c Conn, name, key string, room chat.RoomID, nowMs int64) error {
	n, err := s.number(ctx, c, "SELECT count(*) FROM rooms WHERE name_key = ? AND id <> ?", key, signed(room))
	switch {
	case err != nil:
		return err
	case n > 0:
		return chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", name)
	}
	n, err = s.number(ctx, c, "SELECT count(*) FROM room_names WHERE name_key = ? AND room_id <> ? AND until_ms > ?", key, signed(room), nowMs)
	if err == nil && n > 0 {
		err = chat.NameKept(name)
	}
	return err
}

func (s *Store) keepName(ctx context.Context, c Conn, key string, room chat.RoomID, untilMs int64) error {
	if err := s.dropName(ctx, c, key); err != nil {
		return err
	}
	_, err := s.exec(ctx, c, "INSERT INTO room_names (name_key, room_id, until_ms) VALUES (?, ?, ?)", key, signed(room), untilMs)
	return err
}

func (s *Store) dropName(ctx context.Context, c Conn, key string) error {
	_, err := s.exec(ctx, c, "DELETE FROM room_names WHERE name_key = ?", key)
	return err
}

// nameOf returns a room's name and key; CodeNoRoom if there is none.
func (s *Store) nameOf(ctx context.Context, c Conn, id chat.RoomID) (name, key string, err error) {
	err = c.Query(ctx, s.dialect.compile("SELECT name, name_key FROM rooms WHERE id = ?"), []any{signed(id)}, func(scan Scan) error { return scan(&name, &key) })
	if err == nil && key == "" {
		err = noRoom(id)
	}
	return name, key, err
}

// RenameRoom is documented at chat.Moderation.
func (s *Store) RenameRoom(ctx context.Context, id chat.RoomID, name, key string, keptMs int64, a chat.AuditEntry) error {
	if name == "" || key == "" {
		return chat.Errorf(chat.CodeBadRequest, "a room needs a name and its key")
	}
	return s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		oldName, oldKey, err := s.nameOf(ctx, c, id)
		if err != nil || oldName == name {
			return err
		}
		if key != oldKey {
			if err := s.nameFree(ctx, c, name, key, id, a.TimeMs); err != nil {
				return err
			}
			n, err := s.number(ctx, c, "SELECT count(*) FROM room_names WHERE room_id = ? AND until_ms > ?", signed(id), a.TimeMs)
			switch {
			case err != nil:
				return err
			case n >= chat.RoomNamesKeptMax:
				return chat.Errorf(chat.CodeTooMany, "the room has had %d other names of late; give it no more of them for now", n)
			}
			if err := s.keepName(ctx, c, oldKey, id, keptMs); err != nil {
				return err
			}
			if err := s.dropName(ctx, c, key); err != nil {
				return err
			}
		}
		if _, err := s.exec(ctx, c, "UPDATE rooms SET name = ?, name_key = ? WHERE id = ?", name, key, signed(id)); err != nil {
			return err
		}
		_, err = s.audit(ctx, c, &a)
		return err
	})
}

// DeleteRoom is documented at chat.Moderation. Whoever appends has the room's head locked.
func (s *Store) DeleteRoom(ctx context.Context, id chat.RoomID, keptMs int64, a chat.AuditEntry) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if a.Nonce == 0 {
		return chat.Errorf(chat.CodeBadRequest, "an entry of the audit log needs a nonce")
	}
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		n, err := s.number(ctx, t.conn, "SELECT count(*) FROM audit WHERE nonce = ?", int64(a.Nonce))
		if err != nil || n > 0 {
			return err
		}
		_, key, err := s.nameOf(ctx, t.conn, id)
		if err != nil {
			return err
		}
		if err := s.keepName(ctx, t.conn, key, id, keptMs); err != nil {
			return err
		}
		for _, query := range []string{
			"DELETE FROM heads WHERE room_id = ?",
			"DELETE FROM rooms WHERE id = ?",
			"DELETE FROM search_marks WHERE room_id = ?", // and nothing of it is brought into the index any more
			"INSERT INTO rooms_deleted (room_id) VALUES (?)",
		} {
			if _, err := s.exec(ctx, t.conn, query, signed(id)); err != nil {
				return err
			}
		}
		t.roomsAre--
		_, err = s.audit(ctx, t.conn, &a)
		return err
	}})
}

// What is left of a deleted room goes in this order, about so many rows at a time. The first
// and the third prepare what the next one does.
var eraseOfDeleted = [...]string{
	"UPDATE files SET state = 2 WHERE state = 0 AND id IN (SELECT f.file_id FROM file_links f WHERE f.room_id = ? AND f.seq IN (SELECT seq FROM file_links WHERE room_id = ? ORDER BY seq{limit}))",
	"DELETE FROM file_links WHERE room_id = ? AND seq IN (SELECT seq FROM file_links WHERE room_id = ? ORDER BY seq{limit})",
	"DELETE FROM authors WHERE room_id = ? AND user_id IN (SELECT user_id FROM messages WHERE room_id = ? ORDER BY seq{limit})",
	"DELETE FROM messages WHERE room_id = ? AND seq IN (SELECT seq FROM messages WHERE room_id = ? ORDER BY seq{limit})",
	"DELETE FROM changes WHERE room_id = ? AND target IN (SELECT target FROM changes WHERE room_id = ? ORDER BY target{limit})",
	"DELETE FROM edits WHERE room_id = ? AND target IN (SELECT target FROM edits WHERE room_id = ? ORDER BY target{limit})",
	"DELETE FROM tallies WHERE room_id = ? AND target IN (SELECT target FROM tallies WHERE room_id = ? ORDER BY target{limit})",
	"DELETE FROM reactions WHERE room_id = ? AND target IN (SELECT target FROM reactions WHERE room_id = ? ORDER BY target{limit})",
	"DELETE FROM mentions WHERE room_id = ? AND seq IN (SELECT seq FROM mentions WHERE room_id = ? ORDER BY seq{limit})",
	"DELETE FROM replies WHERE room_id = ? AND root IN (SELECT root FROM replies WHERE room_id = ? ORDER BY root{limit})",
	"DELETE FROM threads WHERE room_id = ? AND root IN (SELECT root FROM threads WHERE room_id = ? ORDER BY root{limit})",
	"DELETE FROM follows WHERE room_id = ? AND root IN (SELECT root FROM follows WHERE room_id = ? ORDER BY root{limit})",
	"DELETE FROM members WHERE room_id = ? AND user_id IN (SELECT user_id FROM members WHERE room_id = ? ORDER BY user_id{limit})",
	"DELETE FROM memberships WHERE room_id = ? AND user_id IN (SELECT user_id FROM memberships WHERE room_id = ? ORDER BY user_id{limit})",
	"DELETE FROM reports WHERE room_id = ? AND id IN (SELECT id FROM reports WHERE room_id = ? ORDER BY id{limit})",
	"DELETE FROM room_links WHERE room_id = ? AND id IN (SELECT id FROM room_links WHERE room_id = ? ORDER BY id{limit})",
	"DELETE FROM room_filters WHERE room_id = ? AND room_id IN (SELECT room_id FROM room_filters WHERE room_id = ? ORDER BY room_id{limit})",
}

// EraseDeleted is documented at chat.Moderation.
func (s *Store) EraseDeleted(ctx context.Context, itemsMax int) (more bool, err error) {
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) error { // most of the time there is nothing to be locked for
		n, err := s.number(ctx, c, "SELECT count(*) FROM rooms_deleted")
		more = n > 0
		return err
	})
	if err != nil || !more {
		return false, err
	}
	err = s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		room, err := s.number(ctx, t.conn, "SELECT coalesce(min(room_id), 0) FROM rooms_deleted")
		if err != nil || room == 0 {
			more = false
			return err
		}
		if n, err := s.dropSome(ctx, t.conn, room, int64(max(itemsMax, 1))); err != nil || n > 0 {
			return err
		}
		for i, query := range eraseOfDeleted {
			n, err := s.exec(ctx, t.conn, query, room, room, int64(max(itemsMax, 1)))
			if err != nil {
				return err
			}
			if n > 0 && i != 0 && i != 2 {
				return nil // the rest is for the next time
			}
		}
		_, err = s.exec(ctx, t.conn, "DELETE FROM rooms_deleted WHERE room_id = ?", room)
		return err
	}})
	return more, err
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"sarang/chat"
)

// RenameRoom is documented at chat.Moderation.
func (s *Store) RenameRoom(ctx context.Context, id chat.RoomID, name, key string, keptMs int64, a chat.AuditEntry) error {
	if name == "" || key == "" {
		return chat.Errorf(chat.CodeBadRequest, "a room needs a name and its key")
	}
	return s.moderate(ctx, a, func(w *writer) error {
		var oldName, oldKey string
		err := w.conn.QueryRowContext(context.Background(), "SELECT name, name_key FROM rooms WHERE id = ?", int64(id)).Scan(text{&oldName}, text{&oldKey})
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return noSuchRoom(id)
		case err != nil:
			return err
		case oldName == name:
			return nil
		}
		if key != oldKey {
			if err := w.nameFree(name, key, id, a.TimeMs); err != nil {
				return err
			}
			if n, err := w.count("SELECT count(*) FROM room_names WHERE room_id = ? AND until_ms > ?", int64(id), a.TimeMs); err != nil {
				return err
			} else if n >= chat.RoomNamesKeptMax {
				return chat.Errorf(chat.CodeTooMany, "the room has had %d other names of late; give it no more of them for now", n)
			}
			if err := w.keepName(oldKey, id, keptMs); err != nil {
				return err
			}
			if err := w.run("DELETE FROM room_names WHERE name_key = ?", key); err != nil {
				return err
			}
		}
		if err := w.run("UPDATE rooms SET name = ?, name_key = ? WHERE id = ?", name, key, int64(id)); err != nil {
			return err
		}
		_, err = w.audit(&a)
		return err
	})
}

func noSuchRoom(id chat.RoomID) error {
	return chat.Errorf(chat.CodeNoRoom, "there is no room with id %d", id)
}

// nameFree returns an error if a room can not have a name: another one has it, or had it and it
// is kept.
func (w *writer) nameFree(name, key string, room chat.RoomID, nowMs int64) error {
	n, err := w.count("SELECT count(*) FROM rooms WHERE name_key = ? AND id <> ?", key, int64(room))
	switch {
	case err != nil:
		return err
	case n > 0:
		return chat.Errorf(chat.CodeRoomExists, "a room named %q exists already", name)
	}
	n, err = w.count("SELECT count(*) FROM room_names WHERE name_key = ? AND room_id <> ? AND until_ms > ?", key, int64(room), nowMs)
	if err == nil && n > 0 {
		err = chat.NameKept(name)
	}
	return err
}

func (w *writer) keepName(key string, room chat.RoomID, untilMs int64) error {
	return w.run("INSERT INTO room_names (name_key, room_id, until_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET room_id = excluded.room_id, until_ms = excluded.until_ms",
		key, int64(room), untilMs)
}

// DeleteRoom is documented at chat.Moderation.
func (s *Store) DeleteRoom(ctx context.Context, id chat.RoomID, keptMs int64, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(w *writer) error {
		var key string
		err := w.conn.QueryRowContext(context.Background(), "SELECT name_key FROM rooms WHERE id = ?", int64(id)).Scan(text{&key})
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return noSuchRoom(id)
		case err != nil:
			return err
		}
		if err := w.keepName(key, id, keptMs); err != nil {
			return err
		}
		for _, query := range []string{
			"DELETE FROM rooms WHERE id = ?",
			"INSERT OR IGNORE INTO rooms_deleted (room_id) VALUES (?)",
		} {
			if err := w.run(query, int64(id)); err != nil {
				return err
			}
		}
		if err := exec(context.Background(), w.index.dropMark, int64(id)); err != nil {
			return err
		}
		delete(w.rooms.kept, id) // what it knows of the room; on a failure it is read again
		if err := exec(context.Background(), w.updateTotals, -1); err != nil {
			return err
		}
		_, err = w.audit(&a)
		return err
	})
}

// What is left of a deleted room goes in this order, so many rows at a time: ?1 is the room, ?2
// how many. The first and the third prepare what the next one does. Nothing else is as long.
var eraseOfDeleted = [...]string{
	`UPDATE files SET state = 2 WHERE state = 0 AND id IN (SELECT f.file_id FROM file_links f WHERE f.room_id = ?1 AND f.seq IN (SELECT seq FROM file_links WHERE room_id = ?1 ORDER BY seq LIMIT ?2))`,
	`DELETE FROM file_links WHERE room_id = ?1 AND seq IN (SELECT seq FROM file_links WHERE room_id = ?1 ORDER BY seq LIMIT ?2)`,
	`DELETE FROM authors WHERE room_id = ?1 AND user_id IN (SELECT user_id FROM messages WHERE room_id = ?1 ORDER BY seq LIMIT ?2)`,
	`DELETE FROM messages WHERE room_id = ?1 AND seq IN (SELECT seq FROM messages WHERE room_id = ?1 ORDER BY seq LIMIT ?2)`,
	`DELETE FROM changes WHERE room_id = ?1 AND target IN (SELECT target FROM changes WHERE room_id = ?1 ORDER BY target LIMIT ?2)`,
	`DELETE FROM edits WHERE room_id = ?1 AND target IN (SELECT target FROM edits WHERE room_id = ?1 ORDER BY target LIMIT ?2)`,
	`DELETE FROM tallies WHERE room_id = ?1 AND target IN (SELECT target FROM tallies WHERE room_id = ?1 ORDER BY target LIMIT ?2)`,
	`DELETE FROM reactions WHERE room_id = ?1 AND target IN (SELECT target FROM reactions WHERE room_id = ?1 ORDER BY target LIMIT ?2)`,
	`DELETE FROM mentions WHERE room_id = ?1 AND seq IN (SELECT seq FROM mentions WHERE room_id = ?1 ORDER BY seq LIMIT ?2)`,
	`DELETE FROM replies WHERE room_id = ?1 AND root IN (SELECT root FROM replies WHERE room_id = ?1 ORDER BY root LIMIT ?2)`,
	`DELETE FROM threads WHERE room_id = ?1 AND root IN (SELECT root FROM threads WHERE room_id = ?1 ORDER BY root LIMIT ?2)`,
	`DELETE FROM follows WHERE room_id = ?1 AND root IN (SELECT root FROM follows WHERE room_id = ?1 ORDER BY root LIMIT ?2)`,
	`DELETE FROM members WHERE room_id = ?1 AND user_id IN (SELECT user_id FROM members WHERE room_id = ?1 ORDER BY user_id LIMIT ?2)`,
	`DELETE FROM memberships WHERE room_id = ?1 AND user_id IN (SELECT user_id FROM memberships WHERE room_id = ?1 ORDER BY user_id LIMIT ?2)`,
	`DELETE FROM reports WHERE room_id = ?1 AND id IN (SELECT id FROM reports WHERE room_id = ?1 ORDER BY id LIMIT ?2)`,
	`DELETE FROM room_links WHERE room_id = ?1 AND id IN (SELECT id FROM room_links WHERE room_id = ?1 ORDER BY id LIMIT ?2)`,
	`DELETE FROM room_filters WHERE room_id = ?1 AND ?2 > 0`,
}

// EraseDeleted is documented at chat.Moderation.
func (s *Store) EraseDeleted(ctx context.Context, itemsMax int) (more bool, err error) {
	if err := s.begin(ctx); err != nil {
		return false, err
	}
	defer s.end()
	err = s.gather(ctx, &pending{do: func(w *writer) error {
		more = false
		var room chat.RoomID
		err := w.conn.QueryRowContext(context.Background(), "SELECT room_id FROM rooms_deleted ORDER BY room_id LIMIT 1").Scan(number[chat.RoomID]{&room})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		more = true
		all := func(*entry) bool { return true }
		if err := w.takeOutOldest(context.Background(), room, max(itemsMax, 1), all); err != nil {
			return err
		}
		for i, query := range eraseOfDeleted {
			r, err := w.conn.ExecContext(context.Background(), query, int64(room), max(itemsMax, 1))
			if err != nil {
				return err
			}
			if n, err := r.RowsAffected(); err != nil {
				return err
			} else if n > 0 {
				w.erased = true
				if i != 0 && i != 2 {
					return nil // the rest is for the next time
				}
			}
		}
		return w.run("DELETE FROM rooms_deleted WHERE room_id = ?", int64(room))
	}})
	return more, err
}

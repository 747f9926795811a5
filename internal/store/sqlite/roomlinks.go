package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"sarang/chat"
)

// These are asked seldom, and so are not prepared.
const (
	selectRoomLink = "SELECT id, room_id, code_hash, by_id, uses, uses_max, expires_ms, created_ms FROM room_links WHERE "
	insertRoomLink = `INSERT INTO room_links (id, room_id, code_hash, by_id, uses, uses_max, expires_ms, created_ms, last_use)
	VALUES (?, ?, ?, ?, 0, ?, ?, ?, 0)`
	roomLinkHolds = "(uses_max = 0 OR uses < uses_max) AND (expires_ms = 0 OR expires_ms > ?2)"
)

func scanRoomLink(row interface{ Scan(...any) error }) (l chat.RoomLink, err error) {
	var uses, most uint64
	err = row.Scan(number[uint64]{&l.ID}, number[chat.RoomID]{&l.Room}, hash{&l.Code}, number[chat.UserID]{&l.By},
		number[uint64]{&uses}, number[uint64]{&most}, bits[int64]{&l.ExpiresMs}, bits[int64]{&l.CreatedMs})
	l.Uses, l.UsesMax = int(min(uses, math.MaxInt32)), int(min(most, math.MaxInt32))
	return l, err
}

// AddRoomLink is documented at chat.RoomLinks.
func (s *Store) AddRoomLink(ctx context.Context, l chat.RoomLink, linksMax int, a chat.AuditEntry) (chat.RoomLink, error) {
	err := s.moderate(ctx, a, func(w *writer) error {
		n, err := w.count("SELECT count(*) FROM rooms WHERE id = ?", int64(l.Room))
		if err == nil && n == 0 {
			err = noSuchRoom(l.Room)
		}
		if err != nil {
			return err
		}
		n, err = w.count("SELECT count(*) FROM room_links WHERE room_id = ?1 AND "+roomLinkHolds, int64(l.Room), l.CreatedMs)
		switch {
		case err != nil:
			return err
		case linksMax > 0 && n >= int64(linksMax):
			return chat.Errorf(chat.CodeTooMany, "the room has %d invitation links, and no more are taken: revoke one", n)
		}
		if err := w.run("DELETE FROM room_links WHERE room_id = ?1 AND NOT ("+roomLinkHolds+")", int64(l.Room), l.CreatedMs); err != nil {
			return err
		}
		id, err := w.audit(&a)
		if err != nil {
			return err
		}
		return w.run(insertRoomLink, int64(id), int64(l.Room), l.Code[:], int64(l.By), l.UsesMax, l.ExpiresMs, l.CreatedMs)
	})
	if err != nil {
		return l, err
	}
	err = s.one(ctx, selectRoomLink+"code_hash = ?", l.Code[:], func(row *sql.Row) (err error) {
		l, err = scanRoomLink(row)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) { // revoked meanwhile
		err = chat.NoRoomLink()
	}
	return l, err
}

// RoomLinks is documented at chat.RoomLinks.
func (s *Store) RoomLinks(ctx context.Context, room chat.RoomID, after uint64, itemsMax int) (all []chat.RoomLink, err error) {
	args := []any{int64(min(room, math.MaxInt64)), int64(min(after, math.MaxInt64)), max(itemsMax, 1)}
	err = s.each(ctx, selectRoomLink+"room_id = ? AND id > ? ORDER BY id LIMIT ?", args, func(rows *sql.Rows) error {
		l, err := scanRoomLink(rows)
		all = append(all, l)
		return err
	})
	return all, err
}

// RoomLink is documented at chat.RoomLinks.
func (s *Store) RoomLink(ctx context.Context, code chat.TokenHash, nowMs int64) (l chat.RoomLink, err error) {
	err = s.one(ctx, selectRoomLink+"code_hash = ? AND EXISTS (SELECT 1 FROM rooms WHERE rooms.id = room_id)", code[:], func(row *sql.Row) (err error) {
		l, err = scanRoomLink(row)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) || err == nil && !l.Holds(nowMs) {
		return chat.RoomLink{}, chat.NoRoomLink()
	}
	return l, err
}

// UseRoomLink is documented at chat.RoomLinks.
func (s *Store) UseRoomLink(ctx context.Context, u chat.LinkUse) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	id := int64(min(u.ID, math.MaxInt64))
	counted := func(w *writer) (bool, error) {
		n, err := w.count("SELECT count(*) FROM room_links WHERE id = ? AND last_use = ?", id, int64(u.Nonce))
		return n > 0, err
	}
	return s.gather(ctx, &pending{
		do: func(w *writer) error {
			if done, err := counted(w); err != nil || done {
				return err
			}
			if u.Back {
				return w.run("UPDATE room_links SET uses = uses - 1, last_use = ? WHERE id = ? AND uses > 0", int64(u.Nonce), id)
			}
			n, err := w.count("SELECT count(*) FROM room_links WHERE id = ?1 AND "+roomLinkHolds, id, u.NowMs)
			if err == nil && n == 0 {
				err = chat.NoRoomLink()
			}
			if err != nil {
				return err
			}
			if full, err := w.belongsToMany(u.User, u.RoomsMax); err != nil || full {
				if full {
					err = chat.BelongsToMany(u.RoomsMax)
				}
				return err
			}
			return w.run("UPDATE room_links SET uses = uses + 1, last_use = ? WHERE id = ?", int64(u.Nonce), id)
		},
		made: counted,
	})
}

// RemoveRoomLink is documented at chat.RoomLinks.
func (s *Store) RemoveRoomLink(ctx context.Context, room chat.RoomID, id uint64, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(w *writer) error {
		n, err := w.count("SELECT count(*) FROM room_links WHERE id = ? AND room_id = ?", int64(min(id, math.MaxInt64)), int64(min(room, math.MaxInt64)))
		if err == nil && n == 0 {
			err = chat.NoSuchLink(id)
		}
		if err == nil {
			err = w.run("DELETE FROM room_links WHERE id = ?", int64(id))
		}
		if err == nil {
			_, err = w.audit(&a)
		}
		return err
	})
}

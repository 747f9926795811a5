package sqlstore

import (
	"context"
	"math"

	"sarang/chat"
)

// roomLinkSchema keeps links by which people come into private rooms. id is that of the entry in
// audit; code_hash is in hexadecimal; last_use is the nonce of the newest use.
func roomLinkSchema() []string {
	return []string{
		`CREATE TABLE room_links (
			id         BIGINT NOT NULL PRIMARY KEY,
			room_id    BIGINT NOT NULL,
			code_hash  {key} NOT NULL,
			by_id      BIGINT NOT NULL,
			uses       BIGINT NOT NULL,
			uses_max   BIGINT NOT NULL,
			expires_ms BIGINT NOT NULL,
			created_ms BIGINT NOT NULL,
			last_use   BIGINT NOT NULL
		)`,
		"CREATE UNIQUE INDEX room_links_code ON room_links (code_hash)",
		"CREATE INDEX room_links_room ON room_links (room_id, id)",
	}
}

// These are asked seldom: they are compiled each time.
const (
	selectRoomLink = "SELECT id, room_id, code_hash, by_id, uses, uses_max, expires_ms, created_ms FROM room_links WHERE "
	insertRoomLink = `INSERT INTO room_links (id, room_id, code_hash, by_id, uses, uses_max, expires_ms, created_ms, last_use)
		VALUES (?, ?, ?, ?, 0, ?, ?, ?, 0)`
	roomLinkHolds = "(uses_max = 0 OR uses < uses_max) AND (expires_ms = 0 OR expires_ms > ?)"
)

func scanRoomLink(scan Scan) (l chat.RoomLink, err error) {
	var id, room, by, uses, most int64
	var code string
	if err := scan(&id, &room, &code, &by, &uses, &most, &l.ExpiresMs, &l.CreatedMs); err != nil {
		return l, err
	}
	l.Uses, l.UsesMax = int(min(max(uses, 0), math.MaxInt32)), int(min(max(most, 0), math.MaxInt32))
	if l.ID, err = whole[uint64](id, "the id of a link"); err != nil {
		return l, err
	}
	if l.Room, err = whole[chat.RoomID](room, "the room of a link"); err != nil {
		return l, err
	}
	if l.By, err = whole[chat.UserID](by, "the maker of a link"); err != nil {
		return l, err
	}
	return l, hashOf(&l.Code, code)
}

func (s *Store) roomLinks(ctx context.Context, where string, args ...any) (all []chat.RoomLink, err error) {
	err = s.each(ctx, selectRoomLink+where, args, func() { all = nil }, func(scan Scan) error {
		l, err := scanRoomLink(scan)
		all = append(all, l)
		return err
	})
	return all, err
}

// AddRoomLink is documented at chat.RoomLinks.
func (s *Store) AddRoomLink(ctx context.Context, l chat.RoomLink, linksMax int, a chat.AuditEntry) (chat.RoomLink, error) {
	err := s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		if _, _, err := s.nameOf(ctx, c, l.Room); err != nil {
			return err
		}
		n, err := s.number(ctx, c, "SELECT count(*) FROM room_links WHERE room_id = ? AND "+roomLinkHolds, signed(l.Room), l.CreatedMs)
		switch {
		case err != nil:
			return err
		case linksMax > 0 && n >= int64(linksMax):
			return chat.Errorf(chat.CodeTooMany, "the room has %d invitation links, and no more are taken: revoke one", n)
		}
		if _, err = s.exec(ctx, c, "DELETE FROM room_links WHERE room_id = ? AND NOT ("+roomLinkHolds+")", signed(l.Room), l.CreatedMs); err != nil {
			return err
		}
		id, err := s.audit(ctx, c, &a)
		if err == nil {
			_, err = s.exec(ctx, c, insertRoomLink, id, signed(l.Room), hexOf(l.Code), signed(l.By), int64(l.UsesMax), l.ExpiresMs, l.CreatedMs)
		}
		return err
	})
	if err != nil {
		return l, err
	}
	made, err := s.roomLinks(ctx, "code_hash = ?", hexOf(l.Code))
	switch {
	case err != nil:
		return l, err
	case len(made) == 0: // revoked meanwhile
		return l, chat.NoRoomLink()
	}
	return made[0], nil
}

// RoomLinks is documented at chat.RoomLinks.
func (s *Store) RoomLinks(ctx context.Context, room chat.RoomID, after uint64, itemsMax int) ([]chat.RoomLink, error) {
	return s.roomLinks(ctx, "room_id = ? AND id > ? ORDER BY id{limit}", signed(room), signed(after), int64(max(itemsMax, 1)))
}

// RoomLink is documented at chat.RoomLinks.
func (s *Store) RoomLink(ctx context.Context, code chat.TokenHash, nowMs int64) (chat.RoomLink, error) {
	all, err := s.roomLinks(ctx, "code_hash = ? AND EXISTS (SELECT 1 FROM rooms WHERE rooms.id = room_links.room_id)", hexOf(code))
	switch {
	case err != nil:
		return chat.RoomLink{}, err
	case len(all) == 0 || !all[0].Holds(nowMs):
		return chat.RoomLink{}, chat.NoRoomLink()
	}
	return all[0], nil
}

// UseRoomLink is documented at chat.RoomLinks.
func (s *Store) UseRoomLink(ctx context.Context, u chat.LinkUse) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		c := t.conn
		n, err := s.number(ctx, c, "SELECT count(*) FROM room_links WHERE id = ? AND last_use = ?", signed(u.ID), int64(u.Nonce))
		if err != nil || n > 0 {
			return err
		}
		if u.Back {
			_, err = s.exec(ctx, c, "UPDATE room_links SET uses = uses - 1, last_use = ? WHERE id = ? AND uses > 0", int64(u.Nonce), signed(u.ID))
			return err
		}
		if n, err = s.number(ctx, c, "SELECT count(*) FROM room_links WHERE id = ? AND "+roomLinkHolds, signed(u.ID), u.NowMs); err != nil {
			return err
		}
		if n == 0 {
			return chat.NoRoomLink()
		}
		if u.RoomsMax > 0 {
			var has int64
			err = c.Query(ctx, s.sql.countMemberships, []any{signed(u.User), int64(u.RoomsMax)}, func(scan Scan) error { return scan(&has) })
			if err != nil {
				return err
			}
			if has >= int64(u.RoomsMax) {
				return chat.BelongsToMany(u.RoomsMax)
			}
		}
		_, err = s.exec(ctx, c, "UPDATE room_links SET uses = uses + 1, last_use = ? WHERE id = ?", int64(u.Nonce), signed(u.ID))
		return err
	}})
}

// RemoveRoomLink is documented at chat.RoomLinks.
func (s *Store) RemoveRoomLink(ctx context.Context, room chat.RoomID, id uint64, a chat.AuditEntry) error {
	return s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		n, err := s.exec(ctx, c, "DELETE FROM room_links WHERE id = ? AND room_id = ?", signed(id), signed(room))
		if err == nil && n == 0 {
			err = chat.NoSuchLink(id)
		}
		if err == nil {
			_, err = s.audit(ctx, c, &a)
		}
		return err
	})
}

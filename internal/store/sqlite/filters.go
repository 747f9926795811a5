package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"

	"sarang/chat"
)

const putRoomFilter = `INSERT INTO room_filters (room_id, version, words, links) VALUES (?1, 1, ?2, ?3)
	ON CONFLICT DO UPDATE SET version = version + 1, words = excluded.words, links = excluded.links`

// RoomFilter is documented at chat.RoomFilters.
func (s *Store) RoomFilter(ctx context.Context, room chat.RoomID) (f chat.RoomFilter, err error) {
	err = s.one(ctx, "SELECT version, words, links FROM room_filters WHERE room_id = ?", int64(min(room, math.MaxInt64)), func(row *sql.Row) error {
		var words string
		err := row.Scan(number[uint64]{&f.Version}, text{&words}, flag{&f.Links})
		if words != "" {
			f.Words = strings.Split(words, "\n")
		}
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return chat.RoomFilter{}, nil
	}
	return f, err
}

// SetRoomFilter is documented at chat.RoomFilters.
func (s *Store) SetRoomFilter(ctx context.Context, room chat.RoomID, f chat.RoomFilter, a chat.AuditEntry) (chat.RoomFilter, error) {
	links := 0
	if f.Links {
		links = 1
	}
	err := s.moderate(ctx, a, func(w *writer) error {
		n, err := w.count("SELECT count(*) FROM rooms WHERE id = ?", int64(min(room, math.MaxInt64)))
		if err == nil && n == 0 {
			err = noSuchRoom(room)
		}
		if err == nil {
			err = w.run(putRoomFilter, int64(room), strings.Join(f.Words, "\n"), links)
		}
		if err == nil {
			_, err = w.audit(&a)
		}
		return err
	})
	if err != nil {
		return f, err
	}
	return s.RoomFilter(ctx, room)
}

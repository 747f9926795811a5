package sqlstore

import (
	"context"
	"strings"

	"sarang/chat"
)

// filterSchema keeps what rooms do not take: words, one a line, and addresses of the web.
func filterSchema() []string {
	return []string{
		`CREATE TABLE room_filters (
			room_id BIGINT NOT NULL PRIMARY KEY,
			version BIGINT NOT NULL,
			words   {text} NOT NULL,
			links   SMALLINT NOT NULL
		)`,
	}
}

// RoomFilter is documented at chat.RoomFilters.
func (s *Store) RoomFilter(ctx context.Context, room chat.RoomID) (f chat.RoomFilter, err error) {
	err = s.each(ctx, "SELECT version, words, links FROM room_filters WHERE room_id = ?", []any{signed(room)}, func() { f = chat.RoomFilter{} }, func(scan Scan) error {
		var version, links int64
		var words string
		if err := scan(&version, &words, &links); err != nil {
			return err
		}
		if words != "" {
			f.Words = strings.Split(words, "\n")
		}
		f.Links = links != 0
		f.Version, err = whole[uint64](version, "the version of a filter")
		return err
	})
	return f, err
}

// SetRoomFilter is documented at chat.RoomFilters.
func (s *Store) SetRoomFilter(ctx context.Context, room chat.RoomID, f chat.RoomFilter, a chat.AuditEntry) (chat.RoomFilter, error) {
	err := s.moderate(ctx, a, func(ctx context.Context, c Conn) error {
		if _, _, err := s.nameOf(ctx, c, room); err != nil {
			return err
		}
		words, links := strings.Join(f.Words, "\n"), bit(f.Links)
		n, err := s.exec(ctx, c, "UPDATE room_filters SET version = version + 1, words = ?, links = ? WHERE room_id = ?", words, links, signed(room))
		if err == nil && n == 0 {
			_, err = s.exec(ctx, c, "INSERT INTO room_filters (room_id, version, words, links) VALUES (?, 1, ?, ?)", signed(room), words, links)
		}
		if err == nil {
			_, err = s.audit(ctx, c, &a)
		}
		return err
	})
	if err != nil {
		return f, err
	}
	return s.RoomFilter(ctx, room)
}

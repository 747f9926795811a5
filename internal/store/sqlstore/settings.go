package sqlstore

import (
	"context"

	"sarang/chat"
)

// settingsSchema has rooms remember what the newest events of kinds 17, 18 and 19 say, and the
// audit log find them.
func settingsSchema() []string {
	return []string{
		"ALTER TABLE rooms ADD COLUMN description {text} NOT NULL DEFAULT ''",
		"ALTER TABLE rooms ADD COLUMN archived SMALLINT NOT NULL DEFAULT 0",
		"ALTER TABLE rooms ADD COLUMN slow_s BIGINT NOT NULL DEFAULT 0",
		"DROP INDEX messages_ruled",
		"DROP INDEX messages_ruled_room",
		"CREATE INDEX messages_ruled ON messages (time_ms, room_id, seq) WHERE kind IN (4, 5, 16, 17, 18, 19)",
		"CREATE INDEX messages_ruled_room ON messages (room_id, time_ms, seq) WHERE kind IN (4, 5, 16, 17, 18, 19)",
	}
}

// storeSetting has the room remember what e sets, inside the transaction that stores e.
func (s *Store) storeSetting(ctx context.Context, c Conn, e *chat.Event) error {
	query, value := "", any(e.Text)
	switch e.Kind {
	case chat.EventTopic:
		query = s.sql.updateTopic
	case chat.EventDescribe:
		query = s.sql.updateDescription
	case chat.EventArchive:
		query, value = s.sql.updateArchived, bit(e.Value != 0)
	case chat.EventSlow:
		query, value = s.sql.updateSlow, int64(e.Value)
	case chat.EventRetain:
		query, value = s.sql.updateRetain, int64(e.Value)
	default:
		return nil // the name is no part of the log's transaction
	}
	_, err := c.Exec(ctx, query, value, int64(e.Room))
	return err
}

package sqlite

import (
	"context"

	"sarang/chat"
)

// storeSetting has the room remember what e sets, inside the transaction that stores e.
func (w *writer) storeSetting(e *chat.Event) error {
	room := int64(e.Room)
	switch e.Kind {
	case chat.EventTopic:
		return exec(context.Background(), w.updateTopic, e.Text, room)
	case chat.EventDescribe:
		return w.run("UPDATE rooms SET description = ? WHERE id = ?", e.Text, room)
	case chat.EventArchive:
		return w.run("UPDATE rooms SET archived = ? WHERE id = ?", bit(e.Value != 0), room)
	case chat.EventSlow:
		return w.run("UPDATE rooms SET slow_s = ? WHERE id = ?", int64(e.Value), room)
	case chat.EventRetain:
		return w.run("UPDATE rooms SET retain_s = ? WHERE id = ?", int64(e.Value), room)
	}
	return nil // the name is no part of the log's transaction
}

package hub

import (
	"context"

	"sarang/chat"
	"sarang/internal/limit"
)

// List tells the client a page of all rooms, in order of their ids.
func (s *Shard) List(o *Session, ref RequestRef, after chat.RoomID, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	items := s.items(itemsWant)
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		rooms, err := s.hub.config.Store.Rooms(ctx, after, items+1)
		return func(o *Session) {
			if err != nil {
				s.fail(o, ref, s.hub.typed("listing rooms", err))
				return
			}
			more := len(rooms) > items
			o.Client.Listed(o, ref, s.hub.rooms.infos(rooms[:min(len(rooms), items)]), more)
		}
	})
}

func (s *Shard) items(want int) int {
	if want <= 0 || want > s.hub.config.HistoryItemsMax {
		return s.hub.config.HistoryItemsMax
	}
	return want
}

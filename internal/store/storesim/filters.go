package storesim

import (
	"context"
	"slices"

	"sarang/chat"
)

// RoomFilter is documented at chat.RoomFilters.
func (s *Store) RoomFilter(ctx context.Context, room chat.RoomID) (chat.RoomFilter, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "RoomFilter"); err != nil {
		return chat.RoomFilter{}, err
	}
	f := d.moderation.filters[room]
	f.Words = slices.Clone(f.Words)
	return f, nil
}

// SetRoomFilter is documented at chat.RoomFilters.
func (s *Store) SetRoomFilter(ctx context.Context, room chat.RoomID, f chat.RoomFilter, a chat.AuditEntry) (chat.RoomFilter, error) {
	err := s.moderate(ctx, "SetRoomFilter", a, func(d *Disk) error {
		if d.log(room) == nil {
			return chat.Errorf(chat.CodeNoRoom, "there is no room %d", room)
		}
		f.Version, f.Words = d.moderation.filters[room].Version+1, slices.Clone(f.Words)
		d.putFilter(room, f)
		d.note(a)
		return nil
	})
	if err != nil {
		return f, err
	}
	return s.RoomFilter(ctx, room)
}

func (d *Disk) putFilter(room chat.RoomID, f chat.RoomFilter) {
	if d.moderation.filters == nil {
		d.moderation.filters = map[chat.RoomID]chat.RoomFilter{}
	}
	d.moderation.filters[room] = f
}

package hub

import (
	"cmp"
	"context"
	"slices"

	"sarang/chat"
	"sarang/internal/limit"
)

// List tells the client a page of the rooms that it may see, in order of their ids.
func (s *Shard) List(o *Session, ref RequestRef, after chat.RoomID, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	items, user, bytesMax := s.items(itemsWant), o.User, s.historyBytes(o)
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		rooms, err := s.hub.roomsFor(ctx, user, after, items+1)
		return func(o *Session) {
			if err != nil {
				s.fail(o, ref, s.hub.typed("listing rooms", err))
				return
			}
			fit := min(roomsThatFit(rooms, bytesMax), items)
			o.Client.Listed(o, ref, s.hub.rooms.infos(rooms[:min(len(rooms), fit)]), len(rooms) > fit)
		}
	})
}

// roomBytes is what a room of a list takes in a packet beside its texts, about.
const roomBytes = 128

// listedBytes is what a room takes in a list, where its description is left out.
func listedBytes(r *chat.Room) int { return roomBytes + len(r.Name) + len(r.Topic) }

// roomsThatFit is how many of rooms a list of so many bytes has: one at least.
func roomsThatFit(rooms []chat.Room, bytesMax int) (n int) {
	for bytes := 0; n < len(rooms); n++ {
		if bytes += listedBytes(&rooms[n]); n > 0 && bytes > bytesMax {
			break
		}
	}
	return n
}

// roomsFor reads a page of the rooms that a user may see: all that are public, and his.
func (h *Hub) roomsFor(ctx context.Context, user chat.UserID, after chat.RoomID, items int) ([]chat.Room, error) {
	rooms, err := h.config.Store.Rooms(ctx, after, items)
	if err != nil {
		return nil, err
	}
	his, err := h.config.Store.PrivateRooms(ctx, user, after, items)
	if err != nil || len(his) == 0 {
		return rooms, err
	}
	rooms = append(rooms, his...)
	slices.SortFunc(rooms, func(a, b chat.Room) int { return cmp.Compare(a.ID, b.ID) })
	return rooms[:min(len(rooms), items)], nil
}

func (s *Shard) items(want int) int {
	if want <= 0 || want > s.hub.config.HistoryItemsMax {
		return s.hub.config.HistoryItemsMax
	}
	return want
}

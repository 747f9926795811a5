package hub

import (
	"context"

	"sarang/chat"
	"sarang/internal/limit"
)

// MyRoom is a room that a user belongs to, as his client sees it. Its LastSeq is that up to
// which Unread counts.
type MyRoom struct {
	chat.MyRoom
	Role    chat.Role
	Members int // present
}

// MyRooms tells the client a page of the rooms that its user belongs to, in order of their ids.
func (s *Shard) MyRooms(o *Session, ref RequestRef, after chat.RoomID, itemsWant int) {
	if !s.mayRequest(o, ref, limit.LevelReads) || !s.begin(o, ref) {
		return
	}
	items, user, bytesMax := s.items(itemsWant), o.User, s.historyBytes(o)
	s.read(o, ref, func(ctx context.Context) func(*Session) {
		moment := s.hub.erased.now()
		rooms, more, err := s.hub.myRooms(ctx, user, after, items, bytesMax)
		return func(o *Session) {
			if err != nil {
				s.fail(o, ref, s.hub.typed("listing a user's rooms", err))
				return
			}
			for i := range rooms {
				s.stillSaid(&rooms[i].Last, moment)
			}
			o.Client.MyRooms(o, ref, rooms, more)
			for i := range rooms {
				if last := &rooms[i].Last; last.Seq != 0 {
					s.unsent(o, queuedPage{last.Room, last.Seq, last.Seq})
				}
			}
		}
	})
}

// myRooms reads a page of the rooms that a user belongs to and may read.
func (h *Hub) myRooms(ctx context.Context, user chat.UserID, after chat.RoomID, items, bytesMax int) (page []MyRoom, more bool, err error) {
	bytes, now := 0, h.nowMs()
	for {
		stored, err := h.config.Store.MyRooms(ctx, user, after, items+1)
		if err != nil {
			return nil, false, err
		}
		for i := range stored {
			r := &stored[i]
			role := r.RoleAt(user, r.Given, now)
			if !role.May(chat.ActionJoin) { // he was put out, and that is not noted yet
				after = r.ID
				continue
			}
			bytes += listedBytes(&r.Room) + len(r.Last.Name) + len(r.Last.Text)
			if len(page) == items || len(page) > 0 && bytes > bytesMax {
				return page, true, nil
			}
			page, after = append(page, MyRoom{MyRoom: *r, Role: role, Members: h.rooms.members(r.ID)}), r.ID
		}
		if len(stored) <= items {
			return page, false, nil
		}
	}
}

package hub

import (
	"context"

	"sarang/chat"
)

// Another program that says who somebody is may invite him to private rooms, too: he is made a
// member of those in which he has no role. A ban stays a ban. What is done is a role event as any
// other, by himself, for nobody else has done it here; when it is in the log he belongs to
// the room, and is told so.

// roomsOf returns the rooms that have names; those that are not there are left out.
func (h *Hub) roomsOf(ctx context.Context, names []string) (rooms []chat.RoomID, err error) {
	for _, name := range names[:min(len(names), chat.IdentityRoomsMax)] {
		_, key, err := chat.ParseRoomName(name)
		if err != nil {
			continue
		}
		r, err := h.config.Store.RoomByKey(ctx, key)
		switch {
		case chat.CodeOf(err) == chat.CodeNoRoom:
		case err != nil:
			return nil, err
		case r.Private:
			rooms = append(rooms, r.ID)
		}
	}
	return rooms, nil
}

// invite makes the user of a session, who has just logged in, a member of rooms. The session is
// told nothing if it can not be done: the next login does it.
func (s *Shard) invite(o *Session, rooms []chat.RoomID) {
	for _, room := range rooms {
		s.ask(&inviteRequest{asker{network: o.network, user: o.User, name: o.Name, ref: RequestRef{Room: room}}})
	}
}

type inviteRequest struct{ asker }

func (r *inviteRequest) at(h *home) {
	if !h.room.Known(r.user) {
		h.whenKnown(r.user, r)
		return
	}
	info := h.room.Info()
	if !info.Private || info.Ephemeral || h.direct != nil || h.room.RoleOf(r.user, h.shard.hub.nowMs()) != chat.RoleNone {
		return
	}
	// Of two logins at once one gives the role: they have the same nonce.
	n := chat.Nonce(info.LastSeq)<<32 ^ chat.Nonce(r.user)*0x9e3779b97f4a7c15 | 1
	h.publish(&publishRequest{
		kind: chat.EventRole, user: r.user, name: r.name, nonce: n, subject: r.user, role: chat.RoleMember, operator: true, invited: true,
	})
}

// invited has who was made a member of a private room by himself belong to it.
func (h *home) invited(info chat.Room, e *chat.Event) {
	if e.Kind == chat.EventRole && e.User == e.Subject && e.Role == chat.RoleMember && info.Private {
		h.shard.belongNews(chat.MemberChange{Kind: chat.MemberEnters, User: e.Subject, Room: info.ID, Seq: e.Seq})
	}
}

package gateway

import (
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

// What is asked of a room as a whole.

func (h *Handler) set(o *hub.Session, m *pb.SetRoom) error {
	kind := chat.EventKind(0) // what is none of ours is no setting
	if m.Kind >= 0 && m.Kind <= 0xff {
		kind = chat.EventKind(m.Kind)
	}
	h.shard.Set(o, hub.RequestRef{Kind: pb.CSet, Room: chat.RoomID(m.Room), Nonce: chat.Nonce(m.Nonce)}, chat.Setting{Kind: kind, Text: m.Text, Value: m.Value})
	return nil
}

func (h *Handler) deleteRoom(o *hub.Session, m *pb.DeleteRoom) error {
	h.shard.DeleteRoom(o, hub.RequestRef{Kind: pb.CDeleteRoom, Request: m.Request, Room: chat.RoomID(m.Room)})
	return nil
}

func (h *Handler) purge(o *hub.Session, m *pb.Purge) error {
	ref := hub.RequestRef{Kind: pb.CPurge, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.Purge(o, ref, chat.UserID(m.User), time.Duration(m.LastSeconds)*time.Second)
	return nil
}

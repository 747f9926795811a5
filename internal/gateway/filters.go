package gateway

import (
	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

// What rooms do not take.

func (h *Handler) filter(o *hub.Session, m *pb.Filter) error {
	ref := hub.RequestRef{Kind: pb.CFilter, Request: m.Request, Room: chat.RoomID(m.Room)}
	if m.Filter == nil {
		h.shard.Filter(o, ref, nil)
		return nil
	}
	h.shard.Filter(o, ref, &chat.RoomFilter{Words: m.Filter.Words, Links: m.Filter.Links})
	return nil
}

// Filtered sends S_FILTER.
func (h *Handler) Filtered(o *hub.Session, ref hub.RequestRef, f chat.RoomFilter) {
	h.reply(o, pb.SFilter, &pb.Filtered{
		Request: ref.Request, Room: uint64(ref.Room), Filter: &pb.RoomFilter{Words: f.Words, Links: f.Links},
	})
}

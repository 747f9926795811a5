package gateway

import (
	"math"

	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

// What is looked for, and found.

func (h *Handler) search(o *hub.Session, m *pb.Search) error {
	ms := func(v uint64) int64 { return int64(min(v, math.MaxInt64)) }
	h.shard.Search(o, hub.RequestRef{Kind: pb.CSearch, Request: m.Request, Room: chat.RoomID(m.Room)}, hub.SearchRequest{
		Text: m.Text, Whose: hub.Whom{ID: chat.UserID(m.User), Name: m.Name}, AfterMs: ms(m.AfterMs), BeforeMs: ms(m.BeforeMs),
		Links: m.Links, Files: m.Files, From: m.From, ItemsWant: int(m.ItemsMax),
	})
	return nil
}

// Found sends S_SEARCH.
func (h *Handler) Found(o *hub.Session, ref hub.RequestRef, p hub.SearchPage) {
	m := &pb.SearchPage{Request: ref.Request, Room: uint64(ref.Room), Next: p.Next, Partial: p.Partial, Hits: make([]*pb.Hit, len(p.Hits))}
	for i := range p.Hits {
		hit := &p.Hits[i]
		to := &pb.Hit{Event: new(pb.Event), RoomName: hit.RoomName}
		FillEvent(to.Event, &hit.Event)
		for _, r := range hit.Where {
			to.Where = append(to.Where, uint32(r.From), uint32(r.To))
		}
		m.Hits[i] = to
	}
	h.reply(o, pb.SSearch, m)
}

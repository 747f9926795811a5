package gateway

import (
	"math"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

// Links by which people come into private rooms.

func (h *Handler) makeLink(o *hub.Session, m *pb.MakeLink) error {
	ref := hub.RequestRef{Kind: pb.CMakeLink, Request: m.Request, Room: chat.RoomID(m.Room)}
	const secondsMost = math.MaxInt64 / uint64(time.Second)
	h.shard.MakeLink(o, ref, time.Duration(min(m.ForSeconds, secondsMost))*time.Second, int(min(m.UsesMax, math.MaxInt32)))
	return nil
}

func (h *Handler) links(o *hub.Session, m *pb.Links) error {
	h.shard.Links(o, hub.RequestRef{Kind: pb.CLinks, Request: m.Request, Room: chat.RoomID(m.Room)}, m.After, int(m.ItemsMax))
	return nil
}

func (h *Handler) revokeLink(o *hub.Session, m *pb.RevokeLink) error {
	h.shard.RevokeLink(o, hub.RequestRef{Kind: pb.CRevokeLink, Request: m.Request, Room: chat.RoomID(m.Room)}, m.Link)
	return nil
}

func (h *Handler) joinLink(o *hub.Session, m *pb.JoinLink) error {
	h.shard.JoinLink(o, hub.RequestRef{Kind: pb.CJoinLink, Request: m.Request}, m.Code)
	return nil
}

func roomLink(l *hub.LinkInfo) *pb.RoomLink {
	return &pb.RoomLink{
		Id: l.ID, Room: uint64(l.Room), By: uint64(l.By), ByName: l.ByName, Uses: uint32(l.Uses), UsesMax: uint32(l.UsesMax),
		ExpiresMs: uint64(l.ExpiresMs), CreatedMs: uint64(l.CreatedMs),
	}
}

// MadeLink sends S_MAKE_LINK.
func (h *Handler) MadeLink(o *hub.Session, ref hub.RequestRef, l hub.LinkInfo, code string) {
	h.reply(o, pb.SMakeLink, &pb.MadeLink{Request: ref.Request, Link: roomLink(&l), Code: code})
}

// Links sends S_LINKS.
func (h *Handler) Links(o *hub.Session, ref hub.RequestRef, page []hub.LinkInfo, more bool) {
	m := &pb.LinkPage{Request: ref.Request, Room: uint64(ref.Room), More: more, Links: make([]*pb.RoomLink, len(page))}
	for i := range page {
		m.Links[i] = roomLink(&page[i])
	}
	h.reply(o, pb.SLinks, m)
}

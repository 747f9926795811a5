package gateway

import (
	"math"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// What is said of people, and asked about them.

func (h *Handler) registerProfiles() {
	packet.Handle(h.mux, pb.CProfile, h.lookUp)
	packet.Handle(h.mux, pb.CSetProfile, h.setProfile)
	packet.Handle(h.mux, pb.CRename, h.rename)
	packet.Handle(h.mux, pb.CAway, h.away)
	packet.Handle(h.mux, pb.CBlock, h.block)
	packet.Handle(h.mux, pb.CBlocks, h.blocks)
	packet.Handle(h.mux, pb.CSeenBy, h.seenBy)
}

func (h *Handler) lookUp(o *hub.Session, m *pb.LookUp) error {
	h.shard.LookUp(o, hub.RequestRef{Kind: pb.CProfile, Request: m.Request}, hub.Whom{ID: chat.UserID(m.User), Name: m.Name})
	return nil
}

func (h *Handler) setProfile(o *hub.Session, m *pb.SetProfile) error {
	h.shard.SetProfile(o, hub.RequestRef{Kind: pb.CSetProfile, Request: m.Request}, chat.ProfileChange{
		DisplayName: m.DisplayName, About: m.About, Status: m.Status, Hidden: m.Hidden,
	})
	return nil
}

func (h *Handler) rename(o *hub.Session, m *pb.Rename) error {
	h.shard.Rename(o, hub.RequestRef{Kind: pb.CRename, Request: m.Request}, m.Name)
	return nil
}

func (h *Handler) away(o *hub.Session, m *pb.Away) error {
	h.shard.Away(o, hub.RequestRef{Kind: pb.CAway, Request: m.Request}, m.Away)
	return nil
}

func (h *Handler) block(o *hub.Session, m *pb.Block) error {
	h.shard.Block(o, hub.RequestRef{Kind: pb.CBlock, Request: m.Request}, hub.BlockRequest{
		Whom: hub.Whom{ID: chat.UserID(m.User), Name: m.Name}, Remove: m.Remove,
	})
	return nil
}

func (h *Handler) blocks(o *hub.Session, m *pb.Blocks) error {
	after := min(chat.UserID(m.After), math.MaxUint64-1)
	h.shard.Blocks(o, hub.RequestRef{Kind: pb.CBlocks, Request: m.Request}, after, int(m.ItemsMax))
	return nil
}

func (h *Handler) seenBy(o *hub.Session, m *pb.SeenBy) error {
	h.shard.SeenBy(o, hub.RequestRef{Kind: pb.CSeenBy, Request: m.Request, Room: chat.RoomID(m.Room)})
	return nil
}

// Profile sends S_PROFILE, or S_SET_PROFILE.
func (h *Handler) Profile(o *hub.Session, ref hub.RequestRef, u hub.UserInfo) {
	id := packet.ID(pb.SProfile)
	if ref.Kind == pb.CSetProfile {
		id = pb.SSetProfile
	}
	h.reply(o, id, &pb.UserProfile{
		Request: ref.Request, User: uint64(u.ID), Name: u.Name, Account: u.Account,
		DisplayName: u.DisplayName, About: u.About, Status: u.Status, Presence: uint32(u.Presence),
		SeenMs: uint64(max(u.LastMs, 0)), CreatedMs: uint64(max(u.CreatedMs, 0)), Hidden: u.Hidden, Blocked: u.Blocked,
	})
}

// Renamed sends S_RENAME.
func (h *Handler) Renamed(o *hub.Session, ref hub.RequestRef, name string) {
	h.reply(o, pb.SRename, &pb.Rename{Request: ref.Request, Name: name})
}

// Blocked sends S_BLOCK.
func (h *Handler) Blocked(o *hub.Session, ref hub.RequestRef, whom chat.UserID, removed bool) {
	h.reply(o, pb.SBlock, &pb.Blocked{Request: ref.Request, User: uint64(whom), Removed: removed})
}

// Blocks sends S_BLOCKS.
func (h *Handler) Blocks(o *hub.Session, ref hub.RequestRef, page []chat.Person, more bool) {
	m := &pb.BlockPage{Request: ref.Request, More: more, Users: make([]*pb.Member, len(page))}
	for i, p := range page {
		m.Users[i] = &pb.Member{User: uint64(p.ID), Name: p.Name}
	}
	h.reply(o, pb.SBlocks, m)
}

// SeenBy sends S_SEEN_BY.
func (h *Handler) SeenBy(o *hub.Session, ref hub.RequestRef, marks []hub.SeenMark) {
	m := &pb.SeenByList{Request: ref.Request, Room: uint64(ref.Room), Marks: make([]*pb.SeenMark, len(marks))}
	for i, k := range marks {
		m.Marks[i] = &pb.SeenMark{User: uint64(k.User), Seq: uint64(k.Seq)}
	}
	h.reply(o, pb.SSeenBy, m)
}

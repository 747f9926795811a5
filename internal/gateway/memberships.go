package gateway

import (
	"math"

	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

// What a user's membership of rooms asks for, and is answered with.

func (h *Handler) mark(o *hub.Session, m *pb.Mark) error {
	h.shard.Mark(o, hub.RequestRef{Kind: pb.CMark, Request: m.Request, Room: chat.RoomID(m.Room)}, chat.Seq(m.Seq))
	return nil
}

func (h *Handler) mute(o *hub.Session, m *pb.Mute) error {
	h.shard.Mute(o, hub.RequestRef{Kind: pb.CMute, Request: m.Request, Room: chat.RoomID(m.Room)}, m.Muted)
	return nil
}

func (h *Handler) myRooms(o *hub.Session, m *pb.MyRooms) error {
	after := min(chat.RoomID(m.After), math.MaxUint64-1)
	h.shard.MyRooms(o, hub.RequestRef{Kind: pb.CRooms, Request: m.Request}, after, int(m.ItemsMax))
	return nil
}

// Marked sends S_MARK.
func (h *Handler) Marked(o *hub.Session, ref hub.RequestRef, mark chat.Seq) {
	h.reply(o, pb.SMark, &pb.Marked{Request: ref.Request, Room: uint64(ref.Room), Seq: uint64(mark)})
}

// Muted sends S_MUTE.
func (h *Handler) Muted(o *hub.Session, ref hub.RequestRef, muted bool) {
	h.reply(o, pb.SMute, &pb.Mute{Request: ref.Request, Room: uint64(ref.Room), Muted: muted})
}

// MyRooms sends S_ROOMS.
func (h *Handler) MyRooms(o *hub.Session, ref hub.RequestRef, rooms []hub.MyRoom, more bool) {
	m := &pb.MyRoomPage{Request: ref.Request, More: more, Rooms: make([]*pb.MyRoom, len(rooms))}
	for i := range rooms {
		r := &rooms[i]
		r.Description = ""
		m.Rooms[i] = &pb.MyRoom{
			Room: info(hub.RoomInfo{Room: r.Room, Members: r.Members}), Role: uint32(r.Role),
			Mark: uint64(r.Mark), Unread: r.Unread, Mentions: uint64(r.Mentions), Muted: r.Muted,
			LastSeq: uint64(r.Last.Seq), LastUser: uint64(r.Last.User), LastName: r.Last.Name,
			LastTimeMs: uint64(r.Last.TimeMs), LastText: r.Last.Text,
		}
	}
	h.reply(o, pb.SRooms, m)
}

func (h *Handler) direct(o *hub.Session, m *pb.Direct) error {
	with := make([]hub.Whom, 0, len(m.Users)+len(m.Names))
	for _, id := range m.Users {
		with = append(with, hub.Whom{ID: chat.UserID(id)})
	}
	for _, name := range m.Names {
		with = append(with, hub.Whom{Name: name})
	}
	h.shard.Direct(o, hub.RequestRef{Kind: pb.CDirect, Request: m.Request}, with)
	return nil
}

// Belongs sends S_BELONGS.
func (h *Handler) Belongs(o *hub.Session, room chat.RoomID) {
	h.reply(o, pb.SBelongs, &pb.Belongs{Room: uint64(room)})
}

func (h *Handler) typing(o *hub.Session, m *pb.Typing) error {
	h.shard.Typing(o, chat.RoomID(m.Room))
	return nil
}

// Typing sends S_TYPING.
func (h *Handler) Typing(o *hub.Session, room chat.RoomID, user chat.UserID, name string) {
	h.reply(o, pb.STyping, &pb.Typing{Room: uint64(room), User: uint64(user), Name: name})
}

func (h *Handler) topic(o *hub.Session, m *pb.Topic) error {
	h.shard.SetTopic(o, hub.RequestRef{Kind: pb.CTopic, Room: chat.RoomID(m.Room), Nonce: chat.Nonce(m.Nonce)}, m.Text)
	return nil
}

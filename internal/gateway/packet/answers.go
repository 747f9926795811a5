package packet

import (
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

var _ hub.Client = (*Handler)(nil)

// LoggedIn sends S_LOGIN.
func (h *Handler) LoggedIn(o *hub.Session, u chat.User, token []byte) {
	c := h.shard.Hub().Config()
	send(o, pb.SLogin, &pb.LoggedIn{
		Version: pb.Version, User: uint64(u.ID), Name: u.Name, Token: token, SentCount: u.SentCount,
		Server: h.config.Server,
		Limits: &pb.Limits{
			TextBytesMax:         uint32(c.TextBytesMax),
			RoomsJoinedMax:       uint32(c.RoomsJoinedMax),
			PublishesInFlightMax: uint32(c.PublishesInFlightMax),
			IdleSecondsMax:       seconds(h.config.IdleTimeout),
			HeartbeatSeconds:     seconds(h.config.HeartbeatInterval),
			HistoryItemsMax:      uint32(c.HistoryItemsMax),
		},
	})
}

func seconds(d time.Duration) uint32 { return uint32(max(d, 0) / time.Second) }

func info(r hub.RoomInfo) *pb.RoomInfo {
	m := new(pb.RoomInfo)
	fillInfo(m, &r)
	return m
}

func fillInfo(m *pb.RoomInfo, r *hub.RoomInfo) {
	m.Id, m.Name, m.Epoch, m.Ephemeral = uint64(r.ID), r.Name, uint64(r.Epoch), r.Ephemeral
	m.LastSeq, m.Members = uint64(r.LastSeq), uint32(r.Members)
}

// Joined sends S_JOIN.
func (h *Handler) Joined(o *hub.Session, a hub.Answer, r hub.RoomInfo, after chat.Seq) {
	fillInfo(&h.room, &r)
	h.joined.Request, h.joined.Room, h.joined.After = a.Request, &h.room, uint64(after)
	send(o, pb.SJoin, &h.joined)
}

// Left sends S_LEAVE.
func (h *Handler) Left(o *hub.Session, a hub.Answer) {
	send(o, pb.SLeave, &pb.Leave{Request: a.Request, Room: uint64(a.Room)})
}

// Created sends S_CREATE.
func (h *Handler) Created(o *hub.Session, a hub.Answer, r hub.RoomInfo) {
	send(o, pb.SCreate, &pb.Created{Request: a.Request, Room: info(r)})
}

// Listed sends S_LIST.
func (h *Handler) Listed(o *hub.Session, a hub.Answer, rooms []hub.RoomInfo, more bool) {
	m := &pb.Listed{Request: a.Request, More: more, Rooms: make([]*pb.RoomInfo, len(rooms))}
	for i, r := range rooms {
		m.Rooms[i] = info(r)
	}
	send(o, pb.SList, m)
}

// History sends S_HISTORY.
func (h *Handler) History(o *hub.Session, a hub.Answer, epoch chat.Epoch, events []chat.Event, more bool) {
	m := &pb.HistoryPage{Request: a.Request, Room: uint64(a.Room), Epoch: uint64(epoch), More: more, Events: make([]*pb.Event, len(events))}
	for i := range events {
		m.Events[i] = new(pb.Event)
		fillEvent(m.Events[i], &events[i])
	}
	send(o, pb.SHistory, m)
}

// Members sends S_MEMBERS.
func (h *Handler) Members(o *hub.Session, a hub.Answer, page []chat.User, total int, more bool) {
	m := &pb.MemberPage{Request: a.Request, Room: uint64(a.Room), Total: uint32(total), More: more, Members: make([]*pb.Member, len(page))}
	for i, u := range page {
		m.Members[i] = &pb.Member{User: uint64(u.ID), Name: u.Name}
	}
	send(o, pb.SMembers, m)
}

// Ack sends S_ACK.
func (h *Handler) Ack(o *hub.Session, room chat.RoomID, n chat.Nonce, seq chat.Seq) {
	h.ack.Room, h.ack.Nonce, h.ack.Seq = uint64(room), uint64(n), uint64(seq)
	send(o, pb.SAck, &h.ack)
}

// Gap sends S_GAP.
func (h *Handler) Gap(o *hub.Session, room chat.RoomID, epoch chat.Epoch, from, to chat.Seq) {
	send(o, pb.SGap, &pb.Gap{Room: uint64(room), Epoch: uint64(epoch), From: uint64(from), To: uint64(to)})
}

// Failed sends S_ERROR.
func (h *Handler) Failed(o *hub.Session, a hub.Answer, err *chat.Error) {
	if a.Packet == 0 && a.Nonce != 0 {
		a.Packet = pb.CChat // the outcome of a publish comes from the room, which knows of no packets
	}
	m := &h.failure
	m.Code, m.Message, m.RetryAfterMs = uint32(err.Code), err.Message, millis(err.RetryAfter)
	m.PacketId, m.Request, m.Room, m.Nonce = uint32(a.Packet), a.Request, uint64(a.Room), uint64(a.Nonce)
	send(o, pb.SError, m)
}

package gateway

import (
	"errors"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

var _ hub.Client = (*Handler)(nil)

// reply sends a packet to a session; when its queue is full the engine ends it.
func (h *Handler) reply(o *hub.Session, id packet.ID, m packet.Marshaler) {
	var large *packet.TooLargeError
	if err := h.encoder.Send(o.Engine, id, m); errors.As(err, &large) {
		h.tooLarge(o, m, large)
	}
}

// tooLarge tells who has asked for something whose answer fits into no packet, so that he does not wait for
// ever. Pages are made to fit: it is a fault of the server, and the log says so.
func (h *Handler) tooLarge(o *hub.Session, m packet.Marshaler, err *packet.TooLargeError) {
	h.shard.Hub().AnswerTooLarge(err)
	if r, asked := m.(interface{ GetRequest() uint32 }); asked && err.ID != pb.SError && r.GetRequest() != 0 {
		h.Failed(o, hub.RequestRef{Request: r.GetRequest()}, chat.Errorf(chat.CodeInternal, "the answer is larger than a packet; ask for less at once"))
	}
}

// LoggedIn sends S_LOGIN.
func (h *Handler) LoggedIn(o *hub.Session, in hub.Admission) {
	c, u, web := h.shard.Hub().Config(), &in.User, h.shard.Hub().Web()
	h.reply(o, pb.SLogin, &pb.LoggedIn{
		Version: pb.Version, User: uint64(u.ID), Name: u.Name, Token: in.Token, SentCount: u.SentCount,
		Server: h.config.Server, Session: uint64(in.Device), Account: u.Account,
		Limits: &pb.Limits{
			TextBytesMax:         uint32(c.TextBytesMax),
			RoomsJoinedMax:       uint32(c.RoomsJoinedMax),
			PublishesInFlightMax: uint32(c.PublishesInFlightMax),
			IdleSecondsMax:       seconds(h.config.IdleTimeout),
			HeartbeatSeconds:     seconds(h.config.HeartbeatInterval),
			HistoryItemsMax:      uint32(c.HistoryItemsMax),
			PasswordRunesMin:     chat.PasswordRunesMin,
			PasswordBytesMax:     chat.PasswordBytesMax,
			EditSecondsMax:       uint32(c.EditSecondsMax),
			FileBytesMax:         uint64(ifAny(web, c.Files.BytesMax)),
			FilesPerMessageMax:   uint32(ifAny(web, chat.FilesPerMessageMax)),
			WebPort:              uint32(web.Port),
			WebTls:               web.TLS,
			DisplayNameBytesMax:  chat.DisplayNameBytesMax,
			AboutBytesMax:        chat.AboutBytesMax,
			StatusBytesMax:       chat.StatusBytesMax,
		},
	})
}

// ifAny is a bound of files, 0 where there are none.
func ifAny(web hub.WebAt, n int) int {
	if web.Port == 0 {
		return 0
	}
	return n
}

func seconds(d time.Duration) uint32 { return uint32(max(d, 0) / time.Second) }

func info(r hub.RoomInfo) *pb.RoomInfo {
	m := new(pb.RoomInfo)
	fillInfo(m, &r)
	return m
}

func fillInfo(m *pb.RoomInfo, r *hub.RoomInfo) {
	m.Id, m.Name, m.Epoch, m.Ephemeral = uint64(r.ID), r.Name, uint64(r.Epoch), r.Ephemeral
	m.Private, m.Topic = r.Private, r.Topic
	m.Description, m.Archived, m.SlowSeconds, m.RetainSeconds = r.Description, r.Archived, r.SlowSeconds, r.RetainSeconds
	m.Direct = m.Direct[:0]
	for _, u := range r.DirectUsers() {
		m.Direct = append(m.Direct, uint64(u))
	}
	m.LastSeq, m.Members = uint64(r.LastSeq), uint32(r.Members)
}

// Joined sends S_JOIN.
func (h *Handler) Joined(o *hub.Session, ref hub.RequestRef, r hub.RoomInfo, from hub.Start) {
	fillInfo(&h.room, &r)
	h.joined.Request, h.joined.Room = ref.Request, &h.room
	h.joined.After, h.joined.AfterTimeMs, h.joined.CursorVoid = uint64(from.After), uint64(from.AfterMs), from.Void
	h.reply(o, pb.SJoin, &h.joined)
}

// Left sends S_LEAVE.
func (h *Handler) Left(o *hub.Session, ref hub.RequestRef) {
	h.reply(o, pb.SLeave, &pb.Leave{Request: ref.Request, Room: uint64(ref.Room)})
}

// Removed sends S_LEAVE that answers nothing.
func (h *Handler) Removed(o *hub.Session, why *hub.Removed) {
	err := why.Error()
	h.reply(o, pb.SLeave, &pb.Leave{
		Room: uint64(why.Room), Code: uint32(err.Code), Message: err.Message, Seq: uint64(why.Seq), UntilMs: uint64(why.UntilMs),
	})
}

// Created sends S_CREATE, or S_DIRECT.
func (h *Handler) Created(o *hub.Session, ref hub.RequestRef, r hub.RoomInfo) {
	id := packet.ID(pb.SCreate)
	switch ref.Kind {
	case pb.CDirect:
		id = pb.SDirect
	case pb.CJoinLink:
		id = pb.SJoinLink
	}
	h.reply(o, id, &pb.Created{Request: ref.Request, Room: info(r)})
}

// Listed sends S_LIST.
func (h *Handler) Listed(o *hub.Session, ref hub.RequestRef, rooms []hub.RoomInfo, more bool) {
	m := &pb.Listed{Request: ref.Request, More: more, Rooms: make([]*pb.RoomInfo, len(rooms))}
	for i, r := range rooms {
		r.Description = "" // a page is to fit into a packet
		m.Rooms[i] = info(r)
	}
	h.reply(o, pb.SList, m)
}

// History sends S_HISTORY, or what else was asked for of a room's log.
func (h *Handler) History(o *hub.Session, ref hub.RequestRef, p hub.HistoryPage) {
	if ref.Kind == pb.CThreads {
		h.threadPage(o, ref, &p)
		return
	}
	m := &pb.HistoryPage{
		Request: ref.Request, Room: uint64(ref.Room), Epoch: uint64(p.Epoch), More: p.More, AsOf: uint64(p.AsOf),
		Events: make([]*pb.Event, len(p.Events)),
	}
	for i := range p.Events {
		m.Events[i] = new(pb.Event)
		FillEvent(m.Events[i], &p.Events[i])
	}
	fillStates(m.Events, p.States)
	h.reply(o, historyID(ref.Kind), m)
}

// Members sends S_MEMBERS.
func (h *Handler) Members(o *hub.Session, ref hub.RequestRef, page []hub.MemberInfo, total int, more bool) {
	m := &pb.MemberPage{Request: ref.Request, Room: uint64(ref.Room), Total: uint32(total), More: more, Members: make([]*pb.Member, len(page))}
	for i, u := range page {
		m.Members[i] = &pb.Member{User: uint64(u.ID), Name: u.Name, DisplayName: u.DisplayName, Presence: uint32(u.Presence)}
	}
	h.reply(o, pb.SMembers, m)
}

// Ack sends S_ACK.
func (h *Handler) Ack(o *hub.Session, room chat.RoomID, n chat.Nonce, seq chat.Seq) {
	h.ack.Room, h.ack.Nonce, h.ack.Seq = uint64(room), uint64(n), uint64(seq)
	h.reply(o, pb.SAck, &h.ack)
}

// Gap sends S_GAP.
func (h *Handler) Gap(o *hub.Session, room chat.RoomID, epoch chat.Epoch, from, to chat.Seq) {
	h.reply(o, pb.SGap, &pb.Gap{Room: uint64(room), Epoch: uint64(epoch), From: uint64(from), To: uint64(to)})
}

// Failed sends S_ERROR.
func (h *Handler) Failed(o *hub.Session, ref hub.RequestRef, err *chat.Error) {
	if ref.Kind == 0 && ref.Nonce != 0 {
		ref.Kind = packetOf(ref.Event) // the outcome comes from the room, which knows of no packets
	}
	m := &h.failure
	m.Code, m.Message, m.RetryAfterMs = uint32(err.Code), err.Message, millis(err.RetryAfter)
	m.PacketId, m.Request, m.Room, m.Nonce = uint32(ref.Kind), ref.Request, uint64(ref.Room), uint64(ref.Nonce)
	h.reply(o, pb.SError, m)
}

// packetOf returns what asks for an event of the kind.
func packetOf(k chat.EventKind) uint16 {
	switch k {
	case chat.EventRole:
		return pb.CRole
	case chat.EventKick:
		return pb.CKick
	case chat.EventTopic:
		return pb.CTopic
	}
	if k.Changes() {
		return packetOfChange(k)
	}
	if k.Sets() {
		return pb.CSet
	}
	return pb.CChat
}

package gateway

import (
	"math"
	"time"

	"sarang/chat"
	"sarang/internal/hub"
	"sarang/packet"
	pb "sarang/proto/sarang/v1"
)

// register ties packet ids to what they ask for.
func (h *Handler) register() {
	packet.Handle(h.mux, pb.CLogin, h.login)
	packet.Handle(h.mux, pb.CRegister, h.registerUser)
	packet.Handle(h.mux, pb.CPassword, h.changePassword)
	packet.Handle(h.mux, pb.CSessions, h.sessions)
	packet.Handle(h.mux, pb.CEndSession, h.endSession)
	packet.Handle(h.mux, pb.CErase, h.eraseUser)
	packet.Handle(h.mux, pb.CChat, h.publish)
	packet.Handle(h.mux, pb.CPing, h.pinged)
	packet.Handle(h.mux, pb.CPong, func(*hub.Session, *pb.Ping) error { return nil })
	packet.Handle(h.mux, pb.CJoin, h.join)
	packet.Handle(h.mux, pb.CLeave, h.leave)
	packet.Handle(h.mux, pb.CCreate, h.create)
	packet.Handle(h.mux, pb.CList, h.list)
	packet.Handle(h.mux, pb.CHistory, h.history)
	packet.Handle(h.mux, pb.CMembers, h.members)
	packet.Handle(h.mux, pb.CRole, h.giveRole)
	packet.Handle(h.mux, pb.CKick, h.kick)
	packet.Handle(h.mux, pb.CMark, h.mark)
	packet.Handle(h.mux, pb.CMute, h.mute)
	packet.Handle(h.mux, pb.CRooms, h.myRooms)
	packet.Handle(h.mux, pb.CDirect, h.direct)
	packet.Handle(h.mux, pb.CTyping, h.typing)
	packet.Handle(h.mux, pb.CEdit, h.edit)
	packet.Handle(h.mux, pb.CDelete, h.delete)
	packet.Handle(h.mux, pb.CReact, h.react)
	packet.Handle(h.mux, pb.CPin, h.pin)
	packet.Handle(h.mux, pb.CReport, h.reportMessage)
	packet.Handle(h.mux, pb.CReports, h.reports)
	packet.Handle(h.mux, pb.CResolve, h.resolve)
	packet.Handle(h.mux, pb.CAudit, h.audit)
	packet.Handle(h.mux, pb.CTopic, h.topic)
	packet.Handle(h.mux, pb.CSet, h.set)
	h.registerProfiles()
	packet.Handle(h.mux, pb.CDeleteRoom, h.deleteRoom)
	packet.Handle(h.mux, pb.CPurge, h.purge)
	packet.Handle(h.mux, pb.CMentions, h.mentions)
	packet.Handle(h.mux, pb.CThreads, h.threads)
	packet.Handle(h.mux, pb.CThread, h.thread)
	packet.Handle(h.mux, pb.CFollow, h.follow)
	packet.Handle(h.mux, pb.CReadThread, h.readThread)
	packet.Handle(h.mux, pb.CPins, h.pins)
	packet.Handle(h.mux, pb.CSearch, h.search)
	packet.Handle(h.mux, pb.CFilter, h.filter)
	packet.Handle(h.mux, pb.CMakeLink, h.makeLink)
	packet.Handle(h.mux, pb.CLinks, h.links)
	packet.Handle(h.mux, pb.CRevokeLink, h.revokeLink)
	packet.Handle(h.mux, pb.CJoinLink, h.joinLink)
}

func (h *Handler) login(o *hub.Session, m *pb.Login) error {
	ref := hub.RequestRef{Kind: pb.CLogin}
	if m.VersionMin > pb.Version || m.VersionMax < pb.Version {
		h.shard.LoginFailed(o, ref, chat.Errorf(chat.CodeVersion, "this server speaks version %d, you speak %d to %d", pb.Version, m.VersionMin, m.VersionMax))
		return nil
	}
	h.shard.Login(o, ref, hub.LoginRequest{
		Name: m.Name, Token: m.Token, Password: m.Password, Register: m.Register, JWT: m.Jwt,
		Invitation: m.Invitation, Device: m.Device, Program: m.Client,
	})
	return nil
}

func (h *Handler) publish(o *hub.Session, m *pb.Publish) error {
	h.shard.Publish(o, hub.RequestRef{Kind: pb.CChat, Room: chat.RoomID(m.Room), Nonce: chat.Nonce(m.Nonce)}, hub.Message{
		Text: m.Text, Target: chat.Seq(m.Target), Root: chat.Seq(m.Root), Files: m.Files,
	})
	return nil
}

func (h *Handler) pinged(o *hub.Session, m *pb.Ping) error {
	h.ping.Value = m.Value // not m itself: it also has the fields that we do not know
	h.reply(o, pb.SPong, &h.ping)
	return nil
}

func (h *Handler) join(o *hub.Session, m *pb.Join) error {
	r := hub.JoinRequest{
		Name: m.Name, Create: m.Create, Ephemeral: m.Ephemeral, Private: m.Private, HistoryItemsWant: int(m.HistoryItems),
	}
	if m.Cursor != nil {
		r.Epoch, r.Seq, r.SeqMs = chat.Epoch(m.Cursor.Epoch), chat.Seq(m.Cursor.Seq), int64(m.Cursor.TimeMs)
	}
	h.shard.Join(o, hub.RequestRef{Kind: pb.CJoin, Request: m.Request, Room: chat.RoomID(m.Room)}, r)
	return nil
}

func (h *Handler) leave(o *hub.Session, m *pb.Leave) error {
	ref := hub.RequestRef{Kind: pb.CLeave, Request: m.Request, Room: chat.RoomID(m.Room)}
	if m.ForGood {
		h.shard.LeaveForGood(o, ref)
		return nil
	}
	h.shard.Leave(o, ref)
	return nil
}

func (h *Handler) create(o *hub.Session, m *pb.Create) error {
	h.shard.Create(o, hub.RequestRef{Kind: pb.CCreate, Request: m.Request}, hub.NewRoom{Name: m.Name, Ephemeral: m.Ephemeral, Private: m.Private})
	return nil
}

func (h *Handler) list(o *hub.Session, m *pb.List) error {
	after := min(chat.RoomID(m.After), math.MaxUint64-1) // the one above the last id would be the first
	h.shard.List(o, hub.RequestRef{Kind: pb.CList, Request: m.Request}, after, int(m.ItemsMax))
	return nil
}

func (h *Handler) history(o *hub.Session, m *pb.History) error {
	ref := hub.RequestRef{Kind: pb.CHistory, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.History(o, ref, chat.Seq(m.After), chat.Seq(m.Before), int(m.ItemsMax))
	return nil
}

func (h *Handler) members(o *hub.Session, m *pb.Members) error {
	ref := hub.RequestRef{Kind: pb.CMembers, Request: m.Request, Room: chat.RoomID(m.Room)}
	h.shard.Members(o, ref, chat.UserID(m.After), int(m.ItemsMax))
	return nil
}

func (h *Handler) giveRole(o *hub.Session, m *pb.GiveRole) error {
	ref := hub.RequestRef{Kind: pb.CRole, Room: chat.RoomID(m.Room), Nonce: chat.Nonce(m.Nonce)}
	h.shard.GiveRole(o, ref, hub.RoleRequest{
		Whom: hub.Whom{ID: chat.UserID(m.Subject), Name: m.Name}, Role: chat.Role(min(m.Role, math.MaxUint8)),
		For: time.Duration(m.ForSeconds) * time.Second, Reason: m.Reason,
	})
	return nil
}

func (h *Handler) kick(o *hub.Session, m *pb.Kick) error {
	ref := hub.RequestRef{Kind: pb.CKick, Room: chat.RoomID(m.Room), Nonce: chat.Nonce(m.Nonce)}
	h.shard.Kick(o, ref, hub.KickRequest{Whom: hub.Whom{ID: chat.UserID(m.Subject), Name: m.Name}, Reason: m.Reason})
	return nil
}

package gateway

import (
	"sarang/chat"
	"sarang/internal/hub"
	pb "sarang/proto/sarang/v1"
)

func (h *Handler) registerUser(o *hub.Session, m *pb.Register) error {
	h.shard.Register(o, hub.RequestRef{Kind: pb.CRegister, Request: m.Request}, m.Password, m.Invitation)
	return nil
}

func (h *Handler) changePassword(o *hub.Session, m *pb.ChangePassword) error {
	h.shard.ChangePassword(o, hub.RequestRef{Kind: pb.CPassword, Request: m.Request}, hub.PasswordRequest{
		Old: m.OldPassword, New: m.NewPassword, KeepSessions: m.KeepSessions,
	})
	return nil
}

func (h *Handler) sessions(o *hub.Session, m *pb.Sessions) error {
	h.shard.Sessions(o, hub.RequestRef{Kind: pb.CSessions, Request: m.Request})
	return nil
}

func (h *Handler) endSession(o *hub.Session, m *pb.EndSession) error {
	h.shard.EndSessions(o, hub.RequestRef{Kind: pb.CEndSession, Request: m.Request}, chat.DeviceID(m.Session), m.Others)
	return nil
}

func (h *Handler) eraseUser(o *hub.Session, m *pb.EraseUser) error {
	h.shard.Erase(o, hub.RequestRef{Kind: pb.CErase, Request: m.Request}, m.Password)
	return nil
}

// Done sends S_DONE.
func (h *Handler) Done(o *hub.Session, ref hub.RequestRef) {
	h.reply(o, pb.SDone, &pb.Done{Request: ref.Request})
}

// Sessions sends S_SESSIONS.
func (h *Handler) Sessions(o *hub.Session, ref hub.RequestRef, all []hub.DeviceInfo) {
	m := &pb.SessionList{Request: ref.Request, Sessions: make([]*pb.DeviceSession, len(all))}
	for i := range all {
		d := &all[i]
		m.Sessions[i] = &pb.DeviceSession{
			Id: uint64(d.ID), Device: d.Name, Address: d.Address, CreatedMs: uint64(max(d.CreatedMs, 0)), SeenMs: uint64(max(d.SeenMs, 0)),
			Connections: uint32(d.Connections), Current: d.Current,
		}
	}
	h.reply(o, pb.SSessions, m)
}

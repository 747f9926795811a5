package session

import (
	"strings"
	"time"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// failed handles S_ERROR.
func (s *Session) failed(m *sarangv1.Error) error {
	cause := errorOf(m.Code, m.Message, m.RetryAfterMs)
	f := Failure{Packet: packet.ID(m.PacketId), Request: m.Request, Room: chat.RoomID(m.Room), Err: cause}
	switch f.Packet {
	case sarangv1.CChat, sarangv1.CRole, sarangv1.CKick, sarangv1.CTopic, sarangv1.CSet, sarangv1.CEdit, sarangv1.CDelete, sarangv1.CReact, sarangv1.CPin:
		if m.Nonce != 0 {
			return s.refused(f.Room, chat.Nonce(m.Nonce), cause)
		}
	case sarangv1.CLogin:
		if s.login == stepSent {
			s.login = stepNone
		}
	default:
		if m.Request != 0 {
			return s.requestFailed(f)
		}
	}
	s.events.Error(s, f)
	return nil
}

// requestFailed handles an S_ERROR that answers a request.
func (s *Session) requestFailed(f Failure) error {
	q, err := s.answered(f.Request, sarangv1.SError, f.Packet)
	if err != nil {
		return err
	}
	switch q.packet {
	case sarangv1.CJoin:
		s.unjoined(q, f.Err)
	case sarangv1.CLeave:
		s.unleft(q, f)
	default:
		s.events.Error(s, f)
	}
	s.pump()
	return nil
}

// pong handles S_PONG.
func (s *Session) pong(m *sarangv1.Ping) error {
	if m.Value != heartbeatValue {
		s.events.Pong(s, m.Value)
	}
	return nil
}

// pinged handles S_PING.
func (s *Session) pinged(m *sarangv1.Ping) error {
	_ = s.send(sarangv1.CPong, &sarangv1.Ping{Value: m.Value}) // without what we do not know; a session that is ending owes no answer
	return nil
}

// farewell handles S_GOODBYE.
func (s *Session) farewell(m *sarangv1.Goodbye) error {
	s.goodbye = errorOf(m.Code, m.Message, m.RetryAfterMs)
	s.events.Goodbye(s, Goodbye{Err: s.goodbye})
	return nil
}

func errorOf(code uint32, message string, retryAfterMs uint32) *chat.Error {
	if code == 0 || code > 1<<16-1 {
		code = uint32(chat.CodeInternal)
	}
	return &chat.Error{
		Code: chat.Code(code), Message: clean(message), RetryAfter: time.Duration(retryAfterMs) * time.Millisecond,
	}
}

func roomInfo(m *sarangv1.RoomInfo) RoomInfo {
	info := RoomInfo{
		ID: chat.RoomID(m.GetId()), Name: clean(m.GetName()), Epoch: chat.Epoch(m.GetEpoch()),
		Ephemeral: m.GetEphemeral(), Private: m.GetPrivate(), LastSeq: chat.Seq(m.GetLastSeq()), Members: int(m.GetMembers()),
		Topic: clean(m.GetTopic()), Description: clean(m.GetDescription()), Archived: m.GetArchived(), SlowSeconds: m.GetSlowSeconds(), RetainSeconds: m.GetRetainSeconds(),
	}
	for i, u := range m.GetDirect() {
		if i < len(info.Direct) {
			info.Direct[i] = chat.UserID(u)
		}
	}
	return info
}

// clean returns a copy of lent text, as UTF-8.
func clean(text string) string { return strings.ToValidUTF8(strings.Clone(text), "\uFFFD") }

package session

import (
	"time"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// passwordBytesMost is the longest password that is worth asking the server about.
const passwordBytesMost = 1 << 10

// Register gives the user, a guest, a password: he stays who he is. The answer is Events.Done.
func (s *Session) Register(password, invitation string) (uint32, error) {
	if err := checkPasswords(password, invitation); err != nil {
		return 0, err
	}
	return s.ask(request{packet: sarangv1.CRegister}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Register{Request: id, Password: password, Invitation: invitation}
	})
}

// ChangePassword gives an account another password; all its other sessions end, if they are
// not kept. The answer is Events.Done.
func (s *Session) ChangePassword(old, fresh string, keepSessions bool) (uint32, error) {
	if err := checkPasswords(old, fresh); err != nil {
		return 0, err
	}
	return s.ask(request{packet: sarangv1.CPassword}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.ChangePassword{Request: id, OldPassword: old, NewPassword: fresh, KeepSessions: keepSessions}
	})
}

// ListSessions asks where the user has logged in: Events.SessionList.
func (s *Session) ListSessions() (uint32, error) {
	return s.ask(request{packet: sarangv1.CSessions}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.Sessions{Request: id}
	})
}

// EndSession ends a session of the user. The answer is Events.Done; if it is the one that asks,
// the connection ends behind it.
func (s *Session) EndSession(which chat.DeviceID) (uint32, error) {
	return s.endSession(which, false)
}

// EndOtherSessions ends all sessions of the user but the one that asks. The answer is
// Events.Done.
func (s *Session) EndOtherSessions() (uint32, error) { return s.endSession(0, true) }

func (s *Session) endSession(which chat.DeviceID, others bool) (uint32, error) {
	return s.ask(request{packet: sarangv1.CEndSession}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.EndSession{Request: id, Session: uint64(which), Others: others}
	})
}

// EraseUser makes the user nobody, for good; an account shows its password. The answer is
// Events.Done, and the connection ends behind it.
func (s *Session) EraseUser(password string) (uint32, error) {
	if err := checkPasswords(password); err != nil {
		return 0, err
	}
	return s.ask(request{packet: sarangv1.CErase}, "", func(id uint32) packet.Marshaler {
		return &sarangv1.EraseUser{Request: id, Password: password}
	})
}

func checkPasswords(all ...string) error {
	for _, p := range all {
		if len(p) > passwordBytesMost {
			return chat.Errorf(chat.CodeBadRequest, "the password is too long")
		}
	}
	return nil
}

// done handles S_DONE.
func (s *Session) done(m *sarangv1.Done) error {
	var q request
	var err error
	for _, asked := range []packet.ID{sarangv1.CRegister, sarangv1.CPassword, sarangv1.CEndSession, sarangv1.CErase, sarangv1.CAway, sarangv1.CDeleteRoom, sarangv1.CPurge, sarangv1.CRevokeLink} {
		if q, err = s.answered(m.Request, sarangv1.SDone, asked); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	s.events.Done(s, Done{Request: q.id})
	s.pump()
	return nil
}

// sessionList handles S_SESSIONS.
func (s *Session) sessionList(m *sarangv1.SessionList) error {
	q, err := s.answered(m.Request, sarangv1.SSessions, sarangv1.CSessions)
	if err != nil {
		return err
	}
	l := SessionList{Request: q.id, Sessions: make([]DeviceSession, 0, len(m.Sessions))}
	for _, d := range m.Sessions {
		l.Sessions = append(l.Sessions, DeviceSession{
			ID: chat.DeviceID(d.GetId()), Device: clean(d.GetDevice()), Address: clean(d.GetAddress()),
			Created: time.UnixMilli(int64(d.GetCreatedMs())), Seen: time.UnixMilli(int64(d.GetSeenMs())),
			Connections: int(d.GetConnections()), Current: d.GetCurrent(),
		})
	}
	s.events.SessionList(s, l)
	s.pump()
	return nil
}

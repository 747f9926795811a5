package session

import (
	"time"

	"sarang/chat"
	"sarang/packet"
	sarangv1 "sarang/proto/sarang/v1"
)

// act is an authored event that is about another user, as it is sent.
type act struct {
	packet  packet.ID
	message packet.Marshaler
}

// GiveRole says who is to be given which role.
type GiveRole struct {
	User   chat.UserID   // by id, or
	Name   string        // by the name that he has now
	Role   chat.Role     // chat.RoleNone takes back what was given
	For    time.Duration // of bans and readers: it ends by itself; 0: it does not. Whole seconds count
	Reason string        // at most chat.ReasonBytesMax bytes; may be empty
}

// Kick says who is to be sent out of a room.
type Kick struct {
	User   chat.UserID // by id, or
	Name   string      // by the name that he has now
	Reason string      // as of GiveRole
}

// GiveRole gives a user a role in a room of the State. It is sent and has its outcome as a
// message (see Publish).
func (s *Session) GiveRole(room chat.RoomID, g GiveRole) (chat.Nonce, error) {
	if g.For < 0 || g.For > chat.RoleForMax || g.For > 0 && g.For < time.Second {
		return 0, chat.Errorf(chat.CodeBadRequest, "a role is for a second at least, and ten years at most")
	}
	return s.act(room, g.Name, g.Reason, func(nonce chat.Nonce) *act {
		return &act{sarangv1.CRole, &sarangv1.GiveRole{
			Room: uint64(room), Nonce: uint64(nonce), Subject: uint64(g.User), Name: g.Name, Role: uint32(g.Role),
			ForSeconds: uint32(g.For / time.Second), Reason: g.Reason,
		}}
	})
}

// Kick sends a user out of a room of the State; he may come back. It is sent and has its
// outcome as a message (see Publish).
func (s *Session) Kick(room chat.RoomID, k Kick) (chat.Nonce, error) {
	return s.act(room, k.Name, k.Reason, func(nonce chat.Nonce) *act {
		return &act{sarangv1.CKick, &sarangv1.Kick{
			Room: uint64(room), Nonce: uint64(nonce), Subject: uint64(k.User), Name: k.Name, Reason: k.Reason,
		}}
	})
}

func (s *Session) act(room chat.RoomID, name, reason string, of func(chat.Nonce) *act) (chat.Nonce, error) {
	r, err := s.mayPublish(room)
	switch {
	case err != nil:
		return 0, err
	case len(name) > nameBytesMax:
		return 0, chat.Errorf(chat.CodeBadName, "the name is too long")
	}
	if reason != "" {
		if err := chat.CheckText(reason, chat.ReasonBytesMax); err != nil {
			return 0, err
		}
	}
	nonce := s.state.nextNonce()
	s.add(r, publish{nonce: nonce, act: of(nonce)})
	return nonce, nil
}

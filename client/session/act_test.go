package session_test

import (
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client/session"
	sarangv1 "sarang/proto/sarang/v1"
)

// A role is sent as a message is: again on the next connection, with the same nonce, and
// in its place among the messages.
func TestRoleOutlastsTheConnection(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	var role, kick chat.Nonce
	r.on(func(s *session.Session) {
		role, _ = s.GiveRole(7, session.GiveRole{Name: "bob", Role: chat.RoleBanned, For: 90 * time.Minute, Reason: "spam"})
		kick, _ = s.Kick(7, session.Kick{User: 5})
	})
	ban := &sarangv1.GiveRole{Room: 7, Nonce: uint64(role), Name: "bob", Role: 1, ForSeconds: 5400, Reason: "spam"}
	out := &sarangv1.Kick{Room: 7, Nonce: uint64(kick), Subject: 5}
	p.Want(sarangv1.CRole, ban)
	p.Want(sarangv1.CKick, out)
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 26, Message: "no", PacketId: sarangv1.CKick, Room: 7, Nonce: uint64(kick)})
	r.wants("refused 7 code=26 retrying=false")
	p = r.reconnect(p)
	p.Joined(r.rejoins(p, 3, 10), 3, 10)
	p.Want(sarangv1.CRole, ban)
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(role), Seq: 11})
	r.wants("joined #1 lobby id=7 epoch=3 after=10 rejoin=true", "resumed", "ack 7/11")
}

func TestRolesThatAreNotSent(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	r.on(func(s *session.Session) {
		for what, err := range map[string]error{
			"elsewhere": second(s.GiveRole(8, session.GiveRole{User: 1})),
			"too short": second(s.GiveRole(7, session.GiveRole{User: 1, Role: chat.RoleBanned, For: time.Millisecond})),
			"too long":  second(s.GiveRole(7, session.GiveRole{User: 1, Role: chat.RoleBanned, For: chat.RoleForMax + time.Second})),
			"a reason":  second(s.Kick(7, session.Kick{User: 1, Reason: strings.Repeat("x", chat.ReasonBytesMax+1)})),
			"a name":    second(s.Kick(7, session.Kick{Name: strings.Repeat("x", 4096)})),
		} {
			if err == nil {
				t.Errorf("%s: it is sent", what)
			}
		}
	})
	p.Barrier()
}

func second(_ chat.Nonce, err error) error { return err }

// Who is sent out is told why, what he has said is refused, and what the server says of it
// later is no fault of its.
func TestSentOut(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	nonce := r.publish("hello")
	p.Publish()
	p.Send(sarangv1.SLeave, &sarangv1.Leave{Room: 7, Code: 34, Message: "banned by ann", Seq: 11, UntilMs: 99})
	r.wants("refused 7 code=34 retrying=false", "left #0 7 code=34 by 11 until 99: banned by ann")
	p.Send(sarangv1.SError, &sarangv1.Error{Code: 12, Message: "join first", PacketId: sarangv1.CChat, Room: 7, Nonce: uint64(nonce)})
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 7, Nonce: uint64(nonce), Seq: 10})
	p.Send(sarangv1.SAck, &sarangv1.Ack{Room: 8, Nonce: 5, Seq: 1})
	r.wants("fault *session.UnexpectedError " + (&session.UnexpectedError{Packet: sarangv1.SAck, Room: 8, Nonce: 5, What: "no such message was sent"}).Error())
	r.on(func(s *session.Session) {
		if _, err := s.Publish(7, "again"); err == nil {
			t.Error("it speaks on in a room that it was sent out of")
		}
	})
	p = r.reconnect(p) // and does not join it again
	r.wants("resumed")
	p.Barrier()
}

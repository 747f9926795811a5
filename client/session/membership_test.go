package session_test

import (
	"testing"

	"sarang/client/session"
	sarangv1 "sarang/proto/sarang/v1"
)

// What a user says of his rooms is asked and answered, or comes by itself.
func TestMembership(t *testing.T) {
	r := newRig(t)
	p := r.login()
	type message interface{ MarshalVT() ([]byte, error) }
	ask := func(id uint16, want message, request func(s *session.Session) (uint32, error)) {
		t.Helper()
		r.request(request)
		p.Want(id, want)
	}
	ask(sarangv1.CMark, &sarangv1.Mark{Request: 1, Room: 3, Seq: 8}, func(s *session.Session) (uint32, error) { return s.Mark(3, 8) })
	p.Send(sarangv1.SMark, &sarangv1.Marked{Request: 1, Room: 3, Seq: 9})
	r.wants("marked #1 room=3 9")
	p.Send(sarangv1.SMark, &sarangv1.Marked{Room: 3, Seq: 10})
	r.wants("marked #0 room=3 10")
	ask(sarangv1.CMute, &sarangv1.Mute{Request: 2, Room: 3, Muted: true}, func(s *session.Session) (uint32, error) { return s.Mute(3, true) })
	p.Send(sarangv1.SMute, &sarangv1.Mute{Request: 2, Room: 3, Muted: true})
	r.wants("muted #2 room=3 true")
	ask(sarangv1.CRooms, &sarangv1.MyRooms{Request: 3, After: 1, ItemsMax: 2}, func(s *session.Session) (uint32, error) { return s.MyRooms(1, 2) })
	p.Send(sarangv1.SRooms, &sarangv1.MyRoomPage{Request: 3, More: true, Rooms: []*sarangv1.MyRoom{
		{Room: &sarangv1.RoomInfo{Id: 3, Name: "r"}, Role: 300, Mark: 5, Unread: 2, LastSeq: 4, LastText: "hi"}, nil,
	}})
	r.wants(`mine 3 r unknown mark=5 unread=2 muted=false last=4 "hi"`, `mine 0  none mark=0 unread=0 muted=false last=0 ""`, "mine #3 2 more=true")
	r.join(p)
	ask(sarangv1.CLeave, &sarangv1.Leave{Request: 5, Room: 7, ForGood: true}, func(s *session.Session) (uint32, error) { return s.LeaveForGood(7) })
	p.Send(sarangv1.SLeave, &sarangv1.Leave{Request: 5, Room: 7})
	r.wants("left #5 7")
	p.Send(sarangv1.SMark, &sarangv1.Marked{Request: 77, Room: 3, Seq: 9})
	r.wants("fault *session.UnexpectedError client: packet 47 from the server (request 77, room 0, nonce 0x0): it answers no request")
	r.on(func(s *session.Session) {
		if _, joined := s.State().Room(7); joined {
			t.Error("the room is still joined")
		}
	})
}

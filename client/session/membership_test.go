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
	ask(sarangv1.CFollow, &sarangv1.FollowThread{Request: 4, Room: 3, Root: 8, Remove: true}, func(s *session.Session) (uint32, error) { return s.Follow(3, 8, true) })
	p.Send(sarangv1.SFollow, &sarangv1.Followed{Request: 4, Room: 3, Root: 8, Mark: 9})
	r.wants("followed #4 room=3 root=8 false mark=9")
	ask(sarangv1.CReadThread, &sarangv1.ReadThread{Request: 5, Room: 3, Root: 8, Seq: 12}, func(s *session.Session) (uint32, error) { return s.ReadThread(3, 8, 12) })
	p.Send(sarangv1.SReadThread, &sarangv1.Followed{Request: 5, Room: 3, Root: 8, Followed: true, Mark: 12})
	r.wants("followed #5 room=3 root=8 true mark=12")
	p.Send(sarangv1.SReadThread, &sarangv1.Followed{Room: 3, Root: 8, Followed: true, Mark: 13})
	r.wants("followed #0 room=3 root=8 true mark=13")
	p.Send(sarangv1.SFollow, &sarangv1.Followed{Request: 99, Room: 3, Root: 8})
	r.wants("fault *session.UnexpectedError client: packet 151 from the server (request 99, room 0, nonce 0x0): it answers no request")
	ask(sarangv1.CThreads, &sarangv1.Threads{Request: 6, Room: 3, Before: 4, ItemsMax: 2, Unread: true}, func(s *session.Session) (uint32, error) { return s.UnreadThreads(3, 4, 2) })
	p.Send(sarangv1.SThreads, &sarangv1.ThreadPage{Request: 6, Room: 3})
	r.wants("threads #6 room=3 0 more=false")
	r.join(p)
	ask(sarangv1.CLeave, &sarangv1.Leave{Request: 8, Room: 7, ForGood: true}, func(s *session.Session) (uint32, error) { return s.LeaveForGood(7) })
	p.Send(sarangv1.SLeave, &sarangv1.Leave{Request: 8, Room: 7})
	r.wants("left #8 7")
	p.Send(sarangv1.SMark, &sarangv1.Marked{Request: 77, Room: 3, Seq: 9})
	r.wants("fault *session.UnexpectedError client: packet 47 from the server (request 77, room 0, nonce 0x0): it answers no request")
	r.on(func(s *session.Session) {
		if _, joined := s.State().Room(7); joined {
			t.Error("the room is still joined")
		}
	})
}

package session_test

import (
	"errors"
	"testing"

	"sarang/client/internal/clienttest"
	"sarang/client/session"
	sarangv1 "sarang/proto/sarang/v1"
)

// A server that comes back with another store has other rooms under the ids: what was
// meant for one is not read in another.
func TestRejoinFindsAnotherRoom(t *testing.T) {
	for name, got := range map[string]*sarangv1.RoomInfo{
		"name":      {Id: 7, Name: "team-secret", Epoch: 4},
		"epoch":     {Id: 7, Name: "lobby", Epoch: 4},
		"ephemeral": {Id: 7, Name: "lobby", Epoch: 3, Ephemeral: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			p := r.login()
			r.join(p)
			r.publish("hi")
			p.Publish()
			r.disconnect(p)
			r.publish("offline")

			p = r.resume()
			id := r.rejoins(p, 3, 10)
			p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: id, Room: got, After: 10})
			p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: 2, Room: 7})
			r.wants(`error packet=16 #1 room=7 code=10 "the server has another room in the place of \"lobby\"" wait=0s rejoin=true retrying=false`,
				"refused 7 code=10 retrying=false", "refused 7 code=10 retrying=false", "resumed")
			p.Says(11, "not for us")
			p.Send(sarangv1.SGap, &sarangv1.Gap{Room: 7, Epoch: 9, To: 20})
			p.Send(sarangv1.SLeave, &sarangv1.Leave{Request: 2, Room: 7})
			p.Barrier()
			r.on(func(s *session.Session) {
				if _, err := s.Publish(7, "x"); !errors.Is(err, session.ErrNotJoined) {
					t.Errorf("publish: %v", err)
				}
			})
			id = r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Room: 7}) })
			p.Want(sarangv1.CJoin, &sarangv1.Join{Request: id, Room: 7})
			p.Joined(id, 4, 30)
			r.wants("joined #3 lobby id=7 epoch=4 after=30 rejoin=false") // asked for: it is told
		})
	}
}

// A room that was renamed meanwhile is the same one: what was meant for it is said there.
func TestRejoinFindsTheRoomRenamed(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	r.publish("hi")
	p.Publish()
	r.disconnect(p)
	p = r.resume()
	id := r.rejoins(p, 3, 10)
	p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: id, Room: &sarangv1.RoomInfo{Id: 7, Name: "tea", Epoch: 3}, After: 10})
	if m := p.Publish(); m.Text != "hi" {
		t.Errorf("it says %v", m)
	}
	r.wants("joined #1 tea id=7 epoch=3 after=10 rejoin=true", "resumed")
}

// A caller's own join may find the changed room before the session asks for it.
func TestJoinFindsAnotherRoom(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	r.disconnect(p)
	r.publish("hi")
	p = r.resume()
	r.rejoins(p, 3, 10) // not answered yet
	id := r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Name: "den"}) })
	p.Want(sarangv1.CJoin, &sarangv1.Join{Request: id, Name: "den"})
	p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: id, Room: &sarangv1.RoomInfo{Id: 7, Name: "den", Epoch: 5}})
	p.Barrier() // nothing is sent to it
	r.wants(`error packet=16 #2 room=7 code=10 "the server has another room in the place of \"lobby\"" wait=0s rejoin=true retrying=false`,
		"refused 7 code=10 retrying=false", "joined #2 den id=7 epoch=5 after=0 rejoin=false")
	if m := r.publish("to the den"); m == 0 {
		t.Error("no nonce")
	}
	if m := p.Publish(); m.Text != "to the den" {
		t.Errorf("sent %q", m.Text)
	}
}

// A join that was on its way when the session took a rejoin back is ended by the leave.
func TestJoinIsUndoneWithTheRejoin(t *testing.T) {
	r := newRig(t)
	p := r.login()
	r.join(p)
	p = r.reconnect(p)
	r.rejoins(p, 3, 10)
	id := r.request(func(s *session.Session) (uint32, error) { return s.Join(session.Join{Name: "den"}) })
	p.Read()
	p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: 1, Room: &sarangv1.RoomInfo{Id: 7, Name: "den", Epoch: 5}})
	p.Send(sarangv1.SJoin, &sarangv1.Joined{Request: id, Room: &sarangv1.RoomInfo{Id: 7, Name: "den", Epoch: 5}})
	p.Want(sarangv1.CLeave, &sarangv1.Leave{Request: 3, Room: 7})
	clienttest.Get(t, r.told.lines) // the lobby is lost
	r.wants("resumed", `error packet=16 #2 room=0 code=16 "the room is just being left; join it again" wait=0s rejoin=false retrying=false`)
}

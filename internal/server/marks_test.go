package server_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// Two devices of one user: what is read on the one is read on the other, on packets and in the
// SDK; and the room stays his until he leaves it for good.
func TestMarksOverTheWire(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		ann := user(t, s, "ann")
		room := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ann.say(pb.CLeave, &pb.Leave{Request: 1, Room: room}) // she is away
		for {
			id, _, err := ann.read()
			if err != nil {
				t.Fatal(err)
			}
			if id == pb.SLeave {
				break
			}
		}
		phone := dial(t, s, "bob")
		token := phone.login(nil).Token
		bob, err := client.Dial(t.Context(), client.Config{
			Addr: s.Addrs()[0].Addr.String(), Name: "bob", Token: token, Logger: slog.New(slog.DiscardHandler), Debug: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer bob.Close()
		if _, err := bob.Join(t.Context(), client.Join{Name: "lobby"}); err != nil {
			t.Fatal(err)
		}
		var last chat.Seq
		for range 3 {
			if last, err = bob.Publish(t.Context(), chat.RoomID(room), "hello"); err != nil {
				t.Fatal(err)
			}
		}
		ann.say(pb.CRooms, &pb.MyRooms{Request: 2})
		var page pb.MyRoomPage
		ann.expect(pb.SRooms, &page)
		if len(page.Rooms) != 1 || page.More {
			t.Fatalf("ann has the rooms %v", &page)
		}
		if r := page.Rooms[0]; r.Room.Id != room || r.Unread != 3 || r.Role != uint32(chat.RoleOwner) || r.LastText != "hello" || r.LastName != "bob" ||
			r.LastSeq != uint64(last) || r.LastTimeMs == 0 || r.Muted {
			t.Fatalf("ann has the room %v", r)
		}
		if got, err := bob.Mark(t.Context(), chat.RoomID(room), last-1); err != nil || got != last-1 {
			t.Fatalf("marked up to %d, %v", got, err)
		}
		var m pb.Marked
		phone.expect(pb.SMark, &m)
		if m.Request != 0 || m.Room != room || m.Seq != uint64(last-1) {
			t.Fatalf("his phone is told %v", &m)
		}
		if mine, err := bob.MyRooms(t.Context()); err != nil || len(mine) != 1 || mine[0].Unread != 1 || mine[0].Mark != last-1 || mine[0].Last.Text != "hello" {
			t.Fatalf("he has %+v, %v", mine, err)
		}
		phone.say(pb.CMark, &pb.Mark{Request: 3, Room: room, Seq: 1}) // it does not go back
		phone.expect(pb.SMark, &m)
		if m.Request != 3 || m.Seq != uint64(last-1) {
			t.Fatalf("his phone is answered %v", &m)
		}
		wantEvent(t, bob, client.Marked{Room: chat.RoomID(room), Seq: last - 1})
		if err := bob.Mute(t.Context(), chat.RoomID(room), true); err != nil {
			t.Fatal(err)
		}
		var mute pb.Mute
		if phone.expect(pb.SMute, &mute); !mute.Muted || mute.Room != room || mute.Request != 0 {
			t.Fatalf("his phone is told %v", &mute)
		}
		phone.say(pb.CLeave, &pb.Leave{Request: 4, Room: room, ForGood: true}) // it never was in the room
		var l pb.Leave
		if phone.expect(pb.SLeave, &l); l.Request != 4 || l.Room != room {
			t.Fatalf("his phone is told %v", &l)
		}
		late := time.After(patience)
		for left := false; !left; {
			select {
			case e := <-bob.Events():
				if x, ok := e.(client.Left); ok {
					if left = true; chat.CodeOf(x.Err) != chat.CodeLeft {
						t.Errorf("he left: %+v", x)
					}
				}
			case <-late:
				t.Fatal("he is not told that he has left")
			}
		}
		if mine, err := bob.MyRooms(t.Context()); err != nil || len(mine) != 0 {
			t.Fatalf("he has %+v, %v", mine, err)
		}
		if err := bob.LeaveForGood(t.Context(), chat.RoomID(room)); err != nil {
			t.Error(err)
		}
		if _, err := bob.Mark(context.Background(), chat.RoomID(room), 1); chat.CodeOf(err) != chat.CodeNotMember {
			t.Errorf("who has left marks: %v", err)
		}
	})
}

// wantEvent waits for an event of a client.
func wantEvent(t *testing.T, c *client.Client, want client.Event) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-c.Events():
			if _, talk := e.(client.RoomEvent); !talk && e == want {
				return
			}
		case <-late:
			t.Fatalf("the client is not told %+v", want)
		}
	}
}

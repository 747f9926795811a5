package server_test

import (
	"log/slog"
	"testing"

	"sarang/chat"
	"sarang/client"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// Two people talk to each other alone, one by packets and one by the SDK.
func TestDirectOverTheWire(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		bob := user(t, s, "bob")
		ann, err := client.Dial(t.Context(), client.Config{Addr: s.Addrs()[0].Addr.String(), Name: "ann", Logger: slog.New(slog.DiscardHandler), Debug: true})
		if err != nil {
			t.Fatal(err)
		}
		defer ann.Close()
		room, err := ann.Direct(t.Context(), "bob")
		if err != nil || room.Name != "@bob,ann" || room.Direct[1] != ann.Self().User || room.Direct[2] != 0 {
			t.Fatalf("the room is %+v, %v", room, err)
		}
		if again, err := ann.Direct(t.Context(), "Bob"); err != nil || again.ID != room.ID {
			t.Errorf("opened twice it is %+v, %v", again, err)
		}
		if _, err := ann.Direct(t.Context(), "nobody"); chat.CodeOf(err) != chat.CodeNoUser {
			t.Errorf("with nobody: %v", err)
		}
		if _, err := ann.Join(t.Context(), client.Join{Room: room.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := ann.Publish(t.Context(), room.ID, "psst"); err != nil {
			t.Fatal(err)
		}
		var b pb.Belongs
		if bob.expect(pb.SBelongs, &b); b.Room != uint64(room.ID) {
			t.Fatalf("bob is told %v", &b)
		}
		bob.say(pb.CDirect, &pb.Direct{Request: 3, Users: []uint64{uint64(ann.Self().User)}})
		var d pb.Created
		if bob.expect(pb.SDirect, &d); d.Request != 3 || d.Room.Id != b.Room || len(d.Room.Direct) != 2 {
			t.Fatalf("bob opens %v", &d)
		}
		bob.say(pb.CRooms, &pb.MyRooms{Request: 4, After: b.Room - 1, ItemsMax: 1})
		var page pb.MyRoomPage
		if bob.expect(pb.SRooms, &page); len(page.Rooms) != 1 || page.Rooms[0].Unread != 1 || page.Rooms[0].LastText != "psst" || len(page.Rooms[0].Room.Direct) != 2 {
			t.Fatalf("bob has %v", &page)
		}
		cid := user(t, s, "cid")
		cid.say(pb.CJoin, &pb.Join{Request: 5, Room: b.Room})
		cid.expectError(uint32(chat.CodeNoRoom))
	})
}

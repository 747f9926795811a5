package server_test

import (
	"testing"

	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// Somebody looks for what was said in his rooms, and is told where; he goes on from page to page, and
// finds nothing that was deleted.
func TestSearchOverTheWire(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s := start(t, c)
		defer stop(t, s)
		ann, ben := user(t, s, "ann"), user(t, s, "ben")
		room := ann.join(&pb.Join{Name: "lobby"}).Room.Id
		ben.join(&pb.Join{Room: room})
		first := ann.saying(room, 1, "서울에서 만나요")
		second := ben.saying(room, 1, "어디? 서울? 좋아요")
		ben.saying(room, 2, "see you")
		if err := s.Indexed(t.Context()); err != nil {
			t.Fatal(err)
		}
		ben.say(pb.CSearch, &pb.Search{Request: 1, Text: "서울", ItemsMax: 1})
		var page pb.SearchPage
		ben.next(pb.SSearch, &page)
		if len(page.Hits) != 1 || page.Request != 1 || page.Next == "" || page.Partial {
			t.Fatalf("the first page is %v", &page)
		}
		if h := page.Hits[0]; h.Event.Seq != second || h.RoomName != "lobby" || len(h.Where) != 2 || h.Event.Text[h.Where[0]:h.Where[1]] != "서울" {
			t.Errorf("the hit is %v", h)
		}
		ben.say(pb.CSearch, &pb.Search{Request: 2, Text: "서울", ItemsMax: 1, From: page.Next})
		ben.next(pb.SSearch, &page)
		if len(page.Hits) != 1 || page.Hits[0].Event.Seq != first {
			t.Errorf("the second page is %v", &page)
		}
		ann.say(pb.CDelete, &pb.Delete{Room: room, Nonce: 3, Target: first})
		var ack pb.Ack
		ann.next(pb.SAck, &ack)
		ben.say(pb.CSearch, &pb.Search{Request: 3, Room: room, Text: "서울", Name: "ann"})
		page.Reset()
		ben.next(pb.SSearch, &page)
		if len(page.Hits) != 0 || page.Next != "" || page.Room != room {
			t.Errorf("behind the delete it is %v", &page)
		}
		ben.say(pb.CSearch, &pb.Search{Request: 4, Room: room})
		var e pb.Error
		ben.next(pb.SError, &e)
		if e.Code != 21 || e.Request != 4 || e.PacketId != pb.CSearch {
			t.Errorf("a search for nothing: %v", &e)
		}
	})
}

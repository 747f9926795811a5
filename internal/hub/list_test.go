package hub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/hub/hubtest"
	"sarang/internal/store/storesim"
	"sarang/packet"
)

// Pages of rooms fit into a packet, whatever their topics say, and have all of them together.
func TestListsOfRoomsFit(t *testing.T) {
	disk := storesim.NewDisk(nil)
	store := disk.Open()
	r := newRig(t, hubtest.Config{Store: store})
	ann := r.Enter("ann", nil)
	const rooms = 180
	for i := range rooms {
		name := fmt.Sprintf("room%d", i)
		made, err := store.CreateRoom(t.Context(), chat.Room{Name: name, Key: name}, chat.RoomQuota{})
		if err != nil {
			t.Fatal(err)
		}
		topic := chat.Event{
			Room: made.ID, Seq: 1, Kind: chat.EventTopic, User: ann.User.ID, Name: "ann", Nonce: 1, TimeMs: 1,
			Text: strings.Repeat("x", chat.TopicBytesMax),
		}
		_, err = store.Commit(t.Context(), chat.Batch{
			ID: chat.BatchID{Writer: 9, Number: uint64(i + 1)}, Appends: []chat.Append{{Room: made.ID, Events: []chat.Event{topic}}},
		})
		if err == nil {
			_, err = store.ChangeMembers(t.Context(), []chat.MemberChange{{Kind: chat.MemberEnters, User: ann.User.ID, Room: made.ID}}, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	listed, bytes := 0, 0
	page := func(name, topic string) {
		listed++
		bytes += len(name) + len(topic)
	}
	for kind, ask := range map[string]func(after chat.RoomID){
		"Listed":  func(after chat.RoomID) { ann.List(after, 0) },
		"MyRooms": func(after chat.RoomID) { ann.MyRooms(after, 0) },
	} {
		listed = 0
		for after, more := chat.RoomID(0), true; more; {
			ask(after)
			r.Pass(time.Second) // she may not ask too fast
			x := ann.Last()
			if x.Kind != kind || len(x.Rooms)+len(x.Mine) == 0 {
				t.Fatalf("behind room %d: %+v", after, x)
			}
			bytes, more = 0, x.More
			for _, room := range x.Rooms {
				page(room.Name, room.Topic)
				after = room.ID
			}
			for _, room := range x.Mine {
				page(room.Name, room.Topic)
				after = room.ID
			}
			if bytes > packet.PayloadBytesMax {
				t.Errorf("%s: a page has %d bytes of texts", kind, bytes)
			}
		}
		if listed != rooms {
			t.Errorf("%s: all pages have %d rooms of %d", kind, listed, rooms)
		}
	}
}

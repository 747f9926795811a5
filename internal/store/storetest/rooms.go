package storetest

import (
	"math"
	"testing"

	"sarang/chat"
)

func (f *fixture) wantRooms(t *testing.T, want ...chat.Room) {
	t.Helper()
	got, err := f.store.Rooms(f.ctx)
	if err != nil {
		t.Fatalf("Rooms: %v", err)
	}
	wantSame(t, got, want)
}

func testRooms(t *testing.T, f *fixture) {
	f.wantRooms(t)
	var want []chat.Room
	for _, asked := range []chat.Room{
		{Name: "Lobby", Key: "lobby", Epoch: math.MaxUint64, CreatedMs: 10},
		{Name: "사랑방", Key: "사랑방", Epoch: 2, CreatedMs: 20, ID: 77, LastSeq: 99},
		{Name: "a", Key: "a", Epoch: 3, CreatedMs: 30, Ephemeral: true},
	} {
		made, err := f.store.CreateRoom(f.ctx, asked)
		if err != nil {
			t.Fatalf("CreateRoom: %v", err)
		}
		asked.ID, asked.LastSeq = made.ID, 0
		if made != asked || made.ID == 0 {
			t.Fatalf("CreateRoom made %+v, want %+v", made, asked)
		}
		if n := len(want); n > 0 && made.ID <= want[n-1].ID {
			t.Fatalf("room ids do not grow: %d after %d", made.ID, want[n-1].ID)
		}
		want = append(want, made)
	}
	f.wantRooms(t, want...)
	f.commit(t, run(want[1], 1, 5, f.user(t, "u"), "x"))
	want[1].LastSeq = 5
	f.wantRooms(t, want...)
}

func testRoomDuplicate(t *testing.T, f *fixture) {
	r := f.room(t, "r")
	_, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "R", Key: "r", Epoch: 9})
	wantCode(t, err, chat.CodeRoomExists)
	for _, bad := range []chat.Room{{Name: "x"}, {Key: "x"}, {}} {
		_, err := f.store.CreateRoom(f.ctx, bad)
		wantCode(t, err, chat.CodeBadRequest)
	}
	f.wantRooms(t, r)
}

func testRoomEphemeral(t *testing.T, f *fixture) {
	r, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "game", Key: "game", Epoch: 1, Ephemeral: true})
	if err != nil {
		t.Fatalf("CreateRoom: %v", err)
	}
	f.refuse(t, chat.CodeBadRequest, run(r, 1, 1, f.user(t, "u"), "x"))
	f.wantLast(t, r, 0)
	f.wantRooms(t, r)
}

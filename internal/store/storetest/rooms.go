package storetest

import (
	"fmt"
	"math"
	"testing"

	"sarang/chat"
)

func (f *fixture) wantRooms(t *testing.T, want ...chat.Room) {
	t.Helper()
	got, err := f.store.Rooms(f.ctx, 0, len(want)+10)
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
		{Name: "사랑방", Key: "사랑방", Epoch: 2, CreatedMs: 20, ID: 77, LastSeq: 99, LastMs: 9, Ruled: true},
		{Name: "a", Key: "a", Epoch: 3, CreatedMs: 30, Ephemeral: true},
	} {
		made, err := f.store.CreateRoom(f.ctx, asked, chat.RoomQuota{})
		if err != nil {
			t.Fatalf("CreateRoom: %v", err)
		}
		asked.ID, asked.LastSeq, asked.LastMs, asked.Ruled = made.ID, 0, 0, false
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
	want[1].LastSeq, want[1].LastMs = 5, 5005
	f.wantRooms(t, want...)
}

// There are so many rooms as the quota allows, of one creator and in all; a refusal makes
// none.
func testRoomQuota(t *testing.T, f *fixture) {
	mina, jun := f.user(t, "mina").ID, f.user(t, "jun").ID
	n := 0
	create := func(by chat.UserID, q chat.RoomQuota, code chat.Code) {
		t.Helper()
		n++
		name := fmt.Sprint("room", n)
		r, err := f.store.CreateRoom(f.ctx, chat.Room{Name: name, Key: name, Creator: by}, q)
		if chat.CodeOf(err) != code {
			t.Fatalf("room %d: %v, want code %d", n, err, code)
		}
		if code != 0 {
			_, err := f.store.RoomByKey(f.ctx, name)
			wantCode(t, err, chat.CodeNoRoom)
			return
		}
		got, err := f.store.Room(f.ctx, r.ID)
		if err != nil || got != r || got.Creator != by {
			t.Fatalf("room %+v, %v; made by %d as %+v", got, err, by, r)
		}
	}
	q := chat.RoomQuota{CreatorMax: 2, AllMax: 6}
	create(mina, q, 0)
	create(mina, q, 0)
	create(mina, q, chat.CodeTooMany)
	create(mina, chat.RoomQuota{AllMax: 6}, 0)
	create(mina, chat.RoomQuota{CreatorMax: 3, AllMax: 6}, chat.CodeTooMany)
	create(0, q, 0) // nobody in particular: only the bound of all is for them
	create(0, q, 0)
	create(jun, q, 0)
	create(jun, q, chat.CodeTooMany)
	create(0, q, chat.CodeTooMany)
	create(jun, chat.RoomQuota{}, 0)
}

func testRoomsArePaged(t *testing.T, f *fixture) {
	var want []chat.Room
	for i := range 25 {
		want = append(want, f.room(t, fmt.Sprintf("room%d", i)))
	}
	for _, itemsMax := range []int{-1, 0, 1, 7, 24, 25, 26} {
		var got []chat.Room
		for after := chat.RoomID(0); ; after = got[len(got)-1].ID {
			page, err := f.store.Rooms(f.ctx, after, itemsMax)
			if err != nil || len(page) > max(itemsMax, 1) {
				t.Fatalf("Rooms after %d: %d of at most %d, %v", after, len(page), itemsMax, err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		wantSame(t, got, want)
	}
	for _, after := range []chat.RoomID{want[24].ID, math.MaxInt64, math.MaxUint64} {
		if page, err := f.store.Rooms(f.ctx, after, 10); err != nil || len(page) > 0 {
			t.Fatalf("Rooms after %d: %+v, %v", after, page, err)
		}
	}
}

func testRoomByKey(t *testing.T, f *fixture) {
	a, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "사랑방", Key: "key of 사랑방", Epoch: 7, CreatedMs: 3}, chat.RoomQuota{})
	if err != nil {
		t.Fatalf("CreateRoom: %v", err)
	}
	b, u := f.room(t, "b"), f.user(t, "u")
	f.commit(t, these(b, 1, message(b, 1, u, "x"), roleEvent(b, 2, u, u, chat.RoleOwner)))
	b.LastSeq, b.LastMs, b.Ruled = 2, 5002, true
	for _, want := range []chat.Room{a, b} {
		if got, err := f.store.RoomByKey(f.ctx, want.Key); err != nil || got != want {
			t.Fatalf("RoomByKey %q: %+v, %v; want %+v", want.Key, got, err, want)
		}
		if got, err := f.store.Room(f.ctx, want.ID); err != nil || got != want {
			t.Fatalf("Room %d: %+v, %v; want %+v", want.ID, got, err, want)
		}
	}
	for _, key := range []string{"", "사랑방", "B", "b ", "%"} {
		_, err := f.store.RoomByKey(f.ctx, key)
		wantCode(t, err, chat.CodeNoRoom)
	}
	for _, id := range []chat.RoomID{0, b.ID + 1, 1 << 63, math.MaxUint64} {
		_, err := f.store.Room(f.ctx, id)
		wantCode(t, err, chat.CodeNoRoom)
	}
}

func testRoomDuplicate(t *testing.T, f *fixture) {
	r := f.room(t, "r")
	_, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "R", Key: "r", Epoch: 9}, chat.RoomQuota{})
	wantCode(t, err, chat.CodeRoomExists)
	for _, bad := range []chat.Room{{Name: "x"}, {Key: "x"}, {}} {
		_, err := f.store.CreateRoom(f.ctx, bad, chat.RoomQuota{})
		wantCode(t, err, chat.CodeBadRequest)
	}
	f.wantRooms(t, r)
}

func testRoomEphemeral(t *testing.T, f *fixture) {
	r, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "game", Key: "game", Epoch: 1, Ephemeral: true}, chat.RoomQuota{})
	if err != nil {
		t.Fatalf("CreateRoom: %v", err)
	}
	f.refuse(t, chat.CodeBadRequest, run(r, 1, 1, f.user(t, "u"), "x"))
	f.wantLast(t, r, 0)
	f.wantRooms(t, r)
}

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"sarang/chat"
)

// archive returns what a store has for being copied; who has not is skipped.
func (f *fixture) archive(t *testing.T) chat.Archive {
	t.Helper()
	a, can := f.store.(chat.Archive)
	if !can {
		t.Skip("this store can not be copied")
	}
	return a
}

func testArchiveUsers(t *testing.T, f *fixture) {
	a := f.archive(t)
	var want []chat.UserRecord
	for i := range 10 {
		u := chat.User{ID: chat.UserID(i + 1), Name: fmt.Sprint("User", i), Key: fmt.Sprint("user", i), CreatedMs: int64(i), SeenMs: int64(2 * i)}
		if i%3 == 1 {
			u.Key = "" // taken over
		}
		record := chat.UserRecord{User: u}
		if i%4 == 1 {
			record.Password, record.Account = "$hash of "+u.Name, true
		}
		if i%3 == 0 {
			record.Look = "look of " + u.Key
		}
		want = append(want, record)
	}
	for _, part := range [][]chat.UserRecord{want[:4], want[4:5], want[5:]} {
		if err := a.AddUsers(f.ctx, part); err != nil {
			t.Fatal(err)
		}
	}
	for _, wrong := range [][]chat.UserRecord{want[9:], want[3:], {{User: chat.User{ID: 12, Name: "x", Key: "x"}}}} {
		wantCode(t, a.AddUsers(f.ctx, wrong), chat.CodeSequence)
	}
	for _, itemsMax := range []int{0, 1, 3, 10, 11} {
		var got []chat.UserRecord
		for {
			page, err := a.Users(f.ctx, chat.UserID(len(got)), itemsMax)
			if err != nil || len(page) > max(itemsMax, 1) {
				t.Fatalf("Users: %d of at most %d, %v", len(page), itemsMax, err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		wantSame(t, got, want)
	}
	if err := a.AddDevices(f.ctx, []chat.DeviceRecord{{User: 1, Device: chat.Device{ID: 7}, Token: token("User0")}}); err != nil {
		t.Fatal(err)
	}
	// They are users as others are.
	f.wantUser(t, 1, want[0].User)
	u, err := f.claim(chat.Claim{Name: "x", Key: "user0", Resume: token("User0"), NowMs: 0})
	if err != nil || u.ID != 1 {
		t.Fatalf("a login: %+v, %v", u, err)
	}
	_, err = f.claim(chat.Claim{Name: "us3r", Key: "us3r", Look: "look of user0", NowMs: 1})
	wantCode(t, err, chat.CodeNameTaken)
	if next := f.user(t, "next"); next.ID <= 10 {
		t.Fatalf("the next user has the id %d", next.ID)
	}
	r := f.room(t, "r")
	f.commit(t, run(r, 1, 3, want[4].User, "x"))
	f.wantSent(t, want[4].User, 3)
}

func testArchiveRooms(t *testing.T, f *fixture) {
	a := f.archive(t)
	first := f.room(t, "first")
	want := []chat.Room{first}
	for i := range 5 {
		want = append(want, chat.Room{
			ID: first.ID + chat.RoomID(i) + 1, Name: fmt.Sprint("Room", i), Key: fmt.Sprint("room", i), Epoch: 1<<63 + chat.Epoch(i),
			Creator: chat.UserID(i), CreatedMs: int64(i), Ephemeral: i == 2, Private: i == 3,
		})
	}
	full := want[1]
	full.LastSeq, full.LastMs, full.Ruled = 9, 9, true // of another log
	if err := a.AddRooms(f.ctx, []chat.Room{full}); err != nil {
		t.Fatal(err)
	}
	if err := a.AddRooms(f.ctx, want[2:]); err != nil {
		t.Fatal(err)
	}
	wantCode(t, a.AddRooms(f.ctx, want[3:4]), chat.CodeSequence)
	for _, c := range []struct {
		after chat.RoomID
		items int
		want  []chat.Room
	}{{0, len(want) + 1, want}, {want[2].ID, 2, want[3:5]}} {
		got, err := a.AllRooms(f.ctx, c.after, c.items)
		if err != nil {
			t.Fatalf("AllRooms: %v", err)
		}
		wantSame(t, got, c.want)
	}
	f.wantRooms(t, slices.Concat(want[:4], want[5:])...) // not the private one
	next := f.room(t, "next")
	if next.ID <= want[5].ID {
		t.Fatalf("the next room has the id %d", next.ID)
	}
	_, err := f.store.CreateRoom(f.ctx, chat.Room{Name: "too many", Key: "too many"}, chat.RoomQuota{AllMax: 7})
	wantCode(t, err, chat.CodeTooMany)
	f.commit(t, run(want[1], 1, 3, f.user(t, "u"), "x"))
	f.wantLast(t, want[1], 3)
}

// testArchiveRecords has records of all kinds added and read back, in pages.
func testArchiveRecords(t *testing.T, f *fixture) {
	a := f.archive(t)
	for _, k := range chat.RecordKinds() {
		_, err := a.Records(f.ctx, k, nil, 1)
		if chat.CodeOf(err) == chat.CodeBadRequest && k.Log {
			continue // this one keeps it in another way
		}
		var want []chat.Record
		for i := range 7 {
			want = append(want, sampleRecord(k, i))
		}
		for _, part := range [][]chat.Record{want[3:], want[:4]} { // one of them twice
			if err := a.AddRecords(f.ctx, k, part); err != nil {
				t.Fatalf("%s: %v", k.Name, err)
			}
		}
		for _, itemsMax := range []int{0, 1, 3, 7, 8} {
			var got []chat.Record
			for after := chat.Record(nil); ; after = k.Key(got[len(got)-1]) {
				page, err := a.Records(f.ctx, k, after, itemsMax)
				if err != nil || len(page) > max(itemsMax, 1) {
					t.Fatalf("%s: %d of at most %d, %v", k.Name, len(page), itemsMax, err)
				}
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
			}
			wantSame(t, got, want)
		}
		// What is there already is put in its place.
		last := len(k.Fields) - 1
		other := slices.Clone(want[2])
		if other[last] = want[3][last]; last < k.Keys {
			continue // it is all key
		}
		if err := a.AddRecords(f.ctx, k, []chat.Record{other}); err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		want[2] = other
		got, err := a.Records(f.ctx, k, nil, len(want)+1)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, got, want)
	}
}

// sampleRecord is a record that the kind may have: i is its place.
func sampleRecord(k chat.RecordKind, i int) chat.Record {
	r := make(chat.Record, len(k.Fields))
	for at, field := range k.Fields {
		n := 10*(i/2) + i // pages end between those with the same beginning
		if at == k.Keys-1 {
			n = i
		} else if at < k.Keys {
			n = i / 3
		}
		switch {
		case field.Name == "network":
			r[at] = fmt.Sprintf("10.0.%d.0/24", n)
		case field.Name == "target" && field.Type == chat.Text:
			r[at] = fmt.Sprintf("10.0.%d.0/24", n)
		case k.Name == "bans" && field.Name == "user_id":
			r[at] = int64(0)
		case field.Name == "hidden", field.Name == "thumbnail", field.Name == "followed", field.Name == "links":
			r[at] = int64(n % 2)
		case field.Name == "state":
			r[at] = int64(n % 4)
		case field.Type == chat.Number:
			r[at] = int64(n)
		case field.Type == chat.Text:
			r[at] = fmt.Sprintf("글 %d '?' $1 {key}", n)
		case field.Type == chat.Bytes:
			r[at] = fmt.Sprintf("\x00\xff%030d", n)
		}
	}
	return r
}

// testArchiveBegun has a log begin behind what is erased.
func testArchiveBegun(t *testing.T, f *fixture) {
	a := f.archive(t)
	r, other, u := f.room(t, "r"), f.room(t, "other"), f.user(t, "u")
	r.Ruled, r.Topic, r.Description, r.Archived, r.SlowSeconds, r.RetainSeconds = true, "tea", "차", true, 7, 3600
	if err := a.BeginLog(f.ctx, r, 41); err != nil {
		t.Fatal(err)
	}
	f.commit(t, run(r, 42, 44, u, "x"), run(other, 1, 1, u, "x"))
	f.reopen(t)
	f.wantHistory(t, r, 0, run(r, 42, 44, u, "x").Events...)
	r.LastSeq, r.LastMs = 44, 5044
	if got, err := f.store.Room(f.ctx, r.ID); err != nil || got != r {
		t.Fatalf("%+v, %v; want %+v", got, err, r)
	}
	f.change(t, []chat.MemberChange{{Kind: chat.MemberEnters, User: u.ID, Room: r.ID, Seq: 7}}, chat.Membership{User: u.ID, Room: r.ID, Since: 7, Mark: 7})
	if got := f.myRooms(t, u, 0, 1); len(got) != 1 || got[0].Unread != 3 {
		t.Fatalf("%+v", got)
	}
	f.conflict(t, []chat.Conflict{{Room: r.ID, Last: 44}}, these(r, 1, message(r, 1, u, "x")))
	a = f.archive(t)
	wantCode(t, a.BeginLog(f.ctx, r, 50), chat.CodeBadRequest)
	wantCode(t, a.BeginLog(f.ctx, other, 1), chat.CodeBadRequest)
	wantCode(t, a.BeginLog(f.ctx, chat.Room{ID: 99}, 1), chat.CodeNoRoom)
}

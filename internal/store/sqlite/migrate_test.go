package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// A database that an older program wrote is brought up to date, and nothing is lost.
func TestOldDatabase(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, sqlite.DatabaseFile)
	if err := sqlite.MakeOld(t.Context(), file, 1); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO users VALUES (1, 'u', 'u', x'00', 1, 1)",
		"INSERT INTO users VALUES (2, 'Σας', 'σας', x'00', 1, 1), (3, 'ΛΟΣ', 'λοσ', x'00', 1, 1), (4, 'λος', 'λος', x'00', 1, 1)",
		"INSERT INTO rooms VALUES (1, 'r', 'r', 5, 0, 1), (2, 'game', 'game', 6, 1, 2)",
		"INSERT INTO messages VALUES (1, 1, 1, 2, 0, 8, 0, ''), (1, 2, 1, 1, 12, 9, 0, 'two')",
		"INSERT INTO authors VALUES (1, 1, 2, 1)",
	} {
		alter(t, file, statement)
	}
	want := []chat.Event{
		{Room: 1, Seq: 1, Kind: chat.EventJoin, User: 1, Name: "u", TimeMs: 8},
		{Room: 1, Seq: 2, Kind: chat.EventMessage, User: 1, Name: "u", Nonce: 12, TimeMs: 9, Text: "two"},
		{Room: 1, Seq: 3, Kind: chat.EventRole, User: 1, Name: "u", Nonce: 13, Target: 2, TimeMs: 10, Subject: 1, Role: chat.RoleOwner},
	}
	s := open(t, sqlite.Config{Dir: dir})
	a := chat.Append{Room: 1, After: 2, Events: want[2:]}
	if err := commit(t.Context(), s, chat.Batch{ID: chat.BatchID{Writer: 1}, Appends: []chat.Append{a}}); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 10, BytesMax: 100})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	author, err := s.Author(t.Context(), 1, 1, 10)
	wantAuthor := chat.Author{Role: chat.RoleOwner, Nonces: []chat.NonceSeq{{Nonce: 13, Seq: 3, Digest: want[2].Digest()}, {Nonce: 12, Seq: 2}}, SaidMs: 9}
	if diff := cmp.Diff(wantAuthor, author); diff != "" || err != nil {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	rooms, err := s.Rooms(t.Context(), 0, 10)
	wantRooms := []chat.Room{
		{ID: 1, Name: "r", Key: "r", Epoch: 5, Ruled: true, CreatedMs: 1, LastSeq: 3, LastMs: 10},
		{ID: 2, Name: "game", Key: "game", Epoch: 6, Ephemeral: true, CreatedMs: 2},
	}
	if diff := cmp.Diff(wantRooms, rooms); diff != "" || err != nil {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	// Names are found by the form that they are compared by now, each of those that there were.
	for id, key := range map[chat.UserID]string{1: "u", 2: "σασ", 3: "λοσ", 4: "λος"} {
		if u, err := s.User(t.Context(), id); err != nil || u.Key != key {
			t.Errorf("user %d: %+v, %v; want the key %q", id, u, err, key)
		}
	}
	// And what looks like one that was there is refused.
	_, err = s.ClaimUser(t.Context(), chat.Claim{Name: "υ", Key: "υ", Look: "u", NowMs: 1})
	wantError(t, err, chat.CodeNameTaken, "looks like")
}

// So is one of the last release: its rooms have no owner, and its roles hold for good.
func TestOldDatabaseWithRoles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, sqlite.DatabaseFile)
	if err := sqlite.MakeOld(t.Context(), file, 2); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO users VALUES (1, 'u', 'u', x'00', 1, 1), (2, 'v', 'v', x'01', 1, 1)",
		"INSERT INTO rooms VALUES (1, 'r', 'r', 5, 2, 1)",
		"INSERT INTO messages VALUES (1, 1, 1, 4, 12, 9, 0, '', 0, 2, 1)",
		"INSERT INTO members VALUES (1, 2, 1, 1)",
		"INSERT INTO authors VALUES (1, 1, 1, 0)",
	} {
		alter(t, file, statement)
	}
	s := open(t, sqlite.Config{Dir: dir})
	got, _, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 10, BytesMax: 100})
	want := []chat.Event{{Room: 1, Seq: 1, Kind: chat.EventRole, User: 1, Name: "u", Nonce: 12, TimeMs: 9, Subject: 2, Role: chat.RoleBanned}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	author, err := s.Author(t.Context(), 1, 2, 10)
	if diff := cmp.Diff(chat.Author{Role: chat.RoleBanned}, author); diff != "" || err != nil {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	room, err := s.Room(t.Context(), 1)
	wantRoom := chat.Room{ID: 1, Name: "r", Key: "r", Epoch: 5, Ruled: true, CreatedMs: 1, LastSeq: 1, LastMs: 9}
	if diff := cmp.Diff(wantRoom, room); diff != "" || err != nil {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	// What has no owner has none because somebody is the first user.
	if role := room.Role(1, chat.RoleNone); role != chat.RoleMember {
		t.Errorf("user 1 is %v", role)
	}
	u, err := s.UserByKey(t.Context(), "v")
	if err != nil || u.ID != 2 {
		t.Errorf("UserByKey: %+v, %v", u, err)
	}
}

// Before there were devices a user had one token: it is that of his first device.
func TestOldDatabaseWithTokens(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, sqlite.DatabaseFile)
	if err := sqlite.MakeOld(t.Context(), file, 5); err != nil {
		t.Fatal(err)
	}
	token := chat.TokenHash{1, 2, 3}
	for _, statement := range []string{
		"INSERT INTO users VALUES (1, 'mina', 'mina', x'010203' || zeroblob(29), 100, 200, 'mina')",
		"UPDATE users SET token_hash = CAST(token_hash AS BLOB)",
		"INSERT INTO users VALUES (2, 'old', NULL, x'020203' || zeroblob(29), 100, 200, NULL)",
		"INSERT INTO users VALUES (3, 'none', 'none', zeroblob(32), 100, 200, NULL)",
	} {
		alter(t, file, statement)
	}
	s := open(t, sqlite.Config{Dir: dir})
	in, err := s.ClaimUser(t.Context(), chat.Claim{Name: "mina", Key: "mina", Resume: token, NowMs: 300})
	want := chat.Claimed{User: chat.User{ID: 1, Name: "mina", Key: "mina", CreatedMs: 100, SeenMs: 300}, Device: chat.FirstDevice}
	if err != nil || in != want {
		t.Errorf("a login with a token of before: %+v, %v; want %+v", in, err, want)
	}
	for user, want := range map[chat.UserID][]chat.Device{
		1: {{ID: chat.FirstDevice, CreatedMs: 100, SeenMs: 200}}, 2: {}, 3: {},
	} {
		got, err := s.Devices(t.Context(), user)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("user %d: %v, want -, got +:\n%s", user, err, diff)
		}
	}
}

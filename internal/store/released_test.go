package store_test

import (
	"compress/gzip"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"testing"

	"sarang/chat"
	"sarang/internal/store"
	"sarang/internal/store/sqlite"
)

// releasedFolder is a data folder with the database that the code of the released schema has
// written: sqlite/testdata/released/make.go.
func releasedFolder(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.Join("sqlite", "testdata", "released", "sarang.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, sqlite.DatabaseFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A database of the released schema opens, comes to today's schema, and has everything.
func TestReleasedDatabase(t *testing.T) {
	const startMs, dayMs = 1_700_000_000_000, 24 * 60 * 60 * 1000
	dir := releasedFolder(t)
	a, err := store.CheckFolder(t.Context(), dir, func(string, uint64, uint64) {})
	if err != nil || a.Faults != 0 || a.Users != 6 || a.Rooms != 4 || a.Events != 9+60+3 {
		t.Fatalf("%+v, %v", a, err)
	}
	s, err := store.Open(t.Context(), "sqlite:"+dir, store.Options{Sync: store.ProcessSafe})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const nowMs = startMs + dayMs
	claim := func(name, token string) (chat.User, error) {
		_, key, err := chat.ParseUserName(name)
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.ClaimUser(t.Context(), chat.Claim{
			Name: name, Key: key, Look: chat.Skeleton(key), Resume: sha256.Sum256([]byte(token)), Fresh: sha256.Sum256([]byte("fresh")),
			NowMs: nowMs, ReservedSinceMs: nowMs - 30*dayMs,
		})
		if err == nil && in.Device != chat.FirstDevice {
			t.Errorf("%s comes from device %d", name, in.Device)
		}
		return in.User, err
	}
	for name, want := range map[string]struct {
		id   chat.UserID
		sent uint64
	}{"Ann": {1, 31}, "민지": {2, 31}, "Bob": {3, 2}, "Cat": {4, 0}, "Dave": {6, 0}} {
		if u, err := claim(name, "token of "+name); err != nil || u.ID != want.id || u.SentCount != want.sent {
			t.Errorf("the token of %s: %+v, %v; want %+v", name, u, err, want)
		}
		if _, err := claim(name, "another token than that"); chat.CodeOf(err) != chat.CodeBadToken {
			t.Errorf("another token for %s: %v", name, err)
		}
	}
	if u, err := s.User(t.Context(), 5); err != nil || u.Name != "dave" || u.Key != "" {
		t.Errorf("who had a name before: %+v, %v", u, err)
	}
	for _, want := range []chat.Room{
		{ID: 1, Name: "lobby", Key: "lobby", Epoch: 1000, Creator: 1, Ruled: true, CreatedMs: startMs, LastSeq: 9, LastMs: startMs + 9000},
		{ID: 2, Name: "사랑방", Key: "사랑방", Epoch: 1001, Creator: 2, CreatedMs: startMs + 1, LastSeq: 60, LastMs: startMs + 60000},
		{ID: 3, Name: "council", Key: "council", Epoch: 1002, Creator: 1, Private: true, Ruled: true, CreatedMs: startMs + 2, LastSeq: 3, LastMs: startMs + 3000},
		{ID: 4, Name: "game", Key: "game", Epoch: 1003, Creator: 3, Ephemeral: true, CreatedMs: startMs + 3},
	} {
		if r, err := s.RoomByKey(t.Context(), want.Key); err != nil || r != want {
			t.Errorf("%+v, %v; want %+v", r, err, want)
		}
	}
	for _, want := range []struct {
		room chat.RoomID
		user chat.UserID
		role chat.Role
		till int64
		last chat.Seq // his last authored event
	}{
		{1, 1, chat.RoleNone, 0, 8},
		{1, 2, chat.RoleModerator, 0, 7},
		{1, 3, chat.RoleBanned, startMs + 7000 + 20*365*dayMs, 4},
		{1, 4, chat.RoleReader, startMs + 8000 + 1000, 0},
		{3, 2, chat.RoleMember, 0, 2},
		{3, 5, chat.RoleNone, 0, 3},
	} {
		a, err := s.Author(t.Context(), want.room, want.user, 256)
		last := chat.Seq(0)
		if len(a.Nonces) > 0 {
			last = a.Nonces[0].Seq
		}
		if err != nil || a.Role != want.role || a.UntilMs != want.till || last != want.last {
			t.Errorf("%+v: %+v, %v", want, a, err)
		}
	}
	events, more, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 100, BytesMax: 1 << 20})
	if err != nil || more || len(events) != 9 {
		t.Fatalf("%d events, more %t, %v", len(events), more, err)
	}
	for i, want := range []chat.Event{
		{Kind: chat.EventJoin, User: 1, Name: "Ann"},
		{Kind: chat.EventMessage, User: 1, Name: "Ann", Text: "hello"},
		{Kind: chat.EventMessage, User: 3, Name: "Bob", Text: "hi 안녕!"},
		{Kind: chat.EventMessage, User: 3, Name: "Bob", Text: "about that", Target: 2},
		{Kind: chat.EventRole, User: 1, Name: "Ann", Subject: 2, Role: chat.RoleModerator},
		{Kind: chat.EventKick, User: 2, Name: "민지", Subject: 3, Text: "be quiet"},
		{Kind: chat.EventRole, User: 2, Name: "민지", Subject: 3, Role: chat.RoleBanned, Text: "spam", UntilMs: startMs + 7000 + 20*365*dayMs},
		{Kind: chat.EventRole, User: 1, Name: "Ann", Subject: 4, Role: chat.RoleReader, UntilMs: startMs + 8000 + 1000},
		{Kind: chat.EventLeave, User: 3, Name: "Bob"},
	} {
		e := &events[i]
		if e.Kind != want.Kind || e.User != want.User || e.Name != want.Name || e.Text != want.Text || e.Target != want.Target ||
			e.Subject != want.Subject || e.Role != want.Role || e.UntilMs != want.UntilMs ||
			e.Seq != chat.Seq(i+1) || e.TimeMs != startMs+int64(i+1)*1000 || e.Nonce != chat.Nonce(1<<32|uint64(i+1)) {
			t.Errorf("event %d is %+v, want %+v", i+1, e, want)
		}
	}
	if rooms, err := s.PrivateRooms(t.Context(), 2, 0, 10); err != nil || len(rooms) != 1 || rooms[0].ID != 3 {
		t.Errorf("the private rooms of 민지: %+v, %v", rooms, err)
	}
	// It goes on where it was, and an old nonce is known.
	next := chat.Append{Room: 1, After: 9, Events: []chat.Event{{Room: 1, Seq: 10, Kind: chat.EventMessage, User: 1, Nonce: 9, Text: "today", TimeMs: nowMs}}}
	if conflicts, err := s.Commit(t.Context(), chat.Batch{ID: chat.BatchID{Writer: 8, Number: 1}, Appends: []chat.Append{next}}); err != nil || len(conflicts) > 0 {
		t.Errorf("a message of today: %v, %v", conflicts, err)
	}
	if a, err := s.Author(t.Context(), 1, 1, 256); err != nil || len(a.Nonces) != 4 || a.Nonces[1].Digest != events[7].Digest() {
		t.Errorf("what Ann has said: %+v, %v", a, err)
	}
}

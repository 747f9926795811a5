package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// open opens a store that is closed at the test's end. ProcessSafe is quicker.
func open(tb testing.TB, c sqlite.Config) *sqlite.Store {
	tb.Helper()
	if c.Dir == "" {
		c.Dir = tb.TempDir()
	}
	if c.IndexAfter == 0 {
		c.IndexAfter = -1 // nobody writes but the test
	}
	s, err := sqlite.Open(tb.Context(), c)
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil && chat.CodeOf(err) != chat.CodeClosed {
			tb.Errorf("Close: %v", err)
		}
	})
	return s
}

// openWithRoom opens a store with one room and one user, both of id 1.
func openWithRoom(tb testing.TB, c sqlite.Config) *sqlite.Store {
	tb.Helper()
	s := open(tb, c)
	if _, err := s.CreateRoom(tb.Context(), chat.Room{Name: "r", Key: "r"}, chat.RoomQuota{}); err != nil {
		tb.Fatalf("CreateRoom: %v", err)
	}
	if _, err := s.ClaimUser(tb.Context(), chat.Claim{Name: "u", Key: "u", NowMs: 1}); err != nil {
		tb.Fatalf("ClaimUser: %v", err)
	}
	return s
}

// say is a batch of n messages of user 1 to room 1, whose ID no other one has that
// begins there.
func say(first chat.Seq, n int) chat.Batch {
	a := chat.Append{Room: 1, After: first - 1}
	for i := range n {
		seq := first + chat.Seq(i)
		a.Events = append(a.Events, chat.Event{Room: 1, Seq: seq, Kind: chat.EventMessage, User: 1, Nonce: chat.Nonce(seq), Text: "text"})
	}
	return chat.Batch{ID: chat.BatchID{Writer: 1, Number: uint64(first)}, Appends: []chat.Append{a}}
}

// commit is Commit where a conflict is an error.
func commit(ctx context.Context, s *sqlite.Store, b chat.Batch) error {
	conflicts, err := s.Commit(ctx, b)
	if len(conflicts) > 0 {
		return fmt.Errorf("conflicts: %+v", conflicts)
	}
	return err
}

func wantError(t *testing.T, err error, code chat.Code, say string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, say) {
		t.Fatalf("error %v (code %d), want code %d and a sentence with %q", err, chat.CodeOf(err), code, say)
	}
}

func wantLast(t *testing.T, s *sqlite.Store, want chat.Seq) {
	t.Helper()
	if r, err := s.Room(context.Background(), 1); err != nil || r.LastSeq != want {
		t.Fatalf("LastSeq = %d, %v; want %d", r.LastSeq, err, want)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	wantError(t, err, chat.CodeAlreadyRunning, dir)
	if err := commit(t.Context(), s, say(1, 1)); err != nil {
		t.Fatalf("the first server is disturbed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantLast(t, open(t, sqlite.Config{Dir: dir}), 1)
}

func TestFolderNames(t *testing.T) {
	names := []string{"with space", "사랑방", "100%25", "a#b&c=d"}
	if runtime.GOOS != "windows" {
		names = append(names, "what?mode=ro")
	}
	for _, name := range names {
		dir := filepath.Join(t.TempDir(), "made", name)
		s := openWithRoom(t, sqlite.Config{Dir: dir})
		if err := commit(t.Context(), s, say(1, 1)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, sqlite.DatabaseFile)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, sqlite.DatabaseFile+"-wal")); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%s: a write-ahead log is left after Close: %v", name, err)
		}
	}
}

func TestFolderThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: file})
	wantError(t, err, chat.CodeInternal, file)
	_, err = sqlite.Open(t.Context(), sqlite.Config{})
	wantError(t, err, chat.CodeBadRequest, "no data folder")
}

func TestForeignAndDamagedFiles(t *testing.T) {
	for _, c := range []struct {
		name, say string
		spoil     func(t *testing.T, file string)
	}{
		{"garbage", "not a database", func(t *testing.T, file string) {
			write(t, file, 0, strings.Repeat("this is no database. ", 500))
		}},
		{"header", "not a database", func(t *testing.T, file string) { write(t, file, 0, "XXXXXXXX") }},
		{"schema page", "damaged", func(t *testing.T, file string) { write(t, file, 100, strings.Repeat("\xff", 3000)) }},
		{"somebody else's", "not made by Sarang", func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			alter(t, file, "CREATE TABLE songs (title TEXT)")
		}},
		{"newer", "schema version 9999", func(t *testing.T, file string) {
			alter(t, file, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openWithRoom(t, sqlite.Config{Dir: dir})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, sqlite.DatabaseFile)
			c.spoil(t, file)
			for range 2 { // the refusal must not keep the folder locked
				_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
				wantError(t, err, chat.CodeInternal, c.say)
				wantError(t, err, chat.CodeInternal, file)
			}
		})
	}
}

func write(t *testing.T, file string, at int64, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), at); err != nil {
		t.Fatal(err)
	}
}

// alter runs a statement on the file, which the store must not have open.
func alter(t *testing.T, file, statement string) {
	t.Helper()
	db := other(t, file)
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// other opens the file as some other program would.
func other(t testing.TB, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOtherProgramLocksTheFile(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir, BusyTimeoutMillis: 60_000})
	db := other(t, filepath.Join(dir, sqlite.DatabaseFile))
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := commit(ctx, s, say(1, 1))
	wantError(t, err, chat.CodeUnavailable, "in time")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v does not carry the deadline", err)
	}
	wantLast(t, s, 0)
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := commit(t.Context(), s, say(1, 1)); err != nil {
		t.Fatalf("after the lock was given back: %v", err)
	}
}

func TestBusyTimeout(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir, BusyTimeoutMillis: 30})
	db := other(t, filepath.Join(dir, sqlite.DatabaseFile))
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	wantError(t, commit(t.Context(), s, say(1, 1)), chat.CodeUnavailable, "another program")
	_, err := s.ClaimUser(t.Context(), chat.Claim{Name: "v", Key: "v"})
	if chat.CodeOf(err) != chat.CodeUnavailable {
		t.Fatalf("ClaimUser: %v", err)
	}
}

func TestReadsWaitForAConnection(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{ReadersMax: 1})
	conn, err := sqlite.HoldReader(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, _, err = s.History(ctx, 1, chat.Page{ItemsMax: 1, BytesMax: 1})
	wantError(t, err, chat.CodeUnavailable, "in time")
	stats := s.Stats()
	if stats.ReadersMax != 1 || stats.ReadersOpen != 1 || stats.ReadersInUse != 1 || stats.ReadWaits != 1 {
		t.Fatalf("Stats: %+v", stats)
	}
	// Writing needs no reading connection.
	if err := commit(t.Context(), s, say(1, 3)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	wantLast(t, s, 3)
	if stats := s.Stats(); stats.ReadersInUse != 0 || stats.Commits != 1 || stats.Events != 3 || stats.WALBytes == 0 {
		t.Fatalf("Stats: %+v", stats)
	}
}

func TestWritesWaitForTheirTurn(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	giveBack := sqlite.HoldWriter(s)
	for name, call := range map[string]func(context.Context) error{
		"Commit": func(ctx context.Context) error { return commit(ctx, s, say(1, 1)) },
		"ClaimUser": func(ctx context.Context) error {
			_, err := s.ClaimUser(ctx, chat.Claim{Name: "v", Key: "v"})
			return err
		},
		"CreateRoom": func(ctx context.Context) error {
			_, err := s.CreateRoom(ctx, chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := call(ctx)
		cancel()
		if chat.CodeOf(err) != chat.CodeUnavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := sqlite.SmallWaiting(s); n != 0 {
		t.Errorf("%d claims wait though their callers have gone", n)
	}
	giveBack()
	wantLast(t, s, 0)
	if rooms, err := s.Rooms(t.Context(), 0, 10); err != nil || len(rooms) != 1 {
		t.Fatalf("Rooms: %v, %v", rooms, err)
	}
}

// Claims that wait together are answered by few transactions.
func TestClaimsAreGathered(t *testing.T) {
	const claims, perTx = 40, 16
	s := open(t, sqlite.Config{SmallPerTxMax: perTx})
	giveBack := sqlite.HoldWriter(s)
	errs := make(chan error, claims)
	for i := range claims {
		go func() {
			name := string(rune('가' + i))
			_, err := s.ClaimUser(context.Background(), chat.Claim{Name: name, Key: name, NowMs: 1})
			errs <- err
		}()
	}
	for sqlite.SmallWaiting(s) < claims {
		runtime.Gosched()
	}
	giveBack()
	for range claims {
		if err := <-errs; err != nil {
			t.Errorf("ClaimUser: %v", err)
		}
	}
	if stats := s.Stats(); stats.Small != claims || stats.SmallTxs != (claims+perTx-1)/perTx {
		t.Fatalf("%d claims in %d transactions", stats.Small, stats.SmallTxs)
	}
}

// New rooms are gathered in the same way, and with claims.
func TestRoomsAreGathered(t *testing.T) {
	const rooms = 40
	s := open(t, sqlite.Config{})
	giveBack := sqlite.HoldWriter(s)
	errs := make(chan error, 2*rooms)
	for i := range rooms {
		name := string(rune('가' + i/2)) // each twice: one of the two is refused
		go func() {
			_, err := s.CreateRoom(context.Background(), chat.Room{Name: name, Key: name}, chat.RoomQuota{})
			errs <- err
		}()
		go func() {
			name := name + strconv.Itoa(i)
			_, err := s.ClaimUser(context.Background(), chat.Claim{Name: name, Key: name, NowMs: 1})
			errs <- err
		}()
	}
	for sqlite.SmallWaiting(s) < 2*rooms {
		runtime.Gosched()
	}
	giveBack()
	refused := 0
	for range 2 * rooms {
		switch err := <-errs; {
		case chat.CodeOf(err) == chat.CodeRoomExists:
			refused++
		case err != nil:
			t.Error(err)
		}
	}
	if made, err := s.Rooms(t.Context(), 0, 100); err != nil || len(made) != rooms/2 || refused != rooms/2 {
		t.Errorf("%d rooms, %v; %d were refused", len(made), err, refused)
	}
	if stats := s.Stats(); stats.Small != 2*rooms || stats.SmallTxs != 1 {
		t.Errorf("%d small writes in %d transactions", stats.Small, stats.SmallTxs)
	}
}

// Who is known gets in while nothing can be written, or nobody comes to it; who is new is
// told to try again.
func TestLoginWithoutWriting(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	mina := chat.Claim{Name: "mina", Key: "mina", Fresh: chat.TokenHash{1}, NowMs: 5}
	made, err := s.ClaimUser(t.Context(), mina)
	if err != nil {
		t.Fatal(err)
	}
	mina.Resume, mina.NowMs = mina.Fresh, 1<<40
	login := func(when string) {
		t.Helper()
		if u, err := s.ClaimUser(t.Context(), mina); err != nil || u != made {
			t.Errorf("%s: %+v, %v; want %+v", when, u, err, made)
		}
	}
	sqlite.BreakCommits(s, func(func() error) error { return errDisk })
	login("when commits fail")
	_, err = s.ClaimUser(t.Context(), chat.Claim{Name: "jun", Key: "jun", NowMs: 5})
	wantError(t, err, chat.CodeUnavailable, "can not write")
	sqlite.BreakCommits(s, nil)
	giveBack := sqlite.HoldWriter(s)
	login("when the writer is busy")
	giveBack()
	made.SeenMs = 1 << 40
	login("when it can be written")
	txs := s.Stats().SmallTxs
	mina.NowMs++
	login("a moment later")
	if n := s.Stats().SmallTxs; n != txs {
		t.Errorf("a login that has nothing to write took %d transactions", n-txs)
	}
}

func TestHeadsAreBounded(t *testing.T) {
	s := openWithRoom(t, sqlite.Config{})
	if err := commit(t.Context(), s, say(1, 2)); err != nil {
		t.Fatal(err)
	}
	if kept := sqlite.KeepHeads(s, 0); kept != 1 {
		t.Fatalf("%d authors are remembered, one has spoken", kept)
	}
	// Far more strangers than fit: the user's own entry is very likely pushed out,
	// and must be found in the database again.
	if kept := sqlite.KeepHeads(s, 3*sqlite.HeadsKeptMax); kept != sqlite.HeadsKeptMax {
		t.Fatalf("%d entries are kept, the bound is %d", kept, sqlite.HeadsKeptMax)
	}
	if err := commit(t.Context(), s, say(3, 1)); err != nil {
		t.Fatal(err)
	}
	a, err := s.Author(t.Context(), 1, 1, 10)
	if err != nil || len(a.Nonces) != 3 || a.Nonces[0].Seq != 3 || a.Nonces[2].Seq != 1 {
		t.Fatalf("Author: %+v, %v", a, err)
	}
}

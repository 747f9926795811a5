package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// copyFiles copies files of one data folder to another one, which it makes.
func copyFiles(t *testing.T, from string, names ...string) (to string) {
	t.Helper()
	to = t.TempDir()
	for _, name := range names {
		writeFile(t, filepath.Join(to, name), readFile(t, filepath.Join(from, name)))
	}
	return to
}

// A copy of the database alone, made while a server has it open, is refused: at the first
// moment, with everything in the log, and later, with a part of it in the database.
func TestCopyWithoutItsLog(t *testing.T) {
	const db, wal = sqlite.DatabaseFile, sqlite.DatabaseFile + "-wal"
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe, WALBytesMax: 500 << 10})
	for i := range 30 {
		_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: copyFiles(t, dir, db)})
		wantError(t, err, chat.CodeInternal, db+"-wal is not here")
		for n := range 10 {
			if err := commit(t.Context(), s, say(chat.Seq(1+1000*i+100*n), 100)); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := chat.Seq(30 * 1000)
	wantLast(t, open(t, sqlite.Config{Dir: copyFiles(t, dir, db, wal)}), last)

	// A refusal leaves the file as it is, and it is refused again.
	half := copyFiles(t, dir, db)
	for range 2 {
		_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: half})
		wantError(t, err, chat.CodeInternal, "copied while a server had it open")
	}
	// Who has nothing else can go on with it.
	writeFile(t, filepath.Join(half, wal), nil)
	if r, err := open(t, sqlite.Config{Dir: half}).Room(t.Context(), 1); err != nil || r.LastSeq > last {
		t.Errorf("what is left: %+v, %v", r, err)
	}

	// A copy that SQLite makes is whole.
	whole := t.TempDir()
	reader, err := sql.Open("sqlite", filepath.Join(dir, db))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ExecContext(t.Context(), "VACUUM INTO ?", filepath.Join(whole, db)); err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	wantLast(t, open(t, sqlite.Config{Dir: whole}), last)

	// And so is the database of a server that has ended.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantLast(t, open(t, sqlite.Config{Dir: copyFiles(t, dir, db)}), last)
}

// What is no store any more does not begin as an empty one.
func TestHalfAStore(t *testing.T) {
	const db, wal = sqlite.DatabaseFile, sqlite.DatabaseFile + "-wal"
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	if err := commit(t.Context(), s, say(1, 300)); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	bare, err := sql.Open("sqlite", filepath.Join(empty, db)+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.ExecContext(t.Context(), "PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	if err := bare.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, say string }{
		{"a log alone", copyFiles(t, dir, wal), "put it back"},
		{"an empty file", t.TempDir(), "is an empty file"},
		{"no tables", empty, "has nothing in it"},
	} {
		if c.name == "an empty file" {
			writeFile(t, filepath.Join(c.dir, db), nil)
		}
		for range 2 {
			_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: c.dir})
			wantError(t, err, chat.CodeInternal, c.say)
		}
	}
}

// A first start that was interrupted is begun again.
func TestFirstStartInterrupted(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".new", ".new-wal", ".new-journal"} {
		writeFile(t, filepath.Join(dir, sqlite.DatabaseFile+name), []byte("half"))
	}
	openWithRoom(t, sqlite.Config{Dir: dir})
	left, err := filepath.Glob(filepath.Join(dir, "*.new*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// A store whose end could not be noted, as on a full disk, can be opened again.
func TestEndNotNoted(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	sqlite.BreakEnd(t.Context(), s)
	_ = s.Close() // it may say what went wrong
	if _, err := os.Stat(filepath.Join(dir, sqlite.DatabaseFile+"-wal")); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	if r, err := s.Room(t.Context(), 1); err != nil || r.Name != "r" {
		t.Errorf("%+v, %v", r, err)
	}
}

package sqlite_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A copy that was cut off is refused, however little is missing, and left as it is.
func TestCutOff(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	if err := commit(t.Context(), s, say(1, 300)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, sqlite.DatabaseFile)
	whole := readFile(t, file)
	for _, missing := range []int{1, 1000, 4096, len(whole) / 2} {
		cut := whole[:len(whole)-missing]
		writeFile(t, file, cut)
		_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
		wantError(t, err, chat.CodeInternal, "restore it from a backup")
		if !bytes.Equal(readFile(t, file), cut) {
			t.Errorf("%d bytes missing: the file was changed", missing)
		}
	}
	writeFile(t, file, whole)
	wantLast(t, open(t, sqlite.Config{Dir: dir}), 300)
}

// While there is a log, the database may be shorter than it says: the rest is there.
func TestShorterThanItsLog(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: from})
	if err := commit(t.Context(), s, say(1, 300)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{sqlite.DatabaseFile, sqlite.DatabaseFile + "-wal"} {
		writeFile(t, filepath.Join(to, name), readFile(t, filepath.Join(from, name)))
	}
	wantLast(t, open(t, sqlite.Config{Dir: to}), 300)
}

// What a disk has made of a text is not sent to anybody.
func TestDamagedText(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	if err := commit(t.Context(), s, say(1, 3)); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE messages SET text = CAST(x'61ff62' AS TEXT) WHERE seq = 3"); err != nil {
		t.Fatal(err)
	}
	if events, _, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 2, BytesMax: 1 << 20}); err != nil || len(events) != 2 {
		t.Errorf("the whole ones: %d, %v", len(events), err)
	}
	for _, p := range []chat.Page{{After: 2}, {Before: 4}} {
		_, _, err = s.History(t.Context(), 1, p)
		wantError(t, err, chat.CodeInternal, "damaged")
	}
	// Nor told to a writer that has to catch up; and nothing of its batch is stored.
	_, err = s.Commit(t.Context(), say(3, 1))
	wantError(t, err, chat.CodeInternal, "damaged")
	wantLast(t, s, 3)
}

// A damaged version table is told as what it is, and at once.
func TestDamagedVersionTable(t *testing.T) {
	dir := t.TempDir()
	if err := openWithRoom(t, sqlite.Config{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, sqlite.DatabaseFile)
	b := readFile(t, file)
	for i := 4096; i < len(b); i++ {
		b[i] = 0xa5
	}
	writeFile(t, file, b)
	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	wantError(t, err, chat.CodeInternal, "restore it from a backup")
}

//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// A database that is removed, replaced or moved away while the store is open takes no more:
// nothing is acknowledged that nobody will find.
func TestDatabaseGone(t *testing.T) {
	remove := func(path string) error { return os.Remove(path) }
	replace := func(path string) error {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.Rename(path, path+".old")
		}
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		return err
	}
	for name, c := range map[string]struct {
		file string
		harm func(string) error
	}{
		"database removed":  {sqlite.DatabaseFile, remove},
		"log removed":       {sqlite.DatabaseFile + "-wal", remove},
		"database replaced": {sqlite.DatabaseFile, replace},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openWithRoom(t, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe})
			if err := commit(t.Context(), s, say(1, 10)); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(t.Context()); err != nil {
				t.Fatalf("Check before: %v", err)
			}
			if err := c.harm(filepath.Join(dir, c.file)); err != nil {
				t.Fatal(err)
			}
			wantError(t, s.Check(t.Context()), chat.CodeStoreGone, "put back")
			for range 2 {
				_, err := s.Commit(t.Context(), say(11, 1))
				wantError(t, err, chat.CodeStoreGone, "started again")
			}
			_, err := s.CreateRoom(t.Context(), chat.Room{Name: "q", Key: "q"}, chat.RoomQuota{})
			wantError(t, err, chat.CodeStoreGone, "removed or replaced")
			_, err = s.ClaimUser(t.Context(), chat.Claim{Name: "v", Key: "v", NowMs: 1})
			wantError(t, err, chat.CodeStoreGone, "removed or replaced")
			if _, _, err := s.History(t.Context(), 1, chat.Page{ItemsMax: 1, BytesMax: 1}); err != nil {
				t.Errorf("reading: %v", err)
			}
		})
	}
}

// It may go in the middle of a commit, too: what is stored then is not acknowledged, and
// stays refused when the file is put back.
func TestDatabaseGoneWithinACommit(t *testing.T) {
	dir := t.TempDir()
	s := openWithRoom(t, sqlite.Config{Dir: dir, Sync: sqlite.ProcessSafe})
	file := filepath.Join(dir, sqlite.DatabaseFile)
	sqlite.BreakCommits(s, func(end func() error) error {
		if err := os.Rename(file, file+".away"); err != nil {
			t.Error(err)
		}
		return end()
	})
	_, err := s.Commit(t.Context(), say(1, 1))
	wantError(t, err, chat.CodeStoreGone, "removed or replaced")
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	sqlite.BreakCommits(s, nil)
	_, err = s.Commit(t.Context(), say(1, 1))
	wantError(t, err, chat.CodeStoreGone, "removed or replaced")
}

//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sarang/internal/store/sqlite"
)

// The folder may be everybody's, the files are not.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer unix.Umask(unix.Umask(0))
	s := openWithRoom(t, sqlite.Config{Dir: dir})
	if err := commit(t.Context(), s, say(1, 10)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v; want the lock and the database's three", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", f.Name(), info.Mode(), err)
		}
	}
}

// A lock that is a link to something else is not followed, and that is left as it is.
func TestLockIsNoLink(t *testing.T) {
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
	const text = "somebody's"
	if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, sqlite.LockFile)
	for what, put := range map[string]func() error{
		"link":          func() error { return os.Symlink(other, lock) },
		"dangling link": func() error { return os.Symlink(other+".new", lock) },
		"pipe":          func() error { return unix.Mkfifo(lock, 0o600) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v; want a refusal", what, err)
		}
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(other); err != nil || string(got) != text {
		t.Errorf("the other file is %q, %v", got, err)
	}
	if _, err := os.Stat(other + ".new"); err == nil {
		t.Error("a file was made where the link points to")
	}
}

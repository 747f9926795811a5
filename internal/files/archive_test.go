package files_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sarang/chat"
	"sarang/internal/files"
)

// TestBackupHasTheFiles copies the bytes of files to a backup and back, and looks whether a check
// notices what is not as it was.
func TestBackupHasTheFiles(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	a, b := r.file("a", []byte("of a")), r.file("b", []byte("of b"))
	r.say(chat.Event{Kind: chat.EventMessage, Files: chat.NewFileList(a, b)})
	check := func(dir string, faults int) {
		t.Helper()
		c, err := files.Check(ctx, dir, r.failing)
		if err != nil || c.Files != 2 || c.Bytes != 8 || len(c.Faults) != faults {
			t.Fatalf("%+v, %v; want %d faults", c, err, faults)
		}
	}
	check(r.dir, 0)
	backup, back := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "back")
	for range 2 { // what is there stays
		if copied, gone, err := files.Backup(ctx, r.dir, backup, r.failing); err != nil || copied != 2 || gone != 0 {
			t.Fatal(copied, gone, err)
		}
	}
	check(back, 2)
	if n, err := files.Restore(ctx, backup, back); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	check(back, 0)

	// One is not what it was, and one is not there.
	var blobs []string
	_ = filepath.WalkDir(back, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			blobs = append(blobs, path)
		}
		return err
	})
	if len(blobs) != 2 || os.WriteFile(blobs[0], []byte("of c"), 0o600) != nil {
		t.Fatal(blobs)
	}
	check(back, 1)
	if err := os.Remove(blobs[1]); err != nil {
		t.Fatal(err)
	}
	check(back, 2)
	if copied, gone, err := files.Backup(ctx, back, filepath.Join(t.TempDir(), "again"), r.failing); err != nil || copied != 1 || gone != 1 {
		t.Fatal(copied, gone, err)
	}
}

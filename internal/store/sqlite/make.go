package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// makeDatabase makes a database with its tables if there is none. It comes into being at
// once: a file of that name that has nothing in it was not made here. SQLite would make one
// that all may read; it gives its -wal and -shm files the mode that the database has.
func makeDatabase(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := path + ".new"
	for _, left := range []string{"", "-journal", "-wal", "-shm"} { // by a start that was interrupted
		if err := os.Remove(fresh + left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	file, err := os.OpenFile(fresh, os.O_RDWR|os.O_CREATE|os.O_EXCL, ownerOnly)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	// It is synced once, when all is there.
	db, err := openDB(dsn(fresh, "_journal_mode", "MEMORY", "_synchronous", "OFF"), 1)
	if err != nil {
		return err
	}
	if err := errors.Join(bringUp(ctx, db, fresh), db.Close()); err != nil {
		return err
	}
	if file, err = os.OpenFile(fresh, os.O_RDWR, 0); err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

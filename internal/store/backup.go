package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"sarang/chat"
	"sarang/internal/store/sqlite"
)

// Backer is a store that can be copied while it is in use.
type Backer interface {
	// Backup makes a copy of all in dir, which is there and holds no database, and returns its
	// bytes. It is of one moment between the call and its return, and opens as the store of the
	// folder dir. On an error nothing of it is left.
	Backup(ctx context.Context, dir string, progress Progress) (bytes int64, err error)
}

// Integral is a store that can look whether its file is sound below what Audit sees.
type Integral interface {
	// Integrity returns faults in words, none if all is well.
	Integrity(ctx context.Context) (faults []string, err error)
}

var (
	_ Backer   = sqliteStore{}
	_ Integral = sqliteStore{}
)

// Backup is documented at Backer.
func (s sqliteStore) Backup(ctx context.Context, dir string, progress Progress) (int64, error) {
	err := s.Store.Backup(ctx, dir, func(done, total int) { progress("pages", uint64(done), uint64(total)) })
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(filepath.Join(dir, sqlite.DatabaseFile))
	if err != nil {
		return 0, &chat.Error{Code: chat.CodeInternal, Message: "the backup is not where it was made", Err: err}
	}
	return info.Size(), nil
}

// CheckFolder opens the embedded store of a folder and looks through all of it: the file, and
// what it says of users and rooms.
func CheckFolder(ctx context.Context, dir string, progress Progress) (a *Audited, err error) {
	s, err := openSQLite(ctx, dir, Options{Sync: ProcessSafe})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	faults, err := s.(Integral).Integrity(ctx)
	if err != nil {
		return nil, err
	}
	if a, err = Audit(ctx, s.(chat.Archive), progress); err != nil {
		return nil, err
	}
	for _, what := range faults {
		a.fault("the database file: %s", what)
	}
	return a, nil
}

// FinishBackup looks through a backup that was made in the folder dir, moves it to file, which
// must not be there, and removes dir. If it has a fault it stays where it is.
func FinishBackup(ctx context.Context, dir, file string, progress Progress) (*Audited, error) {
	a, err := CheckFolder(ctx, dir, progress)
	if err != nil || a.Faults > 0 {
		return a, err
	}
	// A link, and not a rename: it fails if somebody has made the file meanwhile. Where there
	// are no links the file is looked for, and renamed.
	made := filepath.Join(dir, sqlite.DatabaseFile)
	if err := os.Link(made, file); errors.Is(err, os.ErrExist) {
		return a, err
	} else if err != nil {
		if _, err := os.Lstat(file); err == nil {
			return a, os.ErrExist
		}
		if err := os.Rename(made, file); err != nil {
			return a, err
		}
	}
	return a, os.RemoveAll(dir)
}

// Restore puts a backup into a data folder that has no database: all of it, or nothing. Every
// log has a new epoch, for its numbers are given out again. It returns what a check of it
// found, and does not restore what has faults.
func Restore(ctx context.Context, file, dataDir string, progress Progress) (*Audited, error) {
	r, err := sqlite.Restore(ctx, file, dataDir)
	if err != nil {
		return nil, err
	}
	a, err := CheckFolder(ctx, r.Folder(), progress)
	if err != nil || a.Faults > 0 {
		return a, errors.Join(err, r.Close())
	}
	return a, r.Install()
}

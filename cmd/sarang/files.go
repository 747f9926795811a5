package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"sarang/chat"
	"sarang/internal/files"
	"sarang/internal/store"
)

// filesOf is where the bytes of a backup's files are.
func filesOf(backup string) string { return backup + ".files" }

// filesIn is where those of a data folder are.
func filesIn(data string) string { return filepath.Join(data, "files") }

// copiedFiles is how many files a backup has, and how many were erased while it was made.
type copiedFiles struct{ copied, gone int }

// withFiles opens the embedded store of a folder, and gives what it knows of files to do.
func withFiles(ctx context.Context, dir string, do func(files.Records) error) error {
	s, err := store.Open(ctx, store.DefaultURL(dir), store.Options{Sync: store.ProcessSafe})
	if err != nil {
		return err
	}
	if known, keeps := s.(chat.Files); keeps {
		err = do(known)
	}
	return errors.Join(err, s.Close())
}

// backupFiles copies the bytes of the files that the backup in the folder partial knows. What was
// there before, of a backup with the same name, is not touched: it is an error.
func backupFiles(ctx context.Context, partial, data, to string) (c copiedFiles, err error) {
	if err := os.Mkdir(to, 0o700); err != nil {
		return c, err
	}
	err = withFiles(ctx, partial, func(known files.Records) (err error) {
		c.copied, c.gone, err = files.Backup(ctx, filesIn(data), to, known)
		return err
	})
	if err != nil || c.copied == 0 {
		err = errors.Join(err, os.RemoveAll(to))
	}
	return c, err
}

// restoreFiles copies the bytes of a backup's files into a data folder, before its database: what a
// restore that fails leaves is found by the server's look for bytes without a record.
func restoreFiles(ctx context.Context, backup, data string) (int, error) {
	from := filesOf(backup)
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return 0, nil // it is older than files are
	}
	if _, err := os.Stat(filepath.Join(data, "sarang.db")); err == nil {
		return 0, nil // the restore says what is wrong
	}
	return files.Restore(ctx, from, filesIn(data))
}

// checkFiles adds what a check of the files of a data folder has found.
func checkFiles(ctx context.Context, data string, r *checkedResult) error {
	return withFiles(ctx, data, func(known files.Records) error {
		c, err := files.Check(ctx, filesIn(data), known)
		r.Files, r.Faults = c.Files, r.Faults+uint64(len(c.Faults))
		r.Told = append(r.Told, c.Faults[:min(len(c.Faults), 20)]...)
		return err
	})
}

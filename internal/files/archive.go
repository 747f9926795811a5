package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	slashpath "path"
	"path/filepath"
	"time"

	"sarang/chat"
)

// What backups, restores and checks do with a folder of files, which no server has open.

// Records is the part of a store that knows which files there are.
type Records interface {
	AllFiles(ctx context.Context, after chat.FileID, itemsMax int) ([]chat.File, error)
}

// recordsMax is how many records are read at once.
const recordsMax = 1000

// each calls do for every file that there is.
func each(ctx context.Context, r Records, do func(*chat.File) error) error {
	for after := chat.FileID(0); ; {
		page, err := r.AllFiles(ctx, after, recordsMax)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(&page[i]); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// Checked is what a check of files has found.
type Checked struct {
	Files, Bytes uint64
	Faults       []string // in words; one for each file that is not as it was kept
}

// Check reads the bytes of all files of a store, and looks whether they are those that were kept.
func Check(ctx context.Context, dir string, r Records) (c Checked, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		root = nil // it had no file yet
	} else if err != nil {
		return c, err
	} else {
		defer root.Close()
	}
	err = each(ctx, r, func(f *chat.File) error {
		c.Files++
		c.Bytes += uint64(f.Bytes)
		if fault := faultOf(root, f); fault != "" {
			c.Faults = append(c.Faults, fmt.Sprintf("file %d: %s", f.ID, fault))
		}
		return nil
	})
	return c, err
}

// faultOf says what is wrong with the bytes of a file; empty: nothing is.
func faultOf(root *os.Root, f *chat.File) string {
	if root == nil {
		return "its bytes are not there"
	}
	b, err := root.Open(blobPath(f.Hash, Content))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "its bytes are not there"
	case err != nil:
		return "its bytes can not be read"
	}
	defer b.Close()
	hash, n, err := hashOf(b)
	switch {
	case err != nil:
		return "its bytes can not be read"
	case hash != f.Hash || n != f.Bytes:
		return "its bytes are not those that were kept"
	}
	if f.Thumbnail {
		if _, err := root.Stat(blobPath(f.Hash, Thumbnail)); err != nil {
			return "its thumbnail is not there"
		}
	}
	return ""
}

// Backup copies the bytes of the files of a store, which is a backup, from a server's folder, which
// may be in use, to another one, which is made. Files that were erased since the backup was made
// are gone, and left out; it returns how many files were copied, and how many were not there.
func Backup(ctx context.Context, from, to string, r Records) (copied, gone int, err error) {
	if err := os.MkdirAll(filepath.Join(to, blobsDir), dirMode); err != nil {
		return 0, 0, err
	}
	in, err := os.OpenRoot(from)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil // the server has no files
	}
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	out, err := os.OpenRoot(to)
	if err != nil {
		return 0, 0, err
	}
	defer out.Close()
	err = each(ctx, r, func(f *chat.File) error {
		err := copyBlob(in, out, f.Hash, Content)
		if err == nil && f.Thumbnail {
			err = copyBlob(in, out, f.Hash, Thumbnail)
		}
		if errors.Is(err, fs.ErrNotExist) {
			gone++
			return nil
		}
		copied++
		return err
	})
	return copied, gone, err
}

// Restore copies all bytes of a backup's folder into that of a data folder; those that are there
// stay.
func Restore(ctx context.Context, from, to string) (copied int, err error) {
	in, err := os.OpenRoot(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Join(to, blobsDir), dirMode); err != nil {
		return 0, err
	}
	out, err := os.OpenRoot(to)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	err = (&Folder{in}).Each(ctx, time.Now().Add(24*time.Hour), func(hash chat.FileHash) error {
		for _, p := range []Part{Content, Thumbnail} {
			if err := copyBlob(in, out, hash, p); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		copied++
		return nil
	})
	return copied, err
}

// copyBlob copies a part of a file from one folder to another, if it is not there.
func copyBlob(from, to *os.Root, hash chat.FileHash, p Part) error {
	path := blobPath(hash, p)
	if _, err := to.Stat(path); err == nil {
		return nil
	}
	in, err := from.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	dir := slashpath.Dir(path)
	if err := to.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	if err := writeWhole(to, in, path); err != nil {
		return err
	}
	return syncDir(to, dir)
}

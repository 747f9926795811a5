// Package files keeps the bytes of files: uploads in pieces, what is made of them, and how they
// are given out by HTTP. What is known of a file, and which messages name it, is in the store
// (chat.Files).
//
// # Basics
//
// A file comes as an upload: bytes that grow in a file of their own. When it is complete it is
// looked at (what is it? how large a picture?), freed of what cameras write into pictures, and
// kept by the hash of what is left. Then the store learns of it. A file that no message names any
// more is removed by the collector: its bytes first, then its record, so that a crash leaves
// nothing that is not found again.
//
// # Caveats
//
// A name that somebody gives a file is text in the store. No path is ever made of it.
package files

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"sarang/chat"
)

// Part is what is kept of a file.
type Part uint8

// The parts.
const (
	Content   Part = iota
	Thumbnail      // a smaller picture
)

// suffix stands behind the hash in a part's name.
func (p Part) suffix() string {
	if p == Thumbnail {
		return ".thumbnail"
	}
	return ""
}

// Blobs keep bytes by the hash of a file's content. All methods may be called from any goroutine.
// One that keeps them elsewhere than in a folder takes the place of Folder.
type Blobs interface {
	// Keep has the bytes of a file kept, which is in the uploads' folder, closed and synced, and
	// stays there. When it returns nil they are as safe as the disk is. What is kept already
	// under that name is the same.
	Keep(from string, hash chat.FileHash, p Part) error

	// Open returns the bytes; fs.ErrNotExist if they are not kept.
	Open(hash chat.FileHash, p Part) (Blob, error)

	// Remove removes all parts. That they are not there is no error.
	Remove(hash chat.FileHash) error

	// Each calls f for the hash of everything that is kept since before a time, in no order, until
	// f returns an error.
	Each(ctx context.Context, before time.Time, f func(chat.FileHash) error) error
}

// Blob is bytes that are kept.
type Blob interface {
	io.ReadSeekCloser
}

// Folder is Blobs in a folder: the hash is the name, its first byte the folder's.
type Folder struct{ root *os.Root }

// The folders below the one of files, and what may be read there by nobody else.
const (
	blobsDir   = "blobs"
	uploadsDir = "uploads"
	dirMode    = 0o700
	fileMode   = 0o600
)

func blobPath(hash chat.FileHash, p Part) string {
	name := hex.EncodeToString(hash[:])
	return path.Join(blobsDir, name[:2], name+p.suffix())
}

// Keep is documented at Blobs.
func (f *Folder) Keep(from string, hash chat.FileHash, p Part) error {
	to := blobPath(hash, p)
	if err := f.root.MkdirAll(path.Dir(to), dirMode); err != nil {
		return err
	}
	err := f.root.Link(path.Join(uploadsDir, from), to)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil: // a disk without links
		if err = f.copy(path.Join(uploadsDir, from), to); err != nil {
			return err
		}
	}
	if err := syncDir(f.root, path.Dir(to)); err != nil {
		return err
	}
	return syncDir(f.root, blobsDir)
}

// copy copies a file, so that it has its name when it is whole.
func (f *Folder) copy(from, to string) error {
	in, err := f.root.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeWhole(f.root, in, to)
}

// writeWhole writes a file that has its name when it is whole, and on the disk.
func writeWhole(root *os.Root, from io.Reader, to string) error {
	out, err := root.OpenFile(to+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return root.Rename(to+".new", to)
}

// Open is documented at Blobs.
func (f *Folder) Open(hash chat.FileHash, p Part) (Blob, error) {
	b, err := f.root.Open(blobPath(hash, p))
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Remove is documented at Blobs.
func (f *Folder) Remove(hash chat.FileHash) error {
	var errs []error
	for _, p := range []Part{Thumbnail, Content} {
		if err := f.root.Remove(blobPath(hash, p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Each is documented at Blobs.
func (f *Folder) Each(ctx context.Context, before time.Time, each func(chat.FileHash) error) error {
	for b := range 256 {
		dir := path.Join(blobsDir, hex.EncodeToString([]byte{byte(b)}))
		entries, err := fs.ReadDir(f.root.FS(), dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			name, _, _ := strings.Cut(e.Name(), ".")
			info, err := e.Info()
			var hash chat.FileHash
			n, bad := hex.Decode(hash[:], []byte(name)[:min(len(name), 2*len(hash))])
			if err != nil || bad != nil || n != len(hash) || len(name) != 2*len(hash) || !info.ModTime().Before(before) {
				continue
			}
			if err := each(hash); err != nil {
				return err
			}
		}
	}
	return nil
}

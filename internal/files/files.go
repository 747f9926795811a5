package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"sarang/chat"
	"sarang/lock"
)

// Limits bound files; see the flags of the same names.
type Limits struct {
	BytesMax          int64 // of one
	Quota             chat.FileQuota
	UserUploadsMax    int
	AddressUploadsMax int // 0: no such limit
	UploadsMax        int
	PixelsMax         int
}

// Times after which something is forgotten.
const (
	UploadIdleMax  = 24 * time.Hour // an upload of which nothing has come for so long
	UnnamedFileMax = 24 * time.Hour // a file that no message has named by then

	blobAgeMin = time.Hour // bytes without a record are removed when they are older
)

// Config is what Open needs.
type Config struct {
	Dir    string // is made if it is not there
	Store  chat.Files
	Limits Limits
	Now    func() time.Time
	Random io.Reader   // ids
	Full   func() bool // the disk is: nothing is taken
	Logger *slog.Logger
}

// Keeper keeps files. All methods may be called from any goroutine, but not on a worker.
type Keeper struct {
	config  Config
	root    *os.Root
	blobs   Blobs
	uploads uploads
	finish  chan struct{} // has as many places as files may be looked at, at once
	stripes [64]lock.Mutex
	counts  counts
	end     context.CancelFunc
	done    chan struct{}
}

type counts struct {
	made, bytes, pictures, thumbnails atomic.Int64
	removed, swept, downloads         atomic.Int64
	bytesIn, bytesOut, refused        atomic.Int64
}

// Figures are what metrics show.
type Figures struct {
	Uploads                     int   // that are not complete
	Made, MadeBytes             int64 // files that were kept
	Pictures, Thumbnails        int64 // of these
	Removed, Swept              int64 // files; bytes that had no record
	Downloads, Refused          int64 // requests
	ReceivedBytes, WrittenBytes int64
}

// Figures returns them as they are now.
func (k *Keeper) Figures() Figures {
	c := &k.counts
	return Figures{
		Uploads: k.uploads.count(), Made: c.made.Load(), MadeBytes: c.bytes.Load(), Pictures: c.pictures.Load(), Thumbnails: c.thumbnails.Load(),
		Removed: c.removed.Load(), Swept: c.swept.Load(), Downloads: c.downloads.Load(), Refused: c.refused.Load(),
		ReceivedBytes: c.bytesIn.Load(), WrittenBytes: c.bytesOut.Load(),
	}
}

// Open opens the folder of files, takes up uploads that were begun, and begins to collect.
func Open(c Config) (*Keeper, error) {
	if err := os.MkdirAll(c.Dir, dirMode); err != nil {
		return nil, fmt.Errorf("the folder of files: %w", err)
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of files: %w", err)
	}
	k := &Keeper{config: c, root: root, blobs: &Folder{root}, finish: make(chan struct{}, 1), done: make(chan struct{})}
	class := lock.NewClass("files.hash")
	for i := range k.stripes {
		k.stripes[i].Init(class)
	}
	k.uploads.init()
	for _, dir := range []string{blobsDir, uploadsDir} {
		if err := root.MkdirAll(dir, dirMode); err != nil {
			return nil, errors.Join(fmt.Errorf("the folder of files: %w", err), root.Close())
		}
	}
	if err := k.takeUp(); err != nil {
		return nil, errors.Join(fmt.Errorf("the folder of uploads: %w", err), root.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.end = cancel
	go k.collect(ctx)
	return k, nil
}

// Close ends collecting. Nobody may use k any more.
func (k *Keeper) Close() error {
	if k == nil {
		return nil
	}
	k.end()
	<-k.done
	return k.root.Close()
}

// ofHash is the lock of bytes with a hash: while somebody has it, nobody else keeps or removes
// them.
func (k *Keeper) ofHash(hash chat.FileHash) *lock.Mutex {
	return &k.stripes[int(hash[0])%len(k.stripes)]
}

// Complete makes a file of an upload that has all its bytes. When it returns nil the file and
// what is known of it are stored. Called again it returns the same.
func (k *Keeper) Complete(ctx context.Context, user chat.UserID, id chat.FileID) (chat.FileInfo, error) {
	if f, err := k.config.Store.File(ctx, id); err == nil && f.Owner == user {
		k.uploads.forget(id)
		k.drop(id)
		return f.FileInfo, nil
	}
	u, err := k.uploads.take(user, id)
	if err != nil {
		return chat.FileInfo{}, err
	}
	defer k.uploads.giveBack(u)
	select {
	case k.finish <- struct{}{}:
		defer func() { <-k.finish }()
	case <-ctx.Done():
		return chat.FileInfo{}, busy()
	}
	if k.config.Full() {
		return chat.FileInfo{}, fullDisk()
	}
	made, void, err := k.complete(ctx, u)
	if err == nil || void {
		k.uploads.forget(id)
		k.drop(id)
	}
	return made, err
}

// complete makes the file. void: what has come can never become one.
func (k *Keeper) complete(ctx context.Context, u *upload) (info chat.FileInfo, void bool, err error) {
	f, err := k.root.Open(u.part())
	if err != nil {
		return info, false, k.failed("opening an upload", err)
	}
	defer f.Close()
	hash, n, err := hashOf(f)
	switch {
	case err != nil:
		return info, false, k.failed("reading an upload", err)
	case n != u.Bytes:
		return info, false, chat.Errorf(chat.CodeBadFile, "the upload has %d bytes of %d: send the rest first", n, u.Bytes)
	case u.SHA256 != "" && u.SHA256 != hex.EncodeToString(hash[:]):
		return info, true, chat.Errorf(chat.CodeBadFile, "the bytes that came are not those that were announced: upload the file again")
	}
	clean, err := k.root.OpenFile(u.file(".clean"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, fileMode)
	if err != nil {
		return info, false, k.failed("making a file", err)
	}
	defer clean.Close()
	s, err := look(f, clean, k.config.Limits.PixelsMax)
	if err != nil {
		return info, false, k.failed("looking at an upload", err)
	}
	info = chat.FileInfo{ID: u.ID, Name: u.Name, Type: s.Type, Bytes: n, Width: s.Width, Height: s.Height}
	from := u.name(".part")
	if s.picture {
		from = u.name(".clean")
		if hash, info.Bytes, err = hashOf(clean); err == nil {
			err = clean.Sync()
		}
		if err == nil {
			info.Thumbnail, err = k.thumbnail(u, &s, clean)
		}
		if err != nil {
			return info, false, k.failed("writing a picture", err)
		}
	}
	return info, false, k.keep(ctx, u, info, hash, from)
}

// thumbnail writes one, if the picture is to have one.
func (k *Keeper) thumbnail(u *upload, s *seen, picture io.ReadSeeker) (made bool, err error) {
	if _, err := picture.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	small, err := k.root.OpenFile(u.file(".small"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return false, err
	}
	if made, err = s.shrink(picture, small); made && err == nil {
		err = small.Sync()
	}
	return made, errors.Join(err, small.Close())
}

// keep has bytes and record kept, in this order. Nobody removes the bytes meanwhile.
func (k *Keeper) keep(ctx context.Context, u *upload, info chat.FileInfo, hash chat.FileHash, from string) error {
	l := k.ofHash(hash)
	l.Lock()
	defer l.Unlock()
	err := k.blobs.Keep(from, hash, Content)
	if err == nil && info.Thumbnail {
		err = k.blobs.Keep(u.name(".small"), hash, Thumbnail)
	}
	if err != nil {
		return k.failed("keeping a file", err)
	}
	f := chat.File{FileInfo: info, Owner: u.Owner, Hash: hash, CreatedMs: chat.Millis(k.config.Now())}
	if err := k.config.Store.AddFile(ctx, f, k.config.Limits.Quota); err != nil {
		return k.typed("storing a file", err) // the collector finds the bytes
	}
	c := &k.counts
	c.made.Add(1)
	c.bytes.Add(info.Bytes)
	if info.Width > 0 {
		c.pictures.Add(1)
	}
	if info.Thumbnail {
		c.thumbnails.Add(1)
	}
	return nil
}

// hashOf reads all of a file.
func hashOf(f io.ReadSeeker) (hash chat.FileHash, n int64, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return hash, 0, err
	}
	h := sha256.New()
	n, err = io.Copy(h, f)
	h.Sum(hash[:0])
	return hash, n, err
}

// Open returns a part of a file that a user may have, by its record.
func (k *Keeper) Open(f *chat.File, p Part) (Blob, error) {
	if p == Thumbnail && !f.Thumbnail {
		return nil, chat.NoFile()
	}
	b, err := k.blobs.Open(f.Hash, p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, gone := k.config.Store.File(context.Background(), f.ID); chat.CodeOf(gone) != chat.CodeNoFile {
			k.config.Logger.Error("the bytes of a file are gone", "file", f.ID, "hash", hex.EncodeToString(f.Hash[:]))
		}
		return nil, chat.NoFile()
	case err != nil:
		return nil, k.failed("opening a file", err)
	}
	return b, nil
}

// failed tells the log, and returns what a user is told.
func (k *Keeper) failed(what string, err error) *chat.Error {
	k.config.Logger.Error(what+" failed", "error", err)
	return &chat.Error{Code: chat.CodeUnavailable, Message: "the server can not do this now; try again", RetryAfter: retryLater, Err: err}
}

// typed makes an error of the store fit for a user.
func (k *Keeper) typed(what string, err error) *chat.Error {
	var e *chat.Error
	switch code := chat.CodeOf(err); code {
	case chat.CodeInternal, chat.CodeClosed, chat.CodeUncertain:
	default:
		if errors.As(err, &e) {
			return &chat.Error{Code: e.Code, Message: e.Message, RetryAfter: e.RetryAfter}
		}
	}
	return k.failed(what, err)
}

const retryLater = time.Second

func busy() *chat.Error {
	return &chat.Error{Code: chat.CodeUnavailable, Message: "too many files are on their way; try again", RetryAfter: retryLater}
}

func fullDisk() *chat.Error {
	return &chat.Error{Code: chat.CodeUnavailable, Message: "the server's disk is nearly full: no files are taken now", RetryAfter: 30 * time.Second}
}

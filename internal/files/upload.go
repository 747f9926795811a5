package files

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"strings"
	"time"

	"sarang/chat"
	"sarang/lock"
)

// upload is a file that is on its way. What stands in it is kept beside its bytes, so that it
// outlasts the server.
type upload struct {
	ID        chat.FileID  `json:"id,string"`
	Owner     chat.UserID  `json:"owner"`
	Network   netip.Prefix `json:"network"` // where it was begun
	Name      string       `json:"name"`
	Bytes     int64        `json:"bytes"`
	SHA256    string       `json:"sha256,omitempty"`
	CreatedMs int64        `json:"created_ms"`

	seenMs int64 // when the last bytes came
	busy   bool  // somebody writes, or makes a file of it
}

func (u *upload) name(suffix string) string { return fmt.Sprintf("%016x%s", uint64(u.ID), suffix) }

func (u *upload) file(suffix string) string { return path.Join(uploadsDir, u.name(suffix)) }

func (u *upload) part() string { return u.file(".part") }

// suffixes are those of an upload's files. The description goes first: without it the others are
// nobody's, and removed.
func suffixes() []string { return []string{".json", ".part", ".clean", ".small"} }

// uploads are those that are on their way.
type uploads struct {
	mu  lock.Mutex
	all map[chat.FileID]*upload
}

func (s *uploads) init() {
	s.mu.Init(lock.NewClass("files.uploads"))
	s.all = make(map[chat.FileID]*upload)
}

func (s *uploads) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// add takes u, if the bounds allow it.
func (s *uploads) add(u *upload, l *Limits) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	his, theirs := 0, 0
	for _, other := range s.all {
		if other.Owner == u.Owner {
			his++
		}
		if u.Network.IsValid() && other.Network == u.Network {
			theirs++
		}
	}
	tooMany := func(whose string, n int) error {
		return &chat.Error{Code: chat.CodeTooMany, RetryAfter: 5 * time.Second, Message: fmt.Sprintf("%d files %s are being uploaded: complete or cancel one first", n, whose)}
	}
	switch {
	case his >= l.UserUploadsMax:
		return tooMany("of yours", his)
	case l.AddressUploadsMax > 0 && theirs >= l.AddressUploadsMax:
		return tooMany("of your address", theirs)
	case len(s.all) >= l.UploadsMax:
		return tooMany("of all users", len(s.all))
	}
	s.all[u.ID] = u
	return nil
}

// bytesOf is what a user's uploads will be together.
func (s *uploads) bytesOf(user chat.UserID) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.all {
		if u.Owner == user {
			n += u.Bytes
		}
	}
	return n
}

// take returns a user's upload for who is to work on it alone; giveBack has to follow.
func (s *uploads) take(user chat.UserID, id chat.FileID) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.all[id]
	switch {
	case u == nil || u.Owner != user:
		return nil, chat.Errorf(chat.CodeNoFile, "there is no such upload of yours: it was completed, cancelled or forgotten")
	case u.busy:
		return nil, &chat.Error{Code: chat.CodeUnavailable, Message: "another request works on this upload; try again", RetryAfter: retryLater}
	}
	u.busy = true
	return u, nil
}

func (s *uploads) giveBack(u *upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.busy = false
}

func (s *uploads) forget(id chat.FileID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// idle takes out an upload of which nothing has come since beforeMs; nil: there is none.
func (s *uploads) idle(beforeMs int64) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.all {
		if !u.busy && u.seenMs < beforeMs {
			delete(s.all, u.ID)
			return u
		}
	}
	return nil
}

// NewUpload is a file that somebody wants to upload.
type NewUpload struct {
	Name   string
	Bytes  int64
	SHA256 string // of its bytes, in hexadecimal; empty: nobody has said
}

// Begin begins an upload.
func (k *Keeper) Begin(ctx context.Context, user chat.UserID, network netip.Prefix, n NewUpload) (chat.FileID, error) {
	l := &k.config.Limits
	n.SHA256 = strings.ToLower(n.SHA256)
	if err := chat.CheckFileName(n.Name); err != nil {
		return 0, err
	}
	switch b, err := hex.DecodeString(n.SHA256); {
	case n.Bytes < 1:
		return 0, chat.Errorf(chat.CodeBadFile, "a file has at least one byte")
	case n.Bytes > l.BytesMax:
		return 0, chat.Errorf(chat.CodeFileTooLarge, "the file has %d bytes, at most %d are allowed", n.Bytes, l.BytesMax)
	case n.SHA256 != "" && (err != nil || len(b) != len(chat.FileHash{})):
		return 0, chat.Errorf(chat.CodeBadFile, "sha256 is not 64 hexadecimal digits")
	case k.config.Full():
		return 0, fullDisk()
	}
	use, err := k.config.Store.FileUse(ctx, user)
	if err != nil {
		return 0, k.typed("reading what a user has", err)
	}
	if err := l.Quota.Allows(use, k.uploads.bytesOf(user)+n.Bytes); err != nil {
		return 0, err
	}
	id, err := k.newID()
	if err != nil {
		return 0, k.failed("making an id", err)
	}
	now := chat.Millis(k.config.Now())
	u := &upload{ID: id, Owner: user, Network: network, Name: n.Name, Bytes: n.Bytes, SHA256: n.SHA256, CreatedMs: now, seenMs: now}
	if err := k.uploads.add(u, l); err != nil {
		return 0, err
	}
	if err := k.describe(u); err != nil {
		k.uploads.forget(id)
		k.drop(id)
		return 0, k.failed("beginning an upload", err)
	}
	return id, nil
}

func (k *Keeper) newID() (chat.FileID, error) {
	var b [8]byte
	if _, err := io.ReadFull(k.config.Random, b[:]); err != nil {
		return 0, err
	}
	return chat.FileID(binary.LittleEndian.Uint64(b[:])%uint64(chat.FileIDMax)) + 1, nil
}

// describe makes the files of an upload. The description is written in full before it has its
// name.
func (k *Keeper) describe(u *upload) error {
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	f, err := k.root.OpenFile(u.part(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	f, err = k.root.OpenFile(u.file(".new"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := k.root.Rename(u.file(".new"), u.file(".json")); err != nil {
		return err
	}
	return syncDir(k.root, uploadsDir)
}

// Offset returns how many bytes of an upload have come, and how many there will be.
func (k *Keeper) Offset(user chat.UserID, id chat.FileID) (have, all int64, err error) {
	u, err := k.uploads.take(user, id)
	if err != nil {
		return 0, 0, err
	}
	defer k.uploads.giveBack(u)
	info, err := k.root.Stat(u.part())
	if err != nil {
		return 0, 0, k.failed("looking at an upload", err)
	}
	return info.Size(), u.Bytes, nil
}

// Write adds bytes to an upload at an offset, which is how many it has; if it has not so many,
// how many it has is returned with CodeSequence. What has come stays, and is safe on disk, also
// if from ends early with an error, which is returned.
func (k *Keeper) Write(user chat.UserID, id chat.FileID, offset int64, from io.Reader) (have int64, err error) {
	u, err := k.uploads.take(user, id)
	if err != nil {
		return 0, err
	}
	defer k.uploads.giveBack(u)
	if k.config.Full() {
		return 0, fullDisk()
	}
	f, err := k.root.OpenFile(u.part(), os.O_WRONLY, 0)
	if err != nil {
		return 0, k.failed("opening an upload", err)
	}
	defer f.Close()
	if have, err = f.Seek(0, io.SeekEnd); err != nil {
		return 0, k.failed("reading an upload", err)
	}
	if have != offset {
		return have, chat.Errorf(chat.CodeSequence, "the upload has %d bytes, and these would follow %d: go on where it is", have, offset)
	}
	r := &counted{from: io.LimitReader(from, u.Bytes-have+1)}
	n, err := io.Copy(f, r)
	k.counts.bytesIn.Add(n)
	have += n
	k.touch(u)
	if have > u.Bytes {
		have = offset
		if err := f.Truncate(offset); err != nil {
			return have, k.failed("writing an upload", err)
		}
		return have, chat.Errorf(chat.CodeBadFile, "these are more bytes than the %d that were announced", u.Bytes)
	}
	if e := f.Sync(); e != nil {
		return have, k.failed("writing an upload", e)
	}
	if err != nil && r.err == nil {
		return have, k.failed("writing an upload", err)
	}
	return have, err
}

// counted remembers whether it was the reading that failed.
type counted struct {
	from io.Reader
	err  error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

func (k *Keeper) touch(u *upload) {
	k.uploads.mu.Lock()
	defer k.uploads.mu.Unlock()
	u.seenMs = chat.Millis(k.config.Now())
}

// Cancel forgets an upload.
func (k *Keeper) Cancel(user chat.UserID, id chat.FileID) error {
	u, err := k.uploads.take(user, id)
	if err != nil {
		return err
	}
	k.uploads.forget(u.ID)
	k.drop(u.ID)
	return nil
}

// drop removes the files of an upload that was forgotten.
func (k *Keeper) drop(id chat.FileID) {
	u := upload{ID: id}
	for _, suffix := range suffixes() {
		if err := k.root.Remove(u.file(suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.config.Logger.Warn("an upload could not be removed; the next start tries again", "file", u.file(suffix), "error", err)
		}
	}
}

// takeUp reads the uploads that were begun before the server was started, and removes what belongs
// to none.
func (k *Keeper) takeUp() error {
	entries, err := fs.ReadDir(k.root.FS(), uploadsDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			if u := k.read(e.Name()); u != nil {
				k.uploads.all[u.ID] = u
			}
		}
	}
	for _, e := range entries {
		stem, suffix, _ := strings.Cut(e.Name(), ".")
		id, bad := parseID(stem)
		if u := k.uploads.all[id]; bad == nil && u != nil && (suffix == "json" || suffix == "part") {
			continue
		}
		if err := k.root.Remove(path.Join(uploadsDir, e.Name())); err != nil {
			k.config.Logger.Warn("something in the folder of uploads can not be removed", "file", e.Name(), "error", err)
		}
	}
	return nil
}

// read returns what a description says, nil if it is none, or its bytes are gone.
func (k *Keeper) read(name string) *upload {
	text, err := fs.ReadFile(k.root.FS(), path.Join(uploadsDir, name))
	if err != nil {
		return nil
	}
	u := new(upload)
	if json.Unmarshal(text, u) != nil || u.name(".json") != name || chat.CheckFileName(u.Name) != nil || u.Bytes < 1 {
		return nil
	}
	part, err := k.root.Stat(u.part())
	if err != nil || part.Size() > u.Bytes {
		return nil
	}
	u.seenMs = chat.Millis(part.ModTime())
	return u
}

func parseID(stem string) (chat.FileID, error) {
	b, err := hex.DecodeString(stem)
	if err != nil || len(b) != 8 {
		return 0, fmt.Errorf("%q is no id", stem)
	}
	return chat.FileID(binary.BigEndian.Uint64(b)), nil
}

package storesim

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"sarang/chat"
)

var _ chat.Files = (*Store)(nil)

// file is one that was uploaded, and the messages that name it.
type file struct {
	chat.File
	named bool // a message has named it
	loose bool // it has lost a link, or was released
	going bool // it is being removed
	links map[link]bool
}

type link struct {
	room chat.RoomID
	seq  chat.Seq
}

// What a record of a file says of its state.
const (
	fileNamed = iota
	fileNew
	fileLoose
	fileGoing
)

func (f *file) state() int64 {
	switch {
	case f.going:
		return fileGoing
	case f.loose:
		return fileLoose
	case f.named:
		return fileNamed
	}
	return fileNew
}

// isThere reports whether f is one that may be told: it has not lost its last link.
func (f *file) isThere() bool { return f != nil && !f.going && (!f.loose || len(f.links) > 0) }

// name links the files that a message names.
func (d *Disk) name(e *chat.Event) {
	for _, named := range e.Files.All() {
		if f := d.files[named.ID]; f != nil && f.Owner == e.User && !f.going {
			f.links[link{e.Room, e.Seq}] = true
			f.named, f.loose = true, false
		}
	}
}

// unname unlinks the files of a message.
func (d *Disk) unname(room chat.RoomID, seq chat.Seq) {
	for _, f := range d.files {
		if at := (link{room, seq}); f.links[at] {
			delete(f.links, at)
			f.loose = true
		}
	}
}

// AddFile is documented at chat.Files.
func (s *Store) AddFile(ctx context.Context, f chat.File, q chat.FileQuota) error {
	return s.write(ctx, "AddFile", func(d *Disk) error {
		if f.ID == 0 || f.ID > chat.FileIDMax || f.Bytes < 0 {
			return chat.Errorf(chat.CodeBadRequest, "a file needs an id and a size")
		}
		if have := d.files[f.ID]; have != nil {
			if have.File == f {
				return nil
			}
			return chat.Errorf(chat.CodeBadRequest, "there is another file %d", f.ID)
		}
		if !d.isUser(f.Owner) {
			return chat.Errorf(chat.CodeNoUser, "there is no user %d", f.Owner)
		}
		if err := q.Allows(d.fileUse(f.Owner), f.Bytes); err != nil {
			return err
		}
		if d.files == nil {
			d.files = map[chat.FileID]*file{}
		}
		f.Name, f.Type = strings.Clone(f.Name), strings.Clone(f.Type)
		d.files[f.ID] = &file{File: f, links: map[link]bool{}}
		return nil
	})
}

func (d *Disk) fileUse(user chat.UserID) (use chat.FileUse) {
	for _, f := range d.files {
		if f.Owner == user && !f.going {
			use.Files++
			use.Bytes += f.Bytes
		}
	}
	return use
}

// File is documented at chat.Files.
func (s *Store) File(ctx context.Context, id chat.FileID) (chat.File, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "File"); err != nil {
		return chat.File{}, err
	}
	if f := d.files[id]; f.isThere() {
		return f.File, nil
	}
	return chat.File{}, chat.NoFile()
}

// FileUse is documented at chat.Files.
func (s *Store) FileUse(ctx context.Context, user chat.UserID) (chat.FileUse, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "FileUse"); err != nil {
		return chat.FileUse{}, err
	}
	return d.fileUse(user), nil
}

// AllFiles is documented at chat.Files.
func (s *Store) AllFiles(ctx context.Context, after chat.FileID, itemsMax int) ([]chat.File, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "AllFiles"); err != nil {
		return nil, err
	}
	return d.filesThat(itemsMax, func(f *file) bool { return f.ID > after && f.isThere() }), nil
}

// filesThat returns the first files, by id, that are.
func (d *Disk) filesThat(itemsMax int, are func(*file) bool) (files []chat.File) {
	for _, f := range d.files {
		if are(f) {
			files = append(files, f.File)
		}
	}
	slices.SortFunc(files, func(a, b chat.File) int { return cmp.Compare(a.ID, b.ID) })
	return files[:min(len(files), max(itemsMax, 1))]
}

// Orphans is documented at chat.Files.
func (s *Store) Orphans(ctx context.Context, beforeMs int64, itemsMax int) (files []chat.File, err error) {
	err = s.write(ctx, "Orphans", func(d *Disk) error {
		files = d.filesThat(itemsMax, func(f *file) bool {
			return f.going || len(f.links) == 0 && (f.loose || !f.named && f.CreatedMs < beforeMs)
		})
		for _, f := range files {
			d.files[f.ID].going = true
		}
		return nil
	})
	return files, err
}

// HashUsed is documented at chat.Files.
func (s *Store) HashUsed(ctx context.Context, hash chat.FileHash) (bool, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "HashUsed"); err != nil {
		return false, err
	}
	return len(d.filesThat(1, func(f *file) bool { return f.Hash == hash && !f.going })) > 0, nil
}

// DropFile is documented at chat.Files.
func (s *Store) DropFile(ctx context.Context, id chat.FileID) error {
	return s.write(ctx, "DropFile", func(d *Disk) error {
		if f := d.files[id]; f != nil && f.going {
			delete(d.files, id)
		}
		return nil
	})
}

// ReleaseFile is documented at chat.Files.
func (s *Store) ReleaseFile(ctx context.Context, user chat.UserID, id chat.FileID) error {
	return s.write(ctx, "ReleaseFile", func(d *Disk) error {
		if f := d.files[id]; f != nil && f.Owner == user && len(f.links) == 0 {
			f.loose = true
		}
		return nil
	})
}

// unlinkRoom unlinks all files that messages of a room name.
func (d *Disk) unlinkRoom(room chat.RoomID) {
	for _, f := range d.files {
		for at := range f.links {
			if at.room == room {
				delete(f.links, at)
				f.loose = true
			}
		}
	}
}

package sqlstore

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"

	"sarang/chat"
)

var _ chat.Files = (*Store)(nil)

// fileTables is the step of the schema that brings what chat.Files keeps.
func fileTables() []string {
	return []string{
		// hash is in hexadecimal. state: 0 a message names it, 1 none has named it yet, 2 it has
		// lost a link, and perhaps its last, 3 it is being removed. Who links a file writes its
		// row first: so whoever removes it waits, and sees that it is linked.
		`CREATE TABLE files (
			id         BIGINT NOT NULL PRIMARY KEY,
			user_id    BIGINT NOT NULL,
			hash       {key} NOT NULL,
			size_bytes BIGINT NOT NULL,
			type       {text} NOT NULL,
			name       {text} NOT NULL,
			width      BIGINT NOT NULL,
			height     BIGINT NOT NULL,
			thumbnail  BIGINT NOT NULL,
			created_ms BIGINT NOT NULL,
			state      BIGINT NOT NULL
		)`,
		"CREATE INDEX files_user ON files (user_id, state)",
		"CREATE INDEX files_hash ON files (hash)",
		"CREATE INDEX files_loose ON files (state, created_ms) WHERE state <> 0",
		`CREATE TABLE file_links (
			room_id BIGINT NOT NULL,
			seq     BIGINT NOT NULL,
			file_id BIGINT NOT NULL,
			PRIMARY KEY (room_id, seq, file_id)
		)`,
		"CREATE INDEX file_links_file ON file_links (file_id)",
	}
}

const (
	selectFile = "SELECT id, user_id, hash, size_bytes, type, name, width, height, thumbnail, created_ms FROM files WHERE "
	insertFile = `INSERT INTO files (id, user_id, hash, size_bytes, type, name, width, height, thumbnail, created_ms, state)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`

	// A file that has lost its last link is gone from that moment on.
	fileIsThere = "(state < 2 OR (state = 2 AND EXISTS (SELECT 1 FROM file_links WHERE file_id = files.id)))"

	nameFile   = "UPDATE files SET state = 0 WHERE id = ? AND user_id = ? AND state < 3"
	linkFile   = "INSERT INTO file_links (room_id, seq, file_id) VALUES (?, ?, ?)"
	loosenFile = "UPDATE files SET state = 2 WHERE state = 0 AND id IN (SELECT file_id FROM file_links WHERE room_id = ? AND seq "
	unlinkFile = "DELETE FROM file_links WHERE room_id = ? AND seq "

	someLoose = "SELECT count(*) FROM files WHERE state = 2 OR state = 3 OR (state = 1 AND created_ms < ?)"
	markLoose = `UPDATE files SET state = CASE WHEN EXISTS (SELECT 1 FROM file_links WHERE file_id = files.id) THEN 0 ELSE 3 END
	WHERE (state = 1 OR state = 2) AND id IN (SELECT id FROM files WHERE state = 2 OR (state = 1 AND created_ms < ?) ORDER BY id{limit})`
)

// nameFiles links the files that messages name, before those are changed by others of the batch.
func (s *Store) nameFiles(ctx context.Context, c Conn, b *Batch, stands map[chat.RoomID]bool) error {
	for _, e := range b.Named {
		if !stands[e.Room] {
			continue
		}
		linked := map[chat.FileID]bool{}
		for _, f := range e.Files.All() {
			if linked[f.ID] {
				continue
			}
			linked[f.ID] = true
			n, err := s.exec(ctx, c, nameFile, signed(f.ID), signed(e.User))
			if err == nil && n > 0 {
				_, err = s.exec(ctx, c, linkFile, signed(e.Room), signed(e.Seq), signed(f.ID))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// unnameFiles unlinks the files of a message that is erased.
func (s *Store) unnameFiles(ctx context.Context, c Conn, room, seq int64) error {
	return execAll(ctx, c, stmt{s.dialect.compile(loosenFile + "= ?)"), []any{room, seq}}, stmt{s.dialect.compile(unlinkFile + "= ?"), []any{room, seq}})
}

// unnameGone unlinks those of the messages of a room up to one.
func (s *Store) unnameGone(ctx context.Context, c Conn, room, upTo int64) error {
	return execAll(ctx, c, stmt{s.dialect.compile(loosenFile + "<= ?)"), []any{room, upTo}}, stmt{s.dialect.compile(unlinkFile + "<= ?"), []any{room, upTo}})
}

// AddFile is documented at chat.Files.
func (s *Store) AddFile(ctx context.Context, f chat.File, q chat.FileQuota) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if f.ID == 0 || f.ID > chat.FileIDMax || f.Bytes < 0 {
		return chat.Errorf(chat.CodeBadRequest, "a file needs an id and a size")
	}
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		have, there, err := s.fileOf(ctx, t.conn, "id = ?", signed(f.ID))
		switch {
		case err != nil || there && have == f:
			return err
		case there:
			return chat.Errorf(chat.CodeBadRequest, "there is another file %d", f.ID)
		}
		if err := s.isUser(ctx, t.conn, f.Owner); err != nil {
			return err
		}
		use, err := s.fileUse(ctx, t.conn, f.Owner)
		if err == nil {
			err = q.Allows(use, f.Bytes)
		}
		if err != nil {
			return err
		}
		thumbnail := int64(0)
		if f.Thumbnail {
			thumbnail = 1
		}
		_, err = s.exec(ctx, t.conn, insertFile, signed(f.ID), signed(f.Owner), hex.EncodeToString(f.Hash[:]), f.Bytes, f.Type, f.Name,
			int64(f.Width), int64(f.Height), thumbnail, f.CreatedMs)
		return err
	}})
}

// fileOf returns the file that there is.
func (s *Store) fileOf(ctx context.Context, c Conn, where string, args ...any) (f chat.File, there bool, err error) {
	err = c.Query(ctx, s.dialect.compile(selectFile+where), args, func(scan Scan) (err error) {
		there = true
		f, err = scanFile(scan)
		return err
	})
	return f, there, err
}

func scanFile(scan Scan) (f chat.File, err error) {
	var id, owner, width, height, thumbnail int64
	var hash string
	if err := scan(&id, &owner, &hash, &f.Bytes, &f.Type, &f.Name, &width, &height, &thumbnail, &f.CreatedMs); err != nil {
		return f, err
	}
	f.Width, f.Height, f.Thumbnail = int(width), int(height), thumbnail != 0
	if f.ID, err = whole[chat.FileID](id, "the id of a file"); err != nil {
		return f, err
	}
	if n, bad := hex.Decode(f.Hash[:], []byte(hash)[:min(len(hash), 2*len(f.Hash))]); bad != nil || n != len(f.Hash) {
		return f, damagedError(fmt.Errorf("the hash of file %d is %q", id, hash))
	}
	f.Owner, err = whole[chat.UserID](owner, "the owner of a file")
	return f, err
}

// File is documented at chat.Files.
func (s *Store) File(ctx context.Context, id chat.FileID) (f chat.File, err error) {
	if err := s.begin(ctx); err != nil {
		return chat.File{}, err
	}
	defer s.end()
	there := false
	err = s.read(ctx, func(ctx context.Context, c Conn) (err error) {
		f, there, err = s.fileOf(ctx, c, "id = ? AND "+fileIsThere, fileArg(id))
		return err
	})
	if err == nil && !there {
		return chat.File{}, chat.NoFile()
	}
	return f, err
}

func fileArg(id chat.FileID) int64 { return int64(min(id, math.MaxInt64)) }

// FileUse is documented at chat.Files.
func (s *Store) FileUse(ctx context.Context, user chat.UserID) (use chat.FileUse, err error) {
	if err := s.begin(ctx); err != nil {
		return use, err
	}
	defer s.end()
	err = s.read(ctx, func(ctx context.Context, c Conn) (err error) {
		use, err = s.fileUse(ctx, c, min(user, math.MaxInt64))
		return err
	})
	return use, err
}

func (s *Store) fileUse(ctx context.Context, c Conn, user chat.UserID) (use chat.FileUse, err error) {
	const query = "SELECT count(*), cast(coalesce(sum(size_bytes), 0) AS BIGINT) FROM files WHERE user_id = ? AND state < 3"
	err = c.Query(ctx, s.dialect.compile(query), []any{signed(user)}, func(scan Scan) error {
		var files int64
		err := scan(&files, &use.Bytes)
		use.Files = int(files)
		return err
	})
	return use, err
}

// AllFiles is documented at chat.Files.
func (s *Store) AllFiles(ctx context.Context, after chat.FileID, itemsMax int) ([]chat.File, error) {
	return s.filesOf(ctx, "id > ? AND "+fileIsThere+" ORDER BY id{limit}", fileArg(after), int64(max(itemsMax, 1)))
}

func (s *Store) filesOf(ctx context.Context, where string, args ...any) (files []chat.File, err error) {
	err = s.each(ctx, selectFile+where, args, func() { files = nil }, func(scan Scan) error {
		f, err := scanFile(scan)
		files = append(files, f)
		return err
	})
	return files, err
}

// Orphans is documented at chat.Files.
func (s *Store) Orphans(ctx context.Context, beforeMs int64, itemsMax int) ([]chat.File, error) {
	some := int64(0)
	err := s.each(ctx, someLoose, []any{beforeMs}, func() {}, func(scan Scan) error { return scan(&some) })
	if err != nil || some == 0 {
		return nil, err // most of the time: nothing is written for it
	}
	if err := s.fileWrite(ctx, markLoose, beforeMs, int64(max(itemsMax, 1))); err != nil {
		return nil, err
	}
	return s.filesOf(ctx, "state = 3 ORDER BY id{limit}", int64(max(itemsMax, 1)))
}

// HashUsed is documented at chat.Files.
func (s *Store) HashUsed(ctx context.Context, hash chat.FileHash) (bool, error) {
	n := int64(0)
	err := s.each(ctx, "SELECT count(*) FROM files WHERE hash = ? AND state < 3", []any{hex.EncodeToString(hash[:])}, func() {}, func(scan Scan) error { return scan(&n) })
	return n > 0, err
}

// DropFile is documented at chat.Files.
func (s *Store) DropFile(ctx context.Context, id chat.FileID) error {
	return s.fileWrite(ctx, "DELETE FROM files WHERE id = ? AND state = 3", fileArg(id))
}

// ReleaseFile is documented at chat.Files.
func (s *Store) ReleaseFile(ctx context.Context, user chat.UserID, id chat.FileID) error {
	return s.fileWrite(ctx, "UPDATE files SET state = 2 WHERE id = ? AND user_id = ? AND state = 1", fileArg(id), int64(min(user, math.MaxInt64)))
}

func (s *Store) fileWrite(ctx context.Context, query string, args ...any) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(ctx context.Context, t *smallTx) error {
		_, err := s.exec(ctx, t.conn, query, args...)
		return err
	}})
}

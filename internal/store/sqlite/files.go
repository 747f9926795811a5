package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"sarang/chat"
)

var _ chat.Files = (*Store)(nil)

// What files.state says is written at the migration.
const (
	selectFile = "SELECT id, user_id, hash, size_bytes, type, name, width, height, thumbnail, created_ms FROM files WHERE "
	insertFile = `INSERT INTO files (id, user_id, hash, size_bytes, type, name, width, height, thumbnail, created_ms, state)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`
	// A file that has lost its last link is gone from that moment on.
	fileIsThere = "(state < 2 OR state = 2 AND EXISTS (SELECT 1 FROM file_links WHERE file_id = files.id))"

	selectFileUse = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM files WHERE user_id = ? AND state < 3"

	someLoose = "SELECT 1 FROM files WHERE state IN (2, 3) OR state = 1 AND created_ms < ? LIMIT 1"
	markLoose = `UPDATE files SET state = CASE WHEN EXISTS (SELECT 1 FROM file_links WHERE file_id = files.id) THEN 0 ELSE 3 END
	WHERE state IN (1, 2) AND id IN (SELECT id FROM files WHERE state = 2 OR state = 1 AND created_ms < ? LIMIT ?)`
)

// fileStmts are the writer's statements for messages that name files, and those that are erased.
type fileStmts struct {
	name, link            *sql.Stmt
	loosen, unlink        *sql.Stmt // of one message
	loosenGone, unlinkAll *sql.Stmt // of those that retention has erased
}

func (f *fileStmts) all() []stmtOf {
	const gone = "room_id = ?1 AND seq < (SELECT min(seq) FROM messages WHERE room_id = ?1)"
	return []stmtOf{
		{&f.name, "UPDATE files SET state = 0 WHERE id = ? AND user_id = ? AND state < 3"},
		{&f.link, "INSERT OR IGNORE INTO file_links (room_id, seq, file_id) VALUES (?, ?, ?)"},
		{&f.loosen, "UPDATE files SET state = 2 WHERE state = 0 AND id IN (SELECT file_id FROM file_links WHERE room_id = ? AND seq = ?)"},
		{&f.unlink, "DELETE FROM file_links WHERE room_id = ? AND seq = ?"},
		{&f.loosenGone, "UPDATE files SET state = 2 WHERE state = 0 AND id IN (SELECT file_id FROM file_links WHERE " + gone + ")"},
		{&f.unlinkAll, "DELETE FROM file_links WHERE " + gone},
	}
}

func (f *fileStmts) prepare(ctx context.Context, conn *sql.Conn) (err error) {
	for _, s := range f.all() {
		if *s.stmt, err = conn.PrepareContext(ctx, s.query); err != nil {
			return err
		}
	}
	return nil
}

func (f *fileStmts) close() error {
	var errs []error
	for _, s := range f.all() {
		errs = append(errs, closeStmts(*s.stmt))
	}
	return errors.Join(errs...)
}

// nameFiles links the files that messages name, before those are changed by others of the batch.
func (w *writer) nameFiles(ctx context.Context, messages []*chat.Event) error {
	for _, e := range messages {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, f := range e.Files.All() {
			err := ifChanged(w.files.name, w.files.link, []any{int64(e.Room), int64(e.Seq), int64(f.ID)}, int64(f.ID), int64(e.User))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// unname unlinks the files of a message that is erased.
func (f *fileStmts) unname(room, seq int64) error {
	ctx := context.Background()
	return firstError(exec(ctx, f.loosen, room, seq), exec(ctx, f.unlink, room, seq))
}

// unnameGone unlinks those of messages that are gone from the beginning of a log.
func (f *fileStmts) unnameGone(room chat.RoomID) error {
	ctx := context.Background()
	return firstError(exec(ctx, f.loosenGone, int64(room)), exec(ctx, f.unlinkAll, int64(room)))
}

func fileArg(id chat.FileID) int64 { return int64(min(id, math.MaxInt64)) }

// AddFile is documented at chat.Files.
func (s *Store) AddFile(ctx context.Context, f chat.File, q chat.FileQuota) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if f.ID == 0 || f.ID > chat.FileIDMax || f.Bytes < 0 {
		return chat.Errorf(chat.CodeBadRequest, "a file needs an id and a size")
	}
	known := func(w *writer) (bool, error) {
		have, err := scanFile(w.conn.QueryRowContext(context.Background(), selectFile+"id = ?", int64(f.ID)))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return false, nil
		case err == nil && have != f:
			return false, chat.Errorf(chat.CodeBadRequest, "there is another file %d", f.ID)
		}
		return err == nil, err
	}
	return s.gather(ctx, &pending{
		do: func(w *writer) error {
			if there, err := known(w); err != nil || there {
				return err
			}
			if !w.isUser(f.Owner) {
				return noSuchUser(f.Owner)
			}
			var have chat.FileUse
			err := w.conn.QueryRowContext(context.Background(), selectFileUse, int64(f.Owner)).Scan(&have.Files, bits[int64]{&have.Bytes})
			if err == nil {
				err = q.Allows(have, f.Bytes)
			}
			if err != nil {
				return err
			}
			return w.run(insertFile, int64(f.ID), int64(f.Owner), f.Hash[:], f.Bytes, f.Type, f.Name, f.Width, f.Height, f.Thumbnail, f.CreatedMs)
		},
		made: known,
	})
}

func scanFile(row interface{ Scan(...any) error }) (f chat.File, err error) {
	var hash string
	var bytes, width, height int64
	err = row.Scan(number[chat.FileID]{&f.ID}, number[chat.UserID]{&f.Owner}, anyBytes{&hash}, bits[int64]{&bytes}, text{&f.Type}, text{&f.Name},
		bits[int64]{&width}, bits[int64]{&height}, flag{&f.Thumbnail}, bits[int64]{&f.CreatedMs})
	f.Bytes, f.Width, f.Height = bytes, int(width), int(height)
	if err == nil && len(hash) != len(f.Hash) {
		err = &columnError{hash, "a hash"}
	}
	copy(f.Hash[:], hash)
	return f, err
}

// File is documented at chat.Files.
func (s *Store) File(ctx context.Context, id chat.FileID) (f chat.File, err error) {
	err = s.one(ctx, selectFile+"id = ? AND "+fileIsThere, fileArg(id), func(row *sql.Row) (err error) {
		f, err = scanFile(row)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return chat.File{}, chat.NoFile()
	}
	return f, err
}

// FileUse is documented at chat.Files.
func (s *Store) FileUse(ctx context.Context, user chat.UserID) (use chat.FileUse, err error) {
	err = s.one(ctx, selectFileUse, int64(min(user, math.MaxInt64)), func(row *sql.Row) error { return row.Scan(&use.Files, bits[int64]{&use.Bytes}) })
	return use, err
}

// AllFiles is documented at chat.Files.
func (s *Store) AllFiles(ctx context.Context, after chat.FileID, itemsMax int) ([]chat.File, error) {
	return s.filesOf(ctx, selectFile+"id > ? AND "+fileIsThere+" ORDER BY id LIMIT ?", fileArg(after), max(itemsMax, 1))
}

func (s *Store) filesOf(ctx context.Context, query string, args ...any) (files []chat.File, err error) {
	err = s.each(ctx, query, args, func(rows *sql.Rows) error {
		f, err := scanFile(rows)
		files = append(files, f)
		return err
	})
	return files, err
}

// Orphans is documented at chat.Files.
func (s *Store) Orphans(ctx context.Context, beforeMs int64, itemsMax int) ([]chat.File, error) {
	some := false
	err := s.each(ctx, someLoose, []any{beforeMs}, func(*sql.Rows) error { some = true; return nil })
	if err != nil || !some {
		return nil, err // most of the time: nothing is written for it
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	err = s.gather(ctx, &pending{do: func(w *writer) error { return w.run(markLoose, beforeMs, max(itemsMax, 1)) }})
	if err != nil {
		return nil, err
	}
	return s.filesOf(ctx, selectFile+"state = 3 LIMIT ?", max(itemsMax, 1))
}

// HashUsed is documented at chat.Files.
func (s *Store) HashUsed(ctx context.Context, hash chat.FileHash) (used bool, err error) {
	err = s.each(ctx, "SELECT 1 FROM files WHERE hash = ? AND state < 3 LIMIT 1", []any{hash[:]}, func(*sql.Rows) error {
		used = true
		return nil
	})
	return used, err
}

// DropFile is documented at chat.Files.
func (s *Store) DropFile(ctx context.Context, id chat.FileID) error {
	return s.smallWrite(ctx, "DELETE FROM files WHERE id = ? AND state = 3", fileArg(id))
}

// ReleaseFile is documented at chat.Files.
func (s *Store) ReleaseFile(ctx context.Context, user chat.UserID, id chat.FileID) error {
	return s.smallWrite(ctx, "UPDATE files SET state = 2 WHERE id = ? AND user_id = ? AND state = 1", fileArg(id), int64(min(user, math.MaxInt64)))
}

func (s *Store) smallWrite(ctx context.Context, query string, args ...any) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.gather(ctx, &pending{do: func(w *writer) error { return w.run(query, args...) }})
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"sarang/chat"
)

// A database in WAL mode is two files, and while it is open the newest part, or all, is in
// the second one. A copy of the first alone opens without a complaint. What can be told of
// it is told here.

// found is what there is in the folder before SQLite has touched it.
type found struct {
	database bool  // there is a database file
	bytes    int64 // its size
	wal      bool  // there is a write-ahead log, be it empty
	walMode  bool  // the database says that it has one while it is open
}

// headerVersion is the place of the format version of a database's header, 2 for WAL;
// https://www.sqlite.org/fileformat2.html, section 1.3.3.
const headerVersion = 19

// look looks at the files of the database.
func look(file string) (f found, err error) {
	_, err = os.Lstat(file + "-wal")
	if f.wal = err == nil; err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	h, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	defer h.Close()
	info, err := h.Stat()
	if err != nil {
		return f, err
	}
	f.database, f.bytes = true, info.Size()
	var head [headerBytes]byte
	if _, err := io.ReadFull(h, head[:]); err == nil {
		f.walMode = head[headerVersion] == 2
	}
	return f, nil
}

// check refuses what is half by the look of it.
func (f found) check(file string) error {
	switch {
	case !f.database && f.wal:
		return chat.Errorf(chat.CodeInternal,
			"there is %s-wal and no %s: one without the other is no database: put it back, or restore both from a backup, "+
				"or move the log away to begin with an empty server", file, file)
	case f.database && f.bytes == 0:
		return chat.Errorf(chat.CodeInternal,
			"the database %s is an empty file: restore it from a backup, or remove it to begin with an empty server", file)
	}
	return nil
}

// checkWhole refuses a database that a server had open when it was copied, without its
// log. (A copy by VACUUM INTO is whole, whoever had it open, and not in WAL mode.)
func (f found) checkWhole(ctx context.Context, db *sql.DB, file string) error {
	if f.wal || !f.walMode {
		return nil
	}
	var running int64
	if err := db.QueryRowContext(ctx, "SELECT running FROM marker WHERE id = 1").Scan(bits[int64]{&running}); err != nil {
		return err
	}
	if running == 0 {
		return nil
	}
	return chat.Errorf(chat.CodeInternal,
		"the database %s was copied while a server had it open, and its log %s-wal is not here: what was said last may be missing. "+
			"Copy both files, or make the copy with VACUUM INTO. If SQLite's .backup made it, nothing is missing: then, or if it has "+
			"to do without, make an empty file of the log's name", file, file)
}

// sayRunning notes in the file that it is open, or that it is not any more.
func (w *writer) sayRunning(ctx context.Context, running bool) error {
	n := 0
	if running {
		n = 1
	}
	_, err := w.conn.ExecContext(ctx, fmt.Sprintf("UPDATE marker SET running = %d WHERE id = 1", n))
	return err
}

// begun notes that the file is open: in the file itself, not in the log alone.
func (w *writer) begun(ctx context.Context) error {
	if err := w.sayRunning(ctx, true); err != nil {
		return err
	}
	_, err := w.checkpoint(ctx, "PASSIVE")
	return err
}

// ended notes that the file is whole without its log, which SQLite moves into it when it
// is closed. If that can not be noted, the log must not seem to be missing; keep then makes
// an empty one.
func (w *writer) ended() (keep bool) {
	if w.conn == nil || !w.whole {
		return false
	}
	w.endIndex()
	return w.sayRunning(context.Background(), false) != nil
}

// keepLog makes an empty log if there is none.
func keepLog(file string) error {
	h, err := os.OpenFile(file+"-wal", os.O_RDWR|os.O_CREATE|os.O_EXCL, ownerOnly)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.Close()
}

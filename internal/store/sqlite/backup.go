package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	driver "modernc.org/sqlite"

	"sarang/chat"
)

// How a backup takes turns with commits: so many pages of 4 KiB in one turn, and then a pause
// of at least that time. What is committed meanwhile goes into the copy with the commit, for
// the copy is made by the connection that writes; so it ends, however much is written, and
// the write-ahead log does not grow by it, as it would by one long read.
const (
	backupStepPages = 64
	backupPause     = time.Millisecond
)

// Copying tells how far a copy has come, in pages.
type Copying func(done, total int)

// Backup makes a copy of the database in dir, as it is at one moment between the call and its
// return: everything is in it that was stored before. It is a data folder's database, and
// opens like one. dir has to be there, and to hold no database. Commits go on meanwhile; other
// calls have their turns in between. One backup is made at a time. When it fails, nothing is
// left of it.
func (s *Store) Backup(ctx context.Context, dir string, progress Copying) (err error) {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	select {
	case s.backing <- struct{}{}:
		defer func() { <-s.backing }()
	default:
		return chat.Errorf(chat.CodeUnavailable, "another backup is being made: wait until it has ended")
	}
	file := filepath.Join(dir, DatabaseFile)
	if err := reserve(file); err != nil {
		return &chat.Error{Code: chat.CodeBadRequest, Message: "the backup can not be written there", Err: err}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeDatabase(file))
		}
	}()
	if err := s.copyPages(ctx, file, progress); err != nil {
		return backupError(err)
	}
	if err := seal(ctx, file); err != nil {
		return backupError(err)
	}
	return nil
}

func backupError(err error) error {
	var typed *chat.Error
	if errors.As(err, &typed) || ctxEnded(err) {
		return storeError("the backup failed", err)
	}
	return &chat.Error{Code: chat.CodeUnavailable, Message: "the backup failed", Err: err}
}

// backer is the driver's connection.
type backer interface {
	NewBackup(destination string) (*driver.Backup, error)
}

// copyPages copies all pages to file, some in each turn.
func (s *Store) copyPages(ctx context.Context, file string, progress Copying) error {
	w := s.writer
	var b *driver.Backup
	// inTurn runs do on the connection that writes, when nobody writes.
	inTurn := func(ctx context.Context, do func(c backer) error) error {
		if err := w.take(ctx); err != nil {
			return err
		}
		defer w.giveBack()
		return w.conn.Raw(func(c any) error { return do(c.(backer)) })
	}
	err := inTurn(ctx, func(c backer) (err error) {
		// It is synced once, when all is there, and by nobody's commit.
		b, err = c.NewBackup(dsn(file, "_pragma", "synchronous(OFF)", "_pragma", "journal_mode(MEMORY)"))
		return err
	})
	if err != nil {
		return err
	}
	step := func() (more bool, err error) {
		if err := w.ready(ctx); err != nil {
			return false, err
		}
		err = w.conn.Raw(func(any) error {
			more, err = b.Step(backupStepPages)
			progress(b.PageCount()-b.Remaining(), b.PageCount())
			return err
		})
		return more, err
	}
	for more := true; more && err == nil; {
		if err = w.take(ctx); err != nil {
			break
		}
		began := time.Now()
		more, err = step()
		took := time.Since(began)
		w.giveBack()
		if more && err == nil {
			err = waitFor(ctx, max(took, backupPause))
		}
	}
	// It is ended in any case: the connection goes on to write into the copy until then.
	return errors.Join(err, inTurn(context.WithoutCancel(ctx), func(backer) error { return b.Finish() }))
}

func waitFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return endedError(ctx.Err())
	}
}

// reserve makes an empty file for the owner's eyes alone, which must not be there.
func reserve(file string) error {
	h, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, ownerOnly)
	if err != nil {
		return err
	}
	return h.Close()
}

func removeDatabase(file string) error {
	var errs []error
	for _, end := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(file + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// seal makes a copy whole without a write-ahead log, and brings it to the disk.
func seal(ctx context.Context, file string, and ...string) (err error) {
	db, err := openDB(dsn(file, "_pragma", "synchronous(OFF)"), 1)
	if err != nil {
		return err
	}
	for _, do := range append([]string{"PRAGMA journal_mode = DELETE", "UPDATE marker SET running = 0 WHERE id = 1"}, and...) {
		if _, err = db.ExecContext(ctx, do); err != nil {
			break
		}
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return syncFile(file)
}

func syncFile(file string) error {
	h, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(h.Sync(), h.Close()); err != nil {
		return err
	}
	syncFolder(filepath.Dir(file))
	return nil
}

// integrityFaultsMax bounds what Integrity tells.
const integrityFaultsMax = 20

// Integrity has SQLite look through the whole file, and returns what it has found, in its
// words; nothing if the file is sound. It reads everything, and nothing else waits for it but
// that the write-ahead log can not be begun anew: it is for a store that no server uses.
func (s *Store) Integrity(ctx context.Context) (faults []string, err error) {
	if err := s.beginRead(ctx); err != nil {
		return nil, err
	}
	defer s.endRead()
	rows, err := s.readers.db.QueryContext(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", integrityFaultsMax))
	if err != nil {
		return nil, readError(err)
	}
	defer rows.Close()
	for rows.Next() {
		var what string
		if err := rows.Scan(&what); err != nil {
			return nil, readError(err)
		}
		if what != "ok" {
			faults = append(faults, what)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, readError(err)
	}
	return faults, nil
}

// renewEpochs begins a new life of every log. A store that is put back gives numbers out again
// that somebody has seen already; he stands at a number of the old life, and is told so.
const renewEpochs = "UPDATE rooms SET epoch = (random() & 9223372036854775807) | 1"

// Restoring is a data folder into which a backup is being put. Nobody else can use it until
// Install or Close.
type Restoring struct {
	dir, partial string
	folder       *folderLock
}

// Restore copies the backup file, what Backup has made, into a folder below dir, Folder, with a
// new epoch for each log. Install makes it dir's database. dir is made if it is not there;
// CodeBadRequest if it has a database. Errors are as those of Open.
func Restore(ctx context.Context, file, dir string) (r *Restoring, err error) {
	if dir, err = makeFolder(dir); err != nil {
		return nil, err
	}
	r = &Restoring{dir: dir, partial: filepath.Join(dir, restoreFolder)}
	if r.folder, err = lockFolder(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	for _, end := range []string{"", "-wal"} {
		if path := filepath.Join(dir, DatabaseFile+end); there(path) {
			return r, chat.Errorf(chat.CodeBadRequest, "there is a database already, %s: move it away, or choose another folder", path)
		}
	}
	if err := os.RemoveAll(r.partial); err != nil { // of a restore that was interrupted
		return r, folderError(dir, err)
	}
	if err := os.Mkdir(r.partial, 0o700); err != nil {
		return r, folderError(dir, err)
	}
	target := filepath.Join(r.partial, DatabaseFile)
	if err := copyFile(ctx, file, target); err != nil {
		return r, &chat.Error{Code: chat.CodeBadRequest, Message: "the backup " + file + " can not be copied", Err: err}
	}
	return r, r.renew(ctx, file, target)
}

// restoreFolder is where a backup lies in a data folder until all of it is there.
const restoreFolder = "restore.partial"

// Folder is a data folder with what was restored. It may be opened before Install, and has to
// be closed again.
func (r *Restoring) Folder() string { return r.partial }

// renew looks whether the copy is a whole database of Sarang's, and begins new epochs.
func (r *Restoring) renew(ctx context.Context, file, target string) error {
	if err := checkLength(target); err != nil {
		return openError(file, err)
	}
	what, err := look(target)
	if err != nil {
		return openError(file, err)
	}
	if what.bytes == 0 {
		return chat.Errorf(chat.CodeBadRequest, "%s is an empty file, and no backup", file)
	}
	db, err := openDB(dsn(target), 1)
	if err != nil {
		return err
	}
	err = migrate(ctx, db, file)
	if err == nil {
		err = what.checkWhole(ctx, db, file)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return openError(file, err)
	}
	if err := seal(ctx, target, renewEpochs); err != nil {
		return openError(file, err)
	}
	return nil
}

// Install makes what was restored the folder's database, and gives the folder free.
func (r *Restoring) Install() error {
	from, to := filepath.Join(r.partial, DatabaseFile), filepath.Join(r.dir, DatabaseFile)
	if there(from + "-wal") {
		return chat.Errorf(chat.CodeInternal, "%s is still open: close it first", from)
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(folderError(r.dir, err), r.Close())
	}
	syncFolder(r.dir)
	return r.Close()
}

// Close gives the folder free and removes what was not installed. It may be called again.
func (r *Restoring) Close() error {
	if r.folder == nil {
		return nil
	}
	err := errors.Join(os.RemoveAll(r.partial), r.folder.release())
	r.folder = nil
	return err
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// copyFile copies a file to one that is not there yet, for the owner's eyes alone.
func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, errors.New("it is no regular file"))
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, ownerOnly)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, &untilDone{ctx, in})
	return errors.Join(err, out.Close())
}

// untilDone reads until ctx is done.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (r *untilDone) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

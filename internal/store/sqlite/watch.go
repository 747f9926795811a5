package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"

	"sarang/chat"
)

// watch knows the files that the store has open. A file that is removed, or whose name is
// given to another one, takes everything that is written to it as before, and with the
// process all of that is gone.
type watch struct {
	paths []string
	files []os.FileInfo
	gone  atomic.Pointer[chat.Error] // once it is set it stays

	logBytes atomic.Int64 // size of the last of them
}

// begin takes note of the files, which are there.
func (w *watch) begin(paths ...string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		w.files = append(w.files, info)
	}
	w.paths = paths
	return nil
}

// look returns an error with CodeStoreGone if one of the files is not there any more, or
// was not when it was looked at before: what was written meanwhile is lost, so it does not
// help that somebody puts it back.
func (w *watch) look() error {
	if e := w.gone.Load(); e != nil {
		return e
	}
	for i, path := range w.paths {
		info, err := os.Stat(path)
		switch {
		case err == nil && os.SameFile(info, w.files[i]):
			w.logBytes.Store(info.Size())
		case err == nil:
			return w.lost(errors.New(path + " is another file now"))
		case errors.Is(err, fs.ErrNotExist):
			return w.lost(err)
		} // else it can not be told
	}
	return nil
}

func (w *watch) lost(cause error) error {
	w.gone.CompareAndSwap(nil, &chat.Error{
		Code: chat.CodeStoreGone, RetryAfter: goneRetryAfter, Err: cause,
		Message: "the server's database was removed or replaced while it runs: nothing is stored until it is put back and the server is started again",
	})
	return w.gone.Load()
}

// Check reports why the store takes nothing, nil if that is not known: an error with
// CodeStoreGone if its files were removed or replaced. It looks at the files, and waits for
// nobody. Commits find out by themselves; this is for whoever watches a server to which
// nobody speaks.
func (s *Store) Check(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.stillThere()
}

// stillThere is watch.look, and logs it once.
func (s *Store) stillThere() error {
	err := s.files.look()
	if err != nil && s.goneLogged.CompareAndSwap(false, true) {
		s.log.Error("the database is gone: no message is taken any more; put it back, or restore a backup, and start the server again",
			"dir", s.dir, "error", err)
	}
	return err
}

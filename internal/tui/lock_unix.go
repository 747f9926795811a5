//go:build unix

package tui

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks a file, which is made for it, or returns fs.ErrExist if another program has
// locked it. The lock ends with its program, also with one that is killed.
func tryLock(path string) (unlock func(), err error) {
	h, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err = flock(h); err == nil {
		// The one before us may have removed it after we had opened it.
		ours, statErr := h.Stat()
		there, thereErr := os.Stat(path)
		if statErr == nil && thereErr == nil && os.SameFile(ours, there) {
			return func() { _, _ = os.Remove(path), h.Close() }, nil
		}
		err = fs.ErrExist
	}
	_ = h.Close()
	return nil, err
}

func flock(h *os.File) error {
	for {
		err := unix.Flock(int(h.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return fs.ErrExist
		case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOTSUP):
			return nil // not all file systems have locks
		}
		return err
	}
}

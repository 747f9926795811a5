package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockOffsetHigh puts the locked byte far behind the end of the file: on Windows a
// locked byte can not be read by others, and the process id should be.
const lockOffsetHigh = 1 << 30

// openLock has nothing that keeps it from following a link; only administrators make them.
func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, ownerOnly)
}

func tryLock(file *os.File) error {
	at := windows.Overlapped{OffsetHigh: lockOffsetHigh}
	err := windows.LockFileEx(windows.Handle(file.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

// syncFolder does nothing: Windows keeps folder entries in the file system's own
// journal and offers no call for it.
func syncFolder(string) {}

package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sarang/chat"
)

// errLocked is what tryLock returns when another process has the lock.
var errLocked = errors.New("locked by another process")

// folderLock keeps a second server off a data folder. The operating system gives
// the lock back when the process ends, however it ends; the file stays, for
// removing it would let two servers lock two files of one name.
type folderLock struct{ file *os.File }

// lockFolder takes the lock of dir or fails at once.
//
// What a platform must supply: openLock opens a file for reading and writing, or makes
// it, and does not follow a symbolic link where there is a way; tryLock takes an
// exclusive lock on an open file, as another open file of the same process sees it too,
// and does not wait; and syncFolder puts a folder's entries on the disk where that can be
// done.
func lockFolder(dir string) (*folderLock, error) {
	path := filepath.Join(dir, LockFile)
	file, err := openRegular(path)
	if err != nil {
		return nil, folderError(dir, err)
	}
	if err := tryLock(file); err != nil {
		holder := readHolder(file)
		if closeErr := file.Close(); closeErr != nil {
			err = errors.Join(err, closeErr)
		}
		if errors.Is(err, errLocked) {
			return nil, chat.Errorf(chat.CodeAlreadyRunning,
				"another server%s has the data folder %s: stop it first or choose another folder", holder, dir)
		}
		return nil, folderError(dir, err)
	}
	writeHolder(file)
	return &folderLock{file: file}, nil
}

// openRegular opens the lock's file. The process id is written to it, so it must not be a
// link to something else, or a device.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, chat.Errorf(chat.CodeInternal, "%s is no regular file: remove it, it is not the server's", path)
	}
	file, err := openLock(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() { // it was changed a moment ago
		err = chat.Errorf(chat.CodeInternal, "%s is no regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (l *folderLock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

// writeHolder leaves the process id for the sentence that the next one gets. That
// it could not be written is no reason not to start.
func writeHolder(file *os.File) {
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
}

func readHolder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	id := strings.TrimSpace(string(text))
	if err != nil || id == "" {
		return ""
	}
	return " (process " + id + ")"
}

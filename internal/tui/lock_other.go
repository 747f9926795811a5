//go:build !unix

package tui

import (
	"os"
	"time"
)

// lockStale is the age at which a lock was left by a program that died.
const lockStale = 2 * time.Second

// tryLock makes a file, or returns fs.ErrExist if another program has made it.
func tryLock(path string) (unlock func(), err error) {
	h, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_ = h.Close()
		return func() { _ = os.Remove(path) }, nil
	}
	// One of the future was made while the clock was wrong.
	if info, statErr := os.Stat(path); statErr == nil && time.Since(info.ModTime()).Abs() > lockStale {
		_ = os.Remove(path)
	}
	return nil, err
}

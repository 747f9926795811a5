package tui

import (
	"fmt"
	"os"
	"path/filepath"
)

func notWritable(path string, err error) error {
	return fmt.Errorf("%s is not writable: %w", path, err)
}

// NewSecret writes a file that does not exist yet and that only its owner can read.
func NewSecret(path string, text []byte) error {
	h, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return notWritable(path, err)
	}
	if err := writeOut(h, text); err != nil {
		_ = os.Remove(path)
		return notWritable(path, err)
	}
	return nil
}

// WriteSecret writes a file that only its owner can read, at once: a reader sees the
// old one or the new one, also after a crash. Of a symbolic link it writes what that
// leads to.
func WriteSecret(path string, text []byte) error {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	h, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return notWritable(path, err)
	}
	if err = writeOut(h, text); err == nil {
		err = os.Rename(h.Name(), path)
	}
	if err != nil {
		_ = os.Remove(h.Name())
		return notWritable(path, err)
	}
	return nil
}

// writeOut writes all of a file, down to the disk, and closes it.
func writeOut(h *os.File, text []byte) error {
	_, err := h.Write(text)
	if err == nil {
		err = h.Sync()
	}
	if closeErr := h.Close(); err == nil {
		err = closeErr
	}
	return err
}

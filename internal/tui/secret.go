package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func notWritable(path string, err error) error {
	return fmt.Errorf("%s is not writable: %w", path, err)
}

// NewSecret writes a file that does not exist yet and that only its owner can read. After a
// crash there is all of it, or none.
func NewSecret(path string, text []byte) error {
	if _, err := followed(path); err != nil {
		return err
	}
	h, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return notWritable(path, err)
	}
	defer func() { _ = os.Remove(h.Name()) }()
	if err := writeOut(h, text); err != nil {
		return notWritable(path, err)
	}
	err = os.Link(h.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = newSecretInPlace(path, text) // not all file systems have links
	}
	if err != nil {
		return notWritable(path, err)
	}
	return nil
}

func newSecretInPlace(path string, text []byte) error {
	h, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err = writeOut(h, text); err != nil {
		_ = os.Remove(path)
	}
	return err
}

// WriteSecret writes a file that only its owner can read, at once: a reader sees the
// old one or the new one, also after a crash. Of a symbolic link it writes what that
// leads to.
func WriteSecret(path string, text []byte) error {
	path, err := followed(path)
	if err != nil {
		return err
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

// followed returns what a symbolic link leads to, and path if it is none.
func followed(path string) (string, error) {
	to, err := filepath.EvalSymlinks(path)
	if err == nil {
		return to, nil
	}
	if target, linkErr := os.Readlink(path); linkErr == nil {
		return "", fmt.Errorf("%s is a symbolic link to %s, which can not be followed: %w; make that or remove the link", path, target, err)
	}
	return path, nil
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

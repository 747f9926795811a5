package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// diskBytes is the size of a node's disk: some data, and the database's own logs.
const diskBytes = 512 << 20

// mount puts a small disk where the node's folder is.
func (n *node) mount() error {
	if os.Getuid() != 0 {
		return errors.New("only root may mount a small disk")
	}
	if err := unix.Mount("tmpfs", n.Folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", diskBytes)); err != nil {
		return fmt.Errorf("mounting a small disk: %w", err)
	}
	return nil
}

func (n *node) unmount() { _ = unix.Unmount(n.Folder, unix.MNT_DETACH) }

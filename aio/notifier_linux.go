package aio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// notifier is an eventfd, never read: its edges count, not its value.
type notifier struct{ fd int }

func (n *notifier) open() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	n.fd = fd
	return err
}

func (n *notifier) notify() {
	one := uint64(1)
	// The only error is a counter near 2^64, which no program lives to see.
	_, _, _ = unix.Syscall(unix.SYS_WRITE, uintptr(n.fd), uintptr(unsafe.Pointer(&one)), 8)
}

func (n *notifier) close() error { return unix.Close(n.fd) }

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package mem

import "golang.org/x/sys/unix"

// mapBytes returns n zeroed bytes outside of Go's heap. n is a multiple of the
// page size. unmapBytes wants the very slice back.
func mapBytes(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmapBytes(b []byte) error { return unix.Munmap(b) }

// protectNone makes whole pages unreadable and unwritable until they are unmapped.
func protectNone(b []byte) error { return unix.Mprotect(b, unix.PROT_NONE) }

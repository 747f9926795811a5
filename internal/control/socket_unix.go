//go:build unix

package control

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// chmodFails reports whether a socket's mode can not be set here.
const chmodFails = false

// ownerOnly has a socket come into being for the owner alone, where the system takes its mode
// from the open socket (Linux): there is no moment in which others may connect.
func ownerOnly(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { _ = unix.Fchmod(int(fd), 0o600) }) // elsewhere chmod does it, a little later
}

//go:build !windows

package aiotest

import (
	"errors"
	"syscall"
)

// isReset reports whether err is of a connection that the peer cut off.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// isRefused reports whether err means that nobody listens at the address.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package aio

import (
	"errors"
	"fmt"
)

// setReusePort refuses: the system can not share an address between listeners, or
// not in a known way.
func setReusePort(_ uintptr, o *SocketOptions) error {
	if o.ReusePort {
		return fmt.Errorf("aio: sharing a port between listeners: %w", errors.ErrUnsupported)
	}
	return nil
}

// setBacklog sets nothing: package net has asked for as much as the system allows.
func setBacklog(uintptr, int) error { return nil }

//go:build !darwin && !linux

package aio

// setUnsent sets nothing: the system has no such limits, and its own behaviour
// must do.
func setUnsent(uintptr, *SocketOptions) error { return nil }

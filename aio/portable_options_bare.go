//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package aio

// setBuffers sets nothing: the sizes that the system chooses must do.
func setBuffers(uintptr, *SocketOptions) error { return nil }

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package aio

import (
	"os"

	"golang.org/x/sys/unix"
)

func setsockopt(fd uintptr, level, name, value int) error {
	return unix.SetsockoptInt(int(fd), level, name, value)
}

// setBacklog asks a listener anew how many connections may wait: package net has
// asked for as many as the system allows.
func setBacklog(fd uintptr, connections int) error {
	return os.NewSyscallError("listen", unix.Listen(int(fd), connections))
}

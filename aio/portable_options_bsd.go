//go:build dragonfly || freebsd || netbsd || openbsd

package aio

import (
	"os"

	"golang.org/x/sys/unix"
)

// systemOptions are those that the BSDs have in common.
func systemOptions() sockopts {
	return sockopts{
		sendBuffer: sockopt{unix.SOL_SOCKET, unix.SO_SNDBUF},
		recvBuffer: sockopt{unix.SOL_SOCKET, unix.SO_RCVBUF},
		reusePort:  sockopt{unix.SOL_SOCKET, unix.SO_REUSEPORT},
	}
}

func setsockopt(fd uintptr, level, name, value int) error {
	return unix.SetsockoptInt(int(fd), level, name, value)
}

// setBacklog asks a listener anew how many connections may wait: package net has
// asked for as many as the system allows.
func setBacklog(fd uintptr, connections int) error {
	return os.NewSyscallError("listen", unix.Listen(int(fd), connections))
}

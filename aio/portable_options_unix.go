//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package aio

import (
	"os"

	"golang.org/x/sys/unix"
)

// setBuffers sizes the system's buffers of a socket that is not connected yet.
func setBuffers(fd uintptr, o *SocketOptions) error {
	for _, x := range [...]struct{ name, bytes int }{
		{unix.SO_SNDBUF, o.SendBufferBytes},
		{unix.SO_RCVBUF, o.RecvBufferBytes},
	} {
		if x.bytes == 0 {
			continue
		}
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, x.name, x.bytes); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// setReusePort lets several listeners have one address.
func setReusePort(fd uintptr, o *SocketOptions) error {
	if !o.ReusePort {
		return nil
	}
	err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	return os.NewSyscallError("setsockopt", err)
}

// setBacklog asks a listener anew how many connections may wait: package net has
// asked for as many as the system allows.
func setBacklog(fd uintptr, connections int) error {
	return os.NewSyscallError("listen", unix.Listen(int(fd), connections))
}

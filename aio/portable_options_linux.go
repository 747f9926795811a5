package aio

import (
	"os"

	"golang.org/x/sys/unix"
)

// systemOptions are Linux's.
func systemOptions() sockopts {
	return sockopts{
		sendBuffer:  sockopt{unix.SOL_SOCKET, unix.SO_SNDBUF},
		recvBuffer:  sockopt{unix.SOL_SOCKET, unix.SO_RCVBUF},
		reusePort:   sockopt{unix.SOL_SOCKET, unix.SO_REUSEPORT},
		unsentLowat: sockopt{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT},
		userTimeout: sockopt{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT},
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

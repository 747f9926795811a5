//go:build dragonfly || freebsd || netbsd || openbsd

package aio

import "golang.org/x/sys/unix"

// systemOptions are those that the BSDs have in common.
func systemOptions() sockopts {
	return sockopts{
		sendBuffer: sockopt{unix.SOL_SOCKET, unix.SO_SNDBUF},
		recvBuffer: sockopt{unix.SOL_SOCKET, unix.SO_RCVBUF},
		reusePort:  sockopt{unix.SOL_SOCKET, unix.SO_REUSEPORT},
	}
}

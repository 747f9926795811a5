package aio

import "golang.org/x/sys/unix"

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

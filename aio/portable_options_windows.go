package aio

import "golang.org/x/sys/windows"

// systemOptions are those of Windows. It has no limits for unsent data alone, and
// SO_REUSEADDR is no substitute for SO_REUSEPORT: it lets anybody take the port over.
func systemOptions() sockopts {
	return sockopts{
		sendBuffer: sockopt{windows.SOL_SOCKET, windows.SO_SNDBUF},
		recvBuffer: sockopt{windows.SOL_SOCKET, windows.SO_RCVBUF},
	}
}

func setsockopt(fd uintptr, level, name, value int) error {
	return windows.SetsockoptInt(windows.Handle(fd), level, name, value)
}

// setBacklog sets nothing: package net has asked for as much as the system allows.
func setBacklog(uintptr, int) error { return nil }

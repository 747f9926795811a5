package aio

import (
	"os"

	"golang.org/x/sys/windows"
)

// setBuffers sizes the system's buffers of a socket that is not connected yet.
func setBuffers(fd uintptr, o *SocketOptions) error {
	for _, x := range [...]struct{ name, bytes int }{
		{windows.SO_SNDBUF, o.SendBufferBytes},
		{windows.SO_RCVBUF, o.RecvBufferBytes},
	} {
		if x.bytes == 0 {
			continue
		}
		if err := windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, x.name, x.bytes); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

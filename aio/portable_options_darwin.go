package aio

import (
	"os"

	"golang.org/x/sys/unix"
)

// setUnsent sets the limit of what was sent and has not left. The system has no
// limit for what was not acknowledged that is set in the same way.
func setUnsent(fd uintptr, o *SocketOptions) error {
	if o.UnsentLowatBytes == 0 {
		return nil
	}
	err := unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, o.UnsentLowatBytes)
	return os.NewSyscallError("setsockopt", err)
}
